//! Heterogeneous earliest finish time: what has the most work behind it goes first, to the resource
//! that ends it soonest, be it free or busy. Topcuoglu, Hariri, Wu (2002), "Performance-effective
//! and low-complexity task scheduling for heterogeneous computing".
//!
//! The upward rank of a subtask is its mean span (transfer included) plus the largest upward rank
//! among its successors. The graph grows while it runs, so ranks are brought up to date when it has
//! grown, along the ancestors of what is new. The insertion of the paper, which uses gaps in a plan
//! made beforehand, has no counterpart online: nothing is planned ahead of a busy resource.

use std::collections::BTreeSet;

use super::{
    Criteria, Decisions, Policy, View,
    board::{Reach, fill},
    ready::{ReadyQueues, nanos},
};
use crate::workload::SubtaskId;

/// Ranks by upward rank, the largest first.
#[derive(Debug, Default)]
pub(super) struct Heft {
    queues: ReadyQueues,
    /// Upward ranks in nanoseconds, by subtask.
    upward: Vec<u64>,
}

impl Heft {
    /// Brings ranks in line with a graph that has grown.
    fn grow(&mut self, view: &View<'_>) {
        let subtasks = view.subtasks();
        let known = self.upward.len();
        if known == subtasks.len() {
            return;
        }
        self.upward.resize(subtasks.len(), 0);
        // Predecessors have smaller ids, so going down the ids sees successors first.
        let mut older = BTreeSet::new();
        for id in (known as u32..subtasks.len() as u32).rev().map(SubtaskId) {
            self.upward[id.index()] = self.upward_rank(view, id);
            older.extend(
                view.subtask(id)
                    .spec
                    .after
                    .iter()
                    .filter(|p| p.index() < known),
            );
        }
        while let Some(id) = older.pop_last() {
            let rank = self.upward_rank(view, id);
            if rank != self.upward[id.index()] {
                self.upward[id.index()] = rank;
                self.queues.rerank(id, -nanos(rank));
                older.extend(&view.subtask(id).spec.after);
            }
        }
    }

    fn upward_rank(&self, view: &View<'_>, id: SubtaskId) -> u64 {
        let subtask = view.subtask(id);
        let behind = subtask
            .successors
            .iter()
            .map(|next| self.upward[next.index()])
            .max();
        subtask.mean_span.0.saturating_add(behind.unwrap_or(0))
    }
}

impl Policy for Heft {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.grow(view);
        let Self { queues, upward } = self;
        queues.update(view, |id| -nanos(upward[id.index()]));
        fill(view, queues, Reach::Busy, decisions);
    }

    fn criteria(&self) -> Criteria {
        Criteria {
            rank: "minus the upward rank, in ns",
            score: "the expected end, in ns",
        }
    }
}
