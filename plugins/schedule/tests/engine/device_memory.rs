//! Models that share the memory of a device: who waits, who goes, and what that costs.

use schedule::{
    DeviceId, DeviceMemory, Engine, EngineFact, EngineOptions, PolicyName, PoolError, Residence,
    ResourceId, ResourceKind, ResourceSpec, Skill, SubtaskId, WaitReason, validate,
};
use sim::{SimSpan, SimTime};

use crate::support::{Facts, MS, options, profile, subtask, task};

const SMALL: Residence = Residence {
    bytes: 60,
    load: SimSpan(5 * MS),
};

fn server(name: &str, model: &str, skill: Skill) -> ResourceSpec {
    let kind = ResourceKind::Replica {
        model: model.to_owned(),
    };
    ResourceSpec {
        residence: Some(SMALL),
        ..ResourceSpec::new(name, kind, vec![(skill, profile(3 * MS, 0, 0))])
    }
}

fn with_memory(bytes: u64) -> EngineOptions {
    EngineOptions {
        device_memory: vec![DeviceMemory {
            device: DeviceId(0),
            bytes,
        }],
        ..options(PolicyName::Fifo)
    }
}

/// Runs one subtask after another, all handed in at the start, and gives when each started and ended
/// in milliseconds.
fn run(pool: Vec<ResourceSpec>, bytes: u64, skills: &[Skill]) -> (Vec<(u64, u64)>, Facts) {
    let mut engine = Engine::new(pool, with_memory(bytes)).unwrap();
    let all = engine.open_task(SimTime::ZERO, task("all"));
    for skill in skills {
        engine
            .add_subtask(SimTime::ZERO, subtask(all, *skill, 1, &[]))
            .unwrap();
    }
    engine.close_task(SimTime::ZERO, all);
    let mut facts = Facts::new();
    engine.run_with(|at, fact| facts.push((at, fact)));
    let times = engine.subtasks().iter().map(|it| {
        let (start, end) = (it.started_at().unwrap().0, it.ended_at().unwrap().0);
        (start / MS, end / MS)
    });
    (times.collect(), facts)
}

fn loads(facts: &Facts) -> Vec<(u64, &str, Vec<&str>)> {
    let loads = facts.iter().filter_map(|(at, fact)| match fact {
        EngineFact::ModelLoaded { model, evicted, .. } => Some((
            at.0 / MS,
            &**model,
            evicted.iter().map(|it| &**it).collect(),
        )),
        _ => None,
    });
    loads.collect()
}

fn violations(facts: &Facts) -> Vec<String> {
    let found = validate(facts.iter().map(|(at, fact)| (*at, fact)));
    found.into_iter().map(|violation| violation.text).collect()
}

fn two() -> Vec<ResourceSpec> {
    vec![
        server("a", "left", Skill::Embed),
        server("b", "right", Skill::Tag),
    ]
}

#[test]
fn who_finds_no_room_waits_and_is_charged_for_the_load() {
    let skills = [Skill::Embed, Skill::Tag, Skill::Tag, Skill::Embed];
    let (times, facts) = run(two(), 100, &skills);
    // The first model is there; the second comes in when the first is idle, and goes again.
    assert_eq!(times, [(0, 3), (3, 11), (11, 14), (14, 22)]);
    assert_eq!(
        loads(&facts),
        [
            (0, "left", vec![]),
            (3, "right", vec!["left"]),
            (14, "left", vec!["right"])
        ]
    );
    assert_eq!(violations(&facts), [""; 0]);
}

#[test]
fn where_there_is_room_nobody_waits() {
    let skills = [Skill::Embed, Skill::Tag];
    let (times, facts) = run(two(), 120, &skills);
    assert_eq!(times, [(0, 3), (0, 3)]);
    assert_eq!(loads(&facts), [(0, "left", vec![]), (0, "right", vec![])]);
}

#[test]
fn those_with_one_model_share_it_and_wait_for_one_load() {
    let pool = vec![
        server("a", "left", Skill::Embed),
        server("b", "right", Skill::Tag),
        server("c", "right", Skill::Tag),
    ];
    let skills = [Skill::Embed, Skill::Tag, Skill::Tag];
    let (times, facts) = run(pool, 100, &skills);
    assert_eq!(times, [(0, 3), (3, 11), (3, 11)]);
    assert_eq!(
        loads(&facts),
        [(0, "left", vec![]), (3, "right", vec!["left"])]
    );
    assert_eq!(violations(&facts), [""; 0]);
}

