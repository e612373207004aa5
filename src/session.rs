//! Prepares a run: reads the scene and the meeting, loads the models, opens the journal, and puts
//! the plugins together that run alike with and without a window.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use agents::{AgentsPlugin, MeetingInput, Outputs};
use bevy::prelude::App;
use inference::{InferencePlugin, Port, PortOptions, ReplicaSetup};
use record::{Input, JournalWriter, RecordPlugin, RecordedOutputs, Run};
use rooms::{RoomsPlugin, Scene};
use schedule::{Charge, Engine, EngineOptions, PolicyName, SchedulePlugin};
use sim::{Pace, SimPlugin, Streams};

use crate::{
    cli::{OutputMode, RunOptions, TimeMode},
    error::AppError,
    interrupt,
    models::{self, RunModels, Served},
    profiles, threads,
};

/// How far modelled durations scatter: the sigma of their log-normal factor.
pub(crate) const NOISE: f64 = 0.05;

/// Where the results of a run go.
#[derive(Clone, Debug, bevy::prelude::Resource)]
pub(crate) struct Results {
    /// The folder.
    pub(crate) dir: PathBuf,
}

impl Results {
    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join("journal.jsonl")
    }

    pub(crate) fn minutes_md(&self) -> PathBuf {
        self.dir.join("minutes.md")
    }

    pub(crate) fn minutes_json(&self) -> PathBuf {
        self.dir.join("minutes.json")
    }
}

/// A run that is ready to begin.
pub(crate) struct Session {
    /// The scene.
    pub(crate) scene: Arc<Scene>,
    /// The first line of its journal.
    pub(crate) run: Run,
    /// Where its results go.
    pub(crate) results: Results,
    meeting: MeetingInput,
    outputs: Outputs,
    engine: EngineOptions,
    served: Option<Served>,
    journal: JournalWriter,
}

impl Session {
    /// Reads the scene at `path` and gets the process ready to run it; call it once, before
    /// anything starts a thread.
    ///
    /// # Errors
    /// If the scene is wrong.
    pub(crate) fn read_scene(path: &Path, options: &RunOptions) -> Result<Scene, AppError> {
        let scene = Scene::read(path)?;
        threads::share(threads::n_cores(options.threads), scene.replicas.len());
        interrupt::catch();
        Ok(scene)
    }

    /// Loads all that a run of `scene` needs.
    ///
    /// # Errors
    /// If an input is wrong, a model cannot be had, or the results have nowhere to go.
    pub(crate) fn prepare(mut scene: Scene, options: &RunOptions) -> Result<Self, AppError> {
        let stem = scene_stem(&scene.path);
        let profiles = profiles::apply(&mut scene, profiles::Asked::of(options))?;
        let scene = Arc::new(scene);
        let meeting = MeetingInput::read(&scene, options.input.as_deref(), options.ask.clone())?;
        check_options(&scene, &meeting, options)?;
        let seed = options.seed.unwrap_or(scene.seed);
        let charge = match options.time {
            TimeMode::Modelled => Charge::Modelled { noise: NOISE },
            TimeMode::Measured => Charge::Measured,
        };
        let policy = options.policy.or(scene.policy).unwrap_or(PolicyName::Fifo);
        let engine = EngineOptions {
            device_memory: scene.device_memory(),
            ..EngineOptions::new(policy, charge, Streams::new(seed))
        };
        // What is wrong with the pool is found before anything is downloaded.
        Engine::new(scene.resources(), engine.clone())?;

        let dir = options
            .out
            .clone()
            .unwrap_or_else(|| Path::new("diorama-out").join(stem));
        let results = Results { dir };
        std::fs::create_dir_all(&results.dir).map_err(|cause| AppError::Io {
            path: results.dir.clone(),
            doing: "make the folder",
            cause,
        })?;

        let (outputs, served) = outputs(&scene, options)?;
        let versions = match &served {
            Some(served) => served.versions.clone(),
            None => recorded_versions(&outputs),
        };
        let run = Run {
            format: record::FORMAT,
            diorama: env!("CARGO_PKG_VERSION").to_owned(),
            build: build(),
            scene: scene.name.clone(),
            scene_hash: scene.text_hash.clone(),
            input: input(&meeting),
            seed,
            policy: policy.name().to_owned(),
            time: options.time.recorded(),
            outputs: options.outputs.recorded(),
            models: versions,
            profiles,
        };
        let journal = JournalWriter::create(&results.journal(), &run)?;
        Ok(Self {
            scene,
            run,
            results,
            meeting,
            outputs,
            engine,
            served,
            journal,
        })
    }

    /// Puts the plugins of the run into `app`. Those of a window come on top.
    pub(crate) fn add_to(self, app: &mut App, pace: Pace, speed: f64) {
        let Self {
            scene,
            run,
            results,
            meeting,
            outputs,
            engine,
            served,
            journal,
        } = self;
        let (seed, charge) = (run.seed, engine.charge);
        app.insert_resource(results);
        let mut inference = match served {
            Some(served) => {
                app.insert_resource(models::replica_models(&served.models, &scene))
                    .insert_resource(RunModels(served.models))
                    .insert_resource(served.preloaded);
                InferencePlugin::serving(served.port)
            }
            None => InferencePlugin::default(),
        };
        inference.wait = patience(pace);
        app.add_plugins((
            SimPlugin { seed, pace, speed },
            SchedulePlugin {
                resources: scene.resources(),
                options: engine,
            },
            inference,
            RoomsPlugin { scene },
            AgentsPlugin {
                input: meeting,
                outputs,
                charge,
            },
            RecordPlugin::new(run, Some(journal)),
        ));
    }
}

