//! What each policy promises about order, spread and waiting.

use std::collections::{BTreeMap, BTreeSet};

use schedule::{
    Engine, EngineFact, PolicyName, ResourceId, ResourceSpec, Skill, SubtaskId, SubtaskSpec,
    TaskId, TaskSpec, TokenBatching, WaitReason,
};
use sim::{SimSpan, SimTime};

use crate::support::{
    Driver, MS, Succeed, options, profile, random_case, replica, run_case, subtask, task,
};

const SEC: u64 = 1000 * MS;

/// An engine with one closed task of independent subtasks, by their items.
fn independent(policy: PolicyName, pool: Vec<ResourceSpec>, items: &[u32]) -> Driver<Succeed> {
    let mut engine = Engine::new(pool, options(policy)).unwrap();
    let id = engine.open_task(SimTime::ZERO, task("t"));
    for &items in items {
        engine
            .add_subtask(SimTime::ZERO, subtask(id, Skill::Embed, items, &[]))
            .unwrap();
    }
    engine.close_task(SimTime::ZERO, id);
    Driver::new(engine, Succeed)
}

/// When each subtask ended, in seconds, by id.
fn ends(driver: &Driver<Succeed>) -> Vec<f64> {
    let ended = driver
        .engine
        .subtasks()
        .iter()
        .filter_map(schedule::Subtask::ended_at);
    ended.map(SimTime::as_secs_f64).collect()
}

fn machine(name: &str, slots: u32, fixed: u64, per_item: u64) -> ResourceSpec {
    replica(name, slots, &[(Skill::Embed, profile(fixed, per_item, 0))])
}

/// Policies that compare ends, bids or work left, and those that count.
const SPREADING: [PolicyName; 13] = [
    PolicyName::Fifo,
    PolicyName::Sjf,
    PolicyName::Edf,
    PolicyName::Heft,
    PolicyName::Peft,
    PolicyName::LeastLoaded,
    PolicyName::ContractNet,
    PolicyName::Planned,
    PolicyName::MinMin,
    PolicyName::MaxMin,
    PolicyName::Sufferage,
    PolicyName::Dls,
    PolicyName::JoinShortestQueue,
];

/// On how many of `n_resources` replicas that batch continuously each of `n` sequences ran that come
/// one millisecond after another and take long.
fn sequences_by_replica(policy: PolicyName, n_resources: usize, n: usize) -> Vec<usize> {
    let pool = (0..n_resources).map(|at| ResourceSpec {
        continuous: Some(TokenBatching {
            budget: 64,
            kv_bytes_per_token: 0,
        }),
        ..replica(
            &format!("r{at}"),
            32,
            &[(Skill::Embed, profile(MS, MS / 100, MS / 100))],
        )
    });
    let mut engine = Engine::new(pool.collect(), options(policy)).unwrap();
    for at in 0..n as u64 {
        let release = Some(SimTime(at * MS));
        let id = engine.open_task(
            SimTime::ZERO,
            TaskSpec {
                release,
                ..task("t")
            },
        );
        let spec = SubtaskSpec {
            tokens: 20,
            output_tokens: 2000,
            ..subtask(id, Skill::Embed, 1, &[])
        };
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
        engine.close_task(SimTime::ZERO, id);
    }
    engine.run();
    let mut counts = vec![0; n_resources];
    for subtask in engine.subtasks() {
        counts[subtask.ran_on().unwrap().index()] += 1;
    }
    counts
}

#[test]
fn sequences_spread_over_replicas_that_batch_continuously() {
    for policy in SPREADING {
        let counts = sequences_by_replica(policy, 4, 40);
        assert_eq!(counts, [10; 4], "{policy}");
    }
}

