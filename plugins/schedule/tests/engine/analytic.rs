//! Queues whose means are known in closed form: the engine hits them within confidence limits.

use rand::Rng as _;
use schedule::{
    Charge, Engine, EngineOptions, FactLevel, LatencyProfile, Mode, OwnerId, PolicyName,
    ResourceId, ResourceSpec, Skill, Spread, SubtaskId, SubtaskSpec, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

use crate::support::replica;

/// Mean service time: long, so that rounding to nanoseconds is nothing.
const MEAN: f64 = 1e6;
/// Customers of a run.
const N: u32 = 60_000;
/// Independent runs, each with its own seed from 0 on.
const N_RUNS: u64 = 20;
/// Batches of customers whose means are compared.
const N_BATCHES: usize = 30;

fn options(seed: u64) -> EngineOptions {
    let charge = Charge::Modelled { noise: 0.0 };
    EngineOptions {
        facts: FactLevel::Quiet,
        ..EngineOptions::new(PolicyName::Fifo, charge, Streams::new(seed))
    }
}

fn server(name: &str, slots: u32, spread: Spread) -> ResourceSpec {
    let profile = LatencyProfile::fixed(SimSpan(MEAN as u64));
    ResourceSpec {
        spread,
        ..replica(name, slots, &[(Skill::Embed, profile)])
    }
}

/// The waits of customers who arrive by chance at these servers, in mean service times.
fn waits(servers: Vec<ResourceSpec>, per_service: f64, seed: u64) -> Vec<f64> {
    waits_of(N, servers, per_service, seed)
}

/// The waits of so many customers.
fn waits_of(n: u32, servers: Vec<ResourceSpec>, per_service: f64, seed: u64) -> Vec<f64> {
    let mut engine = Engine::new(servers, options(seed)).unwrap();
    let mut rng = Streams::new(seed).stream("arrivals", 0);
    let mut at = 0.0;
    for _ in 0..n {
        at -= (1.0 - rng.random::<f64>()).ln() * MEAN / per_service;
        let spec = TaskSpec {
            release: Some(SimTime(at as u64)),
            ..TaskSpec::new("", OwnerId(0))
        };
        let task = engine.open_task(SimTime::ZERO, spec);
        let spec = SubtaskSpec::new(task, Skill::Embed);
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
        engine.close_task(SimTime::ZERO, task);
    }
    engine.run();
    let wait = |id| {
        let (subtask, task) = (
            engine.subtask(SubtaskId(id)),
            engine.tasks()[id as usize].spec,
        );
        (subtask.started_at().unwrap() - task.release().unwrap()).0 as f64 / MEAN
    };
    (0..n).map(wait).collect()
}

/// The mean of correlated values is what is expected, by the means of long batches of them, at
/// 99.9 %.
fn check(what: &str, values: &[f64], expected: f64) {
    let warm = &values[values.len() / 20..];
    let means: Vec<f64> = warm
        .chunks_exact(warm.len() / N_BATCHES)
        .map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64)
        .collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // Student's t for 29 degrees of freedom.
    let half_width = 3.66 * (variance / n).sqrt();
    assert!(
        (mean - expected).abs() <= half_width,
        "{what}: {mean} ± {half_width}, expected {expected}"
    );
    assert!(
        half_width < 0.35 * expected,
        "{what}: ± {half_width} is too wide to say anything"
    );
}

/// The mean over independent runs is what is expected. Where values are correlated over long times
/// and their mean goes along with their scatter, batches of one run make an interval that misses too
/// often; runs do not.
fn check_runs(what: &str, expected: f64, run: impl Fn(u64) -> f64) {
    let means: Vec<f64> = (0..N_RUNS).map(run).collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // Student's t for 19 degrees of freedom, 99.9 %.
    let half_width = 3.883 * (variance / n).sqrt();
    assert!(
        (mean - expected).abs() <= half_width,
        "{what}: {mean} ± {half_width}, expected {expected}"
    );
    assert!(
        half_width < 0.15 * expected,
        "{what}: ± {half_width} is too wide to say anything"
    );
}

/// The mean of what is left when the first twentieth, in which queues build up, is left out.
fn warm_mean(values: &[f64]) -> f64 {
    let warm = &values[values.len() / 20..];
    warm.iter().sum::<f64>() / warm.len() as f64
}

#[test]
fn one_server_waits_as_pollaczek_and_khinchine_say() {
    let load = 0.7;
    let uniform = Spread::Uniform {
        low: 0.0,
        high: 2.0,
    };
    let twice = Spread::Empirical {
        factors: vec![0.5, 0.5, 0.5, 2.5],
    };
    // The second moment of the service time in squared means: exponential, constant, and others.
    for (what, spread, second) in [
        ("M/M/1", Spread::Exponential, 2.0),
        ("M/D/1", Spread::Exact, 1.0),
        ("M/E4/1", Spread::Erlang { k: 4 }, 1.25),
        ("M/U/1", uniform, 4.0 / 3.0),
        ("M/G/1", twice, (3.0 * 0.25 + 6.25) / 4.0),
        ("M/LN/1", Spread::LogNormal { sigma: 0.6 }, 0.36_f64.exp()),
    ] {
        let expected = load * second / (2.0 * (1.0 - load));
        check(
            what,
            &waits(vec![server("s", 1, spread)], load, 5),
            expected,
        );
    }
}

