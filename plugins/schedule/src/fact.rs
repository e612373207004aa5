//! What the engine states: arrivals, decisions with their reasons, starts, ends and failures.

use std::fmt;

use serde::{Deserialize, Serialize};
use sim::{SimSpan, SimTime};

use crate::{
    hardware::DeviceId,
    pool::{ResourceId, ResourceKind},
    workload::{BatchId, OwnerId, Skill, SubtaskId, TaskId},
};

/// One thing that happened in the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EngineFact {
    /// A resource belongs to the pool; stated once for each at the start.
    ResourceJoined {
        /// Its number.
        resource: ResourceId,
        /// Its name.
        name: String,
        /// What it is.
        kind: ResourceKind,
        /// How many subtasks it can start together.
        slots: u32,
        /// What a second of its work costs.
        price_per_sec: f64,
        /// What it draws while it works.
        watts: f64,
        /// How much fits into it at once, where that is limited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_bytes: Option<u64>,
        /// Whether its batches are sequences that join and leave one by one.
        #[serde(default, skip_serializing_if = "is_default")]
        continuous: bool,
        /// How many tokens its sequences can keep together, where that is limited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_capacity: Option<u64>,
        /// The limited memory that it shares with others on its device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shares: Option<MemoryShare>,
    },
    /// A model came into the limited memory of a device; those that are there when a run begins are
    /// stated too.
    ModelLoaded {
        /// Whose memory.
        device: DeviceId,
        /// Which.
        model: String,
        /// Which had to go.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evicted: Vec<String>,
        /// How long that takes, as a part of the setup of the batch that needs it.
        #[serde(default, skip_serializing_if = "is_default")]
        span: SimSpan,
    },
    /// A task was handed in.
    TaskArrived {
        /// Its number.
        task: TaskId,
        /// Its name.
        name: String,
        /// Who answers for it.
        owner: OwnerId,
        /// How much its completion time counts.
        weight: f64,
        /// When it should be done.
        deadline: Option<SimTime>,
        /// When its subtasks may start, if that is later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<SimTime>,
        /// Larger goes first.
        #[serde(default, skip_serializing_if = "is_default")]
        priority: i32,
    },
    /// A task was split further.
    SubtaskAdded {
        /// Its number.
        subtask: SubtaskId,
        /// The task it is a piece of.
        task: TaskId,
        /// Its name.
        name: String,
        /// What it needs done.
        skill: Skill,
        /// The agent responsible.
        owner: OwnerId,
        /// What must be done before.
        after: Vec<SubtaskId>,
        /// Independent inputs in it.
        items: u32,
        /// Tokens over all inputs.
        tokens: u32,
        /// Data to bring to the resource.
        bytes: u64,
        /// Memory that it takes while it runs.
        #[serde(default, skip_serializing_if = "is_default")]
        memory_bytes: u64,
        /// How long an attempt may take, where that is said of it alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<SimSpan>,
    },
    /// All predecessors are done (or the wait after a failure is over).
    SubtaskReady {
        /// Which.
        subtask: SubtaskId,
    },
    /// The policy placed a subtask.
    SubtaskPlaced {
        /// Which.
        subtask: SubtaskId,
        /// Where it goes.
        resource: ResourceId,
        /// The policy's rank of the subtask among those that waited: the smallest went first.
        rank: i64,
        /// The resources it could have gone to, with their scores by the policy's criterion.
        candidates: Vec<Candidate>,
    },
    /// A resource began to work on a batch.
    BatchStarted {
        /// Its number.
        batch: BatchId,
        /// Who works on it.
        resource: ResourceId,
        /// What is in it.
        subtasks: Vec<SubtaskId>,
        /// The time it is charged, where that is known beforehand.
        span: Option<SimSpan>,
        /// Of that, the time until its model is loaded and its predecessors' data is there.
        #[serde(default, skip_serializing_if = "is_default")]
        setup: SimSpan,
    },
    /// A batch ended, well or not, and its resource is free; what became of its subtasks follows.
    BatchFinished {
        /// Which.
        batch: BatchId,
        /// Who worked on it.
        resource: ResourceId,
        /// The time it was charged.
        span: SimSpan,
    },
    /// A subtask is done.
    SubtaskFinished {
        /// Which.
        subtask: SubtaskId,
        /// From ready (for the last attempt) to start.
        waited: SimSpan,
        /// From start to end.
        ran: SimSpan,
        /// From start to its first token, where it generated some.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_token: Option<SimSpan>,
    },
    /// A subtask lost its place to one of higher priority; it is ready again.
    SubtaskPreempted {
        /// Which.
        subtask: SubtaskId,
        /// Where it ran.
        resource: ResourceId,
    },
    /// The tokens that a subtask had generated lost their memory; it goes on when there is room.
    TokensEvicted {
        /// Which.
        subtask: SubtaskId,
        /// Where it runs.
        resource: ResourceId,
    },
    /// There is room again for the tokens of a subtask that lost their memory: it goes on, with what it
    /// had generated as a part of its prompt.
    TokensReadmitted {
        /// Which.
        subtask: SubtaskId,
        /// Where it runs.
        resource: ResourceId,
    },
    /// A subtask took long: a second copy of it starts.
    SubtaskHedged {
        /// Which.
        subtask: SubtaskId,
        /// Where the copy runs.
        resource: ResourceId,
    },
    /// An attempt failed.
    SubtaskFailed {
        /// Which.
        subtask: SubtaskId,
        /// How many attempts there have been.
        attempt: u32,
        /// Why.
        cause: FailureCause,
        /// When it is tried again; `None`: never.
        retry_at: Option<SimTime>,
    },
    /// A subtask is no longer wanted.
    SubtaskCancelled {
        /// Which.
        subtask: SubtaskId,
    },
    /// All subtasks of a closed task are done.
    TaskFinished {
        /// Which.
        task: TaskId,
        /// From its arrival to now.
        flow: SimSpan,
    },
    /// A task cannot be finished.
    TaskFailed {
        /// Which.
        task: TaskId,
    },
    /// A task was called off.
    TaskCancelled {
        /// Which.
        task: TaskId,
    },
    /// A task came while too many were open.
    TaskRefused {
        /// Which.
        task: TaskId,
    },
    /// A deadline passed with its task unfinished.
    DeadlineMissed {
        /// Which.
        task: TaskId,
    },
    /// A resource failed.
    ResourceDown {
        /// Which.
        resource: ResourceId,
    },
    /// A resource is being started.
    ResourceStarting {
        /// Which.
        resource: ResourceId,
        /// When it will work.
        until: SimTime,
    },
    /// A resource works again.
    ResourceUp {
        /// Which.
        resource: ResourceId,
    },
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a resource takes of a memory that it shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryShare {
    /// Whose memory it is.
    pub device: DeviceId,
    /// How much there is.
    pub of_bytes: u64,
    /// How much the model of the resource takes of it.
    pub bytes: u64,
}

