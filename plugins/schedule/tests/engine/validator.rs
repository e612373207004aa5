//! Valid runs, corrupted in each way: the validator must object, and for the right reason.

use schedule::{
    BatchId, Candidate, Engine, EngineFact, EngineOptions, FailureCause, PolicyName, ResourceId,
    Skill, SubtaskId, TaskId, validate,
};
use sim::{SimSpan, SimTime};

use crate::support::{Driver, Facts, MS, Perform, options, profile, replica, subtask, task};

/// The first attempt of subtask 3 fails, subtask 5 always does.
struct Script;

impl Perform for Script {
    fn result(&mut self, batch: &schedule::Batch, id: SubtaskId) -> Result<(), String> {
        let fails = id == SubtaskId(5) || (id == SubtaskId(3) && batch.started < SimTime(9 * MS));
        if fails {
            Err("no answer".to_owned())
        } else {
            Ok(())
        }
    }
}

/// A small run with everything in it: two resources, one of them failing; a task of four subtasks in
/// a diamond and a task that fails with one subtask left; a missed deadline.
fn run() -> Facts {
    let skills = [
        (Skill::Embed, profile(3 * MS, MS, 0)),
        (Skill::Tag, profile(2 * MS, 0, 0)),
    ];
    let pool = vec![replica("a", 2, &skills), replica("b", 1, &skills)];
    let options = EngineOptions {
        retry_delay: SimSpan(MS),
        ..options(PolicyName::Fifo)
    };
    let mut engine = Engine::new(pool, options).unwrap();
    let now = SimTime::ZERO;
    let mut spec = task("diamond");
    spec.deadline = Some(SimTime(8 * MS));
    let good = engine.open_task(now, spec);
    let bad = engine.open_task(now, task("hopeless"));
    let mut add = |task, skill, after: &[SubtaskId]| {
        engine
            .add_subtask(now, subtask(task, skill, 1, after))
            .unwrap()
    };
    let top = add(good, Skill::Embed, &[]);
    let left = add(good, Skill::Embed, &[top]);
    let right = add(good, Skill::Embed, &[top]);
    add(good, Skill::Tag, &[left, right]);
    add(good, Skill::Embed, &[]);
    let cause = add(bad, Skill::Tag, &[]);
    add(bad, Skill::Tag, &[cause]);
    engine.close_task(now, good);
    engine.close_task(now, bad);
    let mut driver = Driver::new(engine, Script);
    driver.run(&vec![
        (
            SimTime(5 * MS),
            crate::support::Action::SetUp(ResourceId(1), false),
        ),
        (
            SimTime(20 * MS),
            crate::support::Action::SetUp(ResourceId(1), true),
        ),
    ]);
    driver.facts
}

fn objections(facts: &Facts) -> Vec<String> {
    validate(facts.iter().map(|(at, fact)| (*at, fact)))
        .into_iter()
        .map(|v| v.text)
        .collect()
}

fn position(facts: &Facts, wanted: impl Fn(&EngineFact) -> bool) -> usize {
    facts
        .iter()
        .position(|(_, fact)| wanted(fact))
        .expect("the run has such a fact")
}

fn remove(facts: &mut Facts, wanted: impl Fn(&EngineFact) -> bool) {
    facts.remove(position(facts, wanted));
}

/// States a fact once more, right behind itself.
fn repeat(facts: &mut Facts, wanted: impl Fn(&EngineFact) -> bool) {
    let n = position(facts, wanted);
    facts.insert(n + 1, facts[n].clone());
}

fn edit(facts: &mut Facts, change: impl Fn(&mut EngineFact) -> bool) {
    let changed = facts.iter_mut().any(|(_, fact)| change(fact));
    assert!(changed, "the run has such a fact");
}

/// Changes the first fact of one kind.
macro_rules! edit {
    ($facts:expr, $pattern:pat => $change:expr) => {
        edit($facts, |fact| match fact {
            $pattern => {
                $change;
                true
            }
            _ => false,
        })
    };
}

type Corruption = (&'static str, fn(&mut Facts), &'static str);

