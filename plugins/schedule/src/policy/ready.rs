//! The ready subtasks of a policy: one queue for each lane, ordered by rank and id.

use std::collections::BTreeSet;

use super::View;
use crate::{lane::LaneId, workload::SubtaskId};

/// Ready subtasks by lane, each lane ordered by rank (smallest first) and id.
#[derive(Debug, Default)]
pub(super) struct ReadyQueues {
    lanes: Vec<BTreeSet<(i64, SubtaskId)>>,
    /// By subtask: its place, while it is queued.
    places: Vec<Option<(LaneId, i64)>>,
}

impl ReadyQueues {
    /// Takes in what became ready, with its rank, and drops what ceased to be.
    pub(super) fn update(&mut self, view: &View<'_>, rank: impl Fn(SubtaskId) -> i64) {
        self.lanes.resize_with(view.lanes().len(), BTreeSet::new);
        self.places.resize(view.subtasks().len(), None);
        for &id in view.readiness_changes() {
            self.remove(id);
            if view.is_ready(id) {
                self.insert(id, view.subtask(id).lane, rank(id));
            }
        }
    }

    /// Gives a subtask another rank, if it is queued.
    pub(super) fn rerank(&mut self, id: SubtaskId, rank: i64) {
        if let Some((lane, _)) = self.places.get(id.index()).copied().flatten() {
            self.remove(id);
            self.insert(id, lane, rank);
        }
    }

    /// The queues by lane.
    pub(super) fn lanes(&self) -> &[BTreeSet<(i64, SubtaskId)>] {
        &self.lanes
    }

    fn insert(&mut self, id: SubtaskId, lane: LaneId, rank: i64) {
        self.lanes[lane.index()].insert((rank, id));
        self.places[id.index()] = Some((lane, rank));
    }

    fn remove(&mut self, id: SubtaskId) {
        if let Some((lane, rank)) = self.places[id.index()].take() {
            self.lanes[lane.index()].remove(&(rank, id));
        }
    }
}

/// Nanoseconds as a rank.
pub(super) fn nanos(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
