//! What goes wrong, one scenario each.

use schedule::{
    BatchId, Engine, EngineFact, EngineOptions, FailureCause, OwnerId, PolicyName, ResourceId,
    ResourceKind, ResourceSpec, Skill, SubtaskId, SubtaskState, TaskId, TaskState, WaitReason,
};
use sim::{SimSpan, SimTime};

use crate::support::{MS, options, profile, replica, subtask, task};

const SEC: u64 = 1000 * MS;
const START: SimTime = SimTime::ZERO;

fn at(secs: u64) -> SimTime {
    SimTime(secs * SEC)
}

fn pool(n_replicas: usize) -> Vec<ResourceSpec> {
    let skills = [(Skill::Embed, profile(SEC, 0, 0))];
    (0..n_replicas)
        .map(|n| replica(&format!("r{n}"), 4, &skills))
        .collect()
}

fn engine(n_replicas: usize, change: impl FnOnce(&mut EngineOptions)) -> Engine {
    let mut options = options(PolicyName::Fifo);
    change(&mut options);
    Engine::new(pool(n_replicas), options).unwrap()
}

fn add(engine: &mut Engine, task: TaskId, after: &[SubtaskId]) -> SubtaskId {
    engine
        .add_subtask(START, subtask(task, Skill::Embed, 1, after))
        .unwrap()
}

fn failed() -> Vec<Result<(), String>> {
    vec![Err("no answer".to_owned())]
}

#[test]
fn attempts_wait_twice_as_long_each_time_and_then_the_task_fails() {
    let mut engine = engine(1, |_| {});
    let (first, second) = (
        engine.open_task(START, task("a")),
        engine.open_task(START, task("b")),
    );
    let cause = add(&mut engine, first, &[]);
    let sibling = add(&mut engine, first, &[cause]);
    let dependent = add(&mut engine, second, &[sibling]);
    engine.close_task(START, first);
    // Starts at 0, 1+1, 3+2: each run takes one second.
    for (start, wait) in [(0, Some(1)), (2, Some(2)), (5, None)] {
        assert_eq!(engine.next_event(), Some(at(start)));
        let batch = engine.schedule(at(start)).remove(0);
        assert_eq!(engine.due(at(start + 1))[0].id, batch.id);
        engine.finish(at(start + 1), batch.id, &failed());
        let until = wait.map(|wait| at(start + 1 + wait));
        assert_eq!(
            engine.wait_reason(cause),
            until.map(|until| WaitReason::Backoff { until })
        );
        engine.schedule(at(start + 1));
    }
    assert_eq!(engine.subtask(cause).state, SubtaskState::Failed);
    assert_eq!(engine.subtask(sibling).state, SubtaskState::Cancelled);
    assert_eq!(engine.subtask(dependent).state, SubtaskState::Cancelled);
    for id in [first, second] {
        assert_eq!(engine.task(id).state, TaskState::Failed);
    }
    assert_eq!((engine.n_unfinished(), engine.next_event()), (0, None));
}

#[test]
fn a_timeout_frees_the_resource_and_a_late_reply_is_ignored() {
    let mut engine = engine(1, |options| {
        options.charge = schedule::Charge::Measured;
        options.timeout = Some(SimSpan(3 * SEC));
    });
    let id = engine.open_task(START, task("t"));
    let only = add(&mut engine, id, &[]);
    let batch = engine.schedule(START).remove(0);
    assert_eq!(batch.ends, None);
    engine.set_span(batch.id, SimSpan(10 * SEC));
    assert_eq!(engine.next_event(), Some(at(3)));
    engine.schedule(at(3));
    assert_eq!(
        engine.subtask(only).state,
        SubtaskState::Backoff { until: at(4) }
    );
    assert!(engine.resource(ResourceId(0)).is_free());
    engine.set_span(batch.id, SimSpan(SEC));
    engine.finish(at(3), batch.id, &[Ok(())]);
    assert_eq!(
        engine.subtask(only).state,
        SubtaskState::Backoff { until: at(4) }
    );
    let causes = engine.drain_facts().filter_map(|fact| match fact {
        EngineFact::SubtaskFailed { cause, .. } => Some(cause),
        _ => None,
    });
    assert_eq!(causes.collect::<Vec<_>>(), [FailureCause::TimedOut]);
    // What ends just at its timeout is in time.
    let batch = engine.schedule(at(4)).remove(0);
    engine.set_span(batch.id, SimSpan(3 * SEC));
    assert!(engine.schedule(at(7)).is_empty());
    assert_eq!(engine.due(at(7))[0].id, batch.id);
}

