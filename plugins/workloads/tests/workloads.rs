//! Reads the shipped workload, runs it, and refuses broken ones with line, column and what to do.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use schedule::{Engine, ResourceKind, Skill};
use sim::{SimSpan, SimTime};
use workloads::{Change, Workload};

const CREW: &str = include_str!("../../../assets/workloads/crew.workload.ron");

fn crew() -> Workload {
    Workload::read(CREW).unwrap()
}

#[test]
fn the_shipped_workload_says_all_that_the_engine_knows() {
    let crew = crew();
    assert_eq!(crew.name, "a crew on two boxes");
    assert_eq!(crew.tenants, ["research", "support"]);
    let names: Vec<_> = crew
        .resources
        .iter()
        .map(|resource| &*resource.name)
        .collect();
    assert_eq!(
        names,
        [
            "gpu/1",
            "gpu/2",
            "gpu/3",
            "gpu/4",
            "embedder/1",
            "embedder/2",
            "Ada"
        ]
    );
    let gpu = &crew.resources[0];
    assert!(matches!(&gpu.kind, ResourceKind::Replica { model } if model == "writer"));
    assert_eq!(
        gpu.memory.as_ref().map(|memory| memory.models.len()),
        Some(2)
    );
    assert_eq!(crew.options.scaling[0].members.len(), 4);
    assert_eq!(crew.n_tasks(), 201);
}

#[test]
fn tasks_come_by_release_and_predecessors_come_first() {
    let crew = crew();
    let mut n_subtasks = 0;
    let mut latest = SimTime::ZERO;
    for (number, task) in crew.tasks().enumerate() {
        let release = task.task.release.unwrap();
        assert!(release >= latest);
        latest = release;
        if task.task.name.starts_with("question") {
            assert_eq!(task.task.deadline, Some(release + SimSpan(20_000_000_000)));
        }
        for subtask in &task.subtasks {
            assert_eq!(subtask.task.index(), number);
            assert_eq!(subtask.after.len(), subtask.received.len());
            assert!(
                subtask
                    .after
                    .iter()
                    .all(|before| before.index() < n_subtasks)
            );
            n_subtasks += 1;
        }
    }
    let report = crew
        .tasks()
        .find(|task| task.task.name == "report")
        .unwrap();
    let names: Vec<_> = report
        .subtasks
        .iter()
        .map(|subtask| &*subtask.name)
        .collect();
    assert_eq!(names, ["sources", "write", "check", "sign"]);
    assert_eq!(report.subtasks[0].modes.len(), 3);
    assert_eq!(report.subtasks[3].received, [0, 0]);
    // On average, a question comes every two seconds.
    let questions = crew
        .tasks()
        .filter(|task| task.task.name.starts_with("question"));
    let last = questions.last().unwrap().task.release.unwrap();
    assert!((300.0..500.0).contains(&last.as_secs_f64()), "{last}");
}

#[test]
fn the_same_file_gives_the_same_tasks() {
    let (once, again) = (crew(), crew());
    assert!(once.tasks().eq(again.tasks()));
    let other = Workload::read(&CREW.replace("seed: 7", "seed: 8")).unwrap();
    assert!(!once.tasks().eq(other.tasks()));
}

