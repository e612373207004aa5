//! Random runs under every policy: they end, break no rule, repeat, and beat no lower bound.

use std::collections::BTreeMap;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use schedule::{
    Batch, Charge, Engine, EngineFact, EngineOptions, PolicyName, SubtaskId, SubtaskState,
    TaskState, validate,
};
use sim::{SimSpan, SimTime, Streams};

use crate::support::{Driver, Facts, MS, Perform, options, random_case, run_case};

const N_SEEDS: u64 = 60;

fn assert_valid(facts: &Facts, what: &str) {
    let violations = validate(facts.iter().map(|(at, fact)| (*at, fact)));
    assert!(violations.is_empty(), "{what}: {}", violations[0]);
}

#[test]
fn every_run_ends_and_breaks_no_rule() {
    for seed in 0..N_SEEDS {
        for policy in PolicyName::ALL {
            let run = run_case(&random_case(seed, false), options(policy));
            assert_valid(&run.facts, &format!("seed {seed}, {policy}"));
            assert_eq!(
                (run.engine.n_unfinished(), run.engine.n_unfinished_tasks()),
                (0, 0)
            );
            assert!(
                run.engine
                    .subtasks()
                    .iter()
                    .all(|s| s.state == SubtaskState::Done)
            );
            assert!(
                run.engine
                    .tasks()
                    .iter()
                    .all(|task| task.state == TaskState::Done)
            );
        }
    }
}

#[test]
fn one_seed_gives_one_list_of_facts() {
    for policy in PolicyName::ALL {
        let noisy = |seed| {
            let charge = Charge::Modelled { noise: 0.3 };
            let options = EngineOptions::new(policy, charge, Streams::new(seed));
            run_case(&random_case(11, true), options).facts
        };
        assert_eq!(noisy(1), noisy(1));
        assert_ne!(noisy(1), noisy(2));
    }
}

#[test]
fn noise_has_mean_one() {
    let options = |noise| {
        let charge = Charge::Modelled { noise };
        EngineOptions::new(PolicyName::Fifo, charge, Streams::new(3))
    };
    let busy = |noise| -> f64 {
        let spans =
            (0..200).flat_map(|seed| run_case(&random_case(seed, false), options(noise)).facts);
        // Batches differ between the two runs, their total work hardly does.
        spans.map(|(_, fact)| batch_span(&fact)).sum()
    };
    let ratio = busy(0.2) / busy(0.0);
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
}

fn batch_span(fact: &EngineFact) -> f64 {
    match fact {
        EngineFact::BatchFinished { span, .. } => span.as_secs_f64(),
        _ => 0.0,
    }
}

/// The shortest span that a resource could need for a subtask alone, and the same without the part
/// that a batch shares.
fn shortest(engine: &Engine, id: SubtaskId) -> (u64, u64) {
    let (spec, load) = (engine.subtask(id).spec, engine.load(id));
    let spans = engine.resources().iter().filter_map(|resource| {
        let (_, profile) = resource
            .spec
            .skills
            .iter()
            .find(|(skill, _)| *skill == spec.skill)?;
        let own = profile.per_item.0 * load.items + profile.per_token.0 * load.tokens;
        Some((profile.fixed.0 + own, own))
    });
    spans
        .clone()
        .map(|(all, _)| all)
        .min()
        .zip(spans.map(|(_, own)| own).min())
        .unwrap()
}

#[test]
fn no_run_beats_the_critical_path_or_the_area() {
    for seed in 0..N_SEEDS {
        for policy in PolicyName::ALL {
            let engine = run_case(&random_case(seed, false), options(policy)).engine;
            let mut path_ends: Vec<u64> = Vec::new();
            let mut area = 0;
            for subtask in engine.subtasks() {
                let (alone, own) = shortest(&engine, subtask.id);
                let before = engine.predecessors(subtask.id).iter();
                let start = before.map(|p| path_ends[p.index()]).max();
                path_ends.push(start.unwrap_or(0) + alone);
                area += own;
            }
            let end = engine
                .subtasks()
                .iter()
                .filter_map(schedule::Subtask::ended_at)
                .max();
            let end = end.unwrap_or_default().0;
            assert!(
                end >= path_ends.iter().copied().max().unwrap_or(0),
                "seed {seed}, {policy}"
            );
            assert!(
                end >= area / engine.resources().len() as u64,
                "seed {seed}, {policy}"
            );
        }
    }
}

/// Fails and delays at random.
struct Chaos(ChaCha8Rng);

impl Perform for Chaos {
    fn result(&mut self, _: &Batch, _: SubtaskId) -> Result<(), String> {
        if self.0.random_bool(0.15) {
            Err("no answer".to_owned())
        } else {
            Ok(())
        }
    }

    fn span(&mut self, _: &Batch) -> SimSpan {
        SimSpan(self.0.random_range(0..20 * MS))
    }
}

fn chaos(seed: u64, policy: PolicyName) -> Driver<Chaos> {
    let streams = Streams::new(seed);
    let charge = if seed.is_multiple_of(2) {
        Charge::Measured
    } else {
        Charge::Modelled { noise: 0.5 }
    };
    let options = EngineOptions {
        timeout: Some(SimSpan(15 * MS)),
        retry_delay: SimSpan(MS),
        ..EngineOptions::new(policy, charge, streams)
    };
    let case = random_case(seed, true);
    let engine = Engine::new(case.resources, options).unwrap();
    let mut driver = Driver::new(engine, Chaos(streams.stream("chaos", 0)));
    driver.run(&case.plan);
    driver
}

#[test]
fn failures_lose_nothing() {
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..2 * N_SEEDS {
        for policy in PolicyName::ALL {
            let run = chaos(seed, policy);
            assert_valid(&run.facts, &format!("seed {seed}, {policy}"));
            assert_eq!(
                (run.engine.n_unfinished(), run.engine.n_unfinished_tasks()),
                (0, 0)
            );
            for subtask in run.engine.subtasks() {
                assert!(
                    subtask.state.is_ended(),
                    "seed {seed}, {policy}: {subtask:?}"
                );
                assert_eq!(run.engine.wait_reason(subtask.id), None);
                *outcomes.entry(format!("{:?}", subtask.state)).or_default() += 1;
            }
            assert!(run.engine.running().next().is_none());
            assert_eq!(run.facts, chaos(seed, policy).facts);
        }
    }
    assert_eq!(
        outcomes.len(),
        3,
        "all three ends must come up: {outcomes:?}"
    );
}

#[test]
fn whoever_waits_has_a_reason() {
    for seed in 0..N_SEEDS {
        for policy in PolicyName::ALL {
            let case = random_case(seed, true);
            let engine = Engine::new(case.resources, options(policy)).unwrap();
            let mut driver = Driver::new(engine, Watch);
            driver.run(&case.plan);
        }
    }
}

struct Watch;

impl Perform for Watch {
    fn result(&mut self, _: &Batch, _: SubtaskId) -> Result<(), String> {
        Ok(())
    }

    fn look(&mut self, engine: &Engine, _: SimTime) {
        for subtask in engine.subtasks() {
            let waits =
                !subtask.state.is_ended() && !matches!(subtask.state, SubtaskState::Running { .. });
            assert_eq!(
                engine.wait_reason(subtask.id).is_some(),
                waits,
                "{subtask:?}"
            );
        }
    }
}
