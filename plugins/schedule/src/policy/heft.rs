//! Heterogeneous earliest finish time: what has the most work behind it goes first, to the resource
//! that ends it soonest. Topcuoglu, Hariri, Wu (2002), "Performance-effective and low-complexity
//! task scheduling for heterogeneous computing".

use super::{Criteria, View, greedy::SOONEST, listed::Rule, queues::nanos, upward::UpwardRanks};
use crate::workload::SubtaskId;

/// Ranks by upward rank, the largest first.
#[derive(Debug, Default)]
pub(super) struct Heft {
    upward: UpwardRanks,
}

impl Rule for Heft {
    const CRITERIA: Criteria = Criteria {
        rank: "minus the upward rank, in ns",
        score: SOONEST,
    };

    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>) {
        self.upward.grow(view, |id, _| changed.push(id));
    }

    fn rank(&self, id: SubtaskId) -> i64 {
        -nanos(self.upward.of(id))
    }
}
