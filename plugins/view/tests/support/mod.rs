//! Gives scenes something to do without models: tasks that arrive, batches that end, faults.

use std::path::Path;

use bevy::prelude::*;
use rooms::{CurrentScene, RoomsPlugin, Scene};
use schedule::{
    Charge, EngineAccess, EngineOptions, OwnerId, PolicyName, ResourceKind, SchedulePlugin, Skill,
    SubtaskId, SubtaskSpec, TaskId, TaskSpec,
};
use sim::{Pace, SimPlugin, SimSpan, SimStep, SimSystems, SimTime, Streams};

/// What arrives.
#[derive(Resource, Clone, Copy, Debug)]
pub(crate) struct Load {
    /// How many tasks.
    pub(crate) n_tasks: usize,
    /// Pieces of a task that can be done at the same time.
    pub(crate) width: usize,
    /// Simulated seconds between tasks.
    pub(crate) gap_secs: f64,
    /// One of this many pieces fails when it is first tried.
    pub(crate) fails_once_in: u32,
}

/// How many tasks have arrived, and whether the fault is over.
#[derive(Resource, Debug, Default)]
struct Arrived {
    n_tasks: usize,
    n_faults: usize,
}

/// Adds the simulation of `scene` under `load`.
pub(crate) fn add_simulation(app: &mut App, scene: Scene, load: Load, pace: Pace, speed: f64) {
    let options = EngineOptions::new(
        PolicyName::Fifo,
        Charge::Modelled { noise: 0.2 },
        Streams::new(scene.seed),
    );
    let resources = scene.resources();
    app.add_plugins((
        SimPlugin {
            seed: scene.seed,
            pace,
            speed,
        },
        RoomsPlugin {
            scene: scene.into(),
        },
        SchedulePlugin { resources, options },
    ))
    .insert_resource(load)
    .init_resource::<Arrived>()
    .add_systems(SimStep, open_tasks.in_set(SimSystems::Decompose))
    .add_systems(
        SimStep,
        (finish_batches, inject_fault)
            .chain()
            .in_set(SimSystems::Apply),
    );
}

/// Reads a scene out of the project's own.
pub(crate) fn scene_file(name: &str) -> Scene {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
    Scene::read(&root.join(name)).expect("the project's scenes are valid")
}

