//! The engine against slow and obvious simulators, and against the validator, on random workloads.

use rand::Rng as _;
use schedule::{
    Charge, Counts, Engine, EngineFact, EngineOptions, FactLevel, LatencyProfile, Memory, Mode,
    OwnerId, PolicyName, ResourceId, ResourceSpec, Skill, SubtaskId, SubtaskSpec, SubtaskState,
    TaskSpec, TokenBatching, validate,
};
use sim::{SimSpan, SimTime, Streams};

use crate::{
    random_runs::{by_itself, random_run},
    support::{Facts, profile, replica},
};

/// A subtask of the plain model: release, priority, predecessors, and who takes how long.
#[derive(Clone, Debug)]
struct Piece {
    release: u64,
    priority: i32,
    after: Vec<usize>,
    modes: Vec<(usize, u64)>,
}

fn random_pieces(rng: &mut impl rand::Rng, n_resources: usize) -> Vec<Piece> {
    (0..rng.random_range(1..25))
        .map(|n| {
            let mut modes: Vec<_> = (0..n_resources)
                .filter(|_| rng.random_bool(0.6))
                .map(|resource| (resource, 0))
                .collect();
            if modes.is_empty() {
                modes.push((rng.random_range(0..n_resources), 0));
            }
            for (_, span) in &mut modes {
                *span = rng.random_range(1..8);
            }
            Piece {
                release: if rng.random_bool(0.5) {
                    0
                } else {
                    rng.random_range(0..30)
                },
                priority: rng.random_range(0..3),
                after: (0..n)
                    .filter(|_| rng.random_bool(1.0 / (n as f64 + 1.0)))
                    .collect(),
                modes,
            }
        })
        .collect()
}

/// Where, from and to: first come, first served, by priority; each to whoever is free and ends it
/// first. What is ready at an instant is placed before anything that ends then frees anybody.
fn simulate(pieces: &[Piece], n_resources: usize) -> Vec<(usize, u64, u64)> {
    let mut ends: Vec<Option<(usize, u64, u64)>> = vec![None; pieces.len()];
    let mut ready_at: Vec<Option<u64>> = vec![None; pieces.len()];
    let mut done = vec![false; pieces.len()];
    let mut now = 0;
    while done.iter().any(|done| !done) {
        for frees in [false, true] {
            for n in 0..pieces.len() {
                if frees && ends[n].is_some_and(|(_, _, end)| end == now) {
                    done[n] = true;
                }
            }
            for (n, piece) in pieces.iter().enumerate() {
                let may = piece.release <= now && piece.after.iter().all(|p| done[*p]);
                if may && ready_at[n].is_none() {
                    ready_at[n] = Some(now);
                }
            }
            let mut waiting: Vec<_> = (0..pieces.len())
                .filter(|n| ends[*n].is_none() && ready_at[*n].is_some())
                .collect();
            waiting.sort_by_key(|n| (-pieces[*n].priority, ready_at[*n], *n));
            for n in waiting {
                let busy =
                    |r| (0..pieces.len()).any(|m| !done[m] && ends[m].is_some_and(|e| e.0 == r));
                let free = (0..n_resources).filter(|r| !busy(*r));
                let choices = free.filter_map(|r| {
                    let (_, span) = pieces[n]
                        .modes
                        .iter()
                        .find(|(resource, _)| *resource == r)?;
                    Some((now + span, r))
                });
                if let Some((end, resource)) = choices.min() {
                    ends[n] = Some((resource, now, end));
                }
            }
        }
        now += 1;
    }
    ends.into_iter().flatten().collect()
}