#[test]
fn several_servers_wait_as_erlang_says() {
    for (n_servers, load) in [(2, 0.8), (5, 0.85)] {
        let servers = (0..n_servers).map(|n| server(&format!("s{n}"), 1, Spread::Exponential));
        let offered = load * f64::from(n_servers);
        let mut term = 1.0;
        let mut sum = 1.0;
        for k in 1..n_servers {
            term *= offered / f64::from(k);
            sum += term;
        }
        let all_busy = term * offered / f64::from(n_servers) / (1.0 - load);
        let waits_at_all = all_busy / (sum + all_busy);
        let expected = waits_at_all / (f64::from(n_servers) * (1.0 - load));
        check("M/M/c", &waits(servers.collect(), offered, 7), expected);
    }
}

#[test]
fn service_in_batches_waits_as_the_root_of_its_equation_says() {
    // Up to K at once, in exponential time whatever K: queue lengths while busy fall off by the
    // root r of μ r^(K+1) - (λ + μ) r + λ = 0 in (0, 1). Gross, Harris, "Fundamentals of queueing
    // theory", on bulk service.
    for (slots, load) in [(4, 2.5), (8, 6.0)] {
        let f = |r: f64| r.powi(slots + 1) - (load + 1.0) * r + load;
        let (mut low, mut high) = (0.0, 1.0 - 1e-9);
        for _ in 0..200 {
            let mid = f64::midpoint(low, high);
            if f(mid) > 0.0 { low = mid } else { high = mid }
        }
        let r = f64::midpoint(low, high);
        let weight = 1.0 / (1.0 / (1.0 - r) + 1.0 / load);
        let expected = weight * r / (1.0 - r).powi(2) / load;
        let server = server("s", slots as u32, Spread::Exponential);
        check_runs("M/M(1,K)/1", expected, |seed| {
            warm_mean(&waits_of(20_000, vec![server.clone()], load, seed))
        });
    }
}

#[test]
fn one_repairer_is_as_busy_as_the_machines_make_him() {
    // Palm's machine repair model. Probability that all machines run: 1 / Σ n!/(n-k)! (1/up)^k.
    let (n_machines, up) = (5, 3.0);
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 0..n_machines {
        term *= f64::from(n_machines - k) / up;
        sum += term;
    }
    check_runs("machine repair", 1.0 - 1.0 / sum, |seed| {
        share_of_repairs(n_machines, up, seed)
    });
}

/// How much of his time a repairer works for machines that work (for `up` mean repairs) and are
/// mended in turn.
fn share_of_repairs(n_machines: u32, up: f64, seed: u64) -> f64 {
    let profile = LatencyProfile::fixed(SimSpan(1));
    let names = (0..=n_machines).map(|n| format!("r{n}"));
    let pool = names.map(|name| replica(&name, 1, &[(Skill::Machine, profile)]));
    let mut engine = Engine::new(pool.collect(), options(seed)).unwrap();
    let now = SimTime::ZERO;
    for machine in 0..n_machines {
        let task = engine.open_task(now, TaskSpec::new("", OwnerId(0)));
        let mut before = None;
        for _ in 0..1_500 {
            for (resource, mean) in [(machine, up * MEAN), (n_machines, MEAN)] {
                let mode = Mode {
                    resource: ResourceId(resource),
                    span: SimSpan(mean as u64),
                };
                let spec = SubtaskSpec {
                    modes: vec![mode],
                    spread: Spread::Exponential,
                    after: before.into_iter().collect(),
                    ..SubtaskSpec::new(task, Skill::Machine)
                };
                before = Some(engine.add_subtask(now, spec).unwrap());
            }
        }
        engine.close_task(now, task);
    }
    engine.run();
    let mut repairs: Vec<_> = engine
        .subtasks()
        .iter()
        .filter(|subtask| subtask.ran_on() == Some(ResourceId(n_machines)))
        .map(|subtask| {
            (
                subtask.started_at().unwrap().0,
                subtask.ended_at().unwrap().0,
            )
        })
        .collect();
    repairs.sort_unstable();
    // The first ones come from machines that all ran, the last from fewer and fewer machines.
    let steady = &repairs[repairs.len() / 20..repairs.len() * 8 / 10];
    let (last, others) = steady.split_last().unwrap();
    let busy: u64 = others.iter().map(|(from, to)| to - from).sum();
    busy as f64 / (last.0 - others[0].0) as f64
}
