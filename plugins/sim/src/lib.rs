//! Simulated clock, step schedule, facts, seeded random streams and run control.
//!
//! Add [`SimPlugin`], put systems into [`SimStep`] under one of the [`SimSystems`], ask for the
//! next step with [`Agenda::wake_at`], and let the run's [`Pace`] decide how fast steps follow.

mod clock;
mod control;
mod fact;
mod step;
mod streams;
mod time;

pub use crate::{
    clock::{Agenda, Clock, Holds},
    control::{ControlRequest, Pace, RunControl, SimPlugin},
    fact::{Fact, FactCounter, FactWriter},
    step::{Progress, SimStep, SimSystems, step_once},
    streams::Streams,
    time::{SimSpan, SimTime},
};