#[test]
fn work_on_a_resource_that_fails_goes_elsewhere() {
    let mut engine = engine(2, |_| {});
    let id = engine.open_task(START, task("t"));
    let only = add(&mut engine, id, &[]);
    engine.schedule(START);
    engine.set_up(START, ResourceId(0), false);
    assert_eq!(
        engine.subtask(only).state,
        SubtaskState::Backoff { until: at(1) }
    );
    let batch = engine.schedule(at(1)).remove(0);
    assert_eq!((batch.resource, batch.id), (ResourceId(1), BatchId(1)));
    engine.set_up(at(1), ResourceId(1), false);
    engine.schedule(at(3));
    assert_eq!(engine.wait_reason(only), Some(WaitReason::ResourcesDown));
    assert_eq!(engine.next_event(), None);
    engine.set_up(at(9), ResourceId(0), true);
    assert_eq!(engine.next_event(), Some(at(9)));
    assert_eq!(engine.schedule(at(9)).len(), 1);
}

#[test]
fn a_deadline_is_missed_once_and_only_when_it_has_passed() {
    for (deadline, missed) in [(SEC - 1, 1), (SEC, 0)] {
        let mut engine = engine(1, |_| {});
        let mut spec = task("t");
        spec.deadline = Some(SimTime(deadline));
        let id = engine.open_task(START, spec);
        add(&mut engine, id, &[]);
        engine.close_task(START, id);
        let batch = engine.schedule(START).remove(0);
        engine.schedule(at(1));
        engine.schedule(at(1));
        engine.finish(at(1), batch.id, &[Ok(())]);
        engine.schedule(at(2));
        assert_eq!(
            (engine.task(id).state, engine.next_event()),
            (TaskState::Done, None)
        );
        let facts: Vec<_> = engine.drain_facts().collect();
        let n = facts
            .iter()
            .filter(|f| matches!(f, EngineFact::DeadlineMissed { .. }))
            .count();
        assert_eq!(n, missed);
    }
}

#[test]
fn a_closed_task_without_subtasks_is_done_at_once() {
    let mut engine = engine(1, |_| {});
    let id = engine.open_task(START, task("t"));
    assert_eq!(engine.task(id).state, TaskState::Open);
    engine.close_task(at(2), id);
    assert_eq!(
        (engine.task(id).state, engine.next_event()),
        (TaskState::Done, Some(at(2)))
    );
    engine.close_task(at(3), id);
    engine.schedule(at(3));
    assert_eq!(engine.next_event(), None);
}

#[test]
fn what_a_batch_did_before_its_task_failed_counts() {
    let mut engine = engine(1, |options| options.max_attempts = 1);
    let id = engine.open_task(START, task("t"));
    let (bad, good) = (add(&mut engine, id, &[]), add(&mut engine, id, &[]));
    let batch = engine.schedule(START).remove(0);
    assert_eq!(batch.subtasks, [bad, good]);
    engine.finish(at(1), batch.id, &[Err("no answer".to_owned()), Ok(())]);
    assert_eq!(engine.subtask(good).state, SubtaskState::Done);
    assert_eq!(engine.task(id).state, TaskState::Failed);
}

#[test]
fn measured_time_still_models_agents() {
    let mut resources = pool(1);
    resources[0].kind = ResourceKind::Agent { owner: OwnerId(4) };
    let mut options = options(PolicyName::Fifo);
    options.charge = schedule::Charge::Measured;
    let mut engine = Engine::new(resources, options).unwrap();
    let id = engine.open_task(START, task("t"));
    add(&mut engine, id, &[]);
    assert_eq!(engine.schedule(START)[0].ends, Some(at(1)));
}

#[test]
fn data_takes_its_time_to_arrive() {
    let mut resources = pool(1);
    resources[0].bytes_per_sec = Some(500.0);
    let mut engine = Engine::new(resources, options(PolicyName::Fifo)).unwrap();
    let id = engine.open_task(START, task("t"));
    let spec = schedule::SubtaskSpec {
        bytes: 1000,
        ..subtask(id, Skill::Embed, 1, &[])
    };
    engine.add_subtask(START, spec).unwrap();
    assert_eq!(engine.schedule(START)[0].ends, Some(at(3)));
}
