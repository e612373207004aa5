//! Shortest remaining time, of the task: what belongs to the task with the least work left goes
//! first, so that tasks end one after another instead of all at the end. Schrage (1968), "A proof of
//! the optimality of the shortest remaining processing time discipline".
//!
//! A subtask that runs is not interrupted: a task can be overtaken between its subtasks only.

use super::{
    Criteria, View,
    board::Choice,
    greedy::{Order, SOONEST},
    queues::{ReadyQueues, nanos},
};
use crate::workload::{SubtaskId, SubtaskState, TaskId};

/// Ranks by the expected spans of all subtasks of the task that are not done.
#[derive(Debug, Default)]
pub(super) struct Srpt {
    n_known: usize,
    /// Work left in nanoseconds, by task.
    left: Vec<u64>,
    /// What was placed and may still run.
    running: Vec<SubtaskId>,
}

impl Order for Srpt {
    const CRITERIA: Criteria = Criteria {
        rank: "the work left in the task, in ns",
        score: SOONEST,
    };
    const GROUPED: bool = true;

    fn observe(&mut self, view: &View<'_>, _: &mut ReadyQueues) {
        for id in (self.n_known..view.n_subtasks()).map(|n| SubtaskId(n as u32)) {
            let task = view.task_id(id).index();
            if self.left.len() <= task {
                self.left.resize(task + 1, 0);
            }
            self.left[task] = self.left[task].saturating_add(view.mean_span(id).0);
        }
        self.n_known = view.n_subtasks();
        let left = &mut self.left;
        self.running.retain(|&id| match view.state(id) {
            SubtaskState::Running { .. } => true,
            state => {
                if state.is_ended() {
                    let left = &mut left[view.task_id(id).index()];
                    *left = left.saturating_sub(view.mean_span(id).0);
                }
                false
            }
        });
    }

    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64 {
        nanos(view.ready_at(id).0)
    }

    fn group(&self, view: &View<'_>, id: SubtaskId) -> u32 {
        let TaskId(task) = view.task_id(id);
        task
    }

    fn key(&self, group: u32) -> i64 {
        nanos(self.left[group as usize])
    }

    fn placed(&mut self, _: &View<'_>, id: SubtaskId, _: &Choice) {
        self.running.push(id);
    }
}
