//! What the engine knows of each task, subtask, resource and batch.

use sim::{SimSpan, SimTime};

use super::{graph::NONE, tokens::TokenServer};
use crate::{
    demand::DemandId,
    fact::{EngineFact, MemoryShare},
    lane::is_plain,
    pool::{ResourceId, ResourceSpec},
    residence::Place,
    workload::{BatchId, OwnerId, Skill, SubtaskId, SubtaskState, TaskId, TaskSpec, TaskState},
};

/// An instant that may not have come, in the room of one that has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) const NONE: Self = Self(u64::MAX);

    pub(crate) fn at(at: SimTime) -> Self {
        Self(at.0)
    }

    pub(crate) fn of(at: Option<SimTime>) -> Self {
        at.map_or(Self::NONE, Self::at)
    }

    #[inline]
    pub(crate) fn get(self) -> Option<SimTime> {
        (self != Self::NONE).then_some(SimTime(self.0))
    }
}

/// What was handed in with a task, but for its name: see [`Engine::task_name`](super::Engine).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskTerms {
    /// Who answers for it.
    pub owner: OwnerId,
    /// Who is served.
    pub tenant: OwnerId,
    /// How much its completion time counts.
    pub weight: f64,
    deadline: Moment,
    release: Moment,
    /// Larger goes first.
    pub priority: i32,
}

/// A task and where it is on its way.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// What was handed in.
    pub spec: TaskTerms,
    /// Where it is.
    pub state: TaskState,
    /// When it was handed in.
    pub arrived_at: SimTime,
    pub(crate) ended: Moment,
    /// How many of its subtasks are not ended.
    pub n_unfinished: u32,
    /// How many subtasks it has so far.
    pub n_subtasks: u32,
    /// Whether its deadline passed with it unfinished.
    pub missed_deadline: bool,
    /// Whether its subtasks may start.
    pub released: bool,
    /// Its first and last subtask; the others follow by [`Subtask::next_in_task`].
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// Whose a subtask is and what it needs done; the rest is asked of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubtaskTerms {
    /// The task it is a piece of.
    pub task: TaskId,
    /// The agent responsible for it.
    pub owner: OwnerId,
    /// What it needs done.
    pub skill: Skill,
}

/// A subtask and where it is on its way.
#[derive(Clone, Debug)]
pub struct Subtask {
    /// Its number.
    pub id: SubtaskId,
    /// What was handed in.
    pub spec: SubtaskTerms,
    /// Where it is.
    pub state: SubtaskState,
    /// How often it was started, less those starts that were preempted.
    pub attempts: u32,
    pub(crate) readied: Moment,
    pub(crate) started: Moment,
    pub(crate) ended: Moment,
    /// Where it last ran; [`NONE`]: nowhere.
    pub(crate) on: u32,
    /// How much it asks for.
    pub(crate) demand: DemandId,
    /// How many predecessors are not done.
    pub(crate) n_missing: u32,
    /// Its first and last link to a successor in the pool of the graph.
    pub(crate) after: (u32, u32),
    pub(crate) next_in_task: u32,
    /// What few subtasks have, in the engine's table; [`NONE`]: nothing of the kind.
    pub(crate) extras: u32,
}

/// What few subtasks have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) timeout: Option<SimSpan>,
    pub(crate) max_attempts: Option<u32>,
    /// Bytes from each predecessor, in the order of the graph; empty: none from any.
    pub(crate) received: Vec<u64>,
    /// The share of its work that is left after a preemption.
    pub(crate) left: Option<f64>,
}

impl TaskTerms {
    pub(crate) fn of(spec: &TaskSpec) -> Self {
        Self {
            owner: spec.owner,
            tenant: spec.tenant,
            weight: spec.weight,
            deadline: Moment::of(spec.deadline),
            release: Moment::of(spec.release),
            priority: spec.priority,
        }
    }

    /// When it should be done.
    pub fn deadline(&self) -> Option<SimTime> {
        self.deadline.get()
    }

    /// Before this, none of its subtasks may start.
    pub fn release(&self) -> Option<SimTime> {
        self.release.get()
    }
}

impl Task {
    /// When it was done, failed or cancelled.
    pub fn ended_at(&self) -> Option<SimTime> {
        self.ended.get()
    }
}

impl Extras {
    /// Whether there is nothing of the kind.
    pub(crate) fn is_empty(&self) -> bool {
        self.timeout.is_none()
            && self.max_attempts.is_none()
            && self.received.is_empty()
            && self.left.is_none()
    }
}

impl Subtask {
    /// When it last became ready.
    pub fn ready_at(&self) -> Option<SimTime> {
        self.readied.get()
    }

    /// When it was last started.
    pub fn started_at(&self) -> Option<SimTime> {
        self.started.get()
    }

