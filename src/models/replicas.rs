//! Makes models for replicas while a run goes on, and says which there are.

use std::sync::{Arc, OnceLock};

use agents::ReplicaModels;
use bevy::{log::warn, prelude::Resource};
use inference::{BackendError, DeviceChoice, InUse, MakeBackend, Model, Models};
use rooms::{DeviceKind, Scene};

use crate::interrupt;

/// The models of the run, for whoever wants to know what else there is.
#[derive(Resource, Clone)]
#[cfg_attr(
    not(feature = "desktop"),
    expect(dead_code, reason = "it is shown in the window only")
)]
pub(crate) struct RunModels(pub(crate) Arc<Models>);

/// Where models of a device of this kind compute.
pub(crate) fn device_choice(kind: DeviceKind) -> DeviceChoice {
    match kind {
        // Where a server computes is its own business.
        DeviceKind::Cpu | DeviceKind::Remote => DeviceChoice::Cpu,
        DeviceKind::Gpu => DeviceChoice::Cuda(0),
    }
}

/// Makes models for the replicas of `scene`, each on the device that the scene names. They are
/// loaded on the threads that make them, once for all who use them.
pub(crate) fn replica_models(models: &Arc<Models>, scene: &Scene) -> ReplicaModels {
    let device = |replica: &rooms::Replica| device_choice(scene.devices[replica.device].kind);
    let devices: Vec<_> = scene.replicas.iter().map(device).collect();
    let models = Arc::clone(models);
    ReplicaModels(Arc::new(move |resource, name| {
        let device = devices.get(resource.index()).copied();
        let device = device.unwrap_or(DeviceChoice::Cpu);
        make(Arc::clone(&models), name.to_owned(), device)
    }))
}

fn make(models: Arc<Models>, name: String, device: DeviceChoice) -> MakeBackend {
    // Kept as long as it may be made anew, so that it is not unloaded meanwhile.
    let kept: OnceLock<InUse> = OnceLock::new();
    Arc::new(move || {
        if let Some(model) = kept.get() {
            return model.backend();
        }
        let loaded = models.get_or_on_cpu(&name, device, &mut |_| {}, interrupt::catch());
        let (model, missed) = loaded.map_err(|error| BackendError::Failed {
            model: name.clone(),
            why: error.to_string(),
        })?;
        if let Some(missed) = missed {
            warn!("{}", on_processor(&model, &missed));
        }
        kept.get_or_init(|| model).backend()
    })
}

