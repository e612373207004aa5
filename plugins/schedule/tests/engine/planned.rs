//! What defines the rolling horizon: plans take simulated time, are followed, and are made anew when
//! what is known changes.

use plan::PlannerName;
use rand::Rng as _;
use schedule::{
    Engine, Policy, PolicyName, ResourceId, ResourceSpec, Skill, SubtaskId, WaitReason,
    rolling_horizon,
};
use sim::{SimTime, Streams};

use crate::support::{Driver, MS, Plan, Succeed, options, profile, replica, subtask, task};

const SEC: u64 = 1000 * MS;

fn machine(name: &str, slots: u32, fixed: u64, per_item: u64) -> ResourceSpec {
    replica(name, slots, &[(Skill::Embed, profile(fixed, per_item, 0))])
}

/// Hands in a task of independent subtasks that take a second each.
fn add(engine: &mut Engine, now: SimTime, n: u32, priority: i32) -> Vec<SubtaskId> {
    let mut spec = task("t");
    spec.priority = priority;
    let id = engine.open_task(now, spec);
    let specs = (0..n).map(|_| subtask(id, Skill::Embed, 1, &[]));
    let ids = specs
        .map(|spec| engine.add_subtask(now, spec).unwrap())
        .collect();
    engine.close_task(now, id);
    ids
}

#[test]
fn planning_takes_simulated_time_and_then_the_plan_is_followed() {
    let pool = vec![machine("slow", 1, 100 * SEC, 0), machine("fast", 1, SEC, 0)];
    let mut engine = Engine::new(pool, options(PolicyName::Planned)).unwrap();
    let id = engine.open_task(SimTime::ZERO, task("t"));
    for _ in 0..2 {
        engine
            .add_subtask(SimTime::ZERO, subtask(id, Skill::Embed, 1, &[]))
            .unwrap();
    }
    engine.close_task(SimTime::ZERO, id);
    assert_eq!(engine.schedule(SimTime::ZERO).len(), 0);
    // Two subtasks with two ways each, a microsecond for each way.
    let until = SimTime(4_000);
    assert_eq!(engine.next_event(), Some(until));
    assert_eq!(
        engine.wait_reason(SubtaskId(1)),
        Some(WaitReason::Planning { until })
    );
    assert_eq!(engine.schedule(until).len(), 1);
    let planned = [SubtaskId(0), SubtaskId(1)].map(|id| engine.wait_reason(id));
    let resource = ResourceId(1);
    assert!(planned.contains(&Some(WaitReason::Planned { resource })));
}

#[test]
fn what_arrives_behind_a_full_horizon_waits_for_its_turn() {
    let pool = vec![machine("m", 1, 0, SEC)];
    let mut engine = Engine::new(pool, options(PolicyName::Planned)).unwrap();
    add(&mut engine, SimTime::ZERO, 1_000, 1);
    engine.schedule(SimTime::ZERO);
    let ready = engine.next_event().unwrap();
    engine.schedule(ready);
    // Behind a thousand others: no plan is made for it.
    let end = engine.next_event().unwrap();
    let later = add(&mut engine, ready, 1, 1)[0];
    for batch in engine.due(end) {
        engine.finish(end, batch.id, &[Ok(())]);
    }
    assert_eq!(engine.schedule(end).len(), 1);
    assert_eq!(engine.wait_reason(later), Some(WaitReason::ResourcesBusy));
    // Before them all: it gets one, and goes first.
    let urgent = add(&mut engine, end, 1, 2)[0];
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    let end_of = |id| driver.engine.subtask(id).ended_at().unwrap();
    let sooner = driver.engine.subtasks().iter();
    let sooner = sooner.filter(|s| s.ended_at().unwrap() < end_of(urgent));
    assert!(sooner.count() <= 4);
    assert!(end_of(later) > SimTime(700 * SEC));
}

