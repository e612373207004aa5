//! Searches offline for whole schedules: instances, planners, list schedulers, bounds, a validator.
//!
//! An [`Instance`] says what must be done and who can do it, a [`Schedule`] says who does what when,
//! an [`Objective`] says which schedule is better. A [`Planner`] improves schedules until its
//! [`Budget`] is spent.

mod bounds;
mod critical_path;
mod decode;
mod instance;
mod list;
mod objective;
mod planner;
mod schedule;
mod search;
mod shop;
mod validate;

pub use crate::{
    bounds::lower_bound,
    critical_path::{Cause, CriticalLink, critical_path},
    decode::{Decoder, Encoding, Fit},
    instance::{
        Arc, Instance, InstanceBuilder, InstanceError, Job, JobId, Mode, Network, OpId, Resource,
        ResourceId,
    },
    list::{ListName, UnknownListScheduler},
    objective::{Objective, UnknownObjective},
    planner::{Planner, PlannerName, UnknownPlanner},
    schedule::{Assignment, Schedule},
    search::{Budget, Moves, Progress, Search},
    validate::{Violation, validate},
};
