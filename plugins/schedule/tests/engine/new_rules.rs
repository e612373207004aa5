//! Runs that break the rules of memory, release, set-up, timeout, preemption and copies are objected to.

use schedule::{
    Engine, EngineFact, EngineOptions, HedgeAfter, Memory, PolicyName, Preemption, ResourceId,
    Skill, SubtaskId, SubtaskSpec, TaskId, TaskSpec, validate,
};
use sim::{SimSpan, SimTime};

use crate::support::{Facts, MS, options, profile, replica, subtask, task};

/// Two resources with memory; a long subtask that is hedged, and one that a late, urgent one preempts.
fn run() -> Facts {
    let skills = [(Skill::Embed, profile(0, 4 * MS, 0))];
    let pool = ["a", "b"].map(|name| {
        let mut spec = replica(name, 2, &skills);
        spec.memory = Some(Memory {
            bytes: 100,
            models: Vec::new(),
        });
        spec
    });
    let options = EngineOptions {
        hedging: Some(HedgeAfter::Span(SimSpan(MS))),
        preemption: Preemption::Restart,
        ..options(PolicyName::Fifo)
    };
    let mut engine = Engine::new(pool.to_vec(), options).unwrap();
    let now = SimTime::ZERO;
    let usual = engine.open_task(now, task("usual"));
    let urgent = engine.open_task(
        now,
        TaskSpec {
            release: Some(SimTime(2 * MS)),
            priority: 1,
            ..task("urgent")
        },
    );
    for task in [usual, urgent, urgent] {
        let spec = SubtaskSpec {
            memory_bytes: 60,
            timeout: Some(SimSpan(30 * MS)),
            ..subtask(task, Skill::Embed, 2, &[])
        };
        engine.add_subtask(now, spec).unwrap();
    }
    engine.close_task(now, usual);
    engine.close_task(now, urgent);
    let mut facts = Facts::new();
    engine.run_with(|at, fact| facts.push((at, fact)));
    facts
}

fn objections(facts: &Facts) -> Vec<String> {
    let violations = validate(facts.iter().map(|(at, fact)| (*at, fact)));
    violations.into_iter().map(|v| v.text).collect()
}

#[test]
fn the_run_is_valid_and_has_everything_in_it() {
    let facts = run();
    assert_eq!(objections(&facts), [""; 0]);
    let has = |wanted: fn(&EngineFact) -> bool| facts.iter().any(|(_, fact)| wanted(fact));
    assert!(has(|fact| matches!(fact, EngineFact::SubtaskHedged { .. })));
    assert!(has(|fact| matches!(
        fact,
        EngineFact::SubtaskPreempted { .. }
    )));
}

type Break = fn(&mut EngineFact);

const CASES: [(&str, Break, &str); 8] = [
    (
        "too little memory",
        |fact| {
            if let EngineFact::ResourceJoined { memory_bytes, .. } = fact {
                *memory_bytes = Some(50);
            }
        },
        "takes 60 bytes",
    ),
    (
        "started before the release",
        |fact| {
            if let EngineFact::TaskArrived {
                release: Some(at), ..
            } = fact
            {
                *at = SimTime(3 * MS);
            }
        },
        "before the release",
    ),
    (
        "longer set-up than the batch",
        |fact| {
            if let EngineFact::BatchStarted { setup, .. } = fact {
                *setup = SimSpan(99 * MS);
            }
        },
        "less than its set-up",
    ),
    (
        "longer than its timeout",
        |fact| {
            if let EngineFact::SubtaskAdded { timeout, .. } = fact {
                *timeout = Some(SimSpan(MS));
            }
        },
        "longer than its timeout",
    ),
    (
        "preempted by nobody more urgent",
        |fact| {
            if let EngineFact::TaskArrived { priority, .. } = fact {
                *priority = 0;
            }
        },
        "by nobody of higher priority",
    ),
    (
        "preempted elsewhere",
        |fact| {
            if let EngineFact::SubtaskPreempted { resource, .. } = fact {
                *resource = ResourceId(resource.0 ^ 1);
            }
        },
        "is preempted on",
    ),
    (
        "a copy beside the first",
        |fact| {
            if let EngineFact::SubtaskHedged { resource, .. } = fact {
                *resource = ResourceId(resource.0 ^ 1);
            }
        },
        "a copy of",
    ),
    (
        "a copy of what does not run",
        |fact| {
            if let EngineFact::SubtaskHedged { subtask, .. } = fact {
                *subtask = SubtaskId(2);
            }
        },
        "a copy of",
    ),
];

#[test]
fn each_corruption_is_objected_to() {
    for (what, corrupt, text) in CASES {
        let mut facts = run();
        facts.iter_mut().for_each(|(_, fact)| corrupt(fact));
        let objections = objections(&facts);
        assert!(
            objections.iter().any(|o| o.contains(text)),
            "{what}: {objections:?}"
        );
    }
}

#[test]
fn stray_facts_are_objected_to() {
    let (subtask, resource) = (SubtaskId(0), ResourceId(0));
    for (fact, text) in [
        (
            EngineFact::TokensEvicted { subtask, resource },
            "loses tokens",
        ),
        (
            EngineFact::TokensReadmitted { subtask, resource },
            "that it had not lost",
        ),
        (
            EngineFact::ResourceStarting {
                resource,
                until: SimTime(99 * MS),
            },
            "no resource that is down",
        ),
        (
            EngineFact::TaskCancelled { task: TaskId(0) },
            "is called off",
        ),
        (
            EngineFact::TaskRefused { task: TaskId(9) },
            "unknown TaskId(9)",
        ),
    ] {
        let mut facts = run();
        let (end, _) = facts[facts.len() - 1];
        facts.push((end, fact));
        let objections = objections(&facts);
        assert!(
            objections.iter().any(|o| o.contains(text)),
            "{text}: {objections:?}"
        );
    }
}
