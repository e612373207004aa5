//! Writes schedules, reads them back, and refuses what is not a schedule of the instance.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use plan::{Instance, ListName, Objective, validate};
use workloads::{Format, ReadOptions, ScheduleFile, Verdict, read_instance};

fn instance() -> Instance {
    let text = "2 2\n2 1 1 5 1 2 4\n1 1 1 3\n";
    read_instance(text, Format::Fjsp, "small", &ReadOptions::default()).unwrap()
}

const WRITTEN: &str = r#"{
  "instance": "small",
  "objective": "makespan",
  "value": 9,
  "lower_bound": 8.5,
  "operations": [
    {"job": 0, "operation": 0, "resource": 0, "start": 0, "end": 5},
    {"job": 0, "operation": 1, "resource": 1, "start": 5, "end": 9},
    {"job": 1, "operation": 0, "resource": 0, "start": 5, "end": 8}
  ]
}
"#;

#[test]
fn a_schedule_is_written_without_needless_decimals_and_read_back() {
    let instance = instance();
    let schedule = ListName::Heft.schedule(&instance);
    let file = ScheduleFile::new(&instance, Objective::Makespan, schedule, 8.5);
    let text = file.to_json(&instance);
    assert_eq!(text, WRITTEN);
    assert_eq!(ScheduleFile::read(&text, &instance).unwrap(), file);
}

#[test]
fn order_unknown_fields_and_what_is_left_out_do_not_matter() {
    let instance = instance();
    let text = r#"{"operations": [
        {"end": 8.0, "start": 5, "note": [1, {}], "resource": 0, "operation": 0, "job": 1.0},
        {"job": 0, "operation": 1, "resource": 1, "start": 5, "end": 9},
        {"job": 0, "operation": 0, "resource": 0, "start": 0, "end": 5}],
        "solver": "another", "objective": "Cmax"}"#;
    let file = ScheduleFile::read(text, &instance).unwrap();
    assert_eq!(file.objective.as_deref(), Some("Cmax"));
    assert_eq!((file.value, file.lower_bound), (None, None));
    assert_eq!(file.schedule.makespan(), 9.0);
    assert_eq!(validate(&instance, &file.schedule), []);
}

/// What is replaced in the written file, by what, and what is said.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "\"job\": 1",
        "\"job\": 2",
        "line 9, column 5: job is 2; it must be from 0 to 1",
    ),
    (
        "\"operation\": 1",
        "\"operation\": 7",
        "line 8, column 5: operation of job 0 is 7; it must be from 0 to 1",
    ),
    (
        "\"resource\": 1",
        "\"resource\": 2",
        "line 8, column 5: resource is 2; it must be from 0 to 1",
    ),
    (
        "\"operation\": 1",
        "\"operation\": 0",
        "line 8, column 5: operation 0 of job 0 comes twice; keep one",
    ),
    (
        "\"job\": 1",
        "\"job\": -1",
        "line 9, column 14: invalid value: floating point `-1.0`, expected a whole number from 0",
    ),
    (
        "\"job\": 1",
        "\"job\": 0.5",
        "line 9, column 15: invalid value: floating point `0.5`, expected a whole number from 0",
    ),
    (", \"end\": 8", "", "line 9, column 57: missing field `end`"),
    (
        "\"end\": 8}",
        "\"end\": \"8\"}",
        "line 9, column 68: invalid type: string \"8\", expected f64",
    ),
    (
        ",\n    {\"job\": 1, \"operation\": 0, \"resource\": 0, \"start\": 5, \"end\": 8}",
        "",
        "line 9, column 3: operation 0 of job 1 is missing; add it",
    ),
    (
        "operations",
        "ops",
        "line 11, column 1: missing field `operations`",
    ),
    ("]\n}\n", "", "line 10, column 2: EOF while parsing a list"),
    ("]\n}\n", "]}}", "line 10, column 5: trailing characters"),
];

#[test]
fn what_is_no_schedule_of_the_instance_is_refused_with_line_and_column() {
    for (from, to, expected) in BROKEN {
        assert!(WRITTEN.contains(from), "{from}");
        let text = WRITTEN.replace(from, to);
        let error = ScheduleFile::read(&text, &instance()).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{from:?} is {to:?}");
    }
}

#[test]
fn a_verdict_names_rules_that_are_broken_and_claims_that_are_not_so() {
    for (from, to, expected) in [
        ("", "", &[] as &[&str]),
        (
            "\"end\": 9",
            "\"end\": 8",
            &["operation 1 of job 0 takes 3 on its resource, must take 4"],
        ),
        (
            "\"value\": 9",
            "\"value\": 7",
            &["the file says that makespan is 7, it is 9"],
        ),
        (
            "8.5",
            "9.5",
            &["the file says that makespan is never below 9.5, it is 9"],
        ),
        (
            "\"start\": 5, \"end\": 8",
            "\"start\": 4, \"end\": 7",
            &["operation 0 of job 0 and operation 0 of job 1 overlap on resource 0 at 4"],
        ),
        (
            "\"resource\": 1, \"start\": 5, \"end\": 9",
            "\"resource\": 0, \"start\": 8, \"end\": 12",
            &["operation 1 of job 0 runs on resource 0, which cannot do it"],
        ),
    ] {
        let text = WRITTEN.replacen(from, to, 1);
        let file = ScheduleFile::read(&text, &instance()).unwrap();
        let verdict = Verdict::of(&instance(), &file);
        assert_eq!(verdict.faults, expected, "{from:?} is {to:?}");
    }
}