/// A hall with `n_agents` at desks, every fourth of whom can work, and two racks.
pub(crate) fn hall(n_agents: usize) -> Scene {
    let side = (n_agents as f64).sqrt().ceil() as usize;
    let metres = side as f64 * 2.4 + 6.0;
    let (mut stations, mut agents) = (String::new(), String::new());
    for i in 0..n_agents {
        let at = |k: usize| (k as f64 - (side - 1) as f64 / 2.0) * 2.4;
        let (x, z) = (at(i % side), at(i / side));
        stations += &format!("(name: \"d{i}\", kind: desk, at: ({x:?}, {:?})),", z - 0.7);
        stations += &format!("(name: \"s{i}\", kind: seat, at: ({x:?}, {z:?})),");
        let skills = if i % 4 == 0 {
            "[(skill: approve, fixed_secs: 0.4)]"
        } else {
            "[]"
        };
        agents +=
            &format!("(name: \"a{i}\", role: participant, home: \"s{i}\", skills: {skills}),");
    }
    let text = format!(
        "(version: 1, name: \"hall\", seed: 7,
        spaces: [(name: \"hall\", size: ({metres:?}, {metres:?}))],
        stations: [{stations}
            (name: \"rack\", kind: rack, at: (0.0, {:?}), size: (3.0, 0.9), height: 2.2, facing: 180.0)],
        agents: [{agents}],
        devices: [(name: \"cpu\", kind: cpu)],
        models: [(name: \"minilm\", version: \"all-minilm-l6-v2\")],
        replicas: [
            (name: \"r0\", model: \"minilm\", device: \"cpu\", station: \"rack\", slots: 16,
                skills: [(skill: embed, fixed_secs: 0.05, per_item_secs: 0.01)]),
            (name: \"r1\", model: \"minilm\", device: \"cpu\", station: \"rack\", slots: 5,
                skills: [(skill: embed, fixed_secs: 0.05, per_item_secs: 0.01)]),
        ])",
        -metres / 2.0 + 0.6,
    );
    Scene::parse(&text, Path::new("hall.scene.ron")).expect("the hall is a valid scene")
}

/// A task: many pieces for the replicas, then one that every agent with skills does a share of, and one
/// for every skill of a machine.
fn open_tasks(
    mut engine: EngineAccess,
    scene: Res<CurrentScene>,
    load: Res<Load>,
    mut arrived: ResMut<Arrived>,
) {
    while arrived.n_tasks < load.n_tasks {
        let at = SimTime::from_secs_f64(load.gap_secs * arrived.n_tasks as f64);
        if at > engine.now() {
            engine.wake_at(at);
            return;
        }
        let owner = OwnerId((arrived.n_tasks % scene.agents.len()) as u32);
        let name = format!("task {}", arrived.n_tasks);
        let task = engine.open_task(TaskSpec::new(name, owner));
        add_pieces(&mut engine, &scene, task, owner, load.width);
        engine.close_task(task);
        arrived.n_tasks += 1;
    }
}

fn add_pieces(
    engine: &mut EngineAccess,
    scene: &Scene,
    task: TaskId,
    owner: OwnerId,
    width: usize,
) {
    let mut add = |skill: Skill, owner: OwnerId, after: &[SubtaskId]| {
        let spec = SubtaskSpec {
            name: skill.name().into(),
            owner,
            after: after.to_vec(),
            items: 4,
            tokens: 60,
            ..SubtaskSpec::new(task, skill)
        };
        engine
            .add_subtask(spec)
            .expect("the scene can do what it is asked")
    };
    let embeds: Vec<SubtaskId> = (0..width).map(|_| add(Skill::Embed, owner, &[])).collect();
    let mut done = Vec::new();
    for agent in scene
        .agents
        .iter()
        .filter(|agent| !agent.skills.is_empty())
        .take(4)
    {
        for (skill, _) in &agent.skills {
            let after: Vec<SubtaskId> = embeds.iter().copied().take(1 + width / 2).collect();
            done.push(add(*skill, agent.id, &after));
        }
    }
    for (skill, _) in scene.machines.iter().flat_map(|machine| &machine.skills) {
        add(*skill, owner, &embeds[..1]);
    }
}

/// Batches end when they are due; some pieces fail at the first attempt.
fn finish_batches(mut engine: EngineAccess, load: Res<Load>) {
    for batch in engine.due_now() {
        let results: Vec<Result<(), String>> = batch
            .subtasks
            .iter()
            .map(|id| {
                let subtask = &engine.subtasks()[id.index()];
                let fails = subtask.attempts < 2 && id.0 % load.fails_once_in == 3;
                if fails {
                    Err("an unlucky piece".into())
                } else {
                    Ok(())
                }
            })
            .collect();
        engine.finish(batch.id, &results);
    }
}

/// The second replica, or a machine where there is none, is down from the second to the fourth second.
fn inject_fault(mut engine: EngineAccess, mut arrived: ResMut<Arrived>) {
    let is_person = |kind: &ResourceKind| matches!(kind, ResourceKind::Agent { .. });
    let others = engine.resources().iter();
    let Some(second) = others
        .filter(|member| !is_person(&member.spec.kind))
        .nth(1)
        .map(|member| member.id)
    else {
        return;
    };
    let Some(at) = [2.0, 4.0]
        .get(arrived.n_faults)
        .map(|secs| SimTime::from_secs_f64(*secs))
    else {
        return;
    };
    if engine.now() < at {
        engine.wake_at(at);
        return;
    }
    arrived.n_faults += 1;
    let up = arrived.n_faults.is_multiple_of(2);
    engine.set_up(second, up);
    engine.wake_at(at + SimSpan::from_secs_f64(2.0));
}
