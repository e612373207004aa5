//! The simulated clock, the agenda of instants at which something happens, and what holds time back.

use std::collections::{BTreeMap, BTreeSet};

use bevy::prelude::Resource;

use crate::time::SimTime;

/// The instant that the current step stands at.
#[derive(Resource, Debug, Default)]
pub struct Clock {
    pub(crate) now: SimTime,
    pub(crate) steps: u64,
}

impl Clock {
    /// The instant of the current (or, between steps, the last) step.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// How many steps have run.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// The instants at which a step is wanted, each once.
#[derive(Resource, Debug, Default)]
pub struct Agenda(BTreeSet<SimTime>);

impl Agenda {
    /// Asks for a step at `at`; asking twice is asking once, and the past means now.
    pub fn wake_at(&mut self, at: SimTime) {
        self.0.insert(at);
    }

    /// The next instant at which a step is wanted.
    pub fn next(&self) -> Option<SimTime> {
        self.0.first().copied()
    }

    pub(crate) fn take_next(&mut self) -> Option<SimTime> {
        self.0.pop_first()
    }
}

/// Instants that must not be reached before something outside simulated time has come, such as a
/// model's reply.
#[derive(Resource, Debug, Default)]
pub struct Holds(BTreeMap<u64, SimTime>);

impl Holds {
    /// Lets no step at or after `from` run until `key` is released.
    pub fn hold(&mut self, key: u64, from: SimTime) {
        self.0.insert(key, from);
    }

    /// Ends the hold of `key`, if there is one.
    pub fn release(&mut self, key: u64) {
        self.0.remove(&key);
    }

    /// Whether a step at `at` must wait.
    pub fn blocks(&self, at: SimTime) -> bool {
        self.0.values().any(|from| *from <= at)
    }

    /// Whether nothing is awaited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