/// A resource that a subtask could have gone to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub resource: ResourceId,
    /// What the policy made of it, such as the expected end in nanoseconds: the smallest won. See
    /// [`Criteria`](crate::Criteria). Earlier journals call it `finish`.
    #[serde(alias = "finish")]
    pub score: i64,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why", content = "detail")]
pub enum FailureCause {
    /// Whoever performed it says so.
    Performer(String),
    /// Its resource failed.
    ResourceDown,
    /// It took longer than allowed.
    TimedOut,
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Performer(why) => f.write_str(why),
            Self::ResourceDown => f.write_str("its resource failed"),
            Self::TimedOut => f.write_str("it took longer than allowed"),
        }
    }
}

/// Why a subtask does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum WaitReason {
    /// Predecessors are not done.
    Predecessors {
        /// How many.
        missing: u32,
    },
    /// Its task is not released.
    Release {
        /// When it is.
        at: SimTime,
    },
    /// The memory of whoever could do it has no room for it.
    Memory {
        /// Of which.
        resource: ResourceId,
    },
    /// Whoever could do it is being started.
    StartingUp {
        /// Which.
        resource: ResourceId,
        /// When it will work.
        until: SimTime,
    },
    /// Everyone who could do it is busy.
    ResourcesBusy,
    /// Everyone who could do it is down.
    ResourcesDown,
    /// It failed and waits for its next attempt.
    Backoff {
        /// Until when.
        until: SimTime,
    },
    /// The policy waits for a resource that would end it sooner than any that is free.
    BetterResource {
        /// Which.
        resource: ResourceId,
    },
    /// It was bound to a resource when it became ready, and others are before it there.
    Queued {
        /// Which.
        resource: ResourceId,
    },
    /// A resource is free, but soon more may come that can share its batch.
    FillingBatch {
        /// Until when it waits at most.
        until: SimTime,
    },
    /// A plan that says where it goes is being made.
    Planning {
        /// When the plan will be there.
        until: SimTime,
    },
    /// The plan has something else before it.
    Planned {
        /// Where it goes when its turn comes.
        resource: ResourceId,
    },
}
