//! Checks the facts of a run against the rules of scheduling; shares no code with the engine, so
//! that an error in one is seen by the other.

mod batches;
mod copies;
mod graph;
mod memory;
mod priority;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use sim::{SimSpan, SimTime};

pub use self::priority::validate_priorities;
use crate::{
    fact::{EngineFact, MemoryShare},
    hardware::DeviceId,
    pool::{ResourceId, ResourceKind},
    workload::{BatchId, Skill, SubtaskId, TaskId},
};

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: SimTime,
    /// Which fact shows it, counted from 0 over the facts given.
    pub n_fact: usize,
    /// What is wrong, in words.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fact {} at {}: {}", self.n_fact, self.at, self.text)
    }
}

/// All rules that the facts of a run, from its start, break. A run may stop anywhere between two
/// instants: what is unfinished then is no violation.
///
/// The rules: time goes on; ids are given in order; precedence; a resource that is up runs one batch
/// at a time, of one skill, within its slots, for the span it was charged; each attempt follows
/// readiness and placement, is counted, and has one outcome; nothing is done twice; a finished task
/// has all its subtasks done; a failed task has a cause and leaves nothing behind; deadlines; nothing
/// starts before its release; batches fit into memory, and the prompts of sequences into what is left
/// for their tokens; whoever starts has its model in the memory of its device, which holds them all;
/// batches leave time for their set-up; attempts keep to their timeouts; only what
/// runs is preempted, by something of higher priority; only tokens that lost their memory get it back;
/// copies run beside a first one, elsewhere, and one of them ends the subtask.
pub fn validate<'a>(facts: impl IntoIterator<Item = (SimTime, &'a EngineFact)>) -> Vec<Violation> {
    let mut check = Check::default();
    for (n, (at, fact)) in facts.into_iter().enumerate() {
        if at < check.now {
            check.object(format!("time goes back from {:?} to {at:?}", check.now));
        }
        if at > check.now {
            check.end_instant();
        }
        check.n_fact = n;
        check.now = check.now.max(at);
        check.take(fact);
    }
    check.end_instant();
    check.violations
}

