//! How tasks and subtasks come in, and what is refused.

use std::{borrow::Cow, collections::BTreeMap, mem};

use sim::SimTime;

use super::{
    Engine, Extras, Subtask, SubtaskTerms, Task, TaskTerms, events::Event, graph::NONE,
    state::Moment,
};
use crate::{
    fact::EngineFact,
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
    /// Its numbers make no sense.
    #[error("{what} of subtask {name:?} is {value:?}, must be {must:?}")]
    BadNumber {
        /// The subtask's name.
        name: String,
        /// Which number.
        what: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        must: &'static str,
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
    /// Makes room for so many more tasks and subtasks, so that handing them in moves nothing.
    pub fn reserve(&mut self, n_tasks: usize, n_subtasks: usize) {
        self.tasks.reserve(n_tasks);
        self.events.reserve(n_tasks);
        self.subtasks.reserve(n_subtasks);
    }

    /// Takes a task in. If as many tasks are open as may be, it is refused, at its release if it has
    /// one: it fails, and nothing can be added to it any more.
    pub fn open_task(&mut self, now: SimTime, spec: TaskSpec) -> TaskId {
        let id = TaskId(self.tasks.len() as u32);
        let terms = TaskTerms::of(&spec);
        self.task_names.add(id.0, spec.name);
        let release = spec.release.filter(|at| *at > now);
        self.tasks.push(Task {
            id,
            spec: terms,
            state: TaskState::Open,
            arrived_at: now,
            ended: Moment::NONE,
            n_unfinished: 0,
            n_subtasks: 0,
            missed_deadline: false,
            released: false,
            first: NONE,
            last: NONE,
        });
        self.n_open_tasks += 1;
        self.counts.arrived += 1;
        self.state(|engine| EngineFact::TaskArrived {
            task: id,
            name: engine.task_name(id).to_owned(),
            owner: terms.owner,
            weight: terms.weight,
            deadline: spec.deadline,
            release,
            priority: terms.priority,
        });
        if let Some(deadline) = spec.deadline {
            self.watch_deadline(id, deadline);
        }
        match release {
            Some(at) => self.events.push(at, Event::Release(id)),
            None => self.release(now, id),
        }
        self.changed(now);
        id
    }

    /// Lets the subtasks of a task start, or refuses the task if too many are open.
    pub(super) fn release(&mut self, now: SimTime, id: TaskId) {
        if let Some(most) = self.options.max_open_tasks
            && self.n_released >= most
        {
            return self.refuse_task(now, id);
        }
        self.n_released += 1;
        let task = &mut self.tasks[id.index()];
        task.released = true;
        let mut next = task.first;
        while let Some(subtask) = self.subtasks.get(next as usize) {
            next = subtask.next_in_task;
            if subtask.n_missing == 0 && subtask.state == SubtaskState::Blocked {
                self.make_ready(now, subtask.id);
            }
        }
        self.changed(now);
    }

    /// Takes a piece of an open task in.
    ///
    /// # Errors
    /// Its task is unknown or not open, a predecessor is unknown, failed or cancelled, or no
    /// resource of the pool can ever do it. A subtask that names a model needs a replica of it;
    /// one that names none goes to any resource with the skill; one with modes goes to those that
    /// they name, wherever its memory and tokens fit.
    pub fn add_subtask(
        &mut self,
        now: SimTime,
        mut spec: SubtaskSpec,
    ) -> Result<SubtaskId, SubtaskError> {
        let (name, after) = (mem::take(&mut spec.name), mem::take(&mut spec.after));
        self.add(now, &spec, spec.task, name, &after)
    }

    /// Takes one more piece in that differs from `like` in nothing but its task and predecessors:
    /// the way to hand in millions, since nothing is copied but the name.
    ///
    /// # Errors
    /// As [`Engine::add_subtask`].
    pub fn add_alike(
        &mut self,
        now: SimTime,
        like: &SubtaskSpec,
        task: TaskId,
        after: &[SubtaskId],
    ) -> Result<SubtaskId, SubtaskError> {
        self.add(now, like, task, like.name.clone(), after)
    }

    /// Takes a subtask in; its task, name and predecessors are not those of `spec`.
    fn add(
        &mut self,
        now: SimTime,
        spec: &SubtaskSpec,
        task: TaskId,
        name: String,
        after: &[SubtaskId],
    ) -> Result<SubtaskId, SubtaskError> {
        self.check_arrival(spec, task, &name, after)?;
        let Some(demand) = self.demands.of(spec, &mut self.pool) else {
            let (skill, model) = (spec.skill, spec.model.clone());
            return Err(SubtaskError::NobodyCan { name, skill, model });
        };
        let id = SubtaskId(self.subtasks.len() as u32);
        let (before, received) = pair_up(after, &spec.received);
        let extras = Extras {
            timeout: spec.timeout,
            max_attempts: spec.max_attempts,
            received,
            left: None,
        };
        let terms = SubtaskTerms {
            task,
            owner: spec.owner,
            skill: spec.skill,
        };
        let subtask = Subtask {
            id,
            spec: terms,
            state: SubtaskState::Blocked,
            attempts: 0,
            readied: Moment::NONE,
            started: Moment::NONE,
            ended: Moment::NONE,
            on: NONE,
            demand,
            n_missing: self.n_not_done(&before),
            after: (NONE, NONE),
            next_in_task: NONE,
            extras: self.extras_number(extras),
        };
        self.graph.add(id, &before, &mut self.subtasks);
        self.subtask_names.add(id.0, name);
        let is_ready = subtask.n_missing == 0 && self.tasks[task.index()].released;
        self.subtasks.push(subtask);
        self.append_to_task(task, id);
        self.n_unfinished += 1;
        self.counts.added += 1;
        self.state(|engine| engine.added(id));
        self.changed(now);
        if is_ready {
            self.make_ready(now, id);
        }
        Ok(id)
    }

    fn n_not_done(&self, before: &[SubtaskId]) -> u32 {
        let state = |id: &&SubtaskId| self.subtasks[id.index()].state;
        before
            .iter()
            .filter(|id| state(id) != SubtaskState::Done)
            .count() as u32
    }

    fn append_to_task(&mut self, task: TaskId, id: SubtaskId) {
        let task = &mut self.tasks[task.index()];
        match task.last {
            NONE => task.first = id.0,
            last => self.subtasks[last as usize].next_in_task = id.0,
        }
        task.last = id.0;
        task.n_subtasks += 1;
        task.n_unfinished += 1;
    }

    fn extras_number(&mut self, extras: Extras) -> u32 {
        if extras.is_empty() {
            return NONE;
        }
        self.extras.push(extras);
        self.extras.len() as u32 - 1
    }

    /// Says that a task is wholly known: it is done when all its subtasks are, at once if they are
    /// already. Does nothing if the task is closed or ended.
    pub fn close_task(&mut self, now: SimTime, task: TaskId) {
        let state = &mut self.tasks[task.index()].state;
        if *state == TaskState::Open {
            *state = TaskState::Closed;
            self.changed(now);
            if self.tasks[task.index()].n_unfinished == 0 {
                self.finish_if_done(now, task);
                self.drop_stale_events();
            }
        }
    }

    fn check_arrival(
        &self,
        spec: &SubtaskSpec,
        task: TaskId,
        name: &str,
        after: &[SubtaskId],
    ) -> Result<(), SubtaskError> {
        let name = || name.to_owned();
        let Some(of) = self.tasks.get(task.index()) else {
            return Err(SubtaskError::UnknownTask { name: name(), task });
        };
        if of.state != TaskState::Open {
            return Err(SubtaskError::TaskNotOpen {
                name: name(),
                task,
                state: of.state,
            });
        }
        let (what, fault) = if spec.max_attempts == Some(0) {
            ("max_attempts", Some((0.0, "at least 1")))
        } else if spec.timeout.is_some_and(|span| span.0 == 0) {
            ("timeout", Some((0.0, "longer than nothing")))
        } else {
            ("spread", spec.spread.fault())
        };
        if let Some((value, must)) = fault {
            return Err(SubtaskError::BadNumber {
                name: name(),
                what,
                value: value.to_string(),
                must,
            });
        }
        for &after in after {
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

    fn added(&self, id: SubtaskId) -> EngineFact {
        let subtask = &self.subtasks[id.index()];
        let spec = &subtask.spec;
        let load = self.load(id);
        EngineFact::SubtaskAdded {
            subtask: id,
            task: spec.task,
            name: self.subtask_name(id).to_owned(),
            skill: spec.skill,
            owner: spec.owner,
            after: self.graph.before(subtask).to_vec(),
            items: load.items as u32,
            tokens: load.tokens as u32,
            bytes: load.bytes,
            memory_bytes: self.memory_bytes(id),
            timeout: self.timeout_of(id),
        }
    }
}

/// Each predecessor once, in order, with the bytes that come from it; no bytes at all: an empty list.
fn pair_up<'a>(after: &'a [SubtaskId], received: &[u64]) -> (Cow<'a, [SubtaskId]>, Vec<u64>) {
    if received.iter().all(|bytes| *bytes == 0) {
        if after.is_sorted_by(|a, b| a < b) {
            return (after.into(), Vec::new());
        }
        let mut after = after.to_vec();
        after.sort_unstable();
        after.dedup();
        return (after.into(), Vec::new());
    }
    let mut pairs = BTreeMap::new();
    let bytes = received.iter().copied().chain(std::iter::repeat(0));
    for (id, bytes) in after.iter().copied().zip(bytes) {
        *pairs.entry(id).or_insert(0_u64) += bytes;
    }
    let (after, received): (Vec<_>, _) = pairs.into_iter().unzip();
    (after.into(), received)
}
