//! Simulated clock, step schedule, facts, seeded random streams and run control.
//!
//! Add [`SimPlugin`], put systems into [`SimStep`] under one of the [`SimSystems`], ask for the
//! next step with [`Agenda::wake_at`], and let the run's [`Pace`] decide how fast steps follow.

#[cfg(feature = "bevy")]
mod clock;
#[cfg(feature = "bevy")]
mod control;
mod fact;
mod queue;
#[cfg(feature = "bevy")]
mod step;
mod streams;
mod time;

#[cfg(feature = "bevy")]
pub use crate::{
    clock::{Agenda, Clock, Holds},
    control::{ControlRequest, Pace, RunControl, SimPlugin},
    fact::{FactCounter, FactWriter},
    step::{Progress, SimStep, SimSystems, step_once},
};
pub use crate::{
    fact::Fact,
    queue::EventQueue,
    streams::Streams,
    time::{SimSpan, SimTime},
};
