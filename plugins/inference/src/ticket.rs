//! Sees to it that an admitted request ends exactly once, whoever ends it.

use std::time::Duration;

use crate::{
    admission::Size,
    request::{Answer, Reply, RequestError, Timings},
    round::Event,
    sync::{
        Sender,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// The right to end a request. Whoever is first ends it; a ticket that is lost ends it with an
/// error, so that no path through the port can forget one.
#[derive(Debug)]
pub(crate) struct Ticket {
    key: u64,
    bytes: usize,
    tokens: AtomicU64,
    ended: AtomicBool,
    outbox: Sender<Event>,
}

/// How a request ends.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) result: Result<Answer, RequestError>,
    pub(crate) took: Duration,
    pub(crate) timings: Timings,
    pub(crate) batched_with: usize,
    pub(crate) replica: Option<usize>,
}

impl From<RequestError> for Ending {
    fn from(error: RequestError) -> Self {
        Self {
            result: Err(error),
            took: Duration::ZERO,
            timings: Timings::default(),
            batched_with: 0,
            replica: None,
        }
    }
}

impl Ticket {
    pub(crate) fn new(key: u64, size: Size, outbox: Sender<Event>) -> Self {
        Self {
            key,
            bytes: size.bytes,
            tokens: AtomicU64::new(size.tokens),
            ended: AtomicBool::new(false),
            outbox,
        }
    }

    /// The tokens that admission counts for it.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens.load(Ordering::Acquire)
    }

    pub(crate) fn set_tokens(&self, tokens: u64) {
        self.tokens.store(tokens, Ordering::Release);
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Sends the reply, unless one has been sent. Says whether this was the one.
    pub(crate) fn end(&self, ending: impl Into<Ending>) -> bool {
        if self.ended.swap(true, Ordering::AcqRel) {
            return false;
        }
        let ending = ending.into();
        let reply = Reply {
            key: self.key,
            result: ending.result,
            took: ending.took,
            timings: ending.timings,
            batched_with: ending.batched_with,
            replica: ending.replica,
        };
        let size = Size {
            bytes: self.bytes,
            tokens: self.tokens(),
        };
        if self.outbox.send(Event::Reply(reply, size)).is_err() {
            tracing::debug!("nobody receives replies any more");
        }
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(RequestError::Lost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::unbounded;

    #[test]
    fn the_first_end_counts_and_a_lost_ticket_ends_too() {
        let (outbox, events) = unbounded();
        let ticket = Ticket::new(1, Size::default(), outbox.clone());
        assert!(ticket.end(RequestError::Expired));
        assert!(!ticket.end(RequestError::Cancelled));
        drop(ticket);
        drop(Ticket::new(2, Size::default(), outbox));
        let ends: Vec<_> = events
            .iter()
            .map(|event| match event {
                Event::Reply(reply, _) => (reply.key, reply.result.unwrap_err()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ends, [(1, RequestError::Expired), (2, RequestError::Lost)]);
    }
}