#[test]
fn plain_runs_are_those_of_an_obvious_simulator() {
    for seed in 0..2_000 {
        let mut rng = Streams::new(seed).stream("reference", 0);
        let n_resources = rng.random_range(1..5);
        let pieces = random_pieces(&mut rng, n_resources);
        let label = [(Skill::Machine, LatencyProfile::default())];
        let pool = (0..n_resources).map(|n| replica(&format!("r{n}"), 1, &label));
        let charge = Charge::Modelled { noise: 0.0 };
        let options = EngineOptions::new(PolicyName::Fifo, charge, Streams::new(seed));
        let mut engine = Engine::new(pool.collect(), options).unwrap();
        for piece in &pieces {
            let spec = TaskSpec {
                release: Some(SimTime(piece.release)),
                priority: piece.priority,
                ..TaskSpec::new("", OwnerId(0))
            };
            let task = engine.open_task(SimTime::ZERO, spec);
            let mode = |&(resource, span): &(usize, u64)| Mode {
                resource: ResourceId(resource as u32),
                span: SimSpan(span),
            };
            let spec = SubtaskSpec {
                modes: piece.modes.iter().map(mode).collect(),
                after: piece.after.iter().map(|n| SubtaskId(*n as u32)).collect(),
                ..SubtaskSpec::new(task, Skill::Machine)
            };
            engine.add_subtask(SimTime::ZERO, spec).unwrap();
            engine.close_task(SimTime::ZERO, task);
        }
        engine.run();
        let found: Vec<_> = engine
            .subtasks()
            .iter()
            .map(|s| {
                let on = s.ran_on().unwrap().index();
                (on, s.started_at().unwrap().0, s.ended_at().unwrap().0)
            })
            .collect();
        assert_eq!(
            found,
            simulate(&pieces, n_resources),
            "seed {seed}: {pieces:?}"
        );
    }
}

/// Arrival, prompt and answer of a sequence.
type Request = (u64, u64, u64);

/// When each sequence ends, iteration by iteration.
fn generate(requests: &[Request], profile: LatencyProfile, budget: u64) -> Vec<u64> {
    let mut left: Vec<(u64, u64)> = requests.iter().map(|r| (r.1.max(1), r.2)).collect();
    let mut ends = vec![0; requests.len()];
    let mut now = 0;
    while ends.contains(&0) {
        let here = |n: &usize| requests[*n].0 <= now && ends[*n] == 0;
        let mut at_work: Vec<usize> = (0..requests.len()).filter(here).collect();
        at_work.sort_by_key(|n| (requests[*n].0, *n));
        let decoding: Vec<usize> = at_work
            .iter()
            .copied()
            .filter(|n| left[*n].0 == 0)
            .collect();
        let mut tokens = budget.saturating_sub(decoding.len() as u64);
        let mut prefilled = Vec::new();
        for &n in at_work.iter().filter(|n| left[**n].0 > 0) {
            let taken = tokens.min(left[n].0);
            tokens -= taken;
            prefilled.push((n, taken));
        }
        let prefill: u64 = prefilled.iter().map(|(_, taken)| taken).sum();
        if decoding.is_empty() && prefill == 0 {
            now = requests
                .iter()
                .map(|r| r.0)
                .filter(|at| *at > now)
                .min()
                .unwrap();
            continue;
        }
        now += profile.span(decoding.len() as u64, prefill).0.max(1);
        for n in decoding {
            left[n].1 -= 1;
            if left[n].1 == 0 {
                ends[n] = now;
            }
        }
        for (n, taken) in prefilled.into_iter().filter(|(_, taken)| *taken > 0) {
            left[n].0 -= taken;
            if left[n].0 == 0 {
                left[n].1 = left[n].1.saturating_sub(1);
                if left[n].1 == 0 {
                    ends[n] = now;
                }
            }
        }
    }
    ends
}

fn token_replica(name: &str, memory: Option<u64>, budget: u32) -> ResourceSpec {
    ResourceSpec {
        memory: memory.map(|bytes| Memory {
            bytes,
            models: Vec::new(),
        }),
        continuous: Some(TokenBatching {
            budget,
            kv_bytes_per_token: 1,
        }),
        ..replica(name, 64, &[(Skill::Generate, profile(100, 7, 3))])
    }
}

fn run_requests(pool: Vec<ResourceSpec>, requests: &[Request]) -> (Vec<u64>, Counts, Facts) {
    let charge = Charge::Modelled { noise: 0.0 };
    let options = EngineOptions::new(PolicyName::Fifo, charge, Streams::new(1));
    let mut engine = Engine::new(pool, options).unwrap();
    for &(at, prompt, out) in requests {
        let spec = TaskSpec {
            release: Some(SimTime(at)),
            ..TaskSpec::new("", OwnerId(0))
        };
        let task = engine.open_task(SimTime::ZERO, spec);
        let spec = SubtaskSpec {
            tokens: prompt as u32,
            output_tokens: out as u32,
            ..SubtaskSpec::new(task, Skill::Generate)
        };
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
        engine.close_task(SimTime::ZERO, task);
    }
    let mut facts = Facts::new();
    engine.run_with(|at, fact| facts.push((at, fact)));
    assert_eq!(engine.n_unfinished(), 0);
    let ends = engine.subtasks().iter().map(|s| s.ended_at().unwrap().0);
    (ends.collect(), *engine.counts(), facts)
}