const OF_THE_GRAPH: [Corruption; 15] = [
    ("time", |f| f.swap(2, 40), "time goes back"),
    (
        "a task unknown",
        |f| remove(f, |x| matches!(x, EngineFact::TaskArrived { .. })),
        "unknown TaskId(0)",
    ),
    (
        "a subtask unknown",
        |f| remove(f, |x| matches!(x, EngineFact::SubtaskAdded { .. })),
        "unknown SubtaskId(0)",
    ),
    (
        "a predecessor still to come",
        |f| edit!(f, EngineFact::SubtaskAdded { after, .. } => after.push(SubtaskId(6))),
        "comes after SubtaskId(6)",
    ),
    (
        "never ready",
        |f| remove(f, |x| matches!(x, EngineFact::SubtaskReady { .. })),
        "is placed, but was Added",
    ),
    (
        "ready twice",
        |f| repeat(f, |x| matches!(x, EngineFact::SubtaskReady { .. })),
        "is ready, but was Ready",
    ),
    (
        "ready too soon",
        |f| {
            let n = position(f, |x| {
                *x == EngineFact::SubtaskReady {
                    subtask: SubtaskId(1),
                }
            });
            let (_, fact) = f.remove(n);
            let early = position(f, |x| matches!(x, EngineFact::SubtaskPlaced { .. }));
            f.insert(early, (SimTime::ZERO, fact));
        },
        "predecessor SubtaskId(0) is Some(Ready)",
    ),
    (
        "flow",
        |f| edit!(f, EngineFact::TaskFinished { flow, .. } => flow.0 += 1),
        "flow of TaskId(0)",
    ),
    (
        "finished twice",
        |f| repeat(f, |x| matches!(x, EngineFact::TaskFinished { .. })),
        "was Some(Finished)",
    ),
    (
        "finished too soon",
        |f| {
            let n = position(f, |x| matches!(x, EngineFact::TaskFinished { .. }));
            let (_, fact) = f.remove(n);
            let early = position(f, |x| matches!(x, EngineFact::BatchStarted { .. }));
            f.insert(early, (SimTime::ZERO, fact));
        },
        "is finished, but its SubtaskId(0)",
    ),
    (
        "failed without a cause",
        |f| {
            f.insert(
                9,
                (SimTime::ZERO, EngineFact::TaskFailed { task: TaskId(0) }),
            );
        },
        "fails without a cause",
    ),
    (
        "left behind",
        |f| remove(f, |x| matches!(x, EngineFact::SubtaskCancelled { .. })),
        "is still Some(Added)",
    ),
    (
        "cancelled without need",
        |f| {
            f.insert(
                12,
                (
                    SimTime::ZERO,
                    EngineFact::SubtaskCancelled {
                        subtask: SubtaskId(1),
                    },
                ),
            );
        },
        "TaskId(0) has not failed",
    ),
    (
        "deadline twice",
        |f| repeat(f, |x| matches!(x, EngineFact::DeadlineMissed { .. })),
        "deadline twice",
    ),
    (
        "deadline too soon",
        |f| {
            f.insert(
                9,
                (
                    SimTime::ZERO,
                    EngineFact::DeadlineMissed { task: TaskId(0) },
                ),
            );
        },
        "too soon",
    ),
];