#[test]
fn fifo_never_passes_over_an_earlier_one() {
    let policies = [PolicyName::Fifo, PolicyName::BatchFifo];
    for (seed, policy) in (0..60).flat_map(|seed| policies.map(|policy| (seed, policy))) {
        let run = run_case(&random_case(seed, false), options(policy));
        let mut waiting: BTreeMap<_, BTreeSet<(SimTime, SubtaskId)>> = BTreeMap::new();
        for (at, fact) in &run.facts {
            let lane = |id: SubtaskId| {
                let skill = run.engine.subtask(id).spec.skill;
                (skill, run.engine.subtask_model(id).map(str::to_owned))
            };
            match fact {
                EngineFact::SubtaskReady { subtask } => {
                    waiting
                        .entry(lane(*subtask))
                        .or_default()
                        .insert((*at, *subtask));
                }
                EngineFact::SubtaskPlaced { subtask, .. } => {
                    let first = waiting
                        .get_mut(&lane(*subtask))
                        .and_then(BTreeSet::pop_first);
                    assert_eq!(first.map(|(_, id)| id), Some(*subtask), "seed {seed}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn sjf_gives_the_least_mean_flow_on_one_machine() {
    for seed in 0..20 {
        let items: Vec<u32> = (0..12).map(|n| 1 + (seed * 31 + n * n * 17) % 23).collect();
        let flow = |policy| {
            let mut driver = independent(policy, vec![machine("m", 1, 0, SEC)], &items);
            driver.run(&Vec::new());
            ends(&driver).iter().sum::<f64>()
        };
        // Smith's rule: in the order of length, each job delays all after it.
        let mut sorted = items.clone();
        sorted.sort_unstable();
        let least: u32 = sorted
            .iter()
            .rev()
            .zip(1..)
            .map(|(length, place)| length * place)
            .sum();
        assert_eq!(flow(PolicyName::Sjf), f64::from(least));
        assert_eq!(flow(PolicyName::BatchSjf), f64::from(least));
        assert!(flow(PolicyName::Fifo) >= flow(PolicyName::Sjf));
    }
}

#[test]
fn work_spreads_over_equal_replicas_as_the_profile_says() {
    // These do not look at how long a batch takes, or wait at first.
    let others = [
        PolicyName::BatchFifo,
        PolicyName::BatchSjf,
        PolicyName::Planned,
        PolicyName::PlannedLns,
        PolicyName::Random,
        PolicyName::RoundRobin,
        PolicyName::LeastLoaded,
        PolicyName::JoinShortestQueue,
        PolicyName::PowerOfTwo,
    ];
    for policy in PolicyName::ALL
        .into_iter()
        .filter(|policy| !others.contains(policy))
    {
        for (fixed, per_item, expected) in [
            // More in a batch takes longer: halves.
            (SEC, SEC, vec![8, 8]),
            // More in a batch takes no longer: all at once, the other stays free.
            (SEC, 0, vec![16]),
        ] {
            let pool = vec![
                machine("a", 16, fixed, per_item),
                machine("b", 16, fixed, per_item),
            ];
            let mut driver = independent(policy, pool, &[1; 16]);
            let sizes: Vec<_> = driver
                .engine
                .schedule(SimTime::ZERO)
                .iter()
                .map(|b| b.subtasks.len())
                .collect();
            assert_eq!(sizes, expected, "{policy}");
        }
    }
}

#[test]
fn batches_hold_one_skill_and_model() {
    for policy in PolicyName::ALL {
        for seed in 0..60 {
            let run = run_case(&random_case(seed, false), options(policy));
            for (_, fact) in &run.facts {
                let EngineFact::BatchStarted { subtasks, .. } = fact else {
                    continue;
                };
                let lanes: BTreeSet<_> = subtasks
                    .iter()
                    .map(|id| {
                        let skill = run.engine.subtask(*id).spec.skill;
                        (skill, run.engine.subtask_model(*id))
                    })
                    .collect();
                assert_eq!(lanes.len(), 1);
            }
        }
    }
}

#[test]
fn heft_waits_for_a_better_resource_and_says_so() {
    let pool = || vec![machine("slow", 1, 100 * SEC, 0), machine("fast", 1, SEC, 0)];
    for (policy, expected) in [
        (PolicyName::Fifo, vec![1.0, 100.0]),
        (PolicyName::Heft, vec![1.0, 2.0]),
    ] {
        let mut driver = independent(policy, pool(), &[1, 1]);
        driver.step(SimTime::ZERO);
        let reason = driver.engine.wait_reason(SubtaskId(1));
        let waits = (policy == PolicyName::Heft).then_some(WaitReason::BetterResource {
            resource: ResourceId(1),
        });
        assert_eq!(reason, waits);
        driver.run(&Vec::new());
        assert_eq!(ends(&driver), expected, "{policy}");
    }
}

#[test]
fn heft_starts_the_critical_path_first() {
    // Two short ones that nothing waits for, added first, and a chain of three.
    let run = |policy| {
        let mut engine = Engine::new(
            vec![machine("a", 1, 0, SEC), machine("b", 1, 0, SEC)],
            options(policy),
        )
        .unwrap();
        let id = engine.open_task(SimTime::ZERO, task("t"));
        let mut add = |after: &[SubtaskId]| {
            engine
                .add_subtask(SimTime::ZERO, subtask(id, Skill::Embed, 1, after))
                .unwrap()
        };
        let (_, _, first) = (add(&[]), add(&[]), add(&[]));
        let second = add(&[first]);
        add(&[second]);
        engine.close_task(SimTime::ZERO, TaskId(0));
        let mut driver = Driver::new(engine, Succeed);
        driver.run(&Vec::new());
        ends(&driver).into_iter().fold(0.0, f64::max)
    };
    assert_eq!(run(PolicyName::Fifo), 4.0);
    assert_eq!(run(PolicyName::Heft), 3.0);
}

/// The longest path from `id` on, by plain recursion over the whole graph.
fn longest(engine: &Engine, id: SubtaskId, known: usize) -> u64 {
    let (spec, load) = (engine.subtask(id).spec, engine.load(id));
    let spans = engine.resources().iter().filter_map(|resource| {
        let (_, p) = resource
            .spec
            .skills
            .iter()
            .find(|(skill, _)| *skill == spec.skill)?;
        let transfer = resource
            .spec
            .bytes_per_sec
            .map_or(0.0, |v| load.bytes as f64 / v);
        let work = p.fixed.0 + p.per_item.0 * load.items + p.per_token.0 * load.tokens;
        Some(work + SimSpan::from_secs_f64(transfer).0)
    });
    let spans: Vec<u64> = spans.collect();
    let mean = spans.iter().sum::<u64>() / spans.len() as u64;
    let later = engine.subtasks()[..known]
        .iter()
        .filter(|s| engine.predecessors(s.id).contains(&id));
    mean + later
        .map(|s| longest(engine, s.id, known))
        .max()
        .unwrap_or(0)
}

#[test]
fn heft_ranks_by_the_longest_path_known_so_far() {
    for seed in 0..40 {
        let run = run_case(&random_case(seed, false), options(PolicyName::Heft));
        let mut known = 0;
        for (_, fact) in &run.facts {
            match fact {
                EngineFact::SubtaskAdded { .. } => known += 1,
                EngineFact::SubtaskPlaced { subtask, rank, .. } => {
                    let path = longest(&run.engine, *subtask, known);
                    assert_eq!(-*rank, path as i64, "seed {seed}, {subtask:?}");
                }
                _ => {}
            }
        }
    }
}
