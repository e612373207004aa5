//! Tasks and subtasks as their owners hand them in, and the states they go through.

use serde::{Deserialize, Serialize};
use sim::{SimSpan, SimTime};

use crate::{pool::ResourceId, spread::Spread};

/// Defines a dense index as a newtype that knows nothing but its number.
macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[cfg_attr(feature = "bevy", derive(bevy::prelude::Reflect))]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in a dense array.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
pub(crate) use index;

index! {
    /// A task, counted from 0 in the order of arrival.
    TaskId
}
index! {
    /// A subtask, counted from 0 over all tasks; predecessors always have smaller numbers.
    SubtaskId
}
index! {
    /// A batch: subtasks that one resource starts and ends together.
    BatchId
}
index! {
    /// Whoever answers for a task or subtask: an agent, a tenant. The engine only compares it.
    OwnerId
}

/// What a subtask needs done, and what a resource can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bevy", derive(bevy::prelude::Reflect))]
#[serde(rename_all = "snake_case")]
pub enum Skill {
    /// Write down what is said.
    Transcribe,
    /// Turn text into vectors.
    Embed,
    /// Split a text into topics.
    Segment,
    /// Choose or write what carries a text.
    Summarise,
    /// Give something a name.
    Tag,
    /// Answer a question.
    Answer,
    /// Sort into classes.
    Classify,
    /// Write new text.
    Generate,
    /// Check a piece of work.
    Inspect,
    /// Shape a part.
    Machine,
    /// Bring something elsewhere.
    Carry,
    /// Say that work is good.
    Approve,
}

impl Skill {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::Transcribe,
        Self::Embed,
        Self::Segment,
        Self::Summarise,
        Self::Tag,
        Self::Answer,
        Self::Classify,
        Self::Generate,
        Self::Inspect,
        Self::Machine,
        Self::Carry,
        Self::Approve,
    ];

    /// The name used in scene files and journals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transcribe => "transcribe",
            Self::Embed => "embed",
            Self::Segment => "segment",
            Self::Summarise => "summarise",
            Self::Tag => "tag",
            Self::Answer => "answer",
            Self::Classify => "classify",
            Self::Generate => "generate",
            Self::Inspect => "inspect",
            Self::Machine => "machine",
            Self::Carry => "carry",
            Self::Approve => "approve",
        }
    }
}

/// A task as it is handed in.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSpec {
    /// What people call it.
    pub name: String,
    /// Who answers for it.
    pub owner: OwnerId,
    /// How much its completion time counts; positive and finite.
    pub weight: f64,
    /// When it should be done.
    pub deadline: Option<SimTime>,
    /// Before this, none of its subtasks may start; `None`: at once.
    pub release: Option<SimTime>,
    /// Who is served: shares are fair among tenants.
    pub tenant: OwnerId,
    /// Larger goes first, whatever the policy's rank; 0 is usual.
    pub priority: i32,
}

impl TaskSpec {
    /// A task that is nothing special: weight 1, no deadline, at once, its owner the tenant.
    pub fn new(name: impl Into<String>, owner: OwnerId) -> Self {
        Self {
            name: name.into(),
            owner,
            weight: 1.0,
            deadline: None,
            release: None,
            tenant: owner,
            priority: 0,
        }
    }
}

/// One way to do a subtask: who, and how long it takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mode {
    /// Who.
    pub resource: ResourceId,
    /// How long, in a batch of its own.
    pub span: SimSpan,
}

/// A subtask as it is handed in.
#[derive(Clone, Debug, PartialEq)]
pub struct SubtaskSpec {
    /// The task it is a piece of.
    pub task: TaskId,
    /// What people call it.
    pub name: String,
    /// What it needs done.
    pub skill: Skill,
    /// The model that must do it, where the skill alone does not say.
    pub model: Option<String>,
    /// The agent responsible for it.
    pub owner: OwnerId,
    /// What must be done before; may belong to other tasks.
    pub after: Vec<SubtaskId>,
    /// Independent inputs in it, such as sentences.
    pub items: u32,
    /// Tokens over all inputs.
    pub tokens: u32,
    /// Data to bring to the resource from outside.
    pub bytes: u64,
    /// What it gets from each predecessor in `after`, in bytes; where the list is shorter, nothing.
    pub received: Vec<u64>,
    /// Work beside what inputs and tokens say: the span at speed 1.
    pub work: SimSpan,
    /// Who can do it and how long it takes each, instead of skills and latency profiles; empty:
    /// by skill and model. The skill is then a mere label.
    pub modes: Vec<Mode>,
    /// How its actual work differs from the expected.
    pub spread: Spread,
    /// Tokens to generate, for resources with continuous batching; its `tokens` are the prompt.
    pub output_tokens: u32,
    /// Memory that it takes while it runs.
    pub memory_bytes: u64,
    /// How long an attempt may take; `None`: as the options say.
    pub timeout: Option<SimSpan>,
    /// How often it is tried; `None`: as the options say.
    pub max_attempts: Option<u32>,
}

impl SubtaskSpec {
    /// A subtask with nothing in it: no predecessors, no inputs, no work.
    pub fn new(task: TaskId, skill: Skill) -> Self {
        Self {
            task,
            name: String::new(),
            skill,
            model: None,
            owner: OwnerId(0),
            after: Vec::new(),
            items: 0,
            tokens: 0,
            bytes: 0,
            received: Vec::new(),
            work: SimSpan::ZERO,
            modes: Vec::new(),
            spread: Spread::Exact,
            output_tokens: 0,
            memory_bytes: 0,
            timeout: None,
            max_attempts: None,
        }
    }
}

/// Where a task is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "bevy",
    derive(bevy::prelude::Component, bevy::prelude::Reflect)
)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// More subtasks may come.
    Open,
    /// All its subtasks are known.
    Closed,
    /// All its subtasks are done.
    Done,
    /// A subtask failed for good, or the task was refused.
    Failed,
    /// It was called off.
    Cancelled,
}

/// Where a subtask is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "bevy",
    derive(bevy::prelude::Component, bevy::prelude::Reflect)
)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SubtaskState {
    /// Predecessors are not done.
    Blocked,
    /// May start; waits for a resource.
    Ready,
    /// Failed; waits for its next attempt.
    Backoff {
        /// When it becomes ready again.
        until: SimTime,
    },
    /// Being worked on.
    Running {
        /// By whom.
        resource: ResourceId,
        /// In which batch.
        batch: BatchId,
    },
    /// Done.
    Done,
    /// Failed for good.
    Failed,
    /// No longer wanted, since a predecessor or its task failed.
    Cancelled,
}

impl TaskState {
    /// Whether nothing can change it any more.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl SubtaskState {
    /// Whether nothing can change it any more.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}
