//! The operations whose predecessors are all placed, the one of highest rank first.

use std::{cmp::Ordering, collections::BinaryHeap};

use crate::instance::{Instance, OpId};

/// Ready operations by rank; ties by number.
pub(super) struct Ready<'a> {
    instance: &'a Instance,
    ranks: &'a [f64],
    /// Predecessors that are not placed yet, by operation.
    missing: Vec<u32>,
    heap: BinaryHeap<Ranked>,
}

impl<'a> Ready<'a> {
    /// At first, those without predecessors.
    pub(super) fn new(instance: &'a Instance, ranks: &'a [f64]) -> Self {
        let missing: Vec<u32> = instance
            .ops()
            .map(|op| instance.preds(op).len() as u32)
            .collect();
        let heap = instance
            .ops()
            .filter(|op| missing[op.index()] == 0)
            .map(|op| Ranked(ranks[op.index()], op))
            .collect();
        Self {
            instance,
            ranks,
            missing,
            heap,
        }
    }

    /// Takes the one of highest rank, and makes ready what waited for it alone.
    pub(super) fn pop(&mut self) -> Option<OpId> {
        let Ranked(_, op) = self.heap.pop()?;
        for arc in self.instance.succs(op) {
            let missing = &mut self.missing[arc.op.index()];
            *missing -= 1;
            if *missing == 0 {
                self.heap.push(Ranked(self.ranks[arc.op.index()], arc.op));
            }
        }
        Some(op)
    }
}

/// Higher rank is greater, then lower number.
struct Ranked(f64, OpId);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}
