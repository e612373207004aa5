//! Hosts an engine in a Bevy app: runs it in each step and tells which batches began.

use bevy::prelude::{App, IntoScheduleConfigs as _, Message, MessageWriter, Plugin};
use sim::{Agenda, Fact, SimStep, SimSystems, SimTime};

use crate::{
    access::{EngineAccess, Scheduler},
    engine::{Batch, Engine},
    fact::EngineFact,
    mirror,
    options::EngineOptions,
    pool::ResourceSpec,
};

/// A batch began: whoever performs it takes it up in `SimSystems::Dispatch`.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
pub struct BatchStarted(pub Batch);

/// Adds the engine, its step and the entities that mirror it; needs `sim::SimPlugin`.
///
/// A first step is asked for at time zero, so that the resources are stated and mirrored.
pub struct SchedulePlugin {
    /// Who can work.
    pub resources: Vec<ResourceSpec>,
    /// How the engine runs.
    pub options: EngineOptions,
}

impl Plugin for SchedulePlugin {
    /// # Panics
    /// If the resources or options make no sense; [`Engine::new`] says so without a panic.
    fn build(&self, app: &mut App) {
        let engine = match Engine::new(self.resources.clone(), self.options.clone()) {
            Ok(engine) => engine,
            Err(error) => panic!("the schedule plugin cannot start: {error}"),
        };
        app.init_resource::<Agenda>();
        app.world_mut()
            .resource_mut::<Agenda>()
            .wake_at(SimTime::ZERO);
        app.insert_resource(Scheduler(engine))
            .add_message::<Fact<EngineFact>>()
            .add_message::<BatchStarted>()
            .add_systems(SimStep, run_engine.in_set(SimSystems::Schedule))
            .add_plugins(mirror::plugin);
    }
}

fn run_engine(mut engine: EngineAccess, mut started: MessageWriter<BatchStarted>) {
    started.write_batch(engine.schedule().into_iter().map(BatchStarted));
}
