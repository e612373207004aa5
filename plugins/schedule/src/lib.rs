//! Decides which subtask runs where and when: resource pool, event engine and policies.
//!
//! [`Engine`] is a plain value that any program can drive; [`SchedulePlugin`] hosts one in a Bevy
//! app, where [`EngineAccess`] changes it and entities mirror it.

mod access;
mod engine;
mod fact;
mod lane;
mod mirror;
mod options;
mod plugin;
mod policy;
mod pool;
mod validate;
mod workload;

pub use crate::{
    access::{EngineAccess, Scheduler},
    engine::{Batch, Engine, Resource, Subtask, SubtaskError, Task},
    fact::{Candidate, EngineFact, FailureCause, WaitReason},
    lane::{Lane, LaneId, Load},
    mirror::{Mirrors, PoolResource, ResourceLoad, SubtaskMirror, TaskMirror},
    options::{Charge, EngineOptions},
    plugin::{BatchStarted, SchedulePlugin},
    policy::{Placement, Policy, PolicyName, UnknownPolicy, View},
    pool::{LatencyProfile, PoolError, ResourceId, ResourceKind, ResourceSpec},
    validate::{Violation, validate},
    workload::{
        BatchId, OwnerId, Skill, SubtaskId, SubtaskSpec, SubtaskState, TaskId, TaskSpec, TaskState,
    },
};
