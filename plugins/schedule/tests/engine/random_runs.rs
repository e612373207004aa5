//! Pools, options and tasks with everything that there is, drawn from a seed.

use rand::Rng as _;
use schedule::{
    BatchCurve, Charge, DeviceId, DeviceMemory, Engine, EngineOptions, FactLevel, HedgeAfter,
    HostedModel, Link, Memory, Network, Outages, OwnerId, PolicyName, Preemption, Residence,
    ResourceId, ResourceKind, ResourceSpec, ScalingRule, Skill, Spread, SubtaskId, SubtaskSpec,
    TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

use crate::support::{Facts, MS, profile};

fn random_spread(rng: &mut impl rand::Rng) -> Spread {
    match rng.random_range(0..4) {
        0 => Spread::Exponential,
        1 => Spread::LogNormal { sigma: 0.5 },
        _ => Spread::Exact,
    }
}

fn random_resource(rng: &mut impl rand::Rng, n: u32) -> ResourceSpec {
    let span = |rng: &mut dyn rand::RngCore| SimSpan(rng.random_range(1..4 * MS));
    let profile = profile(rng.random_range(0..3 * MS), rng.random_range(0..MS), 0);
    let model = |name: &str, rng: &mut dyn rand::RngCore| HostedModel {
        name: name.to_owned(),
        bytes: rng.random_range(1..30),
        load: SimSpan(rng.random_range(0..2 * MS)),
    };
    let memory = Memory {
        bytes: rng.random_range(60..120),
        models: vec![model("a", rng), model("b", rng)],
    };
    let model = ["a", "b", "c"][rng.random_range(0..3)].to_owned();
    // Alike for all who serve the model.
    let residence = Residence {
        bytes: 20 + u64::from(model.as_bytes()[0] % 3) * 20,
        load: SimSpan(u64::from(model.as_bytes()[0] % 5) * MS / 2),
    };
    let kind = ResourceKind::Replica { model };
    let skills = vec![(Skill::Embed, profile), (Skill::Tag, profile)];
    let outages = Outages::Random {
        up: SimSpan(rng.random_range(10 * MS..60 * MS)),
        up_spread: Spread::Exponential,
        down: span(rng),
        down_spread: Spread::Exact,
    };
    ResourceSpec {
        slots: rng.random_range(1..5),
        device: DeviceId(rng.random_range(0..2)),
        speed: [0.5, 1.0, 2.0][rng.random_range(0..3)],
        curve: if rng.random_bool(0.3) {
            BatchCurve::Factors(vec![1.0, 1.2, 1.5])
        } else {
            BatchCurve::Profile
        },
        spread: random_spread(rng),
        memory: rng.random_bool(0.4).then_some(memory),
        residence: rng.random_bool(0.7).then_some(residence),
        outages: if rng.random_bool(0.2) {
            outages
        } else {
            Outages::Never
        },
        ..ResourceSpec::new(format!("r{n}"), kind, skills)
    }
}

fn random_options(rng: &mut impl rand::Rng, seed: u64, n_resources: u32) -> EngineOptions {
    let policies = PolicyName::ALL;
    let policy = policies[rng.random_range(0..policies.len())];
    let link = Link {
        latency: SimSpan(rng.random_range(0..MS)),
        bytes_per_sec: Some(1e6),
    };
    let rule = ScalingRule {
        members: (0..n_resources).map(ResourceId).collect(),
        min: 1,
        max: n_resources,
        up_queue: 1.0,
        up_after: SimSpan(rng.random_range(0..2 * MS)),
        down_after: SimSpan(rng.random_range(MS..9 * MS)),
        start_up: SimSpan(rng.random_range(0..3 * MS)),
    };
    EngineOptions {
        retry_delay: SimSpan(MS),
        timeout: rng.random_bool(0.2).then_some(SimSpan(12 * MS)),
        network: Network {
            usual: if rng.random_bool(0.5) {
                link
            } else {
                Link::default()
            },
            links: Vec::new(),
        },
        device_memory: (0..rng.random_range(0..=3))
            .map(|n| DeviceMemory {
                device: DeviceId(n),
                bytes: rng.random_range(60..90),
            })
            .collect(),
        hedging: match rng.random_range(0..4) {
            0 => Some(HedgeAfter::Span(SimSpan(MS))),
            1 => Some(HedgeAfter::Quantile(0.8)),
            _ => None,
        },
        preemption: [Preemption::Never, Preemption::Restart, Preemption::Resume]
            [rng.random_range(0..3)],
        scaling: if rng.random_bool(0.2) {
            vec![rule]
        } else {
            Vec::new()
        },
        max_open_tasks: rng.random_bool(0.1).then_some(4),
        ..EngineOptions::new(policy, Charge::Modelled { noise: 0.1 }, Streams::new(seed))
    }
}

fn add_random_tasks(rng: &mut impl rand::Rng, engine: &mut Engine, now: SimTime) {
    for _ in 0..rng.random_range(1..8) {
        let release = now + SimSpan(rng.random_range(0..20 * MS));
        let task = engine.open_task(
            now,
            TaskSpec {
                release: rng.random_bool(0.5).then_some(release),
                deadline: rng.random_bool(0.3).then_some(release + SimSpan(9 * MS)),
                priority: rng.random_range(0..3),
                tenant: OwnerId(rng.random_range(0..3)),
                ..TaskSpec::new("", OwnerId(0))
            },
        );
        for _ in 0..rng.random_range(0..6) {
            let n = engine.subtasks().len() as u32;
            let after: Vec<_> = (0..n)
                .filter(|_| rng.random_bool(1.0 / (f64::from(n) + 1.0)))
                .map(SubtaskId)
                .collect();
            let spec = SubtaskSpec {
                model: rng
                    .random_bool(0.3)
                    .then(|| ["a", "b"][rng.random_range(0..2)].to_owned()),
                received: after.iter().map(|_| rng.random_range(0..900)).collect(),
                after,
                items: rng.random_range(0..3),
                work: SimSpan(rng.random_range(0..2 * MS)),
                memory_bytes: rng.random_range(0..30),
                spread: random_spread(rng),
                timeout: rng.random_bool(0.1).then_some(SimSpan(5 * MS)),
                max_attempts: rng.random_bool(0.2).then_some(5),
                ..SubtaskSpec::new(task, [Skill::Embed, Skill::Tag][rng.random_range(0..2)])
            };
            // Refused where nobody hosts the model or a predecessor is dead.
            drop(engine.add_subtask(now, spec));
        }
        engine.close_task(now, task);
    }
}

/// How an engine is taken to an instant.
pub(crate) type Drive = fn(&mut Engine, SimTime, &mut Facts);

pub(crate) fn by_itself(engine: &mut Engine, stop: SimTime, facts: &mut Facts) {
    engine.run_until(stop, |at, fact| facts.push((at, fact)));
}

/// Everything at once, drawn from a seed; half way, some tasks are called off and others come.
pub(crate) fn random_run(seed: u64, level: FactLevel, drive: Drive) -> (Engine, Facts) {
    let mut rng = Streams::new(seed).stream("anything", 0);
    let n_resources = rng.random_range(1..5);
    let pool = (0..n_resources)
        .map(|n| random_resource(&mut rng, n))
        .collect();
    let options = EngineOptions {
        facts: level,
        ..random_options(&mut rng, seed, n_resources)
    };
    let mut engine = Engine::new(pool, options).unwrap();
    let mut facts = Facts::new();
    add_random_tasks(&mut rng, &mut engine, SimTime::ZERO);
    if rng.random_bool(0.3) {
        let stop = SimTime(rng.random_range(0..10 * MS));
        drive(&mut engine, stop, &mut facts);
        let victim = rng.random_range(0..engine.tasks().len());
        let victim = engine.tasks()[victim].id;
        engine.cancel_task(stop, victim);
        add_random_tasks(&mut rng, &mut engine, stop);
        facts.extend(engine.drain_facts().map(|fact| (stop, fact)));
    }
    drive(&mut engine, SimTime(3_000 * MS), &mut facts);
    assert_eq!(engine.n_unfinished(), 0, "seed {seed} does not end");
    (engine, facts)
}
