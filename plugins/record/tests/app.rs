//! In a running app every fact reaches the journal, in one order, whoever stated it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod support;

use std::path::Path;

use agents::AgentFact;
use bevy::{
    MinimalPlugins,
    prelude::{App, IntoScheduleConfigs as _, Local, ResMut, Resource},
};
use record::{
    AnyFact, How, Journal, JournalWriter, Live, RecordError, RecordPlugin, Recorder, verify,
};
use schedule::EngineFact;
use sim::{Agenda, Fact, FactWriter, Pace, SimPlugin, SimStep, SimSystems, SimTime};
use tempfile::tempdir;

/// The facts yet to be stated.
#[derive(Resource)]
struct Script(Vec<Fact<AnyFact>>);

/// States what the script holds for this instant.
fn state_engine_facts(
    script: ResMut<Script>,
    facts: FactWriter<EngineFact>,
    agenda: ResMut<Agenda>,
) {
    play(script, agenda, facts, |what| match what {
        AnyFact::Engine(what) => Some(what.clone()),
        AnyFact::Agent(_) => None,
    });
}

fn state_agent_facts(script: ResMut<Script>, facts: FactWriter<AgentFact>, agenda: ResMut<Agenda>) {
    play(script, agenda, facts, |what| match what {
        AnyFact::Agent(what) => Some(what.clone()),
        AnyFact::Engine(_) => None,
    });
}

/// States the first facts of the script for as long as they are of one kind and due.
fn play<T: Send + Sync + 'static>(
    mut script: ResMut<Script>,
    mut agenda: ResMut<Agenda>,
    mut facts: FactWriter<T>,
    of_kind: impl Fn(&AnyFact) -> Option<T>,
) {
    while let Some(first) = script.0.first().filter(|first| first.at <= facts.now()) {
        let Some(what) = of_kind(&first.what) else {
            break;
        };
        facts.write(what);
        script.0.remove(0);
    }
    if let Some(next) = script.0.first() {
        agenda.wake_at(next.at);
    }
}

fn app(journal: Option<&Path>) -> App {
    let mut app = App::new();
    let journal = journal.map(|path| JournalWriter::create(path, &support::run()).unwrap());
    app.add_plugins(MinimalPlugins)
        .add_plugins(SimPlugin {
            seed: 1,
            pace: Pace::Jump,
            speed: 1.0,
        })
        .add_plugins(RecordPlugin::new(support::run(), journal))
        .insert_resource(Script(support::facts()))
        .add_systems(
            SimStep,
            (state_agent_facts, state_engine_facts)
                .chain()
                .in_set(SimSystems::Schedule),
        );
    app.world_mut()
        .resource_mut::<Agenda>()
        .wake_at(SimTime::ZERO);
    app
}

#[test]
fn all_facts_are_recorded_in_order() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut app = app(Some(&path));
    app.update();
    assert!(app.world().resource::<Recorder>().error().is_none());
    let live = app.world().resource::<Live>();
    assert_eq!(live.state, support::fold(&support::facts()).state);
    assert!(
        !path.exists(),
        "a journal has its name only when it is whole"
    );
    let summary = record::finish(app.world_mut(), How::Finished)
        .unwrap()
        .unwrap();
    assert_eq!(verify(&path).unwrap().end.blake3, summary.hash);
    let facts: Vec<_> = Journal::read(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(facts, support::facts());
    assert_eq!(
        record::finish(app.world_mut(), How::Finished).unwrap(),
        None
    );
}

#[test]
fn facts_stated_after_the_last_step_are_recorded_too() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut app = app(Some(&path));
    app.update();
    app.add_systems(
        bevy::prelude::Update,
        |mut facts: FactWriter<AgentFact>, mut done: Local<bool>| {
            if !std::mem::replace(&mut *done, true) {
                facts.write(AgentFact::Said {
                    agent: support::ADA,
                    text: "Late.".into(),
                });
            }
        },
    );
    for _ in 0..5 {
        app.update();
    }
    record::finish(app.world_mut(), How::Interrupted).unwrap();
    let verified = verify(&path).unwrap();
    assert_eq!(verified.end.how, How::Interrupted);
    assert_eq!(verified.live.state.lines[1].text, "Late.");
}

#[test]
fn an_app_without_a_journal_still_folds() {
    let mut app = app(None);
    app.update();
    assert_eq!(
        app.world().resource::<Live>().totals(),
        support::fold(&support::facts()).totals()
    );
    assert_eq!(
        record::finish(app.world_mut(), How::Finished).unwrap(),
        None
    );
}

#[test]
fn a_contradiction_stops_the_recording_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut app = app(Some(&path));
    app.world_mut().resource_mut::<Script>().0.remove(0);
    app.update();
    let error = app.world().resource::<Recorder>().error().unwrap();
    assert!(
        matches!(error, RecordError::Contradiction { seq: 0, .. }),
        "{error}"
    );
    assert!(record::finish(app.world_mut(), How::Failed).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
