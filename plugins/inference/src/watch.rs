//! Keeps the time limits of work under way, so that what hangs can be given up.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::ticket::Ticket;

/// Who is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A replica answers.
    Replica(usize),
    /// A replica's model is made, on the replica's own thread.
    Making(usize),
    /// A replica's next model is made on the side.
    Loading(usize),
    /// A tokeniser encodes.
    Tokeniser,
}

/// Work that must end within its limit.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) who: Who,
    /// The thread that does it.
    pub(crate) thread: u64,
    pub(crate) limit: Duration,
    /// The requests that fail if it does not end.
    pub(crate) tickets: Vec<Arc<Ticket>>,
    /// Whether it holds one of the permits to compute.
    pub(crate) permit: bool,
}

/// All work under way. Plain data: the time comes from outside.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    next: u64,
    under_way: BTreeMap<u64, (Instant, Work)>,
}

impl Watch {
    /// Work begins.
    pub(crate) fn begin(&mut self, work: Work, now: Instant) -> u64 {
        self.next += 1;
        self.under_way.insert(self.next, (now, work));
        self.next
    }

    /// Work ends. `false` if it has been given up: then its thread must leave everything alone.
    pub(crate) fn end(&mut self, id: u64) -> bool {
        self.under_way.remove(&id).is_some()
    }

    /// Takes out the work whose limit is over.
    pub(crate) fn take_overdue(&mut self, now: Instant) -> Vec<Work> {
        self.take_where(|began, work| now.saturating_duration_since(began) >= work.limit)
    }

    /// Takes out all work of a replica, its next model excepted.
    pub(crate) fn take_replica(&mut self, replica: usize) -> Vec<Work> {
        self.take_where(|_, work| {
            work.who == Who::Replica(replica) || work.who == Who::Making(replica)
        })
    }

    fn take_where(&mut self, is_so: impl Fn(Instant, &Work) -> bool) -> Vec<Work> {
        let ids: Vec<u64> = self
            .under_way
            .iter()
            .filter(|(_, (began, work))| is_so(*began, work))
            .map(|(id, _)| *id)
            .collect();
        ids.iter()
            .filter_map(|id| self.under_way.remove(id))
            .map(|(_, work)| work)
            .collect()
    }
}