#[derive(Debug)]
struct TaskLog {
    arrived: SimTime,
    deadline: Option<SimTime>,
    release: Option<SimTime>,
    priority: i32,
    subtasks: Vec<SubtaskId>,
    end: Option<TaskEnd>,
    missed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TaskEnd {
    Finished,
    Failed,
}

#[derive(Debug)]
struct SubtaskLog {
    task: TaskId,
    skill: Skill,
    after: Vec<SubtaskId>,
    memory: u64,
    tokens: u64,
    timeout: Option<SimSpan>,
    starts: u32,
    ready_at: SimTime,
    stage: Stage,
    /// Where a second copy is to run, or runs.
    copy: Option<CopyLog>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CopyLog {
    Wanted(ResourceId),
    Running(BatchId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Added,
    Ready,
    Placed(ResourceId),
    Running(BatchId),
    Preempted,
    Failed { retry_at: Option<SimTime> },
    Finished,
    Cancelled,
}

impl Stage {
    fn is_over(self) -> bool {
        matches!(
            self,
            Self::Failed { retry_at: None } | Self::Finished | Self::Cancelled
        )
    }
}

#[derive(Debug)]
struct ResourceLog {
    slots: u32,
    up: bool,
    running: Option<BatchId>,
    memory: Option<u64>,
    continuous: bool,
    /// How many tokens fit into its memory.
    token_capacity: Option<u64>,
    /// Its model, if it has one.
    model: Option<String>,
    /// What that takes of a memory with a limit.
    shares: Option<MemoryShare>,
    /// Sequences that run, where they come and go one by one, and how many tokens each keeps at
    /// least: those of its prompt and the first one of its answer, unless it lost them.
    sequences: BTreeMap<BatchId, u64>,
}

#[derive(Debug)]
struct BatchLog {
    resource: ResourceId,
    subtasks: Vec<SubtaskId>,
    started: SimTime,
    promised: Option<SimSpan>,
    ended: Option<SimTime>,
}

/// What the facts so far say.
#[derive(Debug, Default)]
struct Check {
    now: SimTime,
    n_fact: usize,
    violations: Vec<Violation>,
    tasks: BTreeMap<TaskId, TaskLog>,
    subtasks: BTreeMap<SubtaskId, SubtaskLog>,
    resources: BTreeMap<ResourceId, ResourceLog>,
    batches: BTreeMap<BatchId, BatchLog>,
    /// The models in the memory of each device, and how long loading those took that nobody has
    /// charged yet.
    loaded: BTreeMap<DeviceId, BTreeMap<String, SimSpan>>,
    /// What this instant must still bring in order.
    placed: Vec<SubtaskId>,
    ended: Vec<BatchId>,
    failed_tasks: Vec<TaskId>,
    downed: Vec<ResourceId>,
    preempted: Vec<(SubtaskId, ResourceId)>,
    filled: Vec<ResourceId>,
    /// Whose tokens lost their memory, and where.
    evicted: BTreeSet<(SubtaskId, ResourceId)>,
}

impl Check {
    fn object(&mut self, text: String) {
        self.violations.push(Violation {
            at: self.now,
            n_fact: self.n_fact,
            text,
        });
    }

    fn require(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.object(text());
        }
    }

    fn take(&mut self, fact: &EngineFact) {
        match fact {
            EngineFact::ResourceJoined { .. }
            | EngineFact::TaskArrived { .. }
            | EngineFact::SubtaskAdded { .. } => self.take_new(fact),
            EngineFact::SubtaskReady { subtask } => self.ready(*subtask),
            EngineFact::SubtaskPlaced {
                subtask,
                resource,
                candidates,
                ..
            } => self.placed(*subtask, *resource, candidates),
            EngineFact::BatchStarted {
                batch,
                resource,
                subtasks,
                span,
                setup,
            } => {
                self.started(*batch, *resource, subtasks, *span);
                self.set_up(*batch, *span, *setup);
                self.has_its_model(*batch, *resource, *setup);
            }
            EngineFact::BatchFinished {
                batch,
                resource,
                span,
            } => self.batch_finished(*batch, *resource, *span),
            EngineFact::SubtaskFinished {
                subtask,
                waited,
                ran,
                first_token,
            } => {
                self.subtask_finished(*subtask, *waited, *ran);
                self.first_token(*subtask, *first_token, *ran);
            }
            EngineFact::SubtaskFailed {
                subtask,
                attempt,
                cause,
                retry_at,
            } => {
                self.subtask_failed(*subtask, *attempt, cause, *retry_at);
            }
            EngineFact::SubtaskCancelled { subtask } => self.cancelled(*subtask),
            EngineFact::TaskFinished { task, flow } => self.task_finished(*task, *flow),
            EngineFact::TaskFailed { task } => self.task_failed(*task),
            EngineFact::DeadlineMissed { task } => self.missed(*task),
            EngineFact::ResourceDown { resource } => self.turned(*resource, false),
            EngineFact::ResourceUp { resource } => self.turned(*resource, true),
            EngineFact::ModelLoaded { .. }
            | EngineFact::SubtaskPreempted { .. }
            | EngineFact::TokensEvicted { .. }
            | EngineFact::TokensReadmitted { .. }
            | EngineFact::SubtaskHedged { .. }
            | EngineFact::TaskCancelled { .. }
            | EngineFact::TaskRefused { .. }
            | EngineFact::ResourceStarting { .. } => self.take_rare(fact),
        }
    }

    fn take_rare(&mut self, fact: &EngineFact) {
        match fact {
            EngineFact::ModelLoaded {
                device,
                model,
                evicted,
                span,
            } => self.model_loaded(*device, model, evicted, *span),
            EngineFact::SubtaskPreempted { subtask, resource } => {
                self.preempted(*subtask, *resource);
            }
            EngineFact::TokensEvicted { subtask, resource } => {
                self.evicted(*subtask, *resource);
            }
            EngineFact::TokensReadmitted { subtask, resource } => {
                self.readmitted(*subtask, *resource);
            }
            EngineFact::SubtaskHedged { subtask, resource } => self.hedged(*subtask, *resource),
            EngineFact::TaskCancelled { task } | EngineFact::TaskRefused { task } => {
                self.called_off(*task);
            }
            EngineFact::ResourceStarting { resource, until } => {
                self.starting(*resource, *until);
            }
            _ => {}
        }
    }

    fn take_new(&mut self, fact: &EngineFact) {
        match fact {
            EngineFact::ResourceJoined {
                resource,
                slots,
                memory_bytes,
                continuous,
                token_capacity,
                shares,
                kind,
                ..
            } => {
                self.joined(*resource, *slots, *memory_bytes, *continuous);
                if let Some(log) = self.resources.get_mut(resource) {
                    log.token_capacity = *token_capacity;
                    log.shares = *shares;
                    if let ResourceKind::Replica { model } = kind {
                        log.model = Some(model.clone());
                    }
                }
            }
            EngineFact::TaskArrived {
                task,
                deadline,
                release,
                priority,
                ..
            } => self.arrived(*task, *deadline, *release, *priority),
            EngineFact::SubtaskAdded {
                subtask,
                task,
                skill,
                after,
                memory_bytes,
                tokens,
                timeout,
                ..
            } => {
                self.added(*subtask, *task, *skill, after);
                if let Some(log) = self.subtasks.get_mut(subtask) {
                    log.memory = *memory_bytes;
                    log.tokens = (*tokens).into();
                    log.timeout = *timeout;
                }
            }
            _ => {}
        }
    }

    /// What begins at an instant must be complete at its end.
    fn end_instant(&mut self) {
        for id in std::mem::take(&mut self.placed) {
            let stage = self.subtasks.get(&id).map(|log| log.stage);
            self.require(!matches!(stage, Some(Stage::Placed(_))), || {
                format!("{id:?} is placed, but no batch starts with it")
            });
        }
        for id in std::mem::take(&mut self.ended) {
            self.go_on_in_copies(id);
            let members = self.batches.get(&id).map(|log| log.subtasks.clone());
            for member in members.unwrap_or_default() {
                let stage = self.subtasks.get(&member).map(|log| log.stage);
                self.require(stage != Some(Stage::Running(id)), || {
                    format!("{id:?} ended, but nothing says what became of {member:?}")
                });
            }
        }
        for (id, resource) in std::mem::take(&mut self.preempted) {
            self.gave_way(id, resource);
        }
        for id in std::mem::take(&mut self.failed_tasks) {
            self.nothing_left(id);
        }
        for id in std::mem::take(&mut self.filled) {
            self.holds_its_tokens(id);
        }
        for id in std::mem::take(&mut self.downed) {
            let busy = self
                .resources
                .get(&id)
                .is_some_and(|log| !log.up && (log.running.is_some() || !log.sequences.is_empty()));
            self.require(!busy, || format!("{id:?} is down and goes on working"));
        }
    }
}
