//! Last in, first out: what became ready last goes first; what waits long may wait for ever longer.
//! Kleinrock (1975), "Queueing systems", volume 1, section 5.

use super::{
    Criteria, View,
    greedy::{Order, SOONEST},
};
use crate::workload::SubtaskId;

/// Ranks by the order of becoming ready, backwards.
#[derive(Debug, Default)]
pub(super) struct Lifo {
    n_ready_so_far: i64,
}

impl Order for Lifo {
    const CRITERIA: Criteria = Criteria {
        rank: "minus how many became ready up to it",
        score: SOONEST,
    };

    fn rank(&mut self, _: &View<'_>, _: SubtaskId) -> i64 {
        self.n_ready_so_far += 1;
        -self.n_ready_so_far
    }
}
