//! Models that die a hundred times during a scene: the scene ends, and nothing in it is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use agents::{AgentsPlugin, MeetingInput, Outputs};
use bevy::{app::TaskPoolPlugin, prelude::App};
use inference::{
    Ask, Backend, BackendError, Encoded, Encoder, HashedWords, InferencePlugin, Output, Port,
    PortOptions, ReplicaSetup, Skill,
};
use rooms::{RoomsPlugin, Scene};
use schedule::{
    Charge, EngineOptions, PolicyName, SchedulePlugin, Scheduler, SubtaskState, TaskState,
};
use sim::{Pace, RunControl, SimPlugin, SimSpan, SimTime, Streams};

/// How often each of the two replicas dies.
const N_DEATHS: u32 = 50;
/// A replica lives through one pass of so many until then.
const LIVES_THROUGH: u32 = 12;

/// What a replica has been through, over all its models.
#[derive(Default)]
struct Fate {
    passes: AtomicU32,
    deaths: AtomicU32,
}

/// Answers as hashed words do, but panics in most passes until it has done so often enough.
struct Mortal {
    words: HashedWords,
    fate: Arc<Fate>,
}

impl Backend for Mortal {
    fn version(&self) -> &str {
        self.words.version()
    }

    fn skills(&self) -> &[Skill] {
        self.words.skills()
    }

    fn encoder(&self) -> Encoder {
        self.words.encoder()
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let pass = self.fate.passes.fetch_add(1, Ordering::SeqCst);
        let is_spared = pass % LIVES_THROUGH == LIVES_THROUGH - 1;
        if !is_spared && self.fate.deaths.load(Ordering::SeqCst) < N_DEATHS {
            self.fate.deaths.fetch_add(1, Ordering::SeqCst);
            panic!("it dies");
        }
        self.words.answer(ask, inputs)
    }
}

/// The shipped meeting in small batches, so that there are enough of them to die in.
fn scene() -> Arc<Scene> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/meeting.scene.ron");
    let mut scene = Scene::read(Path::new(path)).unwrap();
    for replica in &mut scene.replicas {
        replica.slots = 2;
    }
    Arc::new(scene)
}

fn port(scene: &Scene) -> (Port, Vec<Arc<Fate>>) {
    let fates: Vec<_> = scene.replicas.iter().map(|_| Arc::default()).collect();
    let setups = scene.replicas.iter().zip(&fates).map(|(replica, fate)| {
        let fate: Arc<Fate> = Arc::clone(fate);
        ReplicaSetup {
            name: replica.name.clone(),
            make: Arc::new(move || {
                Ok(Box::new(Mortal {
                    words: HashedWords,
                    fate: Arc::clone(&fate),
                }))
            }),
        }
    });
    let limits = PortOptions {
        max_restarts: N_DEATHS,
        restart_pause: Duration::ZERO,
        ..PortOptions::default()
    };
    (Port::open(setups.collect(), limits).unwrap(), fates)
}

/// Runs the meeting on models that die; gives the app and how often they died.
fn run(max_attempts: u32) -> (App, u32) {
    let scene = scene();
    let (port, fates) = port(&scene);
    let charge = Charge::Modelled { noise: 0.05 };
    let options = EngineOptions {
        max_attempts,
        retry_delay: SimSpan(1_000_000),
        ..EngineOptions::new(PolicyName::Fifo, charge, Streams::new(scene.seed))
    };
    let meeting = MeetingInput::read(&scene, None, Vec::new()).unwrap();
    let mut inference = InferencePlugin::serving(port);
    inference.wait = Duration::from_millis(20);
    let (seed, pace, speed) = (scene.seed, Pace::Jump, 1.0);
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin::default(),
        SimPlugin { seed, pace, speed },
        SchedulePlugin {
            resources: scene.resources(),
            options,
        },
        inference,
        RoomsPlugin { scene },
        AgentsPlugin {
            input: meeting,
            outputs: Outputs::Real,
            charge,
        },
    ));
    app.finish();
    app.cleanup();
    while !app.world().resource::<RunControl>().is_finished() {
        app.update();
    }
    let deaths = fates.iter().map(|fate| fate.deaths.load(Ordering::SeqCst));
    (app, deaths.sum())
}

/// How many subtasks are done, failed and cancelled; nothing may be anything else.
fn ends(app: &App) -> [usize; 3] {
    let engine = app.world().resource::<Scheduler>();
    let count = |state| {
        let all = engine.subtasks().iter();
        all.filter(|subtask| subtask.state == state).count()
    };
    let states = [
        SubtaskState::Done,
        SubtaskState::Failed,
        SubtaskState::Cancelled,
    ];
    let ends = states.map(count);
    assert_eq!(ends.iter().sum::<usize>(), engine.subtasks().len());
    assert_eq!(engine.n_unfinished(), 0);
    let counts = engine.counts();
    assert_eq!(counts.batches, counts.batches_ended);
    assert_eq!(counts.finished, ends[0] as u64);
    ends
}

/// What became of each subtask, and when.
fn histories(app: &App) -> Vec<(SubtaskState, u32, Option<SimTime>)> {
    let engine = app.world().resource::<Scheduler>();
    let subtasks = engine.subtasks().iter();
    subtasks
        .map(|subtask| (subtask.state, subtask.attempts, subtask.ended_at()))
        .collect()
}

#[test]
fn a_scene_survives_a_hundred_deaths_of_its_models() {
    let (app, n_deaths) = run(2 * N_DEATHS);
    assert_eq!(n_deaths, 100);
    let [done, failed, cancelled] = ends(&app);
    assert!(done > 0);
    assert_eq!((failed, cancelled), (0, 0));
    let engine = app.world().resource::<Scheduler>();
    let tasks = engine.tasks();
    assert!(tasks.iter().all(|task| task.state == TaskState::Done));
    // Every death failed all subtasks of a batch, which were tried again.
    assert!(engine.counts().failed >= 100);
    let (again, _) = run(2 * N_DEATHS);
    assert_eq!(histories(&again), histories(&app));
}

#[test]
fn what_dies_too_often_is_accounted_for() {
    let (app, n_deaths) = run(2);
    assert!(n_deaths > 0);
    let [_, failed, cancelled] = ends(&app);
    assert!(failed + cancelled > 0);
}
