//! Lets resources fail and recover as the scene says.

use std::collections::VecDeque;

use bevy::prelude::{ResMut, Resource};
use rooms::Fault;
use schedule::{EngineAccess, ResourceId};
use sim::SimTime;

use crate::replicas::Replicas;

/// The failures and recoveries to come, in order.
#[derive(Resource, Debug)]
pub(crate) struct Faults(VecDeque<(SimTime, ResourceId, bool)>);

impl Faults {
    pub(crate) fn new(faults: &[Fault]) -> Self {
        let mut changes: Vec<_> = faults
            .iter()
            .flat_map(|f| [(f.at, f.resource, false), (f.at + f.span, f.resource, true)])
            .collect();
        changes.sort();
        Self(changes.into())
    }

    pub(crate) fn next_event(&self) -> Option<SimTime> {
        self.0.front().map(|(at, ..)| *at)
    }
}

/// Changes the resources whose time has come.
pub(crate) fn inject(
    mut faults: ResMut<Faults>,
    mut replicas: ResMut<Replicas>,
    mut engine: EngineAccess,
) {
    let now = engine.now();
    while let Some((_, resource, up)) = faults.0.pop_front_if(|(at, ..)| *at <= now) {
        replicas.set_failed(&mut engine, resource, !up);
    }
    if let Some(next) = faults.next_event() {
        engine.wake_at(next);
    }
}
