//! Earliest deadline first. Jackson (1955), "Scheduling a production line to minimize maximum
//! tardiness"; Liu, Layland (1973), "Scheduling algorithms for multiprogramming in a hard-real-time
//! environment".

use super::{
    Criteria, View,
    greedy::{Order, SOONEST},
    queues::nanos,
};
use crate::workload::SubtaskId;

/// Ranks by the deadline of the task; what has none comes last.
#[derive(Debug, Default)]
pub(super) struct Edf;

impl Order for Edf {
    const CRITERIA: Criteria = Criteria {
        rank: "the deadline of the task, in ns",
        score: SOONEST,
    };

    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64 {
        let deadline = view.task_of(id).spec.deadline();
        deadline.map_or(i64::MAX - 1, |deadline| nanos(deadline.0))
    }
}