/// An engine with independent subtasks on unrelated machines, and the same as an instance.
fn unrelated(seed: u64, policy: Box<dyn Policy>) -> (Engine, plan::Instance) {
    let mut rng = Streams::new(seed).stream("planned", 0);
    let mut builder = plan::InstanceBuilder::new("independent", 3);
    let pool = (0..3).map(|n| machine(&format!("m{n}"), 1, 0, 1)).collect();
    let mut engine = Engine::with_policy(pool, options(PolicyName::Planned), policy).unwrap();
    for _ in 0..12 {
        let job = builder.job(plan::Job::default());
        let spans: Vec<u64> = (0..3).map(|_| rng.random_range(1..1_000) * MS).collect();
        let modes = (0..3).zip(&spans).map(|(n, span)| plan::Mode {
            resource: plan::ResourceId(n),
            duration: *span as f64,
        });
        builder.operation(job, modes);
        let id = engine.open_task(SimTime::ZERO, task("t"));
        let mut spec = subtask(id, Skill::Embed, 1, &[]);
        let modes = (0..3).zip(&spans).map(|(n, span)| schedule::Mode {
            resource: ResourceId(n),
            span: sim::SimSpan(*span),
        });
        spec.modes = modes.collect();
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
        engine.close_task(SimTime::ZERO, id);
    }
    (engine, builder.build().unwrap())
}

/// The sum of completion times, were there no planning: it is all done before anything starts.
fn sum_of_ends(engine: Engine) -> f64 {
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    let starts = driver
        .engine
        .subtasks()
        .iter()
        .map(schedule::Subtask::started_at);
    let planned = starts.min().unwrap().unwrap();
    let ends = driver.engine.subtasks().iter();
    let ends = ends.map(|s| s.ended_at().unwrap().since(planned).0 as f64);
    ends.sum()
}

/// Of what it tries, it takes the plan with the least sum of completion times; nothing happens that
/// it did not foresee, so that is what comes of it.
#[test]
fn a_run_is_no_worse_than_the_list_schedules_it_chose_from() {
    for seed in 0..20 {
        let policy = PolicyName::Planned.make(Streams::new(0));
        let (engine, instance) = unrelated(seed, policy);
        let sum = sum_of_ends(engine);
        for list in [plan::ListName::Heft, plan::ListName::Peft] {
            let schedule = list.schedule(&instance);
            let sum_of_list = plan::Objective::WeightedCompletion.of(&instance, &schedule);
            assert!(sum <= sum_of_list, "seed {seed}, {list}");
        }
    }
}

#[test]
fn a_planner_makes_plans_better_and_never_worse() {
    let sums = |policy: &dyn Fn() -> Box<dyn Policy>| -> Vec<f64> {
        (0..20)
            .map(|seed| sum_of_ends(unrelated(seed, policy()).0))
            .collect()
    };
    let lists = sums(&|| PolicyName::Planned.make(Streams::new(0)));
    for planner in [PlannerName::Lns, PlannerName::Annealing] {
        let searched = sums(&|| rolling_horizon(planner, 300));
        let pairs = || lists.iter().zip(&searched);
        assert!(pairs().all(|(list, found)| found <= list), "{planner}");
        let n_better = pairs().filter(|(list, found)| found < list).count();
        assert!(n_better > 10, "{planner}: {n_better}");
        assert_eq!(searched, sums(&|| rolling_horizon(planner, 300)));
    }
}

#[test]
fn a_longer_search_is_charged() {
    let start = |iterations| {
        let (mut engine, _) = unrelated(1, rolling_horizon(PlannerName::Lns, iterations));
        engine.schedule(SimTime::ZERO);
        engine.next_event()
    };
    // A microsecond for each way, a tenth for each subtask and iteration.
    assert_eq!(start(10), Some(SimTime(36_000 + 12_000)));
    assert_eq!(start(1_000), Some(SimTime(36_000 + 1_200_000)));
}

#[test]
fn who_goes_down_loses_its_turns_to_the_others() {
    let pool = vec![machine("a", 1, 0, SEC), machine("b", 1, 0, SEC)];
    let mut engine = Engine::new(pool, options(PolicyName::Planned)).unwrap();
    let ids = add(&mut engine, SimTime::ZERO, 10, 0);
    engine.schedule(SimTime::ZERO);
    let ready = engine.next_event().unwrap();
    assert_eq!(engine.schedule(ready).len(), 2);
    engine.set_up(ready, ResourceId(0), false);
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    let ends = ids.iter().map(|id| driver.engine.subtask(*id).ended_at());
    assert!(ends.max().unwrap().unwrap() < SimTime(11 * SEC));
}
