//! Measures how many subtasks a second each policy takes through the engine.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::time::Instant;

use rand::Rng as _;
use schedule::{
    Charge, Engine, EngineOptions, LatencyProfile, OwnerId, PolicyName, ResourceKind, ResourceSpec,
    Skill, SubtaskId, SubtaskSpec, TaskId, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

const N_LAYERS: u32 = 100;
const N_PER_LAYER: u32 = 1000;
const N_RESOURCES: u32 = 8;
const SLOTS: u32 = 16;
const SKILLS: [Skill; 3] = [Skill::Embed, Skill::Tag, Skill::Answer];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n_subtasks = N_LAYERS * N_PER_LAYER;
    println!(
        "{n_subtasks} subtasks in {N_LAYERS} layers, {N_RESOURCES} resources with {SLOTS} slots"
    );
    println!("policy  build s   run s  subtasks/s  batches  makespan");
    for policy in PolicyName::ALL {
        let (engine, build_secs) = timed(|| layered(policy));
        let mut engine = engine?;
        let ((n_batches, end), run_secs) = timed(|| run(&mut engine));
        assert_eq!(engine.n_unfinished(), 0, "every subtask must be done");
        let rate = f64::from(n_subtasks) / (build_secs + run_secs);
        println!("{policy:6} {build_secs:8.2} {run_secs:7.2} {rate:11.0} {n_batches:8}  {end}");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "wall time is what is measured")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed().as_secs_f64())
}

/// One task in layers: each subtask needs two of the layer before it.
fn layered(policy: PolicyName) -> Result<Engine, Box<dyn std::error::Error>> {
    let streams = Streams::new(1);
    let mut rng = streams.stream("layers", 0);
    let charge = Charge::Modelled { noise: 0.1 };
    let options = EngineOptions::new(policy, charge, streams);
    let mut engine = Engine::new((0..N_RESOURCES).map(resource).collect(), options)?;
    let task = engine.open_task(SimTime::ZERO, TaskSpec::new("layers", OwnerId(0)));
    for layer in 0..N_LAYERS {
        for _ in 0..N_PER_LAYER {
            let mut before =
                || SubtaskId((layer - 1) * N_PER_LAYER + rng.random_range(0..N_PER_LAYER));
            let after = if layer == 0 {
                Vec::new()
            } else {
                vec![before(), before()]
            };
            let (skill, items) = (SKILLS[rng.random_range(0..3)], rng.random_range(1..8));
            engine.add_subtask(SimTime::ZERO, subtask(task, skill, items, after))?;
        }
    }
    engine.close_task(SimTime::ZERO, task);
    Ok(engine)
}

fn subtask(task: TaskId, skill: Skill, items: u32, after: Vec<SubtaskId>) -> SubtaskSpec {
    SubtaskSpec {
        after,
        items,
        tokens: items * 20,
        ..SubtaskSpec::new(task, skill)
    }
}

/// Resources of different speed that can do everything.
fn resource(n: u32) -> ResourceSpec {
    let slowness = u64::from(1 + n % 4);
    let profile = LatencyProfile {
        fixed: SimSpan(2_000_000 * slowness),
        per_item: SimSpan(100_000 * slowness),
        per_token: SimSpan(10_000 * slowness),
    };
    let kind = ResourceKind::Replica {
        model: "m".to_owned(),
    };
    let skills = SKILLS.map(|skill| (skill, profile)).to_vec();
    ResourceSpec {
        slots: SLOTS,
        ..ResourceSpec::new(format!("replica {n}"), kind, skills)
    }
}

/// Takes the engine to its end; gives the number of batches and the last instant.
fn run(engine: &mut Engine) -> (usize, SimTime) {
    let mut n_batches = 0;
    let mut now = SimTime::ZERO;
    while let Some(next) = engine.next_event() {
        now = now.max(next);
        n_batches += engine.schedule(now).len();
        for batch in engine.due(now) {
            let results = vec![Ok(()); batch.subtasks.len()];
            engine.finish(now, batch.id, &results);
        }
        engine.drain_facts().for_each(drop);
    }
    (n_batches, now)
}
