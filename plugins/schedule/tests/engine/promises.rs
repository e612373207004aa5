//! What the validator checks of promises about priorities and tokens: it accepts runs that keep them
//! and objects to those that do not.

use schedule::{
    Engine, EngineFact, Memory, PolicyName, ResourceId, ResourceSpec, Skill, SubtaskId,
    SubtaskSpec, TokenBatching, validate, validate_priorities,
};
use sim::SimTime;

use crate::support::{
    Action, Driver, Facts, MS, Plan, Succeed, options, profile, random_case, replica, run_case,
    subtask, task,
};

/// Who gives whatever is ready to any free resource that can do it.
const GREEDY: [PolicyName; 8] = [
    PolicyName::Fifo,
    PolicyName::Lifo,
    PolicyName::Random,
    PolicyName::Sjf,
    PolicyName::Srpt,
    PolicyName::Edf,
    PolicyName::LeastSlack,
    PolicyName::WeightedFair,
];

fn texts(violations: Vec<schedule::Violation>) -> Vec<String> {
    violations.into_iter().map(|v| v.text).collect()
}

fn of_priorities(facts: &Facts) -> Vec<String> {
    texts(validate_priorities(
        facts.iter().map(|(at, fact)| (*at, fact)),
    ))
}

#[test]
fn greedy_policies_keep_priorities() {
    let mut n_prior = 0;
    for policy in GREEDY {
        for seed in 0..150 {
            let mut case = random_case(seed, seed % 3 == 0);
            for (_, action) in &mut case.plan {
                if let Action::Open(number, spec) = action {
                    spec.priority = (*number % 3) as i32;
                }
            }
            let mut facts = run_case(&case, options(policy)).facts;
            let objections = of_priorities(&facts);
            assert_eq!(objections, Vec::<String>::new(), "{policy}, seed {seed}");
            // With priorities turned round, the same run is wrong, if it had to choose at all.
            for (_, fact) in &mut facts {
                if let EngineFact::TaskArrived { priority, .. } = fact {
                    *priority = 2 - *priority;
                }
            }
            n_prior += usize::from(!of_priorities(&facts).is_empty());
        }
    }
    assert!(n_prior > 500, "{n_prior} of 1200 runs had to choose");
}

/// Three subtasks of different priority on one machine, the most urgent one handed in last.
fn three() -> Facts {
    let pool = vec![replica("m", 1, &[(Skill::Embed, profile(MS, 0, 0))])];
    let mut engine = Engine::new(pool, options(PolicyName::Fifo)).unwrap();
    for priority in 0..3 {
        let mut spec = task("t");
        spec.priority = priority;
        let id = engine.open_task(SimTime::ZERO, spec);
        engine
            .add_subtask(SimTime::ZERO, subtask(id, Skill::Embed, 1, &[]))
            .unwrap();
        engine.close_task(SimTime::ZERO, id);
    }
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    driver.facts
}

#[test]
fn what_passes_over_a_higher_priority_is_objected_to() {
    let facts = three();
    assert_eq!(of_priorities(&facts), Vec::<String>::new());
    let mut wrong = facts.clone();
    for (_, fact) in &mut wrong {
        if let EngineFact::TaskArrived { task, priority, .. } = fact {
            *priority = if task.0 == 0 { 9 } else { *priority };
        }
    }
    let objections = of_priorities(&wrong);
    assert_eq!(objections.len(), 2, "{objections:?}");
    assert!(objections[0].contains("of priority 9 waits for it"));
    // Whoever cannot start there does not count: it was no candidate.
    for (_, fact) in &mut wrong {
        if let EngineFact::SubtaskPlaced {
            subtask: SubtaskId(0),
            candidates,
            ..
        } = fact
        {
            candidates[0].resource = ResourceId(7);
        }
    }
    assert_eq!(of_priorities(&wrong), Vec::<String>::new());
}

#[test]
fn waiting_for_a_better_resource_breaks_the_promise_of_the_greedy() {
    let machine = |name, span| replica(name, 1, &[(Skill::Embed, profile(span, 0, 0))]);
    let pool: Vec<ResourceSpec> = vec![machine("slow", 100 * MS), machine("fast", MS)];
    let mut engine = Engine::new(pool, options(PolicyName::Heft)).unwrap();
    // The second urgent one waits for the fast machine; the last can only be done by the slow one.
    for (priority, only_slow) in [(1, false), (1, false), (0, true)] {
        let mut spec = task("t");
        spec.priority = priority;
        let id = engine.open_task(SimTime::ZERO, spec);
        let mut spec = subtask(id, Skill::Embed, 1, &[]);
        if only_slow {
            spec.modes = vec![schedule::Mode {
                resource: ResourceId(0),
                span: sim::SimSpan(MS),
            }];
        }
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
        engine.close_task(SimTime::ZERO, id);
    }
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    assert_eq!(of_priorities(&driver.facts).len(), 1);
}

/// Requests that fill the memory for tokens of one replica, so that one loses what it has.
fn full_memory() -> Facts {
    let pool = vec![ResourceSpec {
        memory: Some(Memory {
            bytes: 100,
            models: Vec::new(),
        }),
        continuous: Some(TokenBatching {
            budget: 16,
            kv_bytes_per_token: 1,
        }),
        ..replica("r", 64, &[(Skill::Generate, profile(100, 7, 3))])
    }];
    let mut engine = Engine::new(pool, options(PolicyName::Fifo)).unwrap();
    for _ in 0..6 {
        let id = engine.open_task(SimTime::ZERO, task("t"));
        let spec = SubtaskSpec {
            tokens: 30,
            output_tokens: 20,
            ..SubtaskSpec::new(id, Skill::Generate)
        };
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
        engine.close_task(SimTime::ZERO, id);
    }
    let mut facts = Facts::new();
    engine.run_with(|at, fact| facts.push((at, fact)));
    facts
}

#[test]
fn sequences_keep_no_more_tokens_than_fit() {
    let objections = |facts: &Facts| texts(validate(facts.iter().map(|(at, fact)| (*at, fact))));
    let facts = full_memory();
    assert_eq!(objections(&facts), Vec::<String>::new());
    let has_lost =
        |(_, fact): &(SimTime, EngineFact)| matches!(fact, EngineFact::TokensEvicted { .. });
    assert!(facts.iter().any(has_lost));
    let corruptions: [fn(&mut EngineFact); 2] = [
        |fact| {
            if let EngineFact::ResourceJoined { token_capacity, .. } = fact {
                *token_capacity = Some(61);
            }
        },
        |fact| {
            if let EngineFact::SubtaskAdded { tokens, .. } = fact {
                *tokens = 50;
            }
        },
    ];
    for corrupt in corruptions {
        let mut facts = facts.clone();
        for (_, fact) in &mut facts {
            corrupt(fact);
        }
        let objections = objections(&facts);
        assert!(
            objections
                .iter()
                .any(|text| text.contains("tokens at least")),
            "{objections:?}"
        );
    }
}
