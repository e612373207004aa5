//! First in, first out: what became ready first goes first. Graham (1966), "Bounds for certain
//! multiprocessing anomalies".

use super::{
    Criteria, View,
    greedy::{Order, SOONEST},
    queues::nanos,
};
use crate::workload::SubtaskId;

/// Ranks by the instant of becoming ready.
#[derive(Debug, Default)]
pub(super) struct Fifo;

impl Order for Fifo {
    const CRITERIA: Criteria = Criteria {
        rank: "the instant of becoming ready, in ns",
        score: SOONEST,
    };

    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64 {
        nanos(view.ready_at(id).0)
    }
}
