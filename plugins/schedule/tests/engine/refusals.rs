//! Input that makes no sense, and what the engine says about it.

use schedule::{
    Engine, EngineOptions, OwnerId, PolicyName, ResourceKind, ResourceSpec, Skill, SubtaskId,
    SubtaskSpec, TaskId,
};
use sim::{SimSpan, SimTime};

use crate::support::{MS, options, profile, replica, subtask, task};

fn worker(name: &str) -> ResourceSpec {
    replica(name, 1, &[(Skill::Embed, profile(MS, 0, 0))])
}

#[test]
fn pools_and_options_that_make_no_sense_are_named() {
    type Break = fn(&mut Vec<ResourceSpec>, &mut EngineOptions);
    let cases: [(Break, &str); 10] = [
        (
            |pool, _| pool[1].name = "a".to_owned(),
            "two resources are named \"a\"",
        ),
        (
            |pool, _| pool[0].skills.clear(),
            "resource \"a\" has no skills",
        ),
        (
            |pool, _| pool[0].skills.push((Skill::Embed, profile(1, 1, 1))),
            "resource \"a\" lists skill Embed twice",
        ),
        (|pool, _| pool[0].slots = 0, "slots of resource \"a\""),
        (
            |pool, _| pool[1].bytes_per_sec = Some(0.0),
            "bytes_per_sec of resource \"b\"",
        ),
        (
            |pool, _| pool[1].watts = f64::NAN,
            "watts of resource \"b\"",
        ),
        (
            |pool, _| pool[1].price_per_sec = -1.0,
            "price_per_sec of resource \"b\"",
        ),
        (
            |_, options| {
                options.charge = schedule::Charge::Modelled {
                    noise: f64::INFINITY,
                }
            },
            "option \"noise\"",
        ),
        (
            |_, options| options.max_attempts = 0,
            "option \"max_attempts\"",
        ),
        (
            |_, options| options.timeout = Some(SimSpan::ZERO),
            "option \"timeout\"",
        ),
    ];
    for (spoil, expected) in cases {
        let (mut pool, mut options) = (vec![worker("a"), worker("b")], options(PolicyName::Fifo));
        assert!(Engine::new(pool.clone(), options.clone()).is_ok());
        spoil(&mut pool, &mut options);
        let error = Engine::new(pool, options).err().unwrap().to_string();
        assert!(
            error.starts_with(expected),
            "{error:?} should start with {expected:?}"
        );
    }
}

/// Specs that must be refused, each one change away from `good`, and what is said about them.
fn refused(
    good: &SubtaskSpec,
    closed: TaskId,
    failed: TaskId,
    dead: SubtaskId,
) -> Vec<(SubtaskSpec, &'static str)> {
    type Spoil<'a> = Box<dyn Fn(&mut SubtaskSpec) + 'a>;
    let cases: Vec<(Spoil<'_>, _)> = vec![
        (
            Box::new(|s| s.task = TaskId(9)),
            "belongs to unknown task TaskId(9)",
        ),
        (Box::new(|s| s.task = closed), "its task TaskId(1) is Done"),
        (
            Box::new(|s| s.task = failed),
            "its task TaskId(2) is Failed",
        ),
        (
            Box::new(|s| s.after = vec![SubtaskId(7)]),
            "after unknown subtask",
        ),
        (Box::new(|s| s.after = vec![dead]), "which is Failed"),
        (Box::new(|s| s.skill = Skill::Generate), "skill Generate"),
        (
            Box::new(|s| s.model = Some("gpt".to_owned())),
            "model Some(\"gpt\")",
        ),
        (
            // Agents have no models, so a named model rules them out.
            Box::new(|s| {
                s.skill = Skill::Approve;
                s.model = Some("minilm".to_owned());
            }),
            "skill Approve",
        ),
    ];
    let spoiled = cases.into_iter().map(|(spoil, expected)| {
        let mut spec = good.clone();
        spoil(&mut spec);
        (spec, expected)
    });
    spoiled.collect()
}

#[test]
fn subtasks_that_cannot_be_done_are_named() {
    let mut clerk = worker("clerk");
    clerk.kind = ResourceKind::Agent { owner: OwnerId(0) };
    clerk.skills = vec![(Skill::Approve, profile(MS, 0, 0))];
    let options = EngineOptions {
        max_attempts: 1,
        ..options(PolicyName::Fifo)
    };
    let mut engine = Engine::new(vec![worker("a"), clerk], options).unwrap();
    let now = SimTime::ZERO;
    let [open, closed, failed] = ["o", "c", "f"].map(|name| engine.open_task(now, task(name)));
    engine.close_task(now, closed);
    let dead = engine
        .add_subtask(now, subtask(failed, Skill::Embed, 1, &[]))
        .unwrap();
    let batch = engine.schedule(now).remove(0);
    engine.finish(now, batch.id, &[Err("no answer".to_owned())]);

    let good = subtask(open, Skill::Embed, 1, &[]);
    let n_known = engine.subtasks().len();
    for (spec, expected) in refused(&good, closed, failed, dead) {
        let error = engine.add_subtask(now, spec).unwrap_err().to_string();
        assert!(
            error.contains(expected),
            "{error:?} should contain {expected:?}"
        );
        assert!(
            error.contains(&format!("{:?}", good.name)),
            "{error:?} should name the subtask"
        );
    }
    assert_eq!(engine.subtasks().len(), n_known);
    engine
        .add_subtask(
            now,
            SubtaskSpec {
                skill: Skill::Approve,
                ..good
            },
        )
        .unwrap();
}
