//! Measures the event engine: messages to and fro beside `simcore`'s, and layered graphs by policy.
//!
//! `kernel` is the like of `simcore`: players exchange typed events over the queue that the engine
//! runs on, and nothing else. `subtasks` is the whole engine: each message is a subtask that becomes
//! ready when the one before it is done, is placed by the policy, and ends after its span.

use std::{cell::RefCell, rc::Rc};

use divan::counter::ItemsCount;
use schedule::{
    Charge, Engine, EngineOptions, FactLevel, LatencyProfile, OwnerId, PolicyName, ResourceKind,
    ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskSpec,
};
use sim::{EventQueue, SimSpan, SimTime, Streams};
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};

/// Messages of a run.
const N_MESSAGES: u32 = 100_000;

/// How many pairs of players exchange them at a time.
const N_PAIRS: [u32; 2] = [1, 1000];

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

/// A ball on its way to a player.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ball {
    to: u32,
}

/// Returns each ball while it has returns left.
struct Player {
    other: u32,
    left: u32,
}

impl Player {
    fn on(&mut self, now: SimTime, queue: &mut EventQueue<Ball>) {
        if self.left > 0 {
            self.left -= 1;
            queue.push(now + SimSpan(100_000_000), Ball { to: self.other });
        }
    }
}

/// Messages between pairs of players over the event queue of the engine.
#[divan::bench(args = N_PAIRS, sample_count = 50)]
fn kernel(bencher: divan::Bencher<'_, '_>, n_pairs: u32) {
    bencher
        .counter(ItemsCount::new(N_MESSAGES))
        .with_inputs(|| {
            let left = N_MESSAGES / n_pairs / 2;
            let players = (0..2 * n_pairs).map(|n| Player { other: n ^ 1, left });
            let mut queue = EventQueue::default();
            for pair in 0..n_pairs {
                let at = SimTime(100_000_000 + 1000 * u64::from(pair));
                queue.push(at, Ball { to: 2 * pair + 1 });
            }
            (queue, players.collect::<Vec<_>>())
        })
        .bench_values(|(mut queue, mut players)| {
            let mut n_handled = 0_u32;
            while let Some((now, ball)) = queue.pop_due(SimTime::MAX) {
                players[ball.to as usize].on(now, &mut queue);
                n_handled += 1;
            }
            n_handled
        });
}

#[derive(Clone, serde::Serialize)]
struct TheirBall {}

struct TheirPlayer {
    other: Id,
    left: u32,
    ctx: SimulationContext,
}

impl EventHandler for TheirPlayer {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            TheirBall {} => {
                if self.left > 0 {
                    self.left -= 1;
                    self.ctx.emit(TheirBall {}, self.other, 0.1);
                }
            }
        });
    }
}

/// The same between components of `simcore`.
#[divan::bench(args = N_PAIRS, sample_count = 50)]
fn simcore(bencher: divan::Bencher<'_, '_>, n_pairs: u32) {
    bencher
        .counter(ItemsCount::new(N_MESSAGES))
        .with_inputs(|| {
            let mut simulation = Simulation::new(1);
            for pair in 0..n_pairs {
                let names = ["ping", "pong"].map(|name| format!("{name}{pair}"));
                let contexts = [0, 1].map(|n| simulation.create_context(&names[n]));
                let ids = [contexts[0].id(), contexts[1].id()];
                contexts[0].emit(TheirBall {}, ids[1], 0.1 + 1e-6 * f64::from(pair));
                for (n, ctx) in contexts.into_iter().enumerate() {
                    let player = TheirPlayer {
                        other: ids[1 - n],
                        left: N_MESSAGES / n_pairs / 2,
                        ctx,
                    };
                    simulation.add_handler(&names[n], Rc::new(RefCell::new(player)));
                }
            }
            simulation
        })
        .bench_values(|mut simulation| simulation.step_until_no_events());
}

/// Messages between two resources of the engine that answer each other, each a subtask.
#[divan::bench(sample_count = 50)]
fn subtasks(bencher: divan::Bencher<'_, '_>) {
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
