//! Entities and engine, compared after every step of a headless app.

use bevy::prelude::{App, IntoScheduleConfigs as _, Name, Res, ResMut, Resource, World};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use schedule::{
    BatchStarted, EngineAccess, EngineFact, EngineOptions, Mirrors, PolicyName, PoolResource,
    ResourceLoad, SchedulePlugin, Scheduler, SubtaskMirror, SubtaskState, TaskId, TaskMirror,
    TaskState, validate,
};
use sim::{
    Agenda, Clock, Fact, Pace, Progress, SimPlugin, SimStep, SimSystems, SimTime, Streams,
    step_once,
};

use crate::support::{Action, Plan, options, random_case};

/// What is still to come in.
#[derive(Resource)]
struct Inbox {
    plan: Plan,
    tasks: std::collections::BTreeMap<usize, TaskId>,
    subtasks: Vec<Option<schedule::SubtaskId>>,
}

#[derive(Resource)]
struct Luck(ChaCha8Rng);

fn take_in(mut inbox: ResMut<Inbox>, mut engine: EngineAccess) {
    while inbox
        .plan
        .first()
        .is_some_and(|(at, _)| *at <= engine.now())
    {
        match inbox.plan.remove(0).1 {
            Action::Open(number, spec) => {
                let id = engine.open_task(spec);
                inbox.tasks.insert(number, id);
            }
            Action::Add {
                task,
                mut spec,
                after,
            } => {
                spec.task = inbox.tasks[&task];
                let after: Option<Vec<_>> = after.iter().map(|n| inbox.subtasks[*n]).collect();
                let id = after.and_then(|after| {
                    spec.after = after;
                    engine.add_subtask(spec).ok()
                });
                inbox.subtasks.push(id);
            }
            Action::Close(task) => engine.close_task(inbox.tasks[&task]),
            Action::SetUp(resource, up) => engine.set_up(resource, up),
        }
    }
}

fn wake_for_inbox(inbox: Res<Inbox>, mut agenda: ResMut<Agenda>) {
    if let Some((at, _)) = inbox.plan.first() {
        agenda.wake_at(*at);
    }
}

fn hand_back(mut engine: EngineAccess, mut luck: ResMut<Luck>) {
    for batch in engine.due_now() {
        let result = |_: &_| {
            if luck.0.random_bool(0.1) {
                Err("no".to_owned())
            } else {
                Ok(())
            }
        };
        let results: Vec<_> = batch.subtasks.iter().map(result).collect();
        engine.finish(batch.id, &results);
    }
}

fn app(seed: u64, policy: PolicyName) -> App {
    let case = random_case(seed, true);
    let mut app = App::new();
    app.add_plugins(SimPlugin {
        seed,
        pace: Pace::Jump,
        speed: 1.0,
    })
    .add_plugins(SchedulePlugin {
        resources: case.resources,
        options: EngineOptions {
            retry_delay: sim::SimSpan(1_000_000),
            ..options(policy)
        },
    })
    .insert_resource(Luck(Streams::new(seed).stream("luck", 0)))
    .insert_resource(Inbox {
        plan: case.plan,
        tasks: Default::default(),
        subtasks: Vec::new(),
    })
    .add_systems(
        SimStep,
        (take_in, wake_for_inbox)
            .chain()
            .in_set(SimSystems::Decompose),
    )
    .add_systems(SimStep, hand_back.in_set(SimSystems::Apply));
    app
}

fn assert_mirrored(world: &mut World) {
    world.resource_scope(|world, engine: bevy::prelude::Mut<Scheduler>| {
        let mirrors = world.resource::<Mirrors>();
        for task in engine.tasks() {
            let entity = world.entity(mirrors.task(task.id).unwrap());
            let mirror = entity.get::<TaskMirror>().unwrap();
            let expected = TaskMirror {
                id: task.id,
                name: engine.task_name(task.id).to_owned(),
                owner: task.spec.owner,
            };
            assert_eq!((mirror, entity.get()), (&expected, Some(&task.state)));
            assert_eq!(
                entity.get::<Name>().unwrap().as_str(),
                engine.task_name(task.id)
            );
        }
        for subtask in engine.subtasks() {
            let entity = world.entity(mirrors.subtask(subtask.id).unwrap());
            let mirror = entity.get::<SubtaskMirror>().unwrap();
            let place = (mirror.id, mirror.task, mirror.skill, mirror.owner);
            let spec = &subtask.spec;
            assert_eq!(place, (subtask.id, spec.task, spec.skill, spec.owner));
            assert_eq!(entity.get(), Some(&subtask.state));
        }
        for resource in engine.resources() {
            let entity = world.entity(mirrors.resource(resource.id).unwrap());
            let mirror = entity.get::<PoolResource>().unwrap();
            assert_eq!(
                (mirror.id, mirror.slots),
                (resource.id, resource.spec.slots)
            );
            let load = entity.get::<ResourceLoad>().unwrap();
            let running = engine.running_on(resource.id);
            assert_eq!((load.up, load.finished), (resource.up, resource.finished));
            assert_eq!(load.running, running);
        }
        let counts = (
            engine.tasks().len(),
            engine.subtasks().len(),
            engine.resources().len(),
        );
        let tasks = world
            .query::<(&TaskMirror, &TaskState)>()
            .iter(world)
            .count();
        let subtasks = world
            .query::<(&SubtaskMirror, &SubtaskState)>()
            .iter(world)
            .count();
        let resources = world
            .query::<(&PoolResource, &ResourceLoad)>()
            .iter(world)
            .count();
        assert_eq!((tasks, subtasks, resources), counts);
    });
}

#[test]
fn entities_match_the_engine_after_every_step() {
    for seed in 0..12 {
        for policy in PolicyName::ALL {
            let mut app = app(seed, policy);
            while step_once(app.world_mut(), SimTime::MAX) == Progress::Stepped {
                assert_mirrored(app.world_mut());
                assert!(app.world().resource::<Clock>().steps() < 100_000);
            }
            assert_eq!(app.world().resource::<Scheduler>().n_unfinished_tasks(), 0);
        }
    }
}

#[test]
fn facts_come_as_messages_in_order() {
    let mut app = app(5, PolicyName::Heft);
    let mut facts = Vec::new();
    let mut started = 0;
    while step_once(app.world_mut(), SimTime::MAX) == Progress::Stepped {
        let messages = &mut *app
            .world_mut()
            .resource_mut::<bevy::prelude::Messages<Fact<EngineFact>>>();
        facts.extend(messages.drain());
        let batches = &mut *app
            .world_mut()
            .resource_mut::<bevy::prelude::Messages<BatchStarted>>();
        started += batches.drain().count();
    }
    assert!(facts.iter().zip(0..).all(|(fact, n)| fact.seq == n));
    assert_eq!(validate(facts.iter().map(|fact| (fact.at, &fact.what))), []);
    let is_start = |fact: &&Fact<EngineFact>| matches!(fact.what, EngineFact::BatchStarted { .. });
    assert_eq!(facts.iter().filter(is_start).count(), started);
}

#[test]
fn an_app_runs_to_its_end() {
    let mut app = app(3, PolicyName::Sjf);
    for _ in 0..100 {
        app.update();
    }
    assert!(app.world().resource::<sim::RunControl>().is_finished());
    assert_eq!(app.world().resource::<Scheduler>().n_unfinished(), 0);
}
