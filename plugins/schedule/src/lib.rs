//! Decides which subtask runs where and when: resource pool, event engine and policies.

mod fact;
mod pool;
mod workload;

pub use crate::{
    fact::{Candidate, EngineFact, FailureCause, WaitReason},
    pool::{LatencyProfile, ResourceId, ResourceKind, ResourceSpec},
    workload::{BatchId, OwnerId, Skill, SubtaskId, SubtaskSpec, SubtaskState, TaskId, TaskSpec, TaskState},
};
