//! Upward ranks, kept up to date while the graph grows: the expected span of a subtask, on average
//! over those who could do it, plus the largest upward rank among its successors. Topcuoglu, Hariri,
//! Wu (2002), "Performance-effective and low-complexity task scheduling for heterogeneous computing".

use std::collections::BTreeSet;

use super::View;
use crate::workload::SubtaskId;

/// Upward ranks in nanoseconds, by subtask.
#[derive(Debug, Default)]
pub(super) struct UpwardRanks {
    ranks: Vec<u64>,
}

impl UpwardRanks {
    /// The upward rank of a subtask.
    pub(super) fn of(&self, id: SubtaskId) -> u64 {
        self.ranks[id.index()]
    }

    /// Brings ranks in line with a graph that has grown, along the ancestors of what is new; tells
    /// of each older subtask whose rank changes.
    pub(super) fn grow(&mut self, view: &View<'_>, mut changed: impl FnMut(SubtaskId, u64)) {
        let known = self.ranks.len();
        if known == view.n_subtasks() {
            return;
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
        let successors = view.successors(id);
        let behind = successors.map(|next| self.ranks[next.index()]).max();
        view.mean_span(id).0.saturating_add(behind.unwrap_or(0))
    }
}