#[test]
fn those_that_wait_say_for_what() {
    let mut engine = Engine::new(two(), with_memory(100)).unwrap();
    let all = engine.open_task(SimTime::ZERO, task("all"));
    for skill in [Skill::Embed, Skill::Tag] {
        engine
            .add_subtask(SimTime::ZERO, subtask(all, skill, 1, &[]))
            .unwrap();
    }
    engine.schedule(SimTime::ZERO);
    let resource = ResourceId(1);
    assert_eq!(
        engine.wait_reason(SubtaskId(1)),
        Some(WaitReason::Memory { resource })
    );
    assert_eq!(engine.is_loaded(ResourceId(0)), Some(true));
    assert_eq!(engine.is_loaded(resource), Some(false));
    // Who fails loses its model, and there is room.
    engine.set_up(SimTime(MS), ResourceId(0), false);
    engine.schedule(SimTime(MS));
    assert_eq!(engine.is_loaded(resource), Some(true));
}

#[test]
fn one_more_shares_the_model_of_the_one_it_is_like() {
    let mut engine = Engine::new(two(), with_memory(120)).unwrap();
    let added = engine
        .add_alike_resource(SimTime::ZERO, ResourceId(1), "c")
        .unwrap();
    assert_eq!(engine.is_loaded(added), Some(true));
    assert_eq!(
        engine.memory_share(added),
        engine.memory_share(ResourceId(1))
    );
}

#[test]
fn what_can_never_be_loaded_is_refused() {
    let why = |pool, options| match Engine::new(pool, options) {
        Err(error @ (PoolError::BadNumber { .. } | PoolError::BadOption { .. })) => {
            error.to_string()
        }
        other => panic!("{:?}", other.err()),
    };
    assert!(why(two(), with_memory(59)).contains("at most the memory of its device"));
    let mut pool = two();
    pool.push(server("c", "left", Skill::Tag));
    pool[2].residence = Some(Residence { bytes: 3, ..SMALL });
    assert!(why(pool, with_memory(100)).contains("the same"));
    let mut twice = with_memory(100);
    twice.device_memory.extend(twice.device_memory.clone());
    assert!(why(two(), twice).contains("differ"));
}

/// What the validator says of the run with its facts changed.
fn objection(change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let skills = [Skill::Embed, Skill::Tag];
    let (_, mut facts) = run(two(), 100, &skills);
    change(&mut facts);
    violations(&facts)
}

fn second_load(facts: &mut Facts) -> &mut EngineFact {
    let load = |(at, fact): &&mut (SimTime, EngineFact)| {
        at.0 > 0 && matches!(fact, EngineFact::ModelLoaded { .. })
    };
    &mut facts.iter_mut().find(load).unwrap().1
}

#[test]
fn the_validator_sees_what_is_wrong_with_loads() {
    let never = objection(|facts| {
        facts.retain(|(at, fact)| at.0 == 0 || !matches!(fact, EngineFact::ModelLoaded { .. }));
    });
    assert!(never[0].contains("whose model is not loaded"), "{never:?}");
    let kept = objection(|facts| {
        if let EngineFact::ModelLoaded { evicted, .. } = second_load(facts) {
            evicted.clear();
        }
    });
    assert!(kept[0].contains("120 bytes are taken"), "{kept:?}");
    let longer = objection(|facts| {
        if let EngineFact::ModelLoaded { span, .. } = second_load(facts) {
            span.0 += 1;
        }
    });
    assert!(longer[0].contains("loading its model takes"), "{longer:?}");
    let absent = objection(|facts| {
        if let EngineFact::ModelLoaded { evicted, .. } = second_load(facts) {
            evicted.push("nobody".to_owned());
        }
    });
    assert!(absent[0].contains("but is not loaded"), "{absent:?}");
    let used = objection(|facts| {
        let load = second_load(facts).clone();
        let is_it = |(_, fact): &(SimTime, EngineFact)| *fact == load;
        facts.retain(|fact| !is_it(fact));
        // While the first still works.
        let first =
            |(_, fact): &(SimTime, EngineFact)| matches!(fact, EngineFact::BatchStarted { .. });
        let at = facts.iter().position(first).unwrap();
        facts.insert(at + 1, (SimTime::ZERO, load));
    });
    assert!(used[0].contains("which is used"), "{used:?}");
}
