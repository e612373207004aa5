//! Decides which subtask runs where and when: resource pool, event engine and policies.
//!
//! [`Engine`] is a plain value that any program can drive; [`SchedulePlugin`] hosts one in a Bevy
//! app, where [`EngineAccess`] changes it and entities mirror it.

#[cfg(feature = "bevy")]
mod access;
mod critical_path;
mod demand;
mod draws;
mod engine;
mod fact;
mod hardware;
mod lane;
#[cfg(feature = "bevy")]
mod mirror;
mod network;
mod options;
#[cfg(feature = "bevy")]
mod plugin;
mod policy;
mod pool;
mod residence;
mod spread;
mod validate;
mod workload;

#[cfg(feature = "bevy")]
pub use crate::{
    access::{EngineAccess, Scheduler},
    mirror::{Mirrors, PoolResource, ResourceLoad, SubtaskMirror, TaskMirror},
    plugin::{BatchStarted, SchedulePlugin},
};
pub use crate::{
    critical_path::{CriticalStep, HeldBy},
    engine::{
        Batch, Counts, Engine, Resource, Subtask, SubtaskError, SubtaskTerms, Task, TaskTerms,
    },
    fact::{Candidate, EngineFact, FailureCause, MemoryShare, WaitReason},
    hardware::{
        BatchCurve, DeviceId, DeviceMemory, HostedModel, Memory, Outages, Residence, TokenBatching,
    },
    lane::{Lane, LaneId, Load},
    network::{Link, Network},
    options::{Charge, EngineOptions, FactLevel, HedgeAfter, Preemption, ScalingRule},
    policy::{
        Criteria, Decisions, Placement, Policy, PolicyName, UnknownPolicy, View, rolling_horizon,
    },
    pool::{LatencyProfile, PoolError, ResourceId, ResourceKind, ResourceSpec},
    spread::Spread,
    validate::{Violation, validate, validate_priorities},
    workload::{
        BatchId, Mode, OwnerId, Skill, SubtaskId, SubtaskSpec, SubtaskState, TaskId, TaskSpec,
        TaskState,
    },
};
