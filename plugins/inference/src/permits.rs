//! Lets at most so many passes run at once, so that models keep to their share of the cores.

use crate::sync::{Receiver, Sender, bounded};

/// A counted set of permits. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Permits {
    free: Receiver<()>,
    back: Sender<()>,
}

impl Permits {
    /// So many permits, at least one.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        let (back, free) = bounded(n);
        let permits = Self { free, back };
        (0..n).for_each(|_| permits.give_back());
        permits
    }

    /// Waits for a permit. Whoever takes one gives it back, or the watchdog does it for them.
    pub(crate) fn take(&self) {
        self.free
            .recv()
            .expect("this holds the other end. This is a bug.");
    }

    pub(crate) fn give_back(&self) {
        self.back
            .send(())
            .expect("this holds the other end. This is a bug.");
    }
}
