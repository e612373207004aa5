//! Measures how long each online policy takes for a decision with 1,000 ready subtasks and 32
//! resources: one call that places at least one subtask, and the same for each subtask placed.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use rand::Rng;
use rustix::time::{ClockId, clock_gettime};
use schedule::{
    Charge, Criteria, Decisions, Engine, EngineOptions, FactLevel, LatencyProfile, OwnerId, Policy,
    PolicyName, ResourceKind, ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskSpec, View,
    WaitReason,
};
use sim::{SimSpan, SimTime, Streams};

const SKILLS: [Skill; 3] = [Skill::Embed, Skill::Tag, Skill::Answer];

/// Measures how long policies take for a decision.
#[derive(Parser)]
struct Options {
    /// The policies; all if none is named.
    policies: Vec<PolicyName>,
    /// Ready subtasks.
    #[arg(long, default_value_t = 1000)]
    ready: u32,
    /// Resources.
    #[arg(long, default_value_t = 32)]
    resources: u32,
    /// Slots of each resource.
    #[arg(long, default_value_t = 1)]
    slots: u32,
    /// Subtasks to place.
    #[arg(long, default_value_t = 20_000)]
    subtasks: u32,
    /// Have each decision explained.
    #[arg(long)]
    explain: bool,
}

/// Notes how long each call of a policy takes, and how many it places.
struct Timed {
    policy: Box<dyn Policy>,
    calls: Arc<Mutex<Vec<(f64, usize)>>>,
}

impl Policy for Timed {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        let began = cpu_micros();
        self.policy.place(view, decisions);
        let micros = cpu_micros() - began;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((micros, decisions.placements.len()));
    }

    fn why_waits(&self, subtask: SubtaskId) -> Option<WaitReason> {
        self.policy.why_waits(subtask)
    }

    fn binds_on_arrival(&self) -> bool {
        self.policy.binds_on_arrival()
    }

    fn criteria(&self) -> Criteria {
        self.policy.criteria()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::parse();
    if options.policies.is_empty() {
        options.policies = PolicyName::ALL.to_vec();
    }
    println!(
        "{} ready subtasks, {} resources with {} slots; microseconds of processor time",
        options.ready, options.resources, options.slots
    );
    println!(
        "{:20} {:>7} {:>8} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8}",
        "policy", "calls", "p50", "p99", "max", "subtasks", "p50", "p99", "max"
    );
    for policy in &options.policies {
        let calls = run(*policy, &options)?;
        // The first calls fill an empty pool and rank the whole graph.
        let calls: Vec<_> = calls.into_iter().skip(10).filter(|(_, n)| *n > 0).collect();
        let n_placed: usize = calls.iter().map(|(_, n)| n).sum();
        let of_call = percentiles(calls.iter().map(|(micros, _)| *micros).collect());
        let each = calls.iter().map(|(micros, n)| micros / *n as f64);
        let of_subtask = percentiles(each.collect());
        println!(
            "{:20} {:7} {of_call} {n_placed:10} {of_subtask}",
            policy.name(),
            calls.len()
        );
    }
    Ok(())
}

/// What this thread has worked so far, in microseconds: other programs on the machine do not count.
fn cpu_micros() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Median, 99th percentile and maximum.
fn percentiles(mut micros: Vec<f64>) -> String {
    micros.sort_by(f64::total_cmp);
    let Some(last) = micros.len().checked_sub(1) else {
        return "nothing was placed".to_owned();
    };
    let at = |share: f64| micros[(share * last as f64).round() as usize];
    format!("{:8.2} {:8.2} {:8.2}", at(0.5), at(0.99), at(1.0))
}

/// Keeps as many tasks open as there shall be ready subtasks, each a chain with shortcuts.
fn run(
    policy: PolicyName,
    options: &Options,
) -> Result<Vec<(f64, usize)>, Box<dyn std::error::Error>> {
    let streams = Streams::new(1);
    let mut rng = streams.stream("decisions", 0);
    let calls = Arc::<Mutex<Vec<(f64, usize)>>>::default();
    let timed = Timed {
        policy: policy.make(streams),
        calls: Arc::clone(&calls),
    };
    let mut engine_options = EngineOptions::new(policy, Charge::Modelled { noise: 0.1 }, streams);
    if !options.explain {
        engine_options.facts = FactLevel::Events;
    }
    let pool: Vec<_> = (0..options.resources)
        .map(|n| resource(n, options.slots, &mut rng))
        .collect();
    let mut engine = Engine::with_policy(pool, engine_options, Box::new(timed))?;
    let n_tasks = options.ready as usize + (options.resources * options.slots) as usize;
    let mut n_placed = 0;
    let mut now = SimTime::ZERO;
    while n_placed < options.subtasks as usize {
        while engine.n_unfinished_tasks() < n_tasks {
            open_chain(&mut engine, now, &mut rng)?;
        }
        n_placed += engine
            .schedule(now)
            .iter()
            .map(|batch| batch.subtasks.len())
            .sum::<usize>();
        let Some(next) = engine.next_event() else {
            break;
        };
        now = now.max(next);
        for batch in engine.due(now) {
            engine.finish(now, batch.id, &vec![Ok(()); batch.subtasks.len()]);
        }
        engine.drain_facts().for_each(drop);
    }
    drop(engine);
    let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *calls))
}

/// A task of eight subtasks, each after the two before it.
fn open_chain(
    engine: &mut Engine,
    now: SimTime,
    rng: &mut impl Rng,
) -> Result<(), Box<dyn std::error::Error>> {
    let owner = OwnerId(rng.random_range(0..16));
    let task = engine.open_task(
        now,
        TaskSpec {
            weight: rng.random_range(1.0..4.0),
            deadline: Some(now + SimSpan(rng.random_range(0..10_000_000_000))),
            ..TaskSpec::new("chain", owner)
        },
    );
    let mut last: Vec<SubtaskId> = Vec::new();
    for _ in 0..8 {
        let spec = SubtaskSpec {
            items: rng.random_range(1..100),
            tokens: rng.random_range(1..10_000),
            after: last.clone(),
            ..SubtaskSpec::new(task, SKILLS[rng.random_range(0..3)])
        };
        last.push(engine.add_subtask(now, spec)?);
        if last.len() > 2 {
            last.remove(0);
        }
    }
    engine.close_task(now, task);
    Ok(())
}

/// Resources that can do everything, each with speeds of its own for each skill.
fn resource(n: u32, slots: u32, rng: &mut impl Rng) -> ResourceSpec {
    let skills = SKILLS.map(|skill| {
        let slowness = rng.random_range(1..=8);
        let profile = LatencyProfile {
            fixed: SimSpan(2_000_000 * slowness),
            per_item: SimSpan(100_000 * slowness),
            per_token: SimSpan(10_000 * slowness),
        };
        (skill, profile)
    });
    let kind = ResourceKind::Replica {
        model: "m".to_owned(),
    };
    ResourceSpec {
        slots,
        ..ResourceSpec::new(format!("replica {n}"), kind, skills.to_vec())
    }
}
