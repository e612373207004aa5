//! One run of a scene without a window or a journal, and how long everything took in it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use agents::{AgentsPlugin, MeetingInput, Outputs};
use bevy::{
    app::TaskPoolPlugin,
    prelude::{App, World},
};
use inference::{InferencePlugin, Port};
use rooms::{RoomsPlugin, Scene};
use schedule::{
    EngineOptions, ResourceKind, SchedulePlugin, Scheduler, Subtask, SubtaskState, Task, TaskState,
};
use sim::{Pace, RunControl, SimPlugin};

use crate::interrupt;

/// How long an update waits for a model.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long everything took in one run, in simulated seconds.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Until the last task ended.
    pub(super) makespan: f64,
    /// From arrival or release to end, of each task that was done.
    pub(super) tasks: Vec<f64>,
    /// From ready to end, of each subtask that a replica has done.
    pub(super) subtasks: Vec<f64>,
    /// From start to end, of each batch that a replica has done.
    pub(super) batches: Vec<f64>,
    /// The share of the time, until the last task ended, in which replicas were busy.
    pub(super) busy: f64,
    /// Tasks that failed.
    pub(super) n_failed: usize,
}

/// Runs a scene to its end, or until somebody interrupts it; without a port, models leave nothing
/// behind.
pub(super) fn run(
    scene: &Arc<Scene>,
    meeting: &MeetingInput,
    options: EngineOptions,
    port: Option<Port>,
) -> Spans {
    let (seed, charge) = (options.streams.seed(), options.charge);
    let outputs = match port {
        Some(_) => Outputs::Real,
        None => Outputs::None,
    };
    let mut inference = port.map_or_else(InferencePlugin::default, InferencePlugin::serving);
    inference.wait = PATIENCE;
    let (pace, speed) = (Pace::Jump, 1.0);
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin::default(),
        SimPlugin { seed, pace, speed },
        SchedulePlugin {
            resources: scene.resources(),
            options,
        },
        inference,
        RoomsPlugin {
            scene: Arc::clone(scene),
        },
        AgentsPlugin {
            input: meeting.clone(),
            outputs,
            charge,
        },
    ));
    app.finish();
    app.cleanup();
    while !app.world().resource::<RunControl>().is_finished() && !interrupt::caught() {
        app.update();
    }
    spans(app.world())
}

fn spans(world: &World) -> Spans {
    let engine = world.resource::<Scheduler>();
    let tasks = engine.tasks();
    let ends = tasks.iter().filter_map(Task::ended_at);
    let makespan = ends.map(sim::SimTime::as_secs_f64).fold(0.0, f64::max);
    let latency = |task: &Task| {
        let release = task.spec.release();
        let from = release.map_or(task.arrived_at, |at| at.max(task.arrived_at));
        Some(task.ended_at()?.since(from).as_secs_f64())
    };
    let is_replica = |subtask: &&Subtask| {
        let on = subtask.ran_on().map(|on| &engine.resource(on).spec.kind);
        matches!(on, Some(ResourceKind::Replica { .. })) && subtask.state == SubtaskState::Done
    };
    let served: Vec<&Subtask> = engine.subtasks().iter().filter(is_replica).collect();
    // Those of a batch start together on the same replica.
    let batches: BTreeSet<_> = served
        .iter()
        .filter_map(|it| Some((it.ran_on()?, it.started_at()?, it.ended_at()?)))
        .collect();
    let batches: Vec<f64> = batches
        .into_iter()
        .map(|(_, start, end)| end.since(start).as_secs_f64())
        .collect();
    let replicas = engine.resources().iter();
    let n_replicas = replicas
        .filter(|it| matches!(it.spec.kind, ResourceKind::Replica { .. }))
        .count();
    let done = tasks.iter().filter(|task| task.state == TaskState::Done);
    Spans {
        makespan,
        tasks: done.filter_map(latency).collect(),
        subtasks: served
            .iter()
            .filter_map(|it| Some(it.ended_at()?.since(it.ready_at()?).as_secs_f64()))
            .collect(),
        busy: batches.iter().sum::<f64>() / (makespan * n_replicas as f64).max(f64::MIN_POSITIVE),
        batches,
        n_failed: tasks
            .iter()
            .filter(|task| task.state == TaskState::Failed)
            .count(),
    }
}
