//! Join the shortest queue: each subtask goes to the resource with the fewest subtasks. Winston
//! (1977), "Optimality of the shortest line discipline".

use super::{
    View,
    bound::{Dispatch, Queues},
};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Counts those who wait and those who are worked on.
#[derive(Debug, Default)]
pub(super) struct JoinShortestQueue;

impl Dispatch for JoinShortestQueue {
    const SCORE: &'static str = "the subtasks that it has";

    fn score(&self, view: &View<'_>, queues: &Queues, _: SubtaskId, on: ResourceId) -> i64 {
        queues.length(view, on).into()
    }
}
