//! What defines each policy, on small cases with a known best or a known law.

use rand::Rng as _;
use schedule::{
    Engine, EngineFact, EngineOptions, OwnerId, PolicyName, ResourceId, ResourceSpec, Skill,
    SubtaskSpec, TaskSpec, WaitReason,
};
use sim::{SimTime, Streams};

use crate::support::{
    Action, Driver, MS, Plan, Succeed, options, profile, random_case, replica, run_case, subtask,
    task,
};

const SEC: u64 = 1000 * MS;

fn machine(name: &str, slots: u32, fixed: u64, per_item: u64) -> ResourceSpec {
    replica(name, slots, &[(Skill::Embed, profile(fixed, per_item, 0))])
}

/// Runs tasks, each with its release and the items of its subtasks, which follow each other.
fn run(
    policy: PolicyName,
    pool: Vec<ResourceSpec>,
    tasks: &[(u64, TaskSpec, Vec<u32>)],
) -> Driver<Succeed> {
    let mut plan = Plan::new();
    let mut n_subtasks = 0;
    for (number, (at, spec, chain)) in tasks.iter().enumerate() {
        let at = SimTime(*at);
        plan.push((at, Action::Open(number, spec.clone())));
        for (place, items) in chain.iter().enumerate() {
            plan.push((
                at,
                Action::Add {
                    task: number,
                    spec: subtask(schedule::TaskId(0), Skill::Embed, *items, &[]),
                    after: (place > 0).then(|| n_subtasks - 1).into_iter().collect(),
                },
            ));
            n_subtasks += 1;
        }
        plan.push((at, Action::Close(number)));
    }
    plan.sort_by_key(|(at, _)| *at);
    let mut driver = Driver::new(Engine::new(pool, options(policy)).unwrap(), Succeed);
    driver.run(&plan);
    driver
}

/// When each task ended, in the order of arrival.
fn task_ends(driver: &Driver<Succeed>) -> Vec<u64> {
    let ends = driver.engine.tasks().iter().map(schedule::Task::ended_at);
    ends.map(|end| end.unwrap().0).collect()
}

/// The subtasks in the order of their starts.
fn starts(driver: &Driver<Succeed>) -> Vec<u32> {
    let placed = driver.facts.iter().filter_map(|(_, fact)| match fact {
        EngineFact::SubtaskPlaced { subtask, .. } => Some(subtask.0),
        _ => None,
    });
    placed.collect()
}

/// Calls `each` with every order of `items`.
fn permute(items: &mut Vec<usize>, from: usize, each: &mut impl FnMut(&[usize])) {
    if from == items.len() {
        return each(items);
    }
    for at in from..items.len() {
        items.swap(from, at);
        permute(items, from + 1, each);
        items.swap(from, at);
    }
}

#[test]
fn edf_and_least_slack_know_deadlines() {
    for seed in 0..20 {
        let mut rng = Streams::new(seed).stream("edf", 0);
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let items = rng.random_range(1..9);
                let deadline = SimTime(rng.random_range(1..30) * SEC);
                let mut spec = task("t");
                spec.deadline = Some(deadline);
                (0, spec, vec![items])
            })
            .collect();
        let late = |end: u64, n: usize| end as i64 - tasks[n].1.deadline.unwrap().0 as i64;
        // Jackson's rule: earliest deadline first has the least maximum lateness.
        let mut least = i64::MAX;
        permute(&mut (0..6).collect(), 0, &mut |order| {
            let mut end = 0;
            let lateness = order.iter().map(|n| {
                end += u64::from(tasks[*n].2[0]) * SEC;
                late(end, *n)
            });
            least = least.min(lateness.max().unwrap());
        });
        let driver = run(PolicyName::Edf, vec![machine("m", 1, 0, SEC)], &tasks);
        let ends = task_ends(&driver);
        let max = (0..6).map(|n| late(ends[n], n)).max();
        assert_eq!(max, Some(least), "seed {seed}");
        // Least slack at the start is the deadline less the length.
        let driver = run(
            PolicyName::LeastSlack,
            vec![machine("m", 1, 0, SEC)],
            &tasks,
        );
        let latest = |n: u32| {
            let (_, spec, chain) = &tasks[n as usize];
            spec.deadline.unwrap().0 as i64 - i64::from(chain[0]) * SEC as i64
        };
        let order: Vec<_> = starts(&driver).into_iter().map(latest).collect();
        assert!(order.is_sorted(), "seed {seed}: {order:?}");
    }
}

