//! Predict earliest finish time: what has the most work behind it, were all of that done on its best
//! resources, goes first, to the resource with the least sum of end and optimistic rest. Arabnejad,
//! Barbosa (2014), "List scheduling algorithm for heterogeneous systems by an optimistic cost table".

use std::collections::BTreeSet;

use super::{Criteria, View, board::Next, listed::Rule, queues::nanos};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Ranks by the optimistic cost of what is behind, the largest first.
#[derive(Debug, Default)]
pub(super) struct Peft {
    /// The longest path behind each subtask, each piece on its best resource, in nanoseconds.
    rest: Vec<u64>,
    /// The same, with the subtask itself on its best resource.
    whole: Vec<u64>,
    /// The rest behind the subtask that is looked at.
    behind: u64,
}

impl Peft {
    /// Whether anything changed.
    fn refresh(&mut self, view: &View<'_>, id: SubtaskId) -> bool {
        let successors = view.successors(id);
        let rest = successors.map(|next| self.whole[next.index()]).max();
        let rest = rest.unwrap_or(0);
        let changed = rest != self.rest[id.index()];
        self.rest[id.index()] = rest;
        self.whole[id.index()] = rest.saturating_add(view.least_span(id).0);
        changed
    }
}

impl Rule for Peft {
    const CRITERIA: Criteria = Criteria {
        rank: "minus the optimistic cost of what is behind, in ns",
        score: "the expected end plus the optimistic cost of what is behind, in ns",
    };

    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>) {
        let known = self.rest.len();
        if known == view.n_subtasks() {
            return;
        }
        self.rest.resize(view.n_subtasks(), 0);
        self.whole.resize(view.n_subtasks(), 0);
        // Predecessors have smaller ids, so going down the ids sees successors first.
        let mut older = BTreeSet::new();
        for id in (known as u32..view.n_subtasks() as u32)
            .rev()
            .map(SubtaskId)
        {
            self.refresh(view, id);
            older.extend(view.predecessors(id).filter(|p| p.index() < known));
        }
        while let Some(id) = older.pop_last() {
            if self.refresh(view, id) {
                changed.push(id);
                older.extend(view.predecessors(id));
            }
        }
    }

    fn rank(&self, id: SubtaskId) -> i64 {
        -nanos(self.rest[id.index()])
    }

    fn look(&mut self, _: &View<'_>, _: &super::board::Board, id: SubtaskId) {
        self.behind = self.rest[id.index()];
    }

    fn score(&self, _: &View<'_>, _: ResourceId, next: &Next) -> (u64, u64) {
        (next.end.saturating_add(self.behind), 0)
    }
}
