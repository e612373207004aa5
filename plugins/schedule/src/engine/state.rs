//! What the engine knows of each task, subtask, resource and batch.

use sim::{SimSpan, SimTime};

use crate::{
    fact::EngineFact,
    lane::{LaneId, Load},
    pool::{ResourceId, ResourceSpec},
    workload::{BatchId, SubtaskId, SubtaskSpec, SubtaskState, TaskId, TaskSpec, TaskState},
};

/// A task and where it is on its way.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// What was handed in.
    pub spec: TaskSpec,
    /// Where it is.
    pub state: TaskState,
    /// When it was handed in.
    pub arrived_at: SimTime,
    /// When it was done or failed.
    pub ended_at: Option<SimTime>,
    /// Its pieces so far.
    pub subtasks: Vec<SubtaskId>,
    /// How many of them are not ended.
    pub n_unfinished: usize,
    /// Whether its deadline passed with it unfinished.
    pub missed_deadline: bool,
}

/// A subtask and where it is on its way.
#[derive(Clone, Debug)]
pub struct Subtask {
    /// Its number.
    pub id: SubtaskId,
    /// What was handed in; each predecessor is named once.
    pub spec: SubtaskSpec,
    /// Where it is.
    pub state: SubtaskState,
    /// Those who ask for the same.
    pub lane: LaneId,
    /// Those that wait for it, so far.
    pub successors: Vec<SubtaskId>,
    /// Expected span alone, on average over those who could do it.
    pub mean_span: SimSpan,
    /// How often it was started.
    pub attempts: u32,
    /// When it last became ready.
    pub ready_at: Option<SimTime>,
    /// When it was last started.
    pub started_at: Option<SimTime>,
    /// When it was done, failed for good or cancelled.
    pub ended_at: Option<SimTime>,
    /// How many predecessors are not done.
    pub(crate) n_missing: u32,
}

impl Subtask {
    /// How much work is in it.
    pub fn load(&self) -> Load {
        Load::of(&self.spec)
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
    /// What it works on.
    pub running: Option<BatchId>,
    /// When that is expected to end, as its profile says (without noise).
    pub expected_end: Option<SimTime>,
    /// How many subtasks it has finished.
    pub finished: u32,
}

impl Resource {
    pub(crate) fn new(id: ResourceId, spec: ResourceSpec) -> Self {
        Self {
            id,
            spec,
            up: true,
            running: None,
            expected_end: None,
            finished: 0,
        }
    }

    /// Whether it could start a batch now.
    pub fn is_free(&self) -> bool {
        self.up && self.running.is_none()
    }

    pub(crate) fn joined(&self) -> EngineFact {
        EngineFact::ResourceJoined {
            resource: self.id,
            name: self.spec.name.clone(),
            kind: self.spec.kind.clone(),
            slots: self.spec.slots,
            price_per_sec: self.spec.price_per_sec,
            watts: self.spec.watts,
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

/// A batch with what the engine alone needs to know.
#[derive(Debug)]
pub(crate) struct BatchRecord {
    pub(crate) batch: Batch,
    pub(crate) is_running: bool,
}