const OF_BATCHES: [Corruption; 20] = [
    (
        "a resource unknown",
        |f| remove(f, |x| matches!(x, EngineFact::ResourceJoined { .. })),
        "unknown ResourceId(0)",
    ),
    (
        "no slots",
        |f| edit!(f, EngineFact::ResourceJoined { slots, .. } => *slots = 1),
        "for the 1 slots",
    ),
    (
        "no candidate",
        |f| {
            edit!(f, EngineFact::SubtaskPlaced { candidates, .. } => {
                *candidates = vec![Candidate { resource: ResourceId(7), score: 1 }];
            });
        },
        "no candidate",
    ),
    (
        "never placed",
        |f| remove(f, |x| matches!(x, EngineFact::SubtaskPlaced { .. })),
        "which was Ready",
    ),
    (
        "placed elsewhere",
        |f| edit!(f, EngineFact::SubtaskPlaced { resource, .. } => resource.0 = 1 - resource.0),
        "which was Placed",
    ),
    (
        "never started",
        |f| remove(f, |x| matches!(x, EngineFact::BatchStarted { .. })),
        "no batch starts",
    ),
    (
        "started twice",
        |f| repeat(f, |x| matches!(x, EngineFact::BatchStarted { .. })),
        "still runs",
    ),
    (
        "never ended",
        |f| remove(f, |x| matches!(x, EngineFact::BatchFinished { .. })),
        "still runs",
    ),
    (
        "ended twice",
        |f| repeat(f, |x| matches!(x, EngineFact::BatchFinished { .. })),
        "ends twice",
    ),
    (
        "ended elsewhere",
        |f| edit!(f, EngineFact::BatchFinished { resource, .. } => resource.0 = 1 - resource.0),
        "but started on",
    ),
    (
        "ended unknown",
        |f| edit!(f, EngineFact::BatchFinished { batch, .. } => *batch = BatchId(99)),
        "unknown BatchId(99)",
    ),
    (
        "span",
        |f| edit!(f, EngineFact::BatchFinished { span, .. } => span.0 += 1),
        "took SimSpan",
    ),
    (
        "promised span",
        |f| edit!(f, EngineFact::BatchStarted { span: Some(span), .. } => span.0 += 1),
        "was to take",
    ),
    (
        "no outcome",
        |f| remove(f, |x| matches!(x, EngineFact::SubtaskFinished { .. })),
        "what became of",
    ),
    (
        "two outcomes",
        |f| repeat(f, |x| matches!(x, EngineFact::SubtaskFinished { .. })),
        "but was Finished",
    ),
    (
        "wait",
        |f| edit!(f, EngineFact::SubtaskFinished { waited, .. } => waited.0 += 1),
        "waited SimSpan",
    ),
    (
        "attempt",
        |f| edit!(f, EngineFact::SubtaskFailed { attempt, .. } => *attempt += 1),
        "but was started",
    ),
    (
        "retried too soon",
        |f| edit!(f, EngineFact::SubtaskFailed { retry_at: Some(at), .. } => at.0 += 1),
        "is ready, but was Failed",
    ),
    (
        "a resource blamed",
        |f| {
            edit!(f, EngineFact::SubtaskFailed { cause: cause @ FailureCause::Performer(_), .. } => {
                *cause = FailureCause::ResourceDown;
            });
        },
        "a resource that is up",
    ),
    (
        "up twice",
        |f| repeat(f, |x| matches!(x, EngineFact::ResourceUp { .. })),
        "told twice",
    ),
];

#[test]
fn a_run_with_everything_in_it_is_valid() {
    let facts = run();
    assert_eq!(objections(&facts), Vec::<String>::new());
    let kinds: std::collections::BTreeSet<_> = facts
        .iter()
        .map(|(_, fact)| format!("{fact:?}").split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.len(), 15, "every kind of fact comes up: {kinds:?}");
}

#[test]
fn any_cut_between_instants_is_valid() {
    let facts = run();
    for n in 1..facts.len() {
        if facts[n - 1].0 < facts[n].0 {
            assert_eq!(objections(&facts[..n].to_vec()), Vec::<String>::new());
        }
    }
}

#[test]
fn each_corruption_is_objected_to() {
    for (name, corrupt, expected) in OF_THE_GRAPH.into_iter().chain(OF_BATCHES) {
        let mut facts = run();
        corrupt(&mut facts);
        let objections = objections(&facts);
        assert!(
            objections.iter().any(|text| text.contains(expected)),
            "{name}: {expected:?} should be among {objections:#?}"
        );
    }
}

#[test]
fn work_on_a_resource_that_is_down_is_objected_to() {
    let mut facts = run();
    facts.insert(
        9,
        (
            SimTime::ZERO,
            EngineFact::ResourceDown {
                resource: ResourceId(0),
            },
        ),
    );
    assert!(
        objections(&facts)
            .iter()
            .any(|text| text.contains("which is down"))
    );
    // It may go down while it works, but must not go on.
    let mut facts = run();
    let n = position(&facts, |fact| {
        matches!(fact, EngineFact::BatchStarted { .. })
    });
    facts.insert(
        n + 1,
        (
            SimTime::ZERO,
            EngineFact::ResourceDown {
                resource: ResourceId(0),
            },
        ),
    );
    assert!(
        objections(&facts)
            .iter()
            .any(|text| text.contains("goes on working"))
    );
}

#[test]
fn batches_of_mixed_skills_are_objected_to() {
    let mut facts = run();
    let n = position(
        &facts,
        |fact| matches!(fact, EngineFact::BatchStarted { subtasks, .. } if subtasks.len() == 2),
    );
    let EngineFact::BatchStarted { subtasks, .. } = facts[n].1.clone() else {
        return;
    };
    edit(&mut facts, |fact| match fact {
        EngineFact::SubtaskAdded { subtask, skill, .. } if *subtask == subtasks[1] => {
            *skill = Skill::Carry;
            true
        }
        _ => false,
    });
    assert!(
        objections(&facts)
            .iter()
            .any(|text| text.contains("mixes skills"))
    );
}
