//! Runs scenes for experiments: without a window, models or a journal, and several at once.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use agents::{AgentsPlugin, MeetingInput, Outputs};
use bench::{Input, Run, RunBuilder, Simulation};
use bevy::{
    ecs::{
        message::{MessageCursor, Messages},
        schedule::{Schedules, SingleThreadedExecutor},
    },
    prelude::{App, IntoScheduleConfigs as _, Last, Res, ResMut, Resource},
};
use rooms::{RoomsPlugin, Scene, SourceKind};
use schedule::{
    Charge, Engine, EngineFact, EngineOptions, FactLevel, OwnerId, PolicyName, SchedulePlugin,
};
use sim::{Fact, Pace, RunControl, SimPlugin, SimStep, SimSystems, Streams};

use crate::{
    error::AppError,
    profiles,
    session::{NOISE, scene_stem},
};

/// How the names of scene files end.
const EXTENSION: &str = ".scene.ron";

/// Whether a file is a scene, by its name.
pub(crate) fn is_scene(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(EXTENSION)
}

/// The scene in a file with its own meeting, to be run by a bench.
///
/// # Errors
/// If the scene or its meeting is wrong.
pub(crate) fn input(path: &Path) -> Result<Input, AppError> {
    let mut scene = Scene::read(path)?;
    profiles::apply(&mut scene, profiles::Asked::default())?;
    let meeting = MeetingInput::read(&scene, None, Vec::new())?;
    // What is wrong with the pool is told before anything runs.
    Engine::new(
        scene.resources(),
        options(&scene, PolicyName::Fifo, scene.seed),
    )?;
    let (name, hash) = (scene_stem(&scene.path), hash(&scene, &meeting));
    let simulation = simulation(Arc::new(scene), Arc::new(meeting));
    Ok(Input::simulation(name, hash, simulation))
}

/// A hash of all that decides what happens in a run of `scene`, beside policy and seed: the scene as
/// it is now, if it was changed after it was read, and the meeting.
pub(crate) fn hash(scene: &Scene, meeting: &MeetingInput) -> String {
    let mut scene = scene.clone();
    // Where files lie decides nothing; what they hold is in the other hashes.
    scene.path.clear();
    for source in &mut scene.sources {
        if let SourceKind::Meeting { file, .. } = &mut source.kind {
            file.clear();
        }
    }
    let MeetingInput {
        transcript: _,
        hash,
        scene_questions,
        questions,
    } = meeting;
    let text = format!("{scene:?}\n{hash}\n{scene_questions} {questions:?}\n{NOISE}");
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What a bench runs of a scene and its meeting: as `diorama run --outputs none` does.
pub(crate) fn simulation(scene: Arc<Scene>, meeting: Arc<MeetingInput>) -> Simulation {
    Simulation::new(move |policy, seed, stop| run(&scene, &meeting, policy, seed, stop))
}

/// Runs a scene to its end; `Ok(None)` if it was stopped.
///
/// # Errors
/// If its resources make no pool.
fn run(
    scene: &Arc<Scene>,
    meeting: &MeetingInput,
    policy: PolicyName,
    seed: u64,
    stop: &AtomicBool,
) -> Result<Option<Run>, String> {
    let options = options(scene, policy, seed);
    let charge = options.charge;
    Engine::new(scene.resources(), options.clone()).map_err(|error| error.to_string())?;
    let (pace, speed) = (Pace::Jump, 1.0);
    let mut app = App::new();
    app.add_plugins((
        SimPlugin { seed, pace, speed },
        SchedulePlugin {
            resources: scene.resources(),
            options,
        },
        RoomsPlugin {
            scene: Arc::clone(scene),
        },
        AgentsPlugin {
            input: meeting.clone(),
            outputs: Outputs::None,
            charge,
        },
    ))
    .insert_resource(Gathering::of(scene))
    .add_systems(SimStep, gather.in_set(SimSystems::Record))
    // Facts stated between steps are not to wait for the next one.
    .add_systems(Last, gather);
    app.finish();
    app.cleanup();
    // Each run keeps to its thread: the others have runs of their own.
    let mut schedules = app.world_mut().resource_mut::<Schedules>();
    for (_, schedule) in schedules.iter_mut() {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
    while !app.world().resource::<RunControl>().is_finished() {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        app.update();
    }
    let gathered = app.world_mut().remove_resource::<Gathering>();
    Ok(gathered.map(|gathered| gathered.run.finish()))
}

fn options(scene: &Scene, policy: PolicyName, seed: u64) -> EngineOptions {
    let charge = Charge::Modelled { noise: NOISE };
    EngineOptions {
        facts: FactLevel::Events,
        device_memory: scene.device_memory(),
        ..EngineOptions::new(policy, charge, Streams::new(seed))
    }
}

type NameOf = Box<dyn Fn(u32) -> Option<String> + Send + Sync>;

/// What the engine has said so far.
#[derive(Resource)]
struct Gathering {
    run: RunBuilder<NameOf>,
    cursor: MessageCursor<Fact<EngineFact>>,
}

impl Gathering {
    fn of(scene: &Arc<Scene>) -> Self {
        let scene = Arc::clone(scene);
        let name_of = move |id| scene.agent(OwnerId(id)).map(|agent| agent.name.clone());
        Self {
            run: RunBuilder::new(Box::new(name_of)),
            cursor: MessageCursor::default(),
        }
    }
}

fn gather(mut gathering: ResMut<Gathering>, facts: Res<Messages<Fact<EngineFact>>>) {
    let Gathering { run, cursor } = &mut *gathering;
    for fact in cursor.read(&facts) {
        run.take(fact.at, &fact.what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> (Scene, MeetingInput) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/meeting.scene.ron");
        let scene = Scene::read(Path::new(path)).unwrap();
        let meeting = MeetingInput::read(&scene, None, Vec::new()).unwrap();
        (scene, meeting)
    }

    #[test]
    fn runs_repeat_and_do_not_disturb_each_other() {
        let (scene, meeting) = shipped();
        let simulation = &simulation(Arc::new(scene), Arc::new(meeting));
        let stop = &AtomicBool::new(false);
        let run = |seed| {
            simulation
                .run(PolicyName::Sjf, seed, stop)
                .unwrap()
                .unwrap()
        };
        let alone: Vec<_> = (0..4).map(run).collect();
        let together: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || run(seed))).collect();
            let runs = threads.into_iter().map(|thread| thread.join().unwrap());
            runs.collect()
        });
        assert!(alone == together);
        assert!(alone[0] != alone[1], "seeds make no difference");
        assert!(alone[0].agents.contains(&"Mina".to_owned()));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(simulation.run(PolicyName::Sjf, 0, stop), Ok(None));
    }

    #[test]
    fn the_hash_is_of_what_decides() {
        let (mut scene, mut meeting) = shipped();
        let before = hash(&scene, &meeting);
        scene.path = "elsewhere.scene.ron".into();
        assert_eq!(hash(&scene, &meeting), before);
        scene.replicas[0].slots += 1;
        let after = hash(&scene, &meeting);
        assert_ne!(after, before);
        meeting.questions.push("When?".to_owned());
        assert_ne!(hash(&scene, &meeting), after);
    }
}
