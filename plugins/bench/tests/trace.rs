//! Runs matrices with traces and holds these to the format and to each other.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use bench::{CellOptions, Input, Keep, Matrix, Metric, Outcome, Record, Runner, Store};
use plan::Objective;
use serde_json::Value;
use workloads::ReadOptions;

/// Two jobs of two operations each, on two machines, every way round.
const FJSP: &str = "2 2 2\n2 2 1 3 2 5 1 2 4\n2 1 1 2 2 1 6 2 3\n";
/// Batches, tokens, failures, retries, deadlines, preemption and copies.
const CREW: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../assets/workloads/crew.workload.ron"
);

fn matrix(inputs: &[PathBuf], keep: Keep) -> Matrix {
    let read = |path: &PathBuf| Input::read(path, &ReadOptions::default()).unwrap();
    let runners = [
        Runner::policies("fifo,heft").unwrap(),
        Runner::lists("heft").unwrap(),
        Runner::planners("list").unwrap(),
    ];
    Matrix {
        inputs: inputs.iter().map(read).collect(),
        runners: runners.concat(),
        seeds: vec![3, 4],
        options: CellOptions {
            objective: Objective::Makespan,
            budget: Duration::from_millis(20),
            threads: 1,
            keep,
        },
        build: "test".to_owned(),
    }
}

fn run(matrix: &Matrix, store: &mut Store) -> Vec<Record> {
    let stop = AtomicBool::new(false);
    let progressed = matrix.run(store, 2, &stop, |_, _| {}).unwrap();
    assert_eq!(progressed.finished, progressed.cells);
    matrix.records(store)
}