/// The least total flow of preemptive jobs of unit pieces on one machine, one piece at a time.
fn least_flow(now: u64, left: &mut [(u64, u32)]) -> u64 {
    if left.iter().all(|(_, n)| *n == 0) {
        return 0;
    }
    let n_open = |left: &[(u64, u32)]| left.iter().filter(|(r, n)| *r <= now && *n > 0).count();
    let open = n_open(left) as u64;
    let mut best = u64::MAX;
    for at in 0..left.len() {
        if left[at].0 <= now && left[at].1 > 0 {
            left[at].1 -= 1;
            best = best.min(least_flow(now + 1, left));
            left[at].1 += 1;
        }
    }
    if open == 0 {
        best = least_flow(now + 1, left);
    }
    open + best
}

#[test]
fn srpt_gives_the_least_mean_flow_of_tasks_on_one_machine() {
    for seed in 0..12 {
        let mut rng = Streams::new(seed).stream("srpt", 0);
        let mut jobs: Vec<(u64, u32)> = (0..4)
            .map(|_| (rng.random_range(0..5), rng.random_range(1..4)))
            .collect();
        jobs.sort_unstable();
        let tasks: Vec<_> = jobs
            .iter()
            .map(|(release, n)| (release * SEC, task("t"), vec![1; *n as usize]))
            .collect();
        let driver = run(PolicyName::Srpt, vec![machine("m", 1, 0, SEC)], &tasks);
        let flow: u64 = driver
            .engine
            .tasks()
            .iter()
            .map(|task| (task.ended_at().unwrap() - task.arrived_at).0 / SEC)
            .sum();
        assert_eq!(flow, least_flow(0, &mut jobs.clone()), "seed {seed}");
    }
}

#[test]
fn lifo_takes_the_last_first() {
    let tasks: Vec<_> = (0..5).map(|_| (0, task("t"), vec![1])).collect();
    let driver = run(PolicyName::Lifo, vec![machine("m", 1, 0, SEC)], &tasks);
    assert_eq!(starts(&driver), [4, 3, 2, 1, 0]);
}

#[test]
fn weighted_fair_shares_within_one_quantum() {
    // Two tenants with weights 1 and 3, unit pieces, more than enough of both.
    let tasks: Vec<_> = (0..80)
        .map(|n| {
            let tenant = OwnerId(n % 2);
            let mut spec = TaskSpec::new("t", tenant);
            spec.weight = if n % 2 == 0 { 1.0 } else { 3.0 };
            (0, spec, vec![1])
        })
        .collect();
    let driver = run(
        PolicyName::WeightedFair,
        vec![machine("m", 1, 0, SEC)],
        &tasks,
    );
    let (mut light, mut heavy) = (0.0_f64, 0.0_f64);
    for id in starts(&driver).into_iter().take(48) {
        if id % 2 == 0 {
            light += 1.0;
        } else {
            heavy += 1.0;
        }
        assert!(
            (light - heavy / 3.0).abs() <= 1.0 + 1.0 / 3.0,
            "{light} {heavy}"
        );
    }
}

#[test]
fn round_robin_takes_turns() {
    let pool = (0..3)
        .map(|n| machine(&format!("m{n}"), 1, 0, SEC))
        .collect();
    let tasks: Vec<_> = (0..9).map(|_| (0, task("t"), vec![1])).collect();
    let driver = run(PolicyName::RoundRobin, pool, &tasks);
    for (_, fact) in &driver.facts {
        if let EngineFact::SubtaskPlaced {
            subtask, resource, ..
        } = fact
        {
            assert_eq!(resource.0, subtask.0 % 3);
        }
    }
}

/// The mean number of subtasks in each of many queues with exponential times at load 0.8, by
/// Little's law from the mean flow.
fn mean_length(policy: PolicyName) -> f64 {
    const N_QUEUES: usize = 50;
    const LOAD: f64 = 0.8;
    let mut rng = Streams::new(3).stream("queues", 0);
    let mut exponential = |mean: f64| -mean * (1.0 - rng.random::<f64>()).ln();
    let mut at = 0.0;
    let pool: Vec<_> = (0..N_QUEUES)
        .map(|n| machine(&format!("m{n}"), 1, 0, MS))
        .collect();
    let mut plan = Plan::new();
    for number in 0..40_000 {
        at += exponential(1000.0 * MS as f64 / (LOAD * N_QUEUES as f64));
        let time = SimTime(at as u64);
        plan.push((time, Action::Open(number, task("t"))));
        // A thousandth of a second for each item, a mean of one second.
        let items = exponential(1000.0).ceil() as u32;
        plan.push((
            time,
            Action::Add {
                task: number,
                spec: subtask(schedule::TaskId(0), Skill::Embed, items, &[]),
                after: Vec::new(),
            },
        ));
        plan.push((time, Action::Close(number)));
    }
    let engine = Engine::new(pool, options(policy)).unwrap();
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&plan);
    let flows = driver.engine.tasks()[5_000..]
        .iter()
        .map(|task| (task.ended_at().unwrap() - task.arrived_at).as_secs_f64());
    LOAD * flows.sum::<f64>() / 35_000.0
}