#[test]
fn resources_can_be_other_than_the_file_says() {
    let change = |resource: &str, count, slots, speed| Change {
        resource: resource.to_owned(),
        count,
        slots,
        speed,
    };
    let changes = [
        change("gpu", Some(6), Some(2), None),
        change("embedder", Some(1), None, Some(4.0)),
        change("Ada", Some(2), None, Some(2.0)),
    ];
    let changed = Workload::read_changed(CREW, &changes).unwrap();
    let groups: Vec<_> = changed
        .groups
        .iter()
        .map(|group| group.members.clone())
        .collect();
    assert_eq!(groups, [0..6, 6..7, 7..9]);
    let names: Vec<_> = changed
        .resources
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names[5..], ["gpu/6", "embedder/1", "Ada/1", "Ada/2"]);
    assert_eq!(
        (changed.resources[0].slots, changed.resources[6].slots),
        (2, 8)
    );
    // The rule went up to all four, and goes up to all six.
    assert_eq!(changed.options.scaling[0].max, 6);
    // A profile, a speed and a mode, each the faster.
    let embed = changed.resources[6]
        .skills
        .iter()
        .find(|(skill, _)| *skill == Skill::Embed);
    assert_eq!(embed.unwrap().1.fixed, SimSpan::from_secs_f64(0.001));
    assert_eq!(changed.resources[7].speed, 3.0);
    let report = changed
        .tasks()
        .find(|task| task.task.name == "report")
        .unwrap();
    let modes: Vec<_> = report
        .subtasks
        .iter()
        .flat_map(|subtask| &subtask.modes)
        .collect();
    let secs: Vec<_> = modes.iter().map(|mode| mode.span.as_secs_f64()).collect();
    assert_eq!(secs, [1.0, 300.0, 300.0]);

    let fewer = Workload::read_changed(CREW, &[change("gpu", Some(1), None, None)]).unwrap();
    assert_eq!(fewer.options.scaling[0].max, 1);
}

#[test]
fn another_seed_brings_the_same_tasks_at_other_times() {
    let (crew, other) = (crew(), crew().with_seed(8));
    let releases = |workload: &Workload| -> Vec<_> {
        workload.tasks().map(|task| task.task.release).collect()
    };
    assert_eq!(crew.n_tasks(), other.n_tasks());
    assert_ne!(releases(&crew), releases(&other));
    assert_eq!(releases(&crew), releases(&other.with_seed(crew.seed)));
}

#[test]
fn an_engine_takes_the_workload() {
    let crew = crew();
    let mut engine = Engine::new(crew.resources.clone(), crew.options.clone()).unwrap();
    crew.submit(&mut engine).unwrap();
    assert_eq!(engine.tasks().len(), 201);
    assert_eq!(engine.subtasks()[0].spec.skill, Skill::Embed);
}

