//! How tasks and subtasks come in, and what is refused.

use sim::SimTime;

use super::{Engine, Subtask, Task};
use crate::{
    fact::EngineFact,
    lane::Load,
    workload::{Skill, SubtaskId, SubtaskSpec, SubtaskState, TaskId, TaskSpec, TaskState},
};

/// Why a subtask is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubtaskError {
    /// There is no such task.
    #[error("subtask {name:?} belongs to unknown task {task:?}")]
    UnknownTask {
        /// The subtask's name.
        name: String,
        /// The task it names.
        task: TaskId,
    },
    /// Its task takes no more.
    #[error("subtask {name:?} comes too late, its task {task:?} is {state:?}")]
    TaskNotOpen {
        /// The subtask's name.
        name: String,
        /// Its task.
        task: TaskId,
        /// Where the task is.
        state: TaskState,
    },
    /// There is no such predecessor.
    #[error("subtask {name:?} comes after unknown subtask {after:?}")]
    UnknownPredecessor {
        /// The subtask's name.
        name: String,
        /// The predecessor it names.
        after: SubtaskId,
    },
    /// A predecessor will never be done.
    #[error("subtask {name:?} comes after subtask {after:?}, which is {state:?}")]
    DeadPredecessor {
        /// The subtask's name.
        name: String,
        /// The predecessor it names.
        after: SubtaskId,
        /// Where the predecessor is: failed or cancelled.
        state: SubtaskState,
    },
    /// No resource of the pool can ever do it.
    #[error(
        "no resource can do subtask {name:?}: give one of them skill {skill:?} (with model {model:?}, if one is named)"
    )]
    NobodyCan {
        /// The subtask's name.
        name: String,
        /// What it needs done.
        skill: Skill,
        /// The model that must do it.
        model: Option<String>,
    },
}

impl Engine {
    /// Takes a task in.
    pub fn open_task(&mut self, now: SimTime, spec: TaskSpec) -> TaskId {
        let id = TaskId(self.tasks.len() as u32);
        self.facts.push(EngineFact::TaskArrived {
            task: id,
            name: spec.name.clone(),
            owner: spec.owner,
            weight: spec.weight,
            deadline: spec.deadline,
        });
        if let Some(deadline) = spec.deadline {
            self.watch_deadline(id, deadline);
        }
        self.tasks.push(Task {
            id,
            spec,
            state: TaskState::Open,
            arrived_at: now,
            ended_at: None,
            subtasks: Vec::new(),
            n_unfinished: 0,
            missed_deadline: false,
        });
        self.changed(now);
        id
    }

    /// Takes a piece of an open task in.
    ///
    /// # Errors
    /// Its task is unknown or not open, a predecessor is unknown, failed or cancelled, or no
    /// resource of the pool can ever do it. A subtask that names a model needs a replica of it;
    /// one that names none goes to any resource with the skill.
    pub fn add_subtask(
        &mut self,
        now: SimTime,
        mut spec: SubtaskSpec,
    ) -> Result<SubtaskId, SubtaskError> {
        self.check_arrival(&spec)?;
        let Some(lane) = self.pool.lane_for(&spec) else {
            let SubtaskSpec {
                name, skill, model, ..
            } = spec;
            return Err(SubtaskError::NobodyCan { name, skill, model });
        };
        spec.after.sort_unstable();
        spec.after.dedup();
        let id = SubtaskId(self.subtasks.len() as u32);
        let mut n_missing = 0;
        for before in &spec.after {
            let before = &mut self.subtasks[before.index()];
            before.successors.push(id);
            n_missing += u32::from(before.state != SubtaskState::Done);
        }
        let task = &mut self.tasks[spec.task.index()];
        task.subtasks.push(id);
        task.n_unfinished += 1;
        self.n_unfinished += 1;
        self.facts.push(added(id, &spec));
        self.subtasks.push(Subtask {
            id,
            state: SubtaskState::Blocked,
            lane,
            successors: Vec::new(),
            mean_span: self.pool.mean_span(lane, Load::of(&spec)),
            attempts: 0,
            ready_at: None,
            started_at: None,
            ended_at: None,
            n_missing,
            spec,
        });
        self.changed(now);
        if n_missing == 0 {
            self.make_ready(now, id);
        }
        Ok(id)
    }

    /// Says that a task is wholly known: it is done when all its subtasks are, at once if they are
    /// already. Does nothing if the task is closed or ended.
    pub fn close_task(&mut self, now: SimTime, task: TaskId) {
        let state = &mut self.tasks[task.index()].state;
        if *state == TaskState::Open {
            *state = TaskState::Closed;
            self.changed(now);
            self.finish_if_done(now, task);
            self.drop_stale_events();
        }
    }

    fn check_arrival(&self, spec: &SubtaskSpec) -> Result<(), SubtaskError> {
        let name = || spec.name.clone();
        let Some(task) = self.tasks.get(spec.task.index()) else {
            return Err(SubtaskError::UnknownTask {
                name: name(),
                task: spec.task,
            });
        };
        if task.state != TaskState::Open {
            return Err(SubtaskError::TaskNotOpen {
                name: name(),
                task: task.id,
                state: task.state,
            });
        }
        for &after in &spec.after {
            let Some(before) = self.subtasks.get(after.index()) else {
                return Err(SubtaskError::UnknownPredecessor {
                    name: name(),
                    after,
                });
            };
            if matches!(before.state, SubtaskState::Failed | SubtaskState::Cancelled) {
                let state = before.state;
                return Err(SubtaskError::DeadPredecessor {
                    name: name(),
                    after,
                    state,
                });
            }
        }
        Ok(())
    }
}

fn added(id: SubtaskId, spec: &SubtaskSpec) -> EngineFact {
    EngineFact::SubtaskAdded {
        subtask: id,
        task: spec.task,
        name: spec.name.clone(),
        skill: spec.skill,
        owner: spec.owner,
        after: spec.after.clone(),
        items: spec.items,
        tokens: spec.tokens,
        bytes: spec.bytes,
    }
}