#[test]
fn two_choices_and_the_shortest_queue_shorten_queues_as_theory_says() {
    // Mitzenmacher (2001): with d choices, Σ λ^((dⁱ − 1) / (d − 1)) subtasks in a queue.
    let two: f64 = (1..9).map(|i| 0.8_f64.powi(2_i32.pow(i) - 1)).sum();
    let measured = mean_length(PolicyName::PowerOfTwo);
    assert!((measured / two - 1.0).abs() < 0.06, "{measured} {two}");
    // The shortest of many: hardly anybody waits.
    let shortest = mean_length(PolicyName::JoinShortestQueue);
    assert!((0.8..0.9).contains(&shortest), "{shortest}");
    // Least work left on equal machines is one queue for all: M/M/50, where 0.8 suffices nearly.
    let least = mean_length(PolicyName::LeastLoaded);
    assert!(least <= shortest * 1.02, "{least} {shortest}");
}

#[test]
fn contracts_go_to_the_lowest_bid_and_the_bids_are_told() {
    let mut dear = machine("dear", 1, SEC, 0);
    dear.price_per_sec = 5.0;
    let pool = vec![dear, machine("slow", 1, 3 * SEC, 0)];
    let tasks: Vec<_> = (0..3).map(|_| (0, task("t"), vec![1])).collect();
    let driver = run(PolicyName::ContractNet, pool, &tasks);
    let placed = driver.facts.iter().filter_map(|(_, fact)| match fact {
        EngineFact::SubtaskPlaced {
            subtask,
            resource,
            candidates,
            ..
        } => Some((*subtask, *resource, candidates)),
        _ => None,
    });
    let mut awards: Vec<_> = placed
        .map(|(subtask, resource, bids)| {
            let bids: Vec<_> = bids.iter().map(|bid| bid.score).collect();
            (subtask.0, resource.0, bids)
        })
        .collect();
    awards.sort();
    // Dear: 1 s and 5 for it, 2 s and 5, …; slow: 3 s, 6 s, 9 s.
    assert_eq!(
        awards,
        [
            (0, 1, vec![6_000_000, 3_000_000]),
            (1, 0, vec![6_000_000, 6_000_000]),
            (2, 1, vec![7_000_000, 6_000_000]),
        ]
    );
}

#[test]
fn a_batch_waits_as_long_as_one_more_would_gain() {
    // One alone takes 10 s, each more 1 s: for the second, 10 / 2 − 1 = 4 s may pass.
    for (gap, sizes) in [(3, vec![2]), (5, vec![1, 1])] {
        let pool = vec![machine("m", 8, 9 * SEC, SEC)];
        let tasks = [0, gap].map(|at| (at * SEC, task("t"), vec![1]));
        let driver = run(PolicyName::BatchFifo, pool, &tasks);
        let batches = driver.facts.iter().filter_map(|(_, fact)| match fact {
            EngineFact::BatchStarted { subtasks, .. } => Some(subtasks.len()),
            _ => None,
        });
        assert_eq!(batches.collect::<Vec<_>>(), sizes, "{gap} s apart");
    }
    let pool = vec![machine("m", 8, 9 * SEC, SEC)];
    let mut engine = Engine::new(pool, options(PolicyName::BatchSjf)).unwrap();
    let id = engine.open_task(SimTime::ZERO, task("t"));
    let only = engine
        .add_subtask(SimTime::ZERO, subtask(id, Skill::Embed, 1, &[]))
        .unwrap();
    engine.schedule(SimTime::ZERO);
    let until = SimTime(4 * SEC);
    assert_eq!(
        engine.wait_reason(only),
        Some(WaitReason::FillingBatch { until })
    );
    assert_eq!(engine.next_event(), Some(until));
}

