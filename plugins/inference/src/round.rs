//! A request on its way through the port: sent, encoded, waiting, being served, answered.

use std::{
    collections::BTreeSet,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    admission::Size,
    aliases::Lane,
    directory::OwnRequest,
    input::Encoded,
    output::Output,
    port::{Piece, ReplicaChange},
    request::{Answer, Reply, Request, RequestError, Timings},
    ticket::{Ending, Ticket},
};

/// An admitted request.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) lane: Lane,
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) sent: Instant,
    /// Held by requests to one replica, so that it does not leave before they have ended.
    pub(crate) _own: Option<OwnRequest>,
}

/// What the threads tell the port.
#[derive(Debug)]
pub(crate) enum Event {
    /// A request ended, which took up so much.
    Reply(Reply, Size),
    Piece(Piece),
    Change(ReplicaChange),
}

/// A request whose inputs have been encoded.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) job: Job,
    pub(crate) inputs: Vec<Encoded>,
    /// The version whose encoder made them.
    pub(crate) encoded_for: Arc<str>,
    /// The tokens of each input.
    pub(crate) tokens: Vec<u32>,
    /// How long encoding took.
    pub(crate) encoding: Duration,
    /// When it began to wait for a replica.
    pub(crate) since: Instant,
}

impl Waiting {
    pub(crate) fn n_tokens(&self) -> u64 {
        self.tokens.iter().copied().map(u64::from).sum()
    }

    pub(crate) fn end(&self, error: RequestError) {
        self.job.ticket.end(error);
    }
}

/// Why a request need not be served any more.
pub(crate) fn hopeless(request: &Request, now: Instant) -> Option<RequestError> {
    if request.cancelled.is_cancelled() {
        return Some(RequestError::Cancelled);
    }
    (now >= request.expires?).then_some(RequestError::Expired)
}

/// A request in the round that is being served.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) waiting: Waiting,
    /// What came so far, by input.
    pub(crate) outputs: Vec<Option<Output>>,
    /// Inputs without an output.
    pub(crate) left: usize,
    pub(crate) took: Duration,
    /// When the replica took it, and when its first pass began.
    pub(crate) taken: Instant,
    pub(crate) began: Option<Instant>,
    /// The other requests of its passes, by their place in the round.
    pub(crate) mates: BTreeSet<usize>,
    pub(crate) failed: Option<RequestError>,
    pub(crate) replied: bool,
}

impl Serving {
    pub(crate) fn new(waiting: Waiting, taken: Instant) -> Self {
        let n_inputs = waiting.tokens.len();
        Self {
            waiting,
            outputs: vec![None; n_inputs],
            left: n_inputs,
            took: Duration::ZERO,
            taken,
            began: None,
            mates: BTreeSet::new(),
            failed: None,
            replied: false,
        }
    }

    pub(crate) fn request(&self) -> &Request {
        &self.waiting.job.request
    }

    pub(crate) fn ticket(&self) -> &Arc<Ticket> {
        &self.waiting.job.ticket
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.failed.is_some() || self.left == 0
    }

    /// Ends it if it is settled and has not been ended.
    pub(crate) fn reply_if_settled(&mut self, version: &str, replica: usize) {
        if self.is_settled() && !self.replied {
            self.replied = true;
            let ending = Ending {
                result: self.result(version),
                took: self.took,
                timings: self.timings(),
                batched_with: self.mates.len(),
                replica: Some(replica),
            };
            self.ticket().end(ending);
        }
    }

    fn timings(&self) -> Timings {
        let sent = self.waiting.job.sent;
        let encoding = self.waiting.encoding;
        let formed = self.began.map_or(Duration::ZERO, |began| {
            began.saturating_duration_since(self.taken)
        });
        Timings {
            queued: self
                .taken
                .saturating_duration_since(sent)
                .saturating_sub(encoding),
            encoded: encoding,
            formed,
        }
    }

    fn result(&mut self, version: &str) -> Result<Answer, RequestError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(Answer {
                version: version.to_owned(),
                outputs: mem::take(&mut self.outputs).into_iter().flatten().collect(),
                tokens: u32::try_from(self.waiting.n_tokens()).unwrap_or(u32::MAX),
            }),
        }
    }
}
