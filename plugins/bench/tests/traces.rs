//! Runs traces on the standard replicas and on those of a file, and refuses bad ones up front.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use bench::{CellOptions, Done, Input, Keep, Matrix, Metric, Outcome, Runner, Serving, Store};
use plan::Objective;
use tempfile::TempDir;
use workloads::ReadOptions;

/// Replicas that take a second for each token they generate, one request at a time.
const SLOW: &str = r#"(version: 1, name: "slow",
    resources: [(name: "slow", skills: {generate: (fixed_secs: 1.0)})],
    tasks: [(name: "unused", subtasks: [(name: "unused", skill: generate)])],
)"#;

/// A trace of `n` requests, one each second.
fn azure(n: usize) -> String {
    let mut text = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for n in 0..n {
        let (prompt, output) = (100 + 13 * n % 1000, 1 + 7 * n % 200);
        let (minute, second) = (n / 60, n % 60);
        writeln!(
            text,
            "2023-11-16 18:{minute:02}:{second:02}.5,{prompt},{output}"
        )
        .unwrap();
    }
    text
}

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// What came of all policies on an input, with one seed.
    fn run(&self, input: Input) -> Vec<Done> {
        let matrix = Matrix {
            inputs: vec![input],
            runners: Runner::policies("all").unwrap(),
            seeds: vec![1],
            options: CellOptions {
                objective: Objective::LatencyP95,
                budget: Duration::ZERO,
                threads: 1,
                keep: Keep::Charts,
            },
            build: "test".to_owned(),
        };
        let out = tempfile::tempdir().unwrap();
        let mut store = Store::open(out.path()).unwrap();
        let stop = AtomicBool::new(false);
        matrix.run(&mut store, 2, &stop, |_, _| {}).unwrap();
        let done = matrix.records(&store).into_iter().map(|record| {
            let Outcome::Done(done) = record.outcome else {
                panic!("{record:?}");
            };
            *done
        });
        done.collect()
    }
}

fn read(path: &Path, serving: &Serving) -> Result<Input, String> {
    Input::read_served(path, &ReadOptions::default(), serving).map_err(|error| error.to_string())
}

#[test]
fn every_policy_serves_a_trace_on_the_standard_replicas() {
    let desk = Desk::new();
    let trace = desk.write("day.csv", &azure(150));
    let input = read(&trace, &Serving::default()).unwrap();
    assert_eq!(input.name, "day");
    for done in desk.run(input) {
        assert_eq!(done.n_pieces, 150);
        assert_eq!(done.metrics.get(Metric::Failed), 0.0);
        assert!(done.metrics.get(Metric::Makespan) >= 149.0);
        assert!(done.metrics.get(Metric::Cost) > 0.0);
        assert_eq!(done.gantt.unwrap().by_resource.rows.len(), 4);
    }
}

#[test]
fn the_resources_of_a_workload_serve_a_trace() {
    let desk = Desk::new();
    // Three requests in the same second, and one replica that takes a second for each.
    let line = |secs: f64| format!("2023-11-16 18:00:{secs:04.1},9,9\n");
    let lines = line(0.0) + &line(0.5) + &line(0.5);
    let trace = desk.write(
        "burst.csv",
        &format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{lines}"),
    );
    let slow = desk.write("slow.ron", SLOW);
    let input = read(&trace, &Serving::read(&slow).unwrap()).unwrap();
    for done in desk.run(input) {
        assert_eq!(done.n_pieces, 3);
        // Planning takes its time too.
        let makespan = done.metrics.get(Metric::Makespan);
        let median = done.metrics.get(Metric::LatencyP50);
        assert!(
            (makespan - 3.0).abs() < 0.01 && (median - 1.5).abs() < 0.01,
            "{makespan} {median}"
        );
    }
}

#[test]
fn mooncake_and_the_same_in_csv_give_the_same() {
    let desk = Desk::new();
    let csv = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
        2023-11-16 18:00:00,500,20\n2023-11-16 18:00:00.250,900,40\n";
    let json = "{\"timestamp\": 0, \"input_length\": 500, \"output_length\": 20, \"hash_ids\": [1]}\n\
        {\"timestamp\": 250, \"input_length\": 900, \"output_length\": 40}\n";
    let read = |name, text| read(&desk.write(name, text), &Serving::default()).unwrap();
    let latencies = |input| -> Vec<f64> {
        let done = desk.run(input);
        done.iter()
            .map(|done| done.metrics.get(Metric::LatencyMean))
            .collect()
    };
    assert_eq!(
        latencies(read("a.csv", csv)),
        latencies(read("b.jsonl", json))
    );
    assert_eq!(
        latencies(read("c.txt", csv)),
        latencies(read("d.json", json))
    );
}

#[test]
fn what_decides_is_in_the_hash() {
    let desk = Desk::new();
    let trace = desk.write("a.csv", &azure(2));
    let slow = desk.write("slow.ron", SLOW);
    let hash = |serving: &Serving| read(&trace, serving).unwrap().hash;
    let (four, five) = (hash(&Serving::standard(4)), hash(&Serving::standard(5)));
    let slow = hash(&Serving::read(&slow).unwrap());
    assert!(four != five && four != slow && five != slow);
    assert_eq!(hash(&Serving::default()), four);
    desk.write("a.csv", &azure(3));
    assert_ne!(hash(&Serving::default()), four);
    // A workload's hash covers the trace that it names.
    let traced = SLOW.replace(
        "\"unused\", sub",
        "\"unused\", trace: (file: \"a.csv\"), sub",
    );
    let traced = desk.write("traced.ron", &traced);
    let before = read(&traced, &Serving::default()).unwrap().hash;
    desk.write("a.csv", &azure(4));
    assert_ne!(read(&traced, &Serving::default()).unwrap().hash, before);
}

#[test]
fn bad_traces_and_pools_are_refused() {
    let desk = Desk::new();
    let good = desk.write("good.csv", &azure(1));
    for (name, text, expected) in [
        (
            "bad.csv",
            "a,b\n1,2\n",
            "bad.csv:1:1: the first line names no column TIMESTAMP",
        ),
        (
            "late.jsonl",
            "{\"timestamp\": 7}\n",
            "late.jsonl:1:16: missing field",
        ),
        ("empty.csv", "", "empty.csv:1:1: the trace has no requests"),
        (
            "none.xyz",
            "hello",
            "none.xyz:1:1: the format cannot be told",
        ),
    ] {
        let error = read(&desk.write(name, text), &Serving::default()).unwrap_err();
        assert!(error.contains(expected), "{error} is not {expected}");
    }
    let deaf = desk.write("deaf.ron", &SLOW.replace("generate", "inspect"));
    let error = read(&good, &Serving::read(&deaf).unwrap()).unwrap_err();
    assert!(error.contains("has the skill \"generate\""), "{error}");
    let error = Serving::read(&desk.write("bad.ron", "("))
        .unwrap_err()
        .to_string();
    assert!(error.contains("bad.ron:1:1:"), "{error}");
}