/// Independent subtasks: nothing is inserted, so the static schedule is what happens online.
#[test]
fn list_policies_decide_as_list_schedulers_where_nothing_is_inserted() {
    let pairs = [(PolicyName::Heft, "heft"), (PolicyName::Peft, "peft")];
    for (policy, name) in pairs {
        for seed in 0..20 {
            let mut rng = Streams::new(seed).stream("lists", 0);
            let mut builder = plan::InstanceBuilder::new("independent", 3);
            let pool = (0..3).map(|n| machine(&format!("m{n}"), 1, 0, 1)).collect();
            let mut engine = Engine::new(pool, options(policy)).unwrap();
            for _ in 0..10 {
                let job = builder.job(plan::Job::default());
                let id = engine.open_task(SimTime::ZERO, task("t"));
                let spans: Vec<u64> = (0..3).map(|_| rng.random_range(1..1_000_000)).collect();
                builder.operation(
                    job,
                    (0..3).map(|n| plan::Mode {
                        resource: plan::ResourceId(n),
                        duration: spans[n as usize] as f64,
                    }),
                );
                let modes = (0..3).map(|n| schedule::Mode {
                    resource: ResourceId(n),
                    span: sim::SimSpan(spans[n as usize]),
                });
                let spec = SubtaskSpec {
                    modes: modes.collect(),
                    ..SubtaskSpec::new(id, Skill::Embed)
                };
                engine.add_subtask(SimTime::ZERO, spec).unwrap();
                engine.close_task(SimTime::ZERO, id);
            }
            let instance = builder.build().unwrap();
            let list: plan::ListName = name.parse().unwrap();
            let expected = list.schedule(&instance);
            let mut driver = Driver::new(engine, Succeed);
            driver.run(&Plan::new());
            let ends = driver.engine.subtasks().iter();
            let ends: Vec<_> = ends.map(|s| s.ended_at().unwrap().0 as f64).collect();
            let planned: Vec<_> = expected.assignments.iter().map(|a| a.end).collect();
            assert_eq!(ends, planned, "{policy}, seed {seed}");
        }
    }
}

#[test]
fn cpop_keeps_a_critical_path_on_one_resource() {
    let pool = vec![machine("a", 1, 0, SEC), machine("b", 1, 0, SEC)];
    let mut engine = Engine::new(pool, options(PolicyName::Cpop)).unwrap();
    let id = engine.open_task(SimTime::ZERO, task("t"));
    let mut last = Vec::new();
    // The first is quicker on a, the chain as a whole on b.
    for spans in [[1, 2], [5, 3], [5, 3], [2, 3]] {
        let modes = (0..2).map(|n| schedule::Mode {
            resource: ResourceId(n),
            span: sim::SimSpan(spans[n as usize] * SEC),
        });
        let spec = SubtaskSpec {
            modes: modes.collect(),
            after: last,
            ..SubtaskSpec::new(id, Skill::Embed)
        };
        last = vec![engine.add_subtask(SimTime::ZERO, spec).unwrap()];
    }
    engine.close_task(SimTime::ZERO, id);
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    let places = driver.facts.iter().filter_map(|(_, fact)| match fact {
        EngineFact::SubtaskPlaced { resource, .. } => Some(resource.0),
        _ => None,
    });
    assert_eq!(places.collect::<Vec<_>>(), [1; 4]);
}

#[test]
fn by_lot_each_is_as_likely_to_be_first() {
    let mut counts = [0_u32; 4];
    for seed in 0..800 {
        let mut options: EngineOptions = options(PolicyName::Random);
        options.streams = Streams::new(seed);
        let mut engine = Engine::new(vec![machine("m", 1, 0, SEC)], options).unwrap();
        let id = engine.open_task(SimTime::ZERO, task("t"));
        for items in 1..5 {
            let spec = subtask(id, Skill::Embed, items, &[]);
            engine.add_subtask(SimTime::ZERO, spec).unwrap();
        }
        let started = engine.schedule(SimTime::ZERO);
        counts[started[0].subtasks[0].index()] += 1;
    }
    // 200 are expected of each, with a standard deviation of 12.
    assert!(counts.iter().all(|n| (150..250).contains(n)), "{counts:?}");
}

#[test]
fn chance_is_drawn_from_the_seed_alone() {
    for policy in [PolicyName::Random, PolicyName::PowerOfTwo] {
        let facts = |seed| {
            let mut options: EngineOptions = options(policy);
            options.streams = Streams::new(seed);
            run_case(&random_case(4, true), options).facts
        };
        assert_eq!(facts(1), facts(1));
        assert_ne!(facts(1), facts(2), "{policy}");
    }
}
