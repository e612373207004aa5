//! How tasks and subtasks come in, and what is refused.

use std::collections::BTreeMap;

use sim::SimTime;

use super::{Engine, Extras, Subtask, SubtaskTerms, Task, TaskTerms, events::Event, graph::NONE};
use crate::{
    fact::EngineFact,
    lane::Load,
    spread::Spread,
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
    /// Takes a task in. If as many tasks are open as may be, it is refused, at its release if it has
    /// one: it fails, and nothing can be added to it any more.
    pub fn open_task(&mut self, now: SimTime, spec: TaskSpec) -> TaskId {
        let id = TaskId(self.tasks.len() as u32);
        let terms = TaskTerms::of(&spec);
        let name = self.names.add(spec.name);
        let release = spec.release.filter(|at| *at > now);
        self.tasks.push(Task {
            id,
            spec: terms,
            state: TaskState::Open,
            arrived_at: now,
            ended_at: None,
            n_unfinished: 0,
            n_subtasks: 0,
            missed_deadline: false,
            released: false,
            name,
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
            deadline: terms.deadline,
            release,
            priority: terms.priority,
        });
        if let Some(deadline) = terms.deadline {
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
        spec: SubtaskSpec,
    ) -> Result<SubtaskId, SubtaskError> {
        self.check_arrival(&spec)?;
        let Some(lane) = self.pool.lane_for(&spec) else {
            let SubtaskSpec {
                name, skill, model, ..
            } = spec;
            return Err(SubtaskError::NobodyCan { name, skill, model });
        };
        let id = SubtaskId(self.subtasks.len() as u32);
        let terms = SubtaskTerms::of(&spec);
        let (before, received) = pair_up(spec.after, spec.received);
        let extras = Extras {
            timeout: spec.timeout,
            max_attempts: spec.max_attempts,
            received,
            left: None,
        };
        let spread = self.spread_number(spec.spread);
        let priority = self.tasks[terms.task.index()].spec.priority;
        let subtask = Subtask {
            id,
            spec: terms,
            state: SubtaskState::Blocked,
            lane,
            priority,
            mean_span: self.pool.mean_span(lane, Load::of(&terms)),
            attempts: 0,
            ready_at: None,
            started_at: None,
            ended_at: None,
            ran_on: None,
            n_missing: self.n_not_done(&before),
            name: self.names.add(spec.name),
            before: self.graph.add(id, &before, &mut self.subtasks),
            after: (NONE, NONE),
            next_in_task: NONE,
            extras: self.extras_number(extras),
            spread,
        };
        let is_ready = subtask.n_missing == 0 && self.tasks[terms.task.index()].released;
        self.subtasks.push(subtask);
        self.append_to_task(terms.task, id);
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

    fn spread_number(&mut self, spread: Spread) -> u32 {
        let known = self.spreads.iter().rposition(|known| *known == spread);
        known.unwrap_or_else(|| {
            self.spreads.push(spread);
            self.spreads.len() - 1
        }) as u32
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

    fn added(&self, id: SubtaskId) -> EngineFact {
        let subtask = &self.subtasks[id.index()];
        let spec = &subtask.spec;
        EngineFact::SubtaskAdded {
            subtask: id,
            task: spec.task,
            name: self.names.get(subtask.name).to_owned(),
            skill: spec.skill,
            owner: spec.owner,
            after: self.graph.before(subtask).to_vec(),
            items: spec.items,
            tokens: spec.tokens,
            bytes: spec.bytes,
            memory_bytes: spec.memory_bytes,
            timeout: self.timeout_of(id),
        }
    }
}

/// Each predecessor once, in order, with the bytes that come from it; no bytes at all: an empty list.
fn pair_up(mut after: Vec<SubtaskId>, received: Vec<u64>) -> (Vec<SubtaskId>, Vec<u64>) {
    if received.iter().all(|bytes| *bytes == 0) {
        after.sort_unstable();
        after.dedup();
        return (after, Vec::new());
    }
    let mut pairs = BTreeMap::new();
    let bytes = received.into_iter().chain(std::iter::repeat(0));
    for (id, bytes) in after.into_iter().zip(bytes) {
        *pairs.entry(id).or_insert(0_u64) += bytes;
    }
    pairs.into_iter().unzip()
}
