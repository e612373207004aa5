//! Predict earliest finish time: what has the most work behind it, were all of that done on its best
//! resources, goes first, to the resource with the least sum of end and optimistic rest. Arabnejad,
//! Barbosa (2014), "List scheduling algorithm for heterogeneous systems by an optimistic cost table".
//!
//! Where data takes no time, the optimistic rest is the same wherever a subtask runs, and one number
//! stands for a row of the table.

use std::collections::BTreeSet;

use super::{Criteria, View, board::Next, listed::Rule, queues::nanos, travel::MeanTravel};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Ranks by the optimistic cost of what is behind, the largest first.
#[derive(Debug, Default)]
pub(super) struct Peft {
    /// By subtask.
    rows: Vec<Row>,
    travel: MeanTravel,
    /// The row of the subtask that is looked at.
    behind: Row,
    sums: Vec<u64>,
}

/// The optimistic cost of what is behind a subtask, in nanoseconds.
#[derive(Clone, Debug, Default)]
struct Row {
    /// On average over the resources.
    mean: u64,
    /// By resource on which the subtask runs; `None`: the mean on all of them.
    each: Option<Box<[u64]>>,
    /// The least sum of the cost behind and the span of the subtask itself.
    whole: u64,
}

impl Row {
    fn of(&self, on: ResourceId) -> u64 {
        self.each
            .as_deref()
            .map_or(self.mean, |each| each[on.index()])
    }
}

impl Peft {
    /// Whether anything changed.
    fn refresh(&mut self, view: &View<'_>, id: SubtaskId) -> bool {
        let is_flat = |next| self.travel.of(view, id, next) == 0 && self.row(next).each.is_none();
        let row = if view.successors(id).all(is_flat) {
            let behind = view.successors(id).map(|next| self.row(next).whole);
            let mean = behind.max().unwrap_or(0);
            Row {
                mean,
                each: None,
                whole: mean.saturating_add(view.least_span(id).0),
            }
        } else {
            self.full_row(view, id)
        };
        let known = self.row(id);
        let changed = (row.mean, &row.each) != (known.mean, &known.each);
        self.rows[id.index()] = row;
        changed
    }

    fn row(&self, id: SubtaskId) -> &Row {
        &self.rows[id.index()]
    }

    /// Each successor is done on the same resource, or on its best one once the data is there.
    fn full_row(&mut self, view: &View<'_>, id: SubtaskId) -> Row {
        let n = view.resources().len();
        let mut each = vec![0; n];
        let mut sums = std::mem::take(&mut self.sums);
        for next in view.successors(id) {
            let row = self.row(next);
            let elsewhere = row.whole.saturating_add(self.travel.of(view, id, next));
            sums.clear();
            sums.resize(n, u64::MAX);
            for (on, span) in view.spans(next) {
                sums[on.index()] = row.of(on).saturating_add(span.0);
            }
            for (cost, here) in each.iter_mut().zip(&sums) {
                *cost = elsewhere.min(*here).max(*cost);
            }
        }
        self.sums = sums;
        let (mut n_spans, mut total, mut whole) = (0, 0_u128, u64::MAX);
        for (on, span) in view.spans(id) {
            n_spans += 1;
            total += u128::from(each[on.index()]);
            whole = whole.min(each[on.index()].saturating_add(span.0));
        }
        Row {
            mean: (total / n_spans.max(1)) as u64,
            each: Some(each.into()),
            whole,
        }
    }
}

impl Rule for Peft {
    const CRITERIA: Criteria = Criteria {
        rank: "minus the optimistic cost of what is behind, in ns",
        score: "the expected end plus the optimistic cost of what is behind, in ns",
    };

    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>) {
        let known = self.rows.len();
        if known == view.n_subtasks() {
            return;
        }
        self.travel.look(view);
        self.rows.resize(view.n_subtasks(), Row::default());
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
        -nanos(self.row(id).mean)
    }

    fn look(&mut self, _: &View<'_>, id: SubtaskId) {
        self.behind.clone_from(&self.rows[id.index()]);
    }

    fn score(&self, _: &View<'_>, on: ResourceId, next: &Next) -> (u64, u64) {
        (next.end.saturating_add(self.behind.of(on)), 0)
    }
}
