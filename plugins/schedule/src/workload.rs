//! Tasks and subtasks as their owners hand them in, and the states they go through.

use serde::{Deserialize, Serialize};
use sim::SimTime;

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
    /// Data to bring to the resource.
    pub bytes: u64,
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
    /// A subtask failed for good.
    Failed,
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
        resource: crate::ResourceId,
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
        matches!(self, Self::Done | Self::Failed)
    }
}

impl SubtaskState {
    /// Whether nothing can change it any more.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}