fn shop(dir: &Path) -> PathBuf {
    let path = dir.join("fjsp-small.fjs");
    fs::write(&path, FJSP).unwrap();
    path
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(Store::traces_in(dir)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Microseconds as whole nanoseconds.
fn nanos(value: &Value) -> u64 {
    (value.as_f64().unwrap() * 1000.0).round() as u64
}

/// Checks what must hold of each trace, and returns its events by phase.
fn check(path: &Path, record: &Record) -> BTreeMap<String, Vec<Value>> {
    let Outcome::Done(done) = &record.outcome else {
        panic!("{record:?}");
    };
    let text = fs::read_to_string(path).unwrap();
    let trace: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(trace["otherData"]["key"], record.key);
    let mut phases = BTreeMap::<String, Vec<Value>>::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let phase = event["ph"].as_str().unwrap().to_owned();
        phases.entry(phase).or_default().push(event.clone());
    }
    let end = (done.metrics.get(Metric::Makespan) * 1e9).round() as u64;
    let threads = named_threads(&phases["M"]);
    let mut slices = BTreeMap::<(u64, u64), Vec<(u64, u64)>>::new();
    for event in &phases["X"] {
        let thread = (
            event["pid"].as_u64().unwrap(),
            event["tid"].as_u64().unwrap(),
        );
        assert!(threads.contains(&thread), "{thread:?} has no name");
        let start = nanos(&event["ts"]);
        let span = (start, start + nanos(&event["dur"]));
        assert!(span.1 <= end + 1, "{event} ends after {end}");
        slices.entry(thread).or_default().push(span);
    }
    // Each piece of work is shown twice: with its resource and with its agent.
    assert_eq!(phases["X"].len(), 2 * done.n_pieces);
    for (thread, spans) in &mut slices {
        spans.sort_unstable();
        let overlap = spans.windows(2).find(|pair| pair[0].1 > pair[1].0);
        assert_eq!(overlap, None, "in thread {thread:?}");
    }
    check_arrows(&phases, &slices);
    phases
}

fn named_threads(events: &[Value]) -> BTreeSet<(u64, u64)> {
    let names = events.iter().filter(|event| event["name"] == "thread_name");
    let id = |event: &Value| {
        (
            event["pid"].as_u64().unwrap(),
            event["tid"].as_u64().unwrap(),
        )
    };
    names.map(id).collect()
}

/// Arrows come in pairs, point ahead, and hang on slices.
fn check_arrows(
    phases: &BTreeMap<String, Vec<Value>>,
    slices: &BTreeMap<(u64, u64), Vec<(u64, u64)>>,
) {
    let ends = |phase: &str| -> BTreeMap<u64, (u64, (u64, u64))> {
        let events = phases.get(phase).into_iter().flatten();
        events
            .map(|event| {
                let thread = (
                    event["pid"].as_u64().unwrap(),
                    event["tid"].as_u64().unwrap(),
                );
                let at = nanos(&event["ts"]);
                let holds = |span: &&(u64, u64)| span.0 <= at && at < span.1;
                assert!(slices[&thread].iter().any(|span| holds(&span)), "{event}");
                (event["id"].as_u64().unwrap(), (at, thread))
            })
            .collect()
    };
    let (tails, heads) = (ends("s"), ends("f"));
    assert!(tails.keys().eq(heads.keys()));
    assert!(tails.iter().all(|(id, tail)| tail.0 < heads[id].0));
}

#[test]
fn an_instance_is_traced_once_for_each_who_decides() {
    let dir = tempfile::tempdir().unwrap();
    let matrix = matrix(&[shop(dir.path())], Keep::Traces);
    let mut store = Store::open(dir.path()).unwrap();
    let records = run(&matrix, &mut store);
    let expected = ["online-fifo", "online-heft", "list-heft", "plan-list"];
    let expected = expected.map(|runner| format!("fjsp-small-{runner}-3.json"));
    assert_eq!(names(dir.path()), BTreeSet::from(expected));
    for record in records.iter().filter(|record| record.seed == 3) {
        let name = format!("fjsp-small-{}-3.json", record.runner.replace(':', "-"));
        let phases = check(&Store::traces_in(dir.path()).join(name), record);
        // Two precedences, and numbers that begin and end.
        assert_eq!(phases["s"].len(), 2, "{}", record.runner);
        let last = |name: &str| {
            let mut counts = phases["C"].iter().rev();
            counts.find(|event| event["name"] == name).unwrap()["args"]["value"].clone()
        };
        assert_eq!(last("queue depth"), 0);
        assert_eq!(last("utilisation [%]"), 0);
        let has_scores = phases["X"]
            .iter()
            .all(|event| event["args"]["policy rank"].is_i64());
        assert_eq!(has_scores, record.runner.starts_with("online:"));
    }
}

#[test]
fn a_workload_with_batches_and_failures_is_traced() {
    let dir = tempfile::tempdir().unwrap();
    let matrix = matrix(&[CREW.into()], Keep::Traces);
    let mut store = Store::open(dir.path()).unwrap();
    let records = run(&matrix, &mut store);
    let record = records
        .iter()
        .find(|record| record.runner == "online:fifo")
        .unwrap();
    let path = Store::traces_in(dir.path()).join("crew.workload-online-fifo-3.json");
    let phases = check(&path, record);
    // More than one piece at a time: a resource has several rows.
    let rows = phases["M"].iter().filter(|event| {
        let name = event["args"]["name"].as_str();
        event["pid"] == 1 && name.is_some_and(|name| name.ends_with("(2)"))
    });
    assert!(rows.count() > 0);
    let undone = phases["X"]
        .iter()
        .filter(|event| event["args"]["done"] == false);
    let marks = phases.get("i").map_or(0, |marks| {
        marks.iter().filter(|mark| mark["cat"] == "failure").count()
    });
    assert_eq!(undone.count(), marks);
    assert!(
        phases["X"]
            .iter()
            .any(|event| event["args"]["policy score"].is_i64())
    );
}

#[test]
fn what_repeats_is_traced_afterwards_and_what_does_not_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let input = shop(dir.path());
    let mut store = Store::open(dir.path()).unwrap();
    let before = run(
        &matrix(std::slice::from_ref(&input), Keep::Charts),
        &mut store,
    );
    assert!(!Store::traces_in(dir.path()).exists());
    let matrix = matrix(&[input], Keep::Traces);
    assert_eq!(run(&matrix, &mut store), before, "a cell was run again");
    assert_eq!(names(dir.path()).len(), 3);
    assert_eq!(matrix.n_untraceable(&store), 1);
    for record in before
        .iter()
        .filter(|it| it.seed == 3 && !it.runner.starts_with("plan"))
    {
        let name = format!("fjsp-small-{}-3.json", record.runner.replace(':', "-"));
        check(&Store::traces_in(dir.path()).join(name), record);
    }
    // A trace of another cell by that name is none.
    let path = Store::traces_in(dir.path()).join("fjsp-small-online-fifo-3.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"key\":\"", "\"key\":\"x", 1)).unwrap();
    run(&matrix, &mut store);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