fn random_requests(rng: &mut impl rand::Rng) -> Vec<Request> {
    let mut at = 0;
    (0..rng.random_range(1..30))
        .map(|_| {
            at += rng.random_range(0..900);
            (at, rng.random_range(0..120), rng.random_range(1..40))
        })
        .collect()
}

#[test]
fn tokens_come_as_iteration_by_iteration() {
    for seed in 0..1_000 {
        let mut rng = Streams::new(seed).stream("tokens", 0);
        let budget = rng.random_range(8..90);
        let requests = random_requests(&mut rng);
        let (ends, _, facts) = run_requests(vec![token_replica("r", None, budget)], &requests);
        let expected = generate(&requests, profile(100, 7, 3), budget.into());
        assert_eq!(ends, expected, "seed {seed}, budget {budget}: {requests:?}");
        let violations = validate(facts.iter().map(|(at, fact)| (*at, fact)));
        assert_eq!(violations, [], "seed {seed}");
    }
}

#[test]
fn short_memory_delays_sequences_and_loses_none() {
    let mut n_evicted = 0;
    for seed in 0..500 {
        let mut rng = Streams::new(seed).stream("memory", 0);
        let requests = random_requests(&mut rng);
        let pool = vec![token_replica("r", Some(rng.random_range(170..400)), 64)];
        let (ends, counts, facts) = run_requests(pool, &requests);
        let (free, ..) = run_requests(vec![token_replica("r", None, 64)], &requests);
        assert!(ends.iter().max() >= free.iter().max(), "seed {seed}");
        n_evicted += counts.preempted;
        let back = |(_, fact): &&(SimTime, EngineFact)| {
            matches!(fact, EngineFact::TokensReadmitted { .. })
        };
        let n_back = facts.iter().filter(back).count();
        assert_eq!(n_back, counts.preempted as usize, "seed {seed}");
        let violations = validate(facts.iter().map(|(at, fact)| (*at, fact)));
        assert_eq!(violations, [], "seed {seed}");
    }
    assert!(n_evicted > 100, "{n_evicted}");
}

#[test]
fn ten_thousand_random_runs_break_no_rule_and_lose_nothing() {
    let mut sum = Counts::default();
    let mut n_evicting = 0;
    for seed in 0..10_000 {
        let (engine, facts) = random_run(seed, FactLevel::All, by_itself);
        let violations = validate(facts.iter().map(|(at, fact)| (*at, fact)));
        assert_eq!(violations, [], "seed {seed}, {}", engine.options().policy);
        let counts = engine.counts();
        let ended = |state| {
            engine
                .subtasks()
                .iter()
                .filter(|s| s.state == state)
                .count() as u64
        };
        let failed = ended(SubtaskState::Failed);
        assert_eq!(ended(SubtaskState::Done), counts.finished, "seed {seed}");
        assert_eq!(
            ended(SubtaskState::Cancelled),
            counts.cancelled,
            "seed {seed}"
        );
        assert_eq!(
            counts.finished + failed + counts.cancelled,
            counts.added,
            "seed {seed}"
        );
        assert_eq!(counts.tasks_ended, counts.arrived, "seed {seed}");
        assert_eq!(counts.batches, counts.batches_ended, "seed {seed}");
        let finished = facts
            .iter()
            .filter(|(_, f)| matches!(f, EngineFact::SubtaskFinished { .. }));
        assert_eq!(finished.count() as u64, counts.finished, "seed {seed}");
        sum.failed += counts.failed;
        sum.preempted += counts.preempted;
        sum.hedged += counts.hedged;
        sum.cancelled += counts.cancelled;
        sum.switched += counts.switched;
        let evicts = |fact: &EngineFact| matches!(fact, EngineFact::ModelLoaded { evicted, .. } if !evicted.is_empty());
        n_evicting += facts.iter().filter(|(_, fact)| evicts(fact)).count() as u64;
    }
    let rare = [
        sum.failed,
        sum.preempted,
        sum.hedged,
        sum.cancelled,
        sum.switched,
        n_evicting,
    ];
    assert!(rare.iter().all(|n| *n > 500), "{rare:?}");
}
