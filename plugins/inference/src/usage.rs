//! Counts how long each replica has been at work, for whoever watches.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{directory::ReplicaState, port::Port, shared::now};

/// A replica, as those see it who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaUse {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: ReplicaState,
    /// How long its models have been at work since it was opened; the rest of the time it waited.
    pub busy: Duration,
    /// Requests that were sent to it alone and have not ended.
    pub n_own: usize,
    /// Whether it takes nothing new and ends when it has served what is its own.
    pub is_leaving: bool,
}

impl Port {
    /// How each replica is used, in the order of opening. Waits for no replica.
    pub fn usage(&self) -> Vec<ReplicaUse> {
        let directory = self.shared.directory();
        let entries = directory.replicas.iter();
        entries
            .map(|entry| ReplicaUse {
                name: entry.name.clone(),
                state: entry.state.clone(),
                busy: entry.busy.total(),
                n_own: entry.own.load(Ordering::Acquire),
                is_leaving: entry.leaving,
            })
            .collect()
    }
}

/// How long one replica has been at work.
#[derive(Debug)]
pub(crate) struct BusyClock {
    opened: Instant,
    /// Nanoseconds of work that has ended.
    done: AtomicU64,
    /// When the present work began, in nanoseconds after the opening; 0 if there is none.
    since: AtomicU64,
}

impl BusyClock {
    pub(crate) fn new() -> Self {
        Self {
            opened: now(),
            done: AtomicU64::new(0),
            since: AtomicU64::new(0),
        }
    }

    /// Work begins; the mark is for [`BusyClock::end`].
    pub(crate) fn begin(&self) -> u64 {
        let mark = self.nanos();
        self.since.store(mark, Ordering::Release);
        mark
    }

    /// Work ends. Nothing happens where a thread was left behind and another has begun since.
    pub(crate) fn end(&self, mark: u64) {
        let (store, load) = (Ordering::AcqRel, Ordering::Acquire);
        if self.since.compare_exchange(mark, 0, store, load).is_ok() {
            self.done.fetch_add(self.nanos() - mark, store);
        }
    }

    fn total(&self) -> Duration {
        let since = self.since.load(Ordering::Acquire);
        let present = match since {
            0 => 0,
            since => self.nanos().saturating_sub(since),
        };
        Duration::from_nanos(self.done.load(Ordering::Acquire) + present)
    }

    /// Since the opening, at least 1.
    fn nanos(&self) -> u64 {
        let nanos = self.opened.elapsed().as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_while_it_lasts_and_once_when_it_ends() {
        let clock = BusyClock::new();
        assert_eq!(clock.total(), Duration::ZERO);
        let lost = clock.begin();
        let mark = loop {
            let mark = clock.begin();
            if mark != lost {
                break mark;
            }
        };
        let during = clock.total();
        // Left behind, it counts no more.
        clock.end(lost);
        assert!(clock.total() >= during);
        clock.end(mark);
        let after = clock.total();
        assert!(after >= during);
        assert_eq!(clock.total(), after);
    }
}