/// That a model is not on the device of its replica, and why.
pub(super) fn on_processor(model: &Model, missed: &BackendError) -> String {
    format!("{} computes on the processor: {missed}", model.version())
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use agents::{AgentFact, Intervention, ReplicaRequest};
    use bevy::{
        app::{App, TaskPoolPlugin},
        time::{TimePlugin, TimeUpdateStrategy},
    };
    use clap::Parser as _;
    use record::{AnyFact, How, Journal, Live};
    use schedule::{EngineFact, ResourceId, Scheduler};
    use sim::{Clock, Pace, RunControl, SimTime};

    use super::*;
    use crate::{
        cli::{Cli, Command},
        conclude::{Conclusion, conclude},
        session::Session,
    };

    const FIRST: ResourceId = ResourceId(0);
    const SECOND: ResourceId = ResourceId(1);

    /// The shipped meeting in an app without a window, played by the clock on the wall.
    fn meeting(out: &Path) -> App {
        let scene = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/meeting.scene.ron");
        let out = out.to_str().unwrap();
        let args = [
            "diorama",
            "run",
            scene,
            "--model",
            "hashed-words",
            "--out",
            out,
        ];
        let Some(Command::Run(args)) = Cli::parse_from(args).command else {
            panic!("not a run")
        };
        let scene = Scene::read(&args.scene).unwrap();
        let session = Session::prepare(scene, &args.options).unwrap();
        let frame = Duration::from_millis(16);
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), TimePlugin))
            .insert_resource(TimeUpdateStrategy::ManualDuration(frame));
        session.add_to(&mut app, Pace::Follow, 60.0);
        app.finish();
        app.cleanup();
        app
    }

    fn until(app: &mut App, what: &str, is_so: impl Fn(&App) -> bool) {
        for _ in 0..1_000_000 {
            if is_so(app) {
                return;
            }
            app.update();
        }
        panic!("it never came to {what}");
    }

    fn ask(app: &mut App, resource: ResourceId, what: Intervention) {
        app.world_mut()
            .write_message(ReplicaRequest { resource, what });
        app.update();
    }

    fn is_up(app: &App, resource: ResourceId) -> bool {
        let resources = app.world().resource::<Scheduler>().resources();
        resources.get(resource.index()).is_some_and(|on| on.up)
    }

    fn finished(app: &mut App, out: &Path) -> (Conclusion, Vec<AnyFact>) {
        until(app, "the end", |app| {
            app.world().resource::<RunControl>().is_finished()
        });
        let results = app.world().resource::<crate::session::Results>().clone();
        let done = conclude(app.world_mut(), How::Finished, &results).unwrap();
        let path = out.join("journal.jsonl");
        record::verify(&path).unwrap();
        let journal = Journal::read(&path).unwrap();
        let facts = journal.map(|fact| fact.unwrap().what).collect();
        (done, facts)
    }

    fn agent_facts(facts: &[AnyFact]) -> Vec<&AgentFact> {
        let agents = facts.iter().filter_map(|fact| match fact {
            AnyFact::Agent(what) => Some(what),
            AnyFact::Engine(_) => None,
        });
        agents
            .filter(|what| {
                matches!(
                    what,
                    AgentFact::Intervened { .. }
                        | AgentFact::ReplicaServes { .. }
                        | AgentFact::ReplicaLost { .. }
                        | AgentFact::LoadFailed { .. }
                )
            })
            .collect()
    }

    fn load(model: &str) -> Intervention {
        Intervention::Load {
            model: model.to_owned(),
        }
    }

    #[test]
    fn what_is_killed_is_down_until_it_has_a_model_again() {
        let out = tempfile::tempdir().unwrap();
        let mut app = meeting(out.path());
        until(&mut app, "half a minute", |app| {
            app.world().resource::<Clock>().now() > SimTime::from_secs_f64(30.0)
        });
        ask(&mut app, FIRST, Intervention::Kill);
        assert!(!is_up(&app, FIRST) && is_up(&app, SECOND));
        ask(&mut app, SECOND, load("no-such-model"));
        ask(&mut app, FIRST, load("hashed-words"));
        until(&mut app, "a new model", |app| is_up(app, FIRST));
        let (done, facts) = finished(&mut app, out.path());
        assert_eq!(done.totals.tasks.failed, 0);
        let told = agent_facts(&facts);
        assert!(
            matches!(
                told[0],
                AgentFact::Intervened {
                    resource: FIRST,
                    what: Intervention::Kill
                }
            ),
            "{told:?}"
        );
        let failed = |fact: &&AgentFact| matches!(fact, AgentFact::LoadFailed { resource, .. } if *resource == SECOND);
        assert!(told.iter().any(failed), "{told:?}");
        let serves = |fact: &&AgentFact| matches!(fact, AgentFact::ReplicaServes { resource, version } if *resource == FIRST && version.starts_with("hashed-words@"));
        assert!(told.iter().any(serves), "{told:?}");
        let switched: Vec<_> = facts
            .iter()
            .filter_map(|fact| match fact {
                AnyFact::Engine(EngineFact::ResourceDown { resource }) => Some((*resource, false)),
                AnyFact::Engine(EngineFact::ResourceUp { resource }) => Some((*resource, true)),
                _ => None,
            })
            .filter(|(resource, _)| *resource == FIRST)
            .collect();
        assert_eq!(switched, [(FIRST, false), (FIRST, true)]);
        // Playback shows it, and counts it.
        let played = Live::at(&out.path().join("journal.jsonl"), SimTime::MAX).unwrap();
        assert_eq!(played.state.interventions, 3);
    }

    #[test]
    fn one_more_takes_part_and_one_that_leaves_does_not() {
        let out = tempfile::tempdir().unwrap();
        let mut app = meeting(out.path());
        until(&mut app, "ten seconds", |app| {
            app.world().resource::<Clock>().now() > SimTime::from_secs_f64(10.0)
        });
        let n_before = app.world().resource::<Scheduler>().resources().len();
        let added = ResourceId(n_before as u32);
        ask(&mut app, FIRST, Intervention::Double);
        until(&mut app, "one more", |app| is_up(app, added));
        for leaving in [FIRST, SECOND] {
            ask(&mut app, leaving, Intervention::Remove);
            until(&mut app, "one less", |app| !is_up(app, leaving));
        }
        let (done, facts) = finished(&mut app, out.path());
        assert_eq!(done.totals.tasks.failed, 0);
        let by_added = |fact: &&AnyFact| matches!(fact, AnyFact::Engine(EngineFact::BatchStarted { resource, .. }) if *resource == added);
        assert!(facts.iter().any(|fact| by_added(&fact)));
        let kept =
            |fact: &AnyFact| !matches!(fact, AnyFact::Engine(EngineFact::SubtaskFailed { .. }));
        assert!(facts.iter().all(kept), "leaving loses no attempt");
    }
}
