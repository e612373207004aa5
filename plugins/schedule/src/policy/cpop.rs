//! Critical path on a processor: what lies on the longest paths goes first; the critical path of each
//! task goes to the one resource that does it soonest, everything else to the resource that ends it
//! soonest. Topcuoglu, Hariri, Wu (2002), "Performance-effective and low-complexity task scheduling
//! for heterogeneous computing".
//!
//! A critical path may need several skills. Its resource is the one that can do the most of it, and
//! of these the fastest; what that one cannot do goes where it ends soonest.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Criteria, View,
    board::{NEVER, Next},
    greedy::SOONEST,
    listed::Rule,
    queues::nanos,
    upward::UpwardRanks,
};
use crate::{
    pool::ResourceId,
    workload::{SubtaskId, TaskId},
};

/// Ranks by the longest path through a subtask.
#[derive(Debug, Default)]
pub(super) struct Cpop {
    upward: UpwardRanks,
    /// The longest path before each subtask, in nanoseconds.
    downward: Vec<u64>,
    /// By subtask: where it goes as a part of a critical path.
    bound: Vec<Option<ResourceId>>,
    /// The critical path of each task.
    paths: BTreeMap<TaskId, Vec<SubtaskId>>,
    /// The subtasks of each task that follow no other of the same task.
    entries: BTreeMap<TaskId, Vec<SubtaskId>>,
    /// Where the subtask that is looked at must go.
    only: Option<ResourceId>,
}

impl Cpop {
    fn through(&self, id: SubtaskId) -> u64 {
        self.upward.of(id).saturating_add(self.downward[id.index()])
    }

    /// Finds the critical path of a task and its resource anew.
    fn find_path(&mut self, view: &View<'_>, task: TaskId, changed: &mut Vec<SubtaskId>) {
        for id in self.paths.remove(&task).unwrap_or_default() {
            self.bound[id.index()] = None;
            changed.push(id);
        }
        // Ties go to the smallest id.
        let longest = |ids: &mut dyn Iterator<Item = SubtaskId>| {
            ids.max_by_key(|id| (self.through(*id), std::cmp::Reverse(*id)))
        };
        let mut path = Vec::new();
        let entries = self.entries.get(&task).map_or(&[][..], Vec::as_slice);
        let mut next = longest(&mut entries.iter().copied());
        while let Some(id) = next {
            path.push(id);
            let behind = view.successors(id);
            next = longest(&mut behind.filter(|id| view.task_id(*id) == task));
        }
        let mut sums: Vec<(usize, u64)> = vec![(0, 0); view.resources().len()];
        for &id in &path {
            for (resource, span) in view.spans(id) {
                let (n, sum) = &mut sums[resource.index()];
                *n += 1;
                *sum = sum.saturating_add(span.0);
            }
        }
        let best = (0..sums.len()).min_by_key(|r| (std::cmp::Reverse(sums[*r].0), sums[*r].1));
        let resource = best.map(|r| ResourceId(r as u32));
        for &id in &path {
            self.bound[id.index()] = resource.filter(|on| view.is_member(*on, view.lane(id)));
            changed.push(id);
        }
        self.paths.insert(task, path);
    }
}

impl Rule for Cpop {
    const CRITERIA: Criteria = Criteria {
        rank: "minus the longest path through it, in ns",
        score: SOONEST,
    };

    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>) {
        let known = self.downward.len();
        if known == view.n_subtasks() {
            return;
        }
        self.bound.resize(view.n_subtasks(), None);
        let mut dirty = BTreeSet::new();
        self.upward.grow(view, |id, _| {
            dirty.insert(view.task_id(id));
            changed.push(id);
        });
        for id in (known as u32..view.n_subtasks() as u32).map(SubtaskId) {
            let before = view.predecessors(id);
            let path = before.map(|p| {
                let travel = self.upward.travel(view, p, id);
                self.downward[p.index()].saturating_add(view.mean_span(p).0 + travel)
            });
            let path = path.max().unwrap_or(0);
            self.downward.push(path);
            let task = view.task_id(id);
            dirty.insert(task);
            if view.predecessors(id).all(|p| view.task_id(p) != task) {
                self.entries.entry(task).or_default().push(id);
            }
        }
        for task in dirty {
            self.find_path(view, task, changed);
        }
    }

    fn rank(&self, id: SubtaskId) -> i64 {
        -nanos(self.through(id))
    }

    fn bound(&self, id: SubtaskId) -> Option<ResourceId> {
        self.bound.get(id.index()).copied().flatten()
    }

    fn look(&mut self, view: &View<'_>, id: SubtaskId) {
        // A resource that is down binds nobody.
        self.only = self.bound[id.index()].filter(|on| view.resources()[on.index()].up);
    }

    fn score(&self, _: &View<'_>, resource: ResourceId, next: &Next) -> (u64, u64) {
        match self.only {
            Some(only) if only != resource => (NEVER, next.end),
            _ => (next.end, 0),
        }
    }
}
