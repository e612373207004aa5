//! Least loaded: each subtask goes to the resource with the least work before it. Harchol-Balter,
//! Crovella, Murta (1999), "On choosing a task assignment policy for a distributed server system",
//! where it is called least work left. Of a continuous replica, which works on all it has at once, the
//! work is the sum of the parts that its sequences take of full iterations.

use super::{
    View,
    bound::{Dispatch, Queues},
    queues::nanos,
};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Compares the expected work of those who could do it.
#[derive(Debug, Default)]
pub(super) struct LeastLoaded;

impl Dispatch for LeastLoaded {
    const SCORE: &'static str = "the expected work before it, in ns";

    fn score(&self, view: &View<'_>, queues: &Queues, _: SubtaskId, on: ResourceId) -> i64 {
        nanos(queues.work(view, on))
    }
}