    /// When it was done, failed for good or cancelled.
    pub fn ended_at(&self) -> Option<SimTime> {
        self.ended.get()
    }

    /// Where it last ran.
    pub fn ran_on(&self) -> Option<ResourceId> {
        (self.on != NONE).then_some(ResourceId(self.on))
    }

    pub(crate) fn has_extras(&self) -> bool {
        self.extras != NONE
    }
}

/// A resource and what it does.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its number.
    pub id: ResourceId,
    /// What the scene says.
    pub spec: ResourceSpec,
    /// Whether it works.
    pub up: bool,
    /// What it works on, unless it batches continuously.
    pub running: Option<BatchId>,
    /// When that is expected to end, as its profile says (without noise); for one that batches
    /// continuously and has no room: when the next sequence is expected to leave.
    pub expected_end: Option<SimTime>,
    /// How many subtasks it has finished.
    pub finished: u32,
    /// When it will have started, if it is starting up.
    pub starting_until: Option<SimTime>,
    /// Since when it has had nothing to do.
    pub idle_since: SimTime,
    /// The batch that runs or is being formed; empty if none.
    pub(crate) members: Vec<SubtaskId>,
    pub(crate) started: SimTime,
    pub(crate) ends: Option<SimTime>,
    /// Which of its models are loaded, the least recently used first.
    pub(crate) loaded: Vec<u32>,
    /// How many outages it has had.
    pub(crate) n_outages: u32,
    /// Whether it is on the list of those who are free.
    pub(crate) counted_free: bool,
    /// Where its model is, if the memory of its device is limited.
    pub(crate) place: Option<Place>,
    /// Whether its model is not loaded and those that work leave no room for it.
    pub(crate) is_crowded_out: bool,
    /// What loading its model adds to the batch that it forms.
    pub(crate) loading: SimSpan,
    /// Whether a scaling rule has switched it off.
    pub(crate) is_off: bool,
    /// Whether its profile says all of it.
    pub(crate) is_plain: bool,
    /// The sequences it works on, if it batches continuously.
    pub(crate) tokens: Option<Box<TokenServer>>,
}

impl Resource {
    pub(crate) fn new(id: ResourceId, spec: ResourceSpec) -> Self {
        let tokens = spec
            .continuous
            .map(|batching| Box::new(TokenServer::new(batching, &spec)));
        let is_plain = is_plain(&spec);
        Self {
            id,
            spec,
            up: true,
            running: None,
            expected_end: None,
            finished: 0,
            starting_until: None,
            idle_since: SimTime::ZERO,
            members: Vec::new(),
            started: SimTime::ZERO,
            ends: None,
            loaded: Vec::new(),
            n_outages: 0,
            counted_free: false,
            place: None,
            is_crowded_out: false,
            loading: SimSpan::ZERO,
            is_off: false,
            is_plain,
            tokens,
        }
    }

    /// Whether it could start something now.
    pub fn is_free(&self) -> bool {
        self.room() > 0
    }

    /// Whether what it works on keeps it from starting something.
    pub fn is_busy(&self) -> bool {
        let full = |tokens: &TokenServer| tokens.room(self.spec.slots) == 0;
        self.running.is_some() || self.tokens.as_deref().is_some_and(full)
    }

    /// How many subtasks it could start now.
    pub fn room(&self) -> u32 {
        match &self.tokens {
            _ if !self.up || self.running.is_some() || self.is_crowded_out => 0,
            Some(tokens) => tokens.room(self.spec.slots),
            None => self.spec.slots,
        }
    }

    /// How many subtasks run on it.
    pub fn n_running(&self) -> usize {
        match &self.tokens {
            Some(tokens) => tokens.n_sequences(),
            None if self.running.is_some() => self.members.len(),
            None => 0,
        }
    }

    pub(crate) fn joined(&self, shares: Option<MemoryShare>) -> EngineFact {
        EngineFact::ResourceJoined {
            resource: self.id,
            name: self.spec.name.clone(),
            kind: self.spec.kind.clone(),
            slots: self.spec.slots,
            price_per_sec: self.spec.price_per_sec,
            watts: self.spec.watts,
            memory_bytes: self.spec.memory.as_ref().map(|memory| memory.bytes),
            continuous: self.spec.continuous.is_some(),
            token_capacity: self.tokens.as_deref().and_then(TokenServer::limit),
            shares,
        }
    }
}

/// Subtasks that one resource starts and ends together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: BatchId,
    /// Who works on it.
    pub resource: ResourceId,
    /// What is in it, in the order of placement.
    pub subtasks: Vec<SubtaskId>,
    /// When it started.
    pub started: SimTime,
    /// When it ends, where that is known.
    pub ends: Option<SimTime>,
}
