//! Benches from the command line: what they write, what they refuse, and how they go on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use support::{Desk, Done};

/// Two jobs on two machines; the best makespan is 9.
const SHOP: &str = "2 2\n2 1 1 5 1 2 4\n1 1 1 3\n";
const BEST: &str = "instance,value\nshop,9\nother,4\n";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("shop.txt", SHOP);
    desk.write("best.csv", BEST);
    desk
}

fn bench(desk: &Desk, args: &[&str]) -> Command {
    let mut command = desk.diorama();
    command.arg("bench").args(args).args(["--threads", "2"]);
    command
}

/// The lines of a file; none if it is not there.
fn lines(desk: &Desk, name: &str) -> Vec<String> {
    let text = fs::read_to_string(desk.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The keys of the finished cells; a cell that is there twice fails the test.
fn keys(desk: &Desk) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for line in lines(desk, "out/cells.jsonl") {
        let cell: serde_json::Value = serde_json::from_str(&line).unwrap();
        let key = cell["key"].as_str().unwrap().to_owned();
        assert!(keys.insert(key), "a cell is there twice: {line}");
    }
    keys
}

const SMALL: [&str; 13] = [
    "shop.txt",
    "--policy",
    "fifo,sjf",
    "--list",
    "heft",
    "--planner",
    "list",
    "--budget",
    "20ms",
    "--seeds",
    "1..2",
    "--out",
    "out",
];

#[test]
fn tables_traces_and_a_report_are_written() {
    let desk = desk();
    let more = ["--best", "best.csv", "--trace", "--json"];
    let done = Done::of(bench(&desk, &[&SMALL[..], &more].concat())).expect(0);
    // Where nobody sees it, there is no progress bar.
    assert_eq!(done.err, "best.csv: 1 of 2 names are of no input: other\n");
    let told = done.json();
    // Two policies and a planner with two seeds, and a list scheduler, which draws no lots.
    assert_eq!((&told["cells"], &told["finished"]), (&7.into(), &7.into()));
    assert_eq!(
        (&told["failed"], &told["report"]),
        (&0.into(), &"out/report.html".into())
    );
    assert_eq!(keys(&desk).len(), 7);
    let csv = lines(&desk, "out/results.csv");
    assert_eq!(csv.len(), 8);
    assert!(
        csv[0].starts_with("input,runner,options,seed,"),
        "{}",
        csv[0]
    );
    let parquet = fs::read(desk.path("out/results.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let report = fs::read_to_string(desk.path("out/report.html")).unwrap();
    for part in ["Diorama bench", "plan:list", "\"best known\""] {
        assert!(report.contains(part), "{part}");
    }
    assert_eq!(fs::read_dir(desk.path("out/traces")).unwrap().count(), 4);
    // Nothing is left to do.
    let before = fs::read(desk.path("out/cells.jsonl")).unwrap();
    let again = Done::of(bench(&desk, &SMALL)).expect(0);
    assert!(
        again.out.contains("7 of 7 cells are finished"),
        "{}",
        again.out
    );
    assert_eq!(fs::read(desk.path("out/cells.jsonl")).unwrap(), before);
    assert_eq!(lines(&desk, "out/results.csv").len(), 8);
}

#[test]
fn files_of_one_name_are_told_apart_and_one_that_is_there_twice_runs_once() {
    let desk = desk();
    fs::create_dir(desk.path("a")).unwrap();
    desk.write("a/shop.txt", SHOP.replace("1 3\n", "1 2\n"));
    let inputs = ["shop.txt", "a/shop.txt", "shop.txt"];
    let args = ["--policy", "none", "--list", "heft", "--planner", "none"];
    Done::of(bench(
        &desk,
        &[&inputs[..], &args, &["--out", "out"]].concat(),
    ))
    .expect(0);
    let rows = lines(&desk, "out/results.csv");
    let names = rows.iter().filter_map(|row| row.split(',').next());
    let mut names: Vec<_> = names.skip(1).collect();
    names.sort_unstable();
    assert_eq!(names, ["a/shop.txt", "shop.txt"]);
}

#[test]
fn the_report_leads_with_the_objective() {
    let desk = desk();
    let objective = ["--objective", "latency-p95", "--policy", "fifo"];
    Done::of(bench(
        &desk,
        &[
            &SMALL[..1],
            &objective,
            &["--planner", "none", "--out", "out"],
        ]
        .concat(),
    ))
    .expect(0);
    let report = fs::read_to_string(desk.path("out/report.html")).unwrap();
    assert!(report.contains("By p95 latency, "));
}

/// Arguments, the exit code, and what is said.
const REFUSED: &[(&[&str], i32, &str)] = &[
    (&[], 2, "<INPUT>"),
    (
        &["shop.txt", "--policy", "hefty"],
        2,
        "unknown policy \"hefty\", must be \"all\" or of fifo",
    ),
    (
        &["shop.txt", "--list", "hefty"],
        2,
        "unknown list scheduler \"hefty\"",
    ),
    (
        &["shop.txt", "--planner", "oracle"],
        2,
        "unknown planner \"oracle\"",
    ),
    (
        &["shop.txt", "--objective", "beauty"],
        2,
        "weighted-completion",
    ),
    (&["shop.txt", "--seeds", "4..2"], 2, "seeds look like"),
    (
        &[
            "shop.txt",
            "--policy",
            "none",
            "--list",
            "none",
            "--planner",
            "none",
        ],
        2,
        "nobody decides",
    ),
    (&["gone.txt"], 3, "gone.txt:1:1"),
    (&["cut.txt"], 3, "cut.txt:1:1: the format cannot be told"),
    (&["wrong.stg", "--processors", "2"], 3, "wrong.stg:3:"),
    (&["wrong.ron"], 3, "wrong.ron:2:"),
    (
        &["shop.txt", "--best", "gone.csv"],
        3,
        "gone.csv:1:1: the file cannot be read",
    ),
    (
        &["shop.txt", "--best", "wrong.csv"],
        3,
        "wrong.csv:3:1: \"many\" is no value",
    ),
    (
        &["shop.txt", "--out", "shop.txt/below"],
        5,
        "shop.txt/below",
    ),
    (
        &["shop.txt", "--out", "old"],
        3,
        "line 1 of \"old/cells.jsonl\"",
    ),
    (
        &["shop.txt", "--out", "older"],
        3,
        "another version; use another folder",
    ),
];

#[test]
fn what_cannot_be_used_is_refused() {
    let desk = desk();
    desk.write("cut.txt", "2 2\n");
    desk.write("wrong.stg", "1\n0 0 0\n1 2 1 x\n2 0 1 1\n");
    desk.write("wrong.ron", "(\n  version: 7,\n)\n");
    desk.write("wrong.csv", "instance,value\nshop,9\nother,many\n");
    Done::of(bench(&desk, &SMALL)).expect(0);
    // What another version wrote: without a field, and with a metric too few.
    let good = fs::read_to_string(desk.path("out/cells.jsonl")).unwrap();
    let first = good.lines().next().unwrap();
    for (folder, line) in [
        ("old", first.replace("\"runner\":", "\"policy\":")),
        ("older", first.replace("\"metrics\":[", "\"metrics\":[0.5,")),
    ] {
        assert_ne!(line, first);
        fs::create_dir(desk.path(folder)).unwrap();
        fs::write(desk.path(folder).join("cells.jsonl"), line + "\n").unwrap();
    }
    for (args, code, says) in REFUSED {
        let done = Done::of(bench(&desk, args)).expect(*code);
        assert_eq!(done.out, "", "{args:?}");
        assert!(done.err.contains(says), "{says:?} in {}", done.err);
    }
    assert!(!desk.path("diorama-out").exists());
    assert_eq!(
        lines(&desk, "old/cells.jsonl").len(),
        1,
        "what was refused is kept"
    );
}

/// A bench of forty cells of which each takes a while.
const LONG: [&str; 11] = [
    "large.txt",
    "--policy",
    "none",
    "--planner",
    "genetic",
    "--budget",
    "60ms",
    "--seeds",
    "1..40",
    "--out",
    "out",
];

/// Starts the long bench and waits until so many more cells are finished.
fn start(desk: &Desk, n: usize) -> Child {
    let n = lines(desk, "out/cells.jsonl").len() + n;
    let mut command = bench(desk, &LONG);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while lines(desk, "out/cells.jsonl").len() < n {
        assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
        thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn an_end_in_the_middle_loses_no_cell_and_repeats_none() {
    let desk = desk();
    desk.write("large.txt", support::large_shop());
    let whole = |text: &str| text[..text.rfind('\n').map_or(0, |at| at + 1)].to_owned();
    let cells = || whole(&fs::read_to_string(desk.path("out/cells.jsonl")).unwrap_or_default());
    let mut before = String::new();
    for signal in ["-KILL", "-INT", "-KILL"] {
        let mut child = start(&desk, 4);
        let second = Done::of(bench(&desk, &LONG)).expect(3);
        assert!(second.err.contains("in use"), "{}", second.err);
        let mut kill = Command::new("kill");
        kill.args([signal, &child.id().to_string()]);
        assert!(kill.status().unwrap().success());
        let code = child.wait().unwrap().code();
        assert_eq!(code, (signal == "-INT").then_some(130));
        let now = cells();
        assert!(now.starts_with(&before), "a finished cell is lost");
        assert!(now.lines().count() >= before.lines().count() + 4);
        if signal == "-INT" {
            let n = now.lines().count();
            assert_eq!(lines(&desk, "out/results.csv").len(), n + 1);
            assert!(
                fs::read(desk.path("out/results.parquet"))
                    .unwrap()
                    .ends_with(b"PAR1")
            );
            assert!(desk.path("out/report.html").exists());
        }
        before = now;
    }
    let done = Done::of(bench(&desk, &[&LONG[..], &["--json"]].concat())).expect(0);
    // The list scheduler of the defaults is one cell more.
    assert_eq!(done.json()["finished"], 41);
    assert!(cells().starts_with(&before));
    assert_eq!(keys(&desk).len(), 41);
    assert_eq!(lines(&desk, "out/results.csv").len(), 42);
    assert!(!desk.path("out/results.parquet.part").exists());
}
