//! The one door through which a Bevy app changes its engine, so that no fact is lost and nobody
//! oversleeps.

use std::ops::Deref;

use bevy::{
    ecs::system::SystemParam,
    prelude::{ResMut, Resource},
};
use sim::{Agenda, FactWriter, SimSpan, SimTime};

use crate::{
    engine::{Batch, Engine, SubtaskError},
    fact::EngineFact,
    mirror::Touched,
    pool::{PoolError, ResourceId},
    workload::{BatchId, SubtaskId, SubtaskSpec, TaskId, TaskSpec},
};

/// The engine of the app: read it here, change it through [`EngineAccess`].
#[derive(Resource)]
pub struct Scheduler(pub(crate) Engine);

impl Deref for Scheduler {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

/// Changes the engine at the current instant; each call writes its facts and wakes the agenda.
#[derive(SystemParam)]
pub struct EngineAccess<'w> {
    engine: ResMut<'w, Scheduler>,
    facts: FactWriter<'w, EngineFact>,
    agenda: ResMut<'w, Agenda>,
    touched: ResMut<'w, Touched>,
}

impl Deref for EngineAccess<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine.0
    }
}

impl EngineAccess<'_> {
    /// The current instant.
    pub fn now(&self) -> SimTime {
        self.facts.now()
    }

    /// The engine, to read.
    pub fn engine(&self) -> &Engine {
        &self.engine.0
    }

    /// See [`Engine::open_task`].
    pub fn open_task(&mut self, spec: TaskSpec) -> TaskId {
        self.change(|engine, now| engine.open_task(now, spec))
    }

    /// See [`Engine::add_subtask`].
    ///
    /// # Errors
    /// As [`Engine::add_subtask`].
    pub fn add_subtask(&mut self, spec: SubtaskSpec) -> Result<SubtaskId, SubtaskError> {
        self.change(|engine, now| engine.add_subtask(now, spec))
    }

    /// See [`Engine::close_task`].
    pub fn close_task(&mut self, task: TaskId) {
        // Closing alone is no fact, yet it changes the state of the task.
        self.touched.task(task);
        self.change(|engine, now| engine.close_task(now, task));
    }

    /// See [`Engine::cancel_task`].
    pub fn cancel_task(&mut self, task: TaskId) {
        self.change(|engine, now| engine.cancel_task(now, task));
    }

    /// See [`Engine::set_up`].
    pub fn set_up(&mut self, resource: ResourceId, up: bool) {
        self.change(|engine, now| engine.set_up(now, resource, up));
    }

    /// See [`Engine::add_alike_resource`].
    ///
    /// # Errors
    /// As [`Engine::add_alike_resource`].
    pub fn add_alike_resource(
        &mut self,
        like: ResourceId,
        name: &str,
    ) -> Result<ResourceId, PoolError> {
        self.change(|engine, now| engine.add_alike_resource(now, like, name))
    }

    /// See [`Engine::set_span`].
    pub fn set_span(&mut self, batch: BatchId, span: SimSpan) {
        self.change(|engine, _| engine.set_span(batch, span));
    }

    /// See [`Engine::finish`].
    ///
    /// # Panics
    /// As [`Engine::finish`].
    pub fn finish(&mut self, batch: BatchId, results: &[Result<(), String>]) {
        self.change(|engine, now| engine.finish(now, batch, results));
    }

    /// Asks for a step at `at`, for those who cannot ask the agenda beside this.
    pub fn wake_at(&mut self, at: SimTime) {
        self.agenda.wake_at(at);
    }

    /// The running batches that end by now; see [`Engine::due`].
    pub fn due_now(&self) -> Vec<Batch> {
        self.engine.0.due(self.now())
    }

    pub(crate) fn schedule(&mut self) -> Vec<Batch> {
        self.change(Engine::schedule)
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Engine, SimTime) -> T) -> T {
        let now = self.facts.now();
        let engine = &mut self.engine.0;
        let result = change(engine, now);
        for fact in engine.drain_facts() {
            self.touched.by(&fact);
            self.facts.write(fact);
        }
        if let Some(next) = engine.next_event() {
            self.agenda.wake_at(next);
        }
        result
    }
}
