//! Plans and checks schedules from the command line, and gives it what it cannot take.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use support::{Desk, Done, n_files};

/// Two jobs on two machines; the best makespan is 9.
const SHOP: &str = "2 2\n2 1 1 5 1 2 4\n1 1 1 3\n";
/// A chain of three tasks and the dummies around it.
const CHAIN: &str = "3\n0 0 0\n1 2 1 0\n2 3 1 1\n3 4 1 2\n4 0 1 3\n";
const MAKESPAN: [&str; 2] = ["--objective", "makespan"];

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("shop.txt", SHOP);
    desk.write("chain.stg", CHAIN);
    desk
}

fn diorama(desk: &Desk, args: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.args(args);
    Done::of(command)
}

#[test]
fn a_plan_is_written_told_of_and_checked() {
    let desk = desk();
    let args = [
        "plan",
        "shop.txt",
        "--budget",
        "300ms",
        "--threads",
        "1",
        "--out",
        "plan.json",
        "--trace",
        "trace.json",
    ];
    let done = diorama(&desk, &[&args[..], &MAKESPAN].concat()).expect(0);
    let trace = fs::read_to_string(desk.path("trace.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&trace).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    // With its machine and with its job.
    assert_eq!(events.iter().filter(|it| it["ph"] == "X").count(), 6);
    assert!(done.out.contains("shop: makespan 9"), "{}", done.out);
    assert!(done.err.contains(" s  makespan 9 by "), "{}", done.err);
    let text = fs::read_to_string(desk.path("plan.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plan["instance"], "shop");
    assert_eq!(plan["objective"], "makespan");
    assert_eq!(plan["value"], 9);
    assert_eq!(plan["operations"].as_array().unwrap().len(), 3);
    assert!(!text.contains(".0"), "{text}");
    let done = diorama(&desk, &["check-plan", "shop.txt", "plan.json"]).expect(0);
    assert!(
        done.out.starts_with("plan.json: ok, makespan 9"),
        "{}",
        done.out
    );
    let done = diorama(&desk, &["check-plan", "shop.txt", "plan.json", "--json"]).expect(0);
    let verdict: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        (&verdict["ok"], &verdict["value"]),
        (&true.into(), &9.into())
    );
    // An earlier plan, a list scheduler and an online policy are all good to begin with.
    for from in ["plan.json", "heft", "edf", "online:heft"] {
        let args = ["plan", "shop.txt", "--budget", "10ms", "--warm-start", from];
        diorama(&desk, &[&args[..], &MAKESPAN].concat()).expect(0);
    }
}

#[test]
fn planners_that_are_made_for_something_else_say_so() {
    let desk = desk();
    let args = ["plan", "shop.txt", "--budget", "20ms", "--planner", "tabu"];
    let told = |objective: &str| {
        let done = diorama(&desk, &[&args[..], &["--objective", objective]].concat()).expect(0);
        done.err.contains("tabu is not made for")
    };
    assert!(!told("makespan"));
    assert!(told("weighted-completion"));
}

#[test]
fn without_a_file_the_schedule_goes_to_standard_output() {
    let desk = desk();
    let args = ["plan", "chain.stg", "--processors", "2", "--budget", "10s"];
    let done = diorama(&desk, &[&args[..], &MAKESPAN].concat()).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        (&plan["value"], &plan["lower_bound"]),
        (&9.into(), &9.into())
    );
    assert_eq!(plan["operations"].as_array().unwrap().len(), 5);
}

#[test]
fn wrong_schedules_are_refused() {
    let desk = desk();
    let args = [
        "plan",
        "shop.txt",
        "--budget",
        "100ms",
        "--out",
        "plan.json",
    ];
    diorama(&desk, &[&args[..], &MAKESPAN].concat()).expect(0);
    let good = fs::read_to_string(desk.path("plan.json")).unwrap();
    for (from, to, says) in [
        ("\"start\": 5", "\"start\": 4", "must take"),
        (
            "\"value\": 9",
            "\"value\": 8",
            "the file says that makespan is 8, it is 9",
        ),
        (
            "\"job\": 1",
            "\"job\": 4",
            "bad.json:9:5: job is 4; it must be from 0 to 1",
        ),
        ("]\n}", "", "bad.json:11:1: EOF"),
    ] {
        assert!(good.contains(from), "{from:?} in {good}");
        desk.write("bad.json", good.replacen(from, to, 1));
        let done = diorama(&desk, &["check-plan", "shop.txt", "bad.json"]).expect(3);
        assert_eq!(done.out, "");
        assert!(done.err.contains(says), "{says:?} in {}", done.err);
        let warm = [
            "plan",
            "shop.txt",
            "--warm-start",
            "bad.json",
            "--budget",
            "10ms",
        ];
        diorama(&desk, &warm).expect(if from.contains("value") { 0 } else { 3 });
    }
}

/// Arguments, the exit code, and what is said.
const REFUSED: &[(&[&str], i32, &str)] = &[
    (
        &["plan", "gone.txt"],
        3,
        "gone.txt:1:1: the file cannot be read",
    ),
    (
        &["plan", "cut.txt"],
        3,
        "cut.txt:1:1: the format cannot be told from the file",
    ),
    (
        &["plan", "cut.txt", "--format", "fjsp"],
        3,
        "cut.txt:3:1: the number of operations of a job is 1, more than",
    ),
    (
        &["plan", "bytes.txt"],
        3,
        "bytes.txt:2:1: this is not UTF-8 text",
    ),
    (
        &["plan", "chain.stg"],
        3,
        "does not say how many processors",
    ),
    (
        &["plan", "chain.stg", "--processors", "0"],
        2,
        "0 is not in 1..=4096",
    ),
    (
        &["plan", "shop.txt", "--budget", "ten"],
        2,
        "a duration looks like",
    ),
    (
        &["plan", "shop.txt", "--planner", "oracle"],
        2,
        "possible values",
    ),
    (
        &["plan", "shop.txt", "--objective", "beauty"],
        2,
        "weighted-completion",
    ),
    (
        &["plan", "shop.txt", "--warm-start", "hefty"],
        2,
        "neither a schedule file nor one of",
    ),
    (
        &["plan", "shop.txt", "--warm-start", "list:edf"],
        2,
        "neither a schedule file nor one of",
    ),
    (
        &["plan", "shop.txt", "--out", "no/plan.json"],
        5,
        "no/plan.json",
    ),
    (
        &["plan", "shop.txt", "--trace", "no/trace.json"],
        5,
        "no/trace.json",
    ),
    (&["check-plan", "shop.txt", "gone.json"], 3, "gone.json:1:1"),
];

#[test]
fn wrong_instances_and_options_are_refused() {
    let desk = desk();
    desk.write("cut.txt", &SHOP[..SHOP.len() - 4]);
    desk.write("bytes.txt", b"2 2\n\xff");
    for (args, code, says) in REFUSED {
        let done = diorama(&desk, args).expect(*code);
        assert_eq!(done.out, "", "{args:?}");
        assert!(done.err.contains(says), "{says:?} in {}", done.err);
    }
    assert!(!desk.path("no").exists());
    assert_eq!(n_files(&desk.path("store")), 0);
}

#[test]
fn ctrl_c_keeps_the_best_schedule() {
    let desk = desk();
    desk.write("large.txt", support::large_shop());
    let mut command = desk.diorama();
    command
        .args(["plan", "large.txt", "--budget", "1h", "--out", "plan.json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The search is under way as soon as it tells of a schedule.
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut err = String::new();
    told.read_line(&mut err).unwrap();
    let id = child.id().to_string();
    let mut kill = Command::new("kill");
    assert!(kill.args(["-INT", &id]).status().unwrap().success());
    told.read_to_string(&mut err).unwrap();
    let code = child.wait().unwrap().code();
    // A planner that has nothing left to try ends by itself.
    assert!(matches!(code, Some(0 | 130)), "{err}");
    diorama(&desk, &["check-plan", "large.txt", "plan.json"]).expect(0);
}