/// Without a window there is nothing else to do while a model works.
fn patience(pace: Pace) -> std::time::Duration {
    match pace {
        Pace::Jump => std::time::Duration::from_millis(20),
        Pace::Follow | Pace::Paused => std::time::Duration::ZERO,
    }
}

fn check_options(
    scene: &Scene,
    meeting: &MeetingInput,
    options: &RunOptions,
) -> Result<(), AppError> {
    if options.time == TimeMode::Measured && options.outputs != OutputMode::Real {
        return Err(AppError::Usage(format!(
            "--time measured needs models that run, so it does not go with --outputs {}",
            options.outputs.name()
        )));
    }
    if options.from.is_some() && options.outputs != OutputMode::Recorded {
        return Err(AppError::Usage(
            "--from goes with --outputs recorded only".to_owned(),
        ));
    }
    if let Some(question) = options
        .ask
        .iter()
        .find(|question| question.trim().is_empty())
    {
        return Err(AppError::Usage(format!("--ask {question:?} asks nothing")));
    }
    if options.input.is_some() && meeting.transcript.is_none() {
        return Err(AppError::Usage(format!(
            "the scene {:?} holds no meeting, so --input has no use",
            scene.name
        )));
    }
    if !options.ask.is_empty() && !agents::answers_questions(scene) {
        return Err(AppError::Usage(format!(
            "nobody in the scene {:?} answers questions, so --ask has no use",
            scene.name
        )));
    }
    Ok(())
}

fn outputs(scene: &Scene, options: &RunOptions) -> Result<(Outputs, Option<Served>), AppError> {
    Ok(match (options.outputs, &options.from) {
        (OutputMode::Real, _) => (Outputs::Real, Some(models::serve(scene, options)?)),
        (OutputMode::None, _) => (Outputs::None, None),
        (OutputMode::Recorded, Some(journal)) => (
            Outputs::Recorded(RecordedOutputs::read(journal)?.into_outputs()?),
            None,
        ),
        (OutputMode::Recorded, None) => {
            return Err(AppError::Usage(
                "--outputs recorded needs --from JOURNAL".to_owned(),
            ));
        }
    })
}

fn recorded_versions(outputs: &Outputs) -> Vec<String> {
    let Outputs::Recorded(recorded) = outputs else {
        return Vec::new();
    };
    let mut versions: Vec<_> = recorded
        .values()
        .map(|output| output.version.clone())
        .collect();
    versions.sort();
    versions.dedup();
    versions
}

fn input(meeting: &MeetingInput) -> Option<Input> {
    let transcript = meeting.transcript.as_ref()?;
    Some(Input {
        name: transcript.title.clone(),
        hash: meeting.hash.clone(),
        turns: transcript.turns.len() as u32,
    })
}

/// `meeting` for `scenes/meeting.scene.ron`.
pub(crate) fn scene_stem(scene: &Path) -> String {
    let name = scene.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    if stem.is_empty() {
        "run".to_owned()
    } else {
        stem.to_owned()
    }
}

/// What else than the version may change the bits of a model's output.
fn build() -> String {
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    format!(
        "{}-{} {profile}",
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

/// Opens a port that serves `setups` on so many cores.
pub(crate) fn open_port(setups: Vec<ReplicaSetup>, n_cores: usize) -> Result<Port, AppError> {
    let options = PortOptions {
        most_at_once: n_cores,
        ..PortOptions::default()
    };
    Port::open(setups, options).map_err(AppError::Thread)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bevy::{app::TaskPoolPlugin, time::TimePlugin, time::TimeUpdateStrategy};
    use clap::Parser as _;
    use record::How;
    use sim::RunControl;

    use super::*;
    use crate::{
        cli::{Cli, Command},
        conclude::conclude,
    };

    /// Runs the shipped scene at `pace` with frames of this length and returns the journal's hash.
    fn hash(policy: &str, pace: Pace, frame: Duration) -> String {
        let out = tempfile::tempdir().unwrap();
        let dir = out.path().to_str().unwrap();
        let scene = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/meeting.scene.ron");
        let args = [
            "diorama",
            "run",
            scene,
            "--model",
            "hashed-words",
            "--policy",
            policy,
            "--out",
            dir,
        ];
        let Some(Command::Run(args)) = Cli::parse_from(args).command else {
            panic!("not a run")
        };
        let scene = Scene::read(&args.scene).unwrap();
        let session = Session::prepare(scene, &args.options).unwrap();
        let results = session.results.clone();
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), TimePlugin))
            .insert_resource(TimeUpdateStrategy::ManualDuration(frame));
        session.add_to(&mut app, pace, 60.0);
        app.finish();
        app.cleanup();
        while !app.world().resource::<RunControl>().is_finished() {
            app.update();
        }
        conclude(app.world_mut(), How::Finished, &results)
            .unwrap()
            .journal
            .hash
    }

    #[test]
    fn frames_do_not_change_the_journal() {
        for policy in ["fifo", "sjf", "heft"] {
            let expected = hash(policy, Pace::Jump, Duration::ZERO);
            for millis in [3, 16, 700] {
                let frame = Duration::from_millis(millis);
                assert_eq!(
                    hash(policy, Pace::Follow, frame),
                    expected,
                    "{policy}, {millis} ms"
                );
            }
        }
    }
}
