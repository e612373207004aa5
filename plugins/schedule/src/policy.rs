//! The seam of choice: a policy sees the ready subtasks and the pool, and says who goes where.

mod board;
mod fifo;
mod heft;
mod ready;
mod sjf;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sim::{SimSpan, SimTime, Streams};

use crate::{
    engine::{Resource, Subtask},
    fact::{Candidate, WaitReason},
    lane::{Lane, LaneId, Load, Pool},
    pool::ResourceId,
    workload::{SubtaskId, SubtaskState},
};

/// Decides online which ready subtask goes to which resource now.
///
/// A policy returns decisions and performs nothing. It is asked only while something is ready and
/// some resource is free, unless it [binds on arrival](Policy::binds_on_arrival).
pub trait Policy: Send + Sync {
    /// Writes where subtasks go, best first, into `decisions`, which come empty.
    ///
    /// The engine goes through the placements in order. All that name the same free resource and
    /// the same lane form its next batch, up to its slots. A placement on a resource that cannot
    /// take it now means that the subtask waits for that resource.
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions);

    /// Whether it wants to be asked whenever something becomes ready, though nobody is free.
    fn binds_on_arrival(&self) -> bool {
        false
    }

    /// What its numbers measure.
    fn criteria(&self) -> Criteria;
}

/// What a policy's numbers measure; the smallest wins in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// Of [`Placement::rank`]: which subtask goes first.
    pub rank: &'static str,
    /// Of [`Candidate::score`]: which resource it goes to.
    pub score: &'static str,
}

/// What a policy decided in one call; the engine keeps the buffers from call to call.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// Who goes where, best first.
    pub placements: Vec<Placement>,
    /// Why others wait, where the policy has a reason of its own; only written if
    /// [`View::explains`].
    pub waits: Vec<(SubtaskId, WaitReason)>,
    /// When the policy wants to be asked again though nothing else may happen.
    pub wake_at: Option<SimTime>,
}

impl Decisions {
    /// Forgets everything but the buffers.
    pub fn clear(&mut self) {
        self.placements.clear();
        self.waits.clear();
        self.wake_at = None;
    }
}

/// A policy's decision about one subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Which.
    pub subtask: SubtaskId,
    /// Where it goes.
    pub resource: ResourceId,
    /// The policy's rank of the subtask: the smallest goes first, ties by id.
    pub rank: i64,
    /// The resources it could have gone to, with their scores; empty unless [`View::explains`].
    pub candidates: Vec<Candidate>,
}

/// The built-in policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyName {
    /// First in, first out.
    Fifo,
    /// Shortest job first.
    Sjf,
    /// Heterogeneous earliest finish time.
    Heft,
}

impl PolicyName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fifo, Self::Sjf, Self::Heft];

    /// The name used on the command line and in journals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Sjf => "sjf",
            Self::Heft => "heft",
        }
    }

    /// A fresh policy of this name; what is left to chance is drawn from `streams`.
    pub fn make(self, _streams: Streams) -> Box<dyn Policy> {
        match self {
            Self::Fifo => Box::<fifo::Fifo>::default(),
            Self::Sjf => Box::<sjf::Sjf>::default(),
            Self::Heft => Box::<heft::Heft>::default(),
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no policy has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown policy {0:?}, must be one of \"fifo\", \"sjf\", \"heft\"")]
pub struct UnknownPolicy(pub String);

impl FromStr for PolicyName {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == text)
            .ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

/// What a policy may know: the graph so far, the pool, and expectations instead of real durations.
pub struct View<'a> {
    pub(crate) now: SimTime,
    pub(crate) subtasks: &'a [Subtask],
    pub(crate) pool: &'a Pool,
    pub(crate) readiness_changes: &'a [SubtaskId],
    pub(crate) explains: bool,
}

impl<'a> View<'a> {
    /// The current instant.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Whether candidates and reasons for waiting are to be written; if not, they cost nothing.
    pub fn explains(&self) -> bool {
        self.explains
    }

    /// All subtasks known so far, by id.
    pub fn subtasks(&self) -> &'a [Subtask] {
        self.subtasks
    }

    /// One subtask.
    pub fn subtask(&self, id: SubtaskId) -> &'a Subtask {
        &self.subtasks[id.index()]
    }

    /// What must be done before a subtask, each named once.
    pub fn predecessors(&self, id: SubtaskId) -> impl Iterator<Item = SubtaskId> + use<'a> {
        self.subtask(id).spec.after.iter().copied()
    }

    /// What waits for a subtask, so far.
    pub fn successors(&self, id: SubtaskId) -> impl Iterator<Item = SubtaskId> + use<'a> {
        self.subtask(id).successors.iter().copied()
    }

    /// Whether a subtask may start.
    pub fn is_ready(&self, id: SubtaskId) -> bool {
        self.subtask(id).state == SubtaskState::Ready
    }

    /// Subtasks that became ready or ceased to be since the policy was last asked; some may be
    /// named twice or be back where they were.
    pub fn readiness_changes(&self) -> &'a [SubtaskId] {
        self.readiness_changes
    }

    /// All resources, by id.
    pub fn resources(&self) -> &'a [Resource] {
        &self.pool.resources
    }

    /// All lanes asked for so far, by id.
    pub fn lanes(&self) -> &'a [Lane] {
        &self.pool.lanes
    }

    /// When a resource is expected to be free: now if it is.
    pub fn free_at(&self, resource: ResourceId) -> SimTime {
        self.pool.free_at(resource, self.now)
    }

    /// How long a batch of `load` on `lane` is expected to take; `None` if the resource cannot.
    pub fn span(&self, resource: ResourceId, lane: LaneId, load: Load) -> Option<SimSpan> {
        self.pool.span(resource, lane, load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for policy in PolicyName::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert_eq!(
            "FIFO".parse::<PolicyName>(),
            Err(UnknownPolicy("FIFO".to_owned()))
        );
    }
}
