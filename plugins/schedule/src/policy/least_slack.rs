//! Least slack first: what has the least time to spare before its deadline, given the longest path
//! behind it. Mok (1983), "Fundamental design problems of distributed systems for the hard-real-time
//! environment"; as a dispatching rule of job shops: Panwalkar, Iskander (1977), "A survey of
//! scheduling rules".

use super::{
    Criteria, View,
    greedy::{Order, SOONEST},
    queues::{ReadyQueues, nanos},
    upward::UpwardRanks,
};
use crate::workload::SubtaskId;

/// Ranks by the latest start that keeps the deadline; what has none comes last.
#[derive(Debug, Default)]
pub(super) struct LeastSlack {
    upward: UpwardRanks,
}

fn latest_start(view: &View<'_>, id: SubtaskId, path: u64) -> i64 {
    let deadline = view.task_of(id).spec.deadline();
    deadline.map_or(i64::MAX - 1, |deadline| {
        nanos(deadline.0).saturating_sub(nanos(path))
    })
}

impl Order for LeastSlack {
    const CRITERIA: Criteria = Criteria {
        rank: "the deadline less the longest path, in ns",
        score: SOONEST,
    };

    fn observe(&mut self, view: &View<'_>, queues: &mut ReadyQueues) {
        self.upward.grow(view, |id, path| {
            queues.rerank(view, id, 0, latest_start(view, id, path));
        });
    }

    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64 {
        latest_start(view, id, self.upward.of(id))
    }
}
