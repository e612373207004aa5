//! Shortest job first: what is expected to take the least time goes first. Smith (1956), "Various
//! optimizers for single-stage production".

use super::{
    Criteria, View,
    greedy::{Order, SOONEST},
    queues::nanos,
};
use crate::workload::SubtaskId;

/// Ranks by the expected span, alone and on average over those who could do it.
#[derive(Debug, Default)]
pub(super) struct Sjf;

impl Order for Sjf {
    const CRITERIA: Criteria = Criteria {
        rank: "the expected span on average over those who could do it, in ns",
        score: SOONEST,
    };

    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64 {
        nanos(view.mean_span(id).0)
    }
}
