//! Upward ranks, kept up to date while the graph grows: the expected span of a subtask, on average
//! over those who could do it, plus the largest sum of the upward rank of a successor and the mean
//! time that the data takes to come to it. Topcuoglu, Hariri, Wu (2002), "Performance-effective and
//! low-complexity task scheduling for heterogeneous computing".

use std::collections::BTreeSet;

use super::{View, travel::MeanTravel};
use crate::workload::SubtaskId;

/// Upward ranks in nanoseconds, by subtask.
#[derive(Debug, Default)]
pub(super) struct UpwardRanks {
    ranks: Vec<u64>,
    travel: MeanTravel,
    /// Whether data is taken to be there at once.
    of_work_alone: bool,
}

impl UpwardRanks {
    /// Ranks that leave out the time that data travels: static levels.
    pub(super) fn of_work_alone() -> Self {
        Self {
            of_work_alone: true,
            ..Self::default()
        }
    }

    /// The upward rank of a subtask.
    pub(super) fn of(&self, id: SubtaskId) -> u64 {
        self.ranks[id.index()]
    }

    /// How long the data from one subtask to one after it takes on average, in nanoseconds.
    pub(super) fn travel(&self, view: &View<'_>, from: SubtaskId, to: SubtaskId) -> u64 {
        self.travel.of(view, from, to)
    }

    /// Brings ranks in line with a graph that has grown, along the ancestors of what is new; tells
    /// of each older subtask whose rank changes.
    pub(super) fn grow(&mut self, view: &View<'_>, mut changed: impl FnMut(SubtaskId, u64)) {
        let known = self.ranks.len();
        if known == view.n_subtasks() {
            return;
        }
        if !self.of_work_alone {
            self.travel.look(view);
        }
        self.ranks.resize(view.n_subtasks(), 0);
        // Predecessors have smaller ids, so going down the ids sees successors first.
        let mut older = BTreeSet::new();
        for id in (known as u32..view.n_subtasks() as u32)
            .rev()
            .map(SubtaskId)
        {
            self.ranks[id.index()] = self.rank(view, id);
            older.extend(view.predecessors(id).filter(|p| p.index() < known));
        }
        while let Some(id) = older.pop_last() {
            let rank = self.rank(view, id);
            if rank != self.ranks[id.index()] {
                self.ranks[id.index()] = rank;
                changed(id, rank);
                older.extend(view.predecessors(id));
            }
        }
    }

    fn rank(&self, view: &View<'_>, id: SubtaskId) -> u64 {
        let behind = view.successors(id).map(|next| {
            let rank = self.ranks[next.index()];
            rank.saturating_add(self.travel(view, id, next))
        });
        view.mean_span(id)
            .0
            .saturating_add(behind.max().unwrap_or(0))
    }
}