/// What is replaced in the shipped workload, by what, and what is said.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "version: 1",
        "version: 9",
        "version 9 is unknown; this program reads version 1",
    ),
    (
        "seed: 7",
        "sed: 7",
        "workload has no field \"sed\"; did you mean \"seed\"?",
    ),
    (
        "\"heft\"",
        "\"hefty\"",
        "no policy is called \"hefty\"; did you mean \"heft\"?",
    ),
    (
        "quantile(0.95)",
        "quantile(1.5)",
        "1.5 is no such number; write a number between 0 and 1",
    ),
    (
        "preemption: restart",
        "preemption: kill",
        "there is no preemption \"kill\"; use one of",
    ),
    (
        "to: \"cpu box\"",
        "to: \"cpu bx\"",
        "no device is called \"cpu bx\"; did you mean \"cpu box\"?",
    ),
    (
        "loads: [\"reader\"]",
        "loads: [\"raeder\"]",
        "no model is called \"raeder\"; did you mean \"reader\"?",
    ),
    (
        "loads: [\"reader\"]",
        "loads: [\"writer\"]",
        "model \"writer\" is there twice; keep one",
    ),
    (
        "memory_bytes: 24e9",
        "memory_bytes: 8e9",
        "model \"writer\" takes 16000000000 bytes, more than the 8000000000",
    ),
    (
        "slots: 16",
        "slots: 0",
        "0 is no such count; write one from 1 to 1000000",
    ),
    (
        "{ generate:",
        "{ generates:",
        "there is no skill \"generates\"; did you mean \"generate\"?",
    ),
    (
        "fixed_secs: 0.012",
        "fixed_secs: -1.0",
        "-1 is no such number; write seconds from 0 to 1e8",
    ),
    (
        "fixed_secs: 0.012",
        "fixed_secs: NaN",
        "NaN is no such number; write seconds from 0 to 1e8",
    ),
    (
        "up_secs: 7200.0",
        "up_secs: 0.0",
        "0 is no such number; write seconds from 1e-9 to 1e8",
    ),
    (
        "factors([1.0, ",
        "factors([0.0, ",
        "0 is no such number; write a number from 1e-9 to 1e15",
    ),
    (
        "(3600.0, 7200.0)",
        "(7200.0, 3600.0)",
        "resource \"Ada\": its `scripted` outages overlap or run backwards; sort them",
    ),
    (
        "resource: \"gpu\", min: 1",
        "resource: \"gpu\", min: 5",
        "\"gpu\" has 4 members, of which 5 to 4 are to be on",
    ),
    (
        "resource: \"gpu\", min",
        "resource: \"tpu\", min",
        "no resource is called \"tpu\"; did you mean \"gpu\"?",
    ),
    (
        "tenant: \"support\"",
        "tenant: \"sales\"",
        "no tenant is called \"sales\"; use one of [\"research\", \"support\"]",
    ),
    (
        "name: \"embedder\"",
        "name: \"gpu\"",
        "a resource above is called \"gpu\" too; rename one of the two",
    ),
    (
        "name: \"report\"",
        "name: \"question\"",
        "a task above is called \"question\" too; rename one of the two",
    ),
    (
        "name: \"check\"",
        "name: \"sign\"",
        "a subtask above is called \"sign\" too; rename one of the two",
    ),
    (
        "subtask: \"check\"",
        "subtask: \"chekc\"",
        "no subtask is called \"chekc\"; did you mean \"check\"?",
    ),
    (
        "subtask: \"sources\"",
        "subtask: \"sign\"",
        "comes after itself, by way of `after`; break the cycle",
    ),
    (
        "(subtask: \"check\"), ",
        "(subtask: \"write\"), ",
        "subtask \"sign\": its `after` names a subtask twice; keep one",
    ),
    (
        "skill: embed, tokens",
        "skill: tag, tokens",
        "no resource has skill \"tag\"; give it to one",
    ),
    (
        "model: \"writer\", tokens",
        "model: \"reader\", tokens: 1, wrong",
        "subtask has no field \"wrong\"",
    ),
    (
        "resource: \"Ada\", secs",
        "resource: \"embedder\", secs",
        "subtask \"sources\": its modes name a resource twice; keep one",
    ),
    (
        "low: 0.8",
        "low: 1.8",
        "subtask \"write\": its `uniform` spread has `low` above `high`; swap them",
    ),
    (
        "count: 200",
        "count: 2000000",
        "2000000 is no such count; write one from 1 to 1000000",
    ),
    (
        "weight: 2.0",
        "weight: \"2.0\"",
        "Expected float; correct it",
    ),
    (
        "    tasks: [",
        "    taskz: [",
        "workload has no field \"taskz\"; did you mean \"tasks\"?",
    ),
];

#[test]
fn broken_workloads_are_refused_where_they_are_broken() {
    for (from, to, expected) in BROKEN {
        let at = CREW.find(from).unwrap_or_else(|| panic!("no {from}"));
        let text = format!("{}{to}{}", &CREW[..at], &CREW[at + from.len()..]);
        let error = Workload::read(&text)
            .map(|workload| workload.name)
            .unwrap_err();
        let message = error.to_string();
        assert!(message.contains(expected), "{message}\nis not {expected}");
        let line = CREW[..at].lines().count();
        // A part of another kind than expected is noticed a little later, a cycle anywhere on it.
        assert!(
            error.line.abs_diff(line) <= 16,
            "{message}\nis not near line {line}"
        );
    }
}

#[test]
fn files_that_are_cut_off_or_empty_are_refused() {
    for end in (0..CREW.trim_end().len()).step_by(7) {
        if CREW.is_char_boundary(end) {
            assert!(Workload::read(&CREW[..end]).is_err(), "{end}");
        }
    }
    let deep = "[".repeat(100_000);
    assert!(Workload::read(&deep).is_err());
}
