//! A request on its way through a worker: sent, waiting, being served, answered.

use std::{collections::BTreeSet, mem, time::Duration};

use crate::{
    input::Encoded,
    output::Output,
    request::{Answer, Reply, Request, RequestError},
};

/// An admitted request on its way to a worker.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) bytes: usize,
}

/// A reply on its way to the port, with the bytes that its request no longer takes up.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) reply: Reply,
    pub(crate) bytes: usize,
}

/// A request whose inputs have been encoded.
pub(crate) struct Waiting {
    pub(crate) job: Job,
    pub(crate) inputs: Vec<Encoded>,
    /// The tokens of each input.
    pub(crate) tokens: Vec<u32>,
}

impl Waiting {
    pub(crate) fn n_tokens(&self) -> u64 {
        self.tokens.iter().copied().map(u64::from).sum()
    }
}

/// A request in the round that is being served.
pub(crate) struct Serving {
    pub(crate) waiting: Waiting,
    /// What came so far, by input.
    pub(crate) outputs: Vec<Option<Output>>,
    /// Inputs without an output.
    pub(crate) left: usize,
    pub(crate) took: Duration,
    /// The other requests of its passes, by their place in the round.
    pub(crate) mates: BTreeSet<usize>,
    pub(crate) failed: Option<RequestError>,
    pub(crate) replied: bool,
}

impl Serving {
    pub(crate) fn new(waiting: Waiting) -> Self {
        let n_inputs = waiting.tokens.len();
        Self {
            waiting,
            outputs: vec![None; n_inputs],
            left: n_inputs,
            took: Duration::ZERO,
            mates: BTreeSet::new(),
            failed: None,
            replied: false,
        }
    }

    pub(crate) fn request(&self) -> &Request {
        &self.waiting.job.request
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.failed.is_some() || self.left == 0
    }

    /// Takes the result out of a settled request.
    pub(crate) fn result(&mut self, version: &str) -> Result<Answer, RequestError> {
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
