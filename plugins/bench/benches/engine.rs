//! Measures the event engine: messages to and fro beside `simcore`'s, and layered graphs by policy.
//!
//! A message of ours is a subtask that becomes ready when the one before it is done, is placed by the
//! policy, and ends after its span; one of `simcore`'s is an event that its receiver answers.

use std::{cell::RefCell, rc::Rc};

use divan::counter::ItemsCount;
use schedule::{
    Charge, Engine, EngineOptions, FactLevel, LatencyProfile, OwnerId, PolicyName, ResourceKind,
    ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};

/// Messages of a run.
const N_MESSAGES: u32 = 100_000;

fn main() {
    divan::main();
}

fn engine(pool: Vec<ResourceSpec>, policy: PolicyName) -> Engine {
    let charge = Charge::Modelled { noise: 0.0 };
    let options = EngineOptions {
        facts: FactLevel::Quiet,
        ..EngineOptions::new(policy, charge, Streams::new(1))
    };
    Engine::new(pool, options).expect("the pool makes sense")
}

fn resource(n: u32, skill: Skill, nanos: u64) -> ResourceSpec {
    let kind = ResourceKind::Replica { model: "m".into() };
    let profile = LatencyProfile::fixed(SimSpan(nanos));
    ResourceSpec::new(format!("r{n}"), kind, vec![(skill, profile)])
}

fn add(engine: &mut Engine, specs: impl IntoIterator<Item = (Skill, Vec<SubtaskId>)>) {
    let now = SimTime::ZERO;
    let task = engine.open_task(now, TaskSpec::new("", OwnerId(0)));
    for (skill, after) in specs {
        let spec = SubtaskSpec {
            after,
            ..SubtaskSpec::new(task, skill)
        };
        engine.add_subtask(now, spec).expect("somebody can do it");
    }
    engine.close_task(now, task);
}

/// Messages between two resources that answer each other.
#[divan::bench(sample_count = 20)]
fn messages_ours(bencher: divan::Bencher<'_, '_>) {
    let skills = [Skill::Embed, Skill::Answer];
    bencher
        .counter(ItemsCount::new(N_MESSAGES))
        .with_inputs(|| {
            let pool = vec![resource(0, skills[0], 100), resource(1, skills[1], 100)];
            let mut engine = engine(pool, PolicyName::Fifo);
            let before = |n: u32| n.checked_sub(1).map(SubtaskId).into_iter().collect();
            add(
                &mut engine,
                (0..N_MESSAGES).map(|n| (skills[n as usize % 2], before(n))),
            );
            engine
        })
        .bench_values(|mut engine| engine.run());
}

#[derive(Clone, serde::Serialize)]
struct Ball {}

struct Player {
    other: Id,
    left: u32,
    ctx: SimulationContext,
}

impl EventHandler for Player {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Ball {} => {
                if self.left > 0 {
                    self.left -= 1;
                    self.ctx.emit(Ball {}, self.other, 0.1);
                }
            }
        });
    }
}

/// The same between two components of `simcore`.
#[divan::bench(sample_count = 20)]
fn messages_simcore(bencher: divan::Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(N_MESSAGES))
        .with_inputs(|| {
            let mut simulation = Simulation::new(1);
            let contexts = ["ping", "pong"].map(|name| simulation.create_context(name));
            let ids = [contexts[0].id(), contexts[1].id()];
            contexts[0].emit(Ball {}, ids[1], 0.1);
            for (n, ctx) in contexts.into_iter().enumerate() {
                let player = Player {
                    other: ids[1 - n],
                    left: N_MESSAGES / 2,
                    ctx,
                };
                simulation.add_handler(["ping", "pong"][n], Rc::new(RefCell::new(player)));
            }
            simulation
        })
        .bench_values(|mut simulation| simulation.step_until_no_events());
}

/// Subtasks that each need two of the layer before, on eight resources.
#[divan::bench(args = [PolicyName::Fifo, PolicyName::Sjf, PolicyName::Heft], sample_count = 10)]
fn layers(bencher: divan::Bencher<'_, '_>, policy: PolicyName) {
    let (n, width) = (20_000, 500);
    bencher
        .counter(ItemsCount::new(n))
        .with_inputs(|| {
            let pool = (0..8).map(|r| resource(r, Skill::Embed, 1000 * u64::from(1 + r % 4)));
            let mut engine = engine(pool.collect(), policy);
            let before = |id: u32| match id.checked_sub(width) {
                Some(above) => vec![SubtaskId(above), SubtaskId(above / width * width)],
                None => Vec::new(),
            };
            add(&mut engine, (0..n).map(|id| (Skill::Embed, before(id))));
            engine
        })
        .bench_values(|mut engine| engine.run());
}
