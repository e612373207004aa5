//! Runs small matrices whole, in parts, and through the death of their process.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use bench::{CellOptions, Input, Keep, Matrix, Metric, Outcome, Record, Runner, Store};
use plan::Objective;
use workloads::ReadOptions;

/// Two jobs of two operations each, on two machines, every way round.
const FJSP: &str = "2 2 2\n2 2 1 3 2 5 1 2 4\n2 1 1 2 2 1 6 2 3\n";
/// Where a child process writes its store.
const DIR: &str = "BENCH_TEST_DIR";

fn matrix(dir: &Path, n_seeds: u64) -> Matrix {
    let path = dir.join("fjsp-small.fjs");
    fs::write(&path, FJSP).unwrap();
    let inputs = vec![Input::read(&path, &ReadOptions::default()).unwrap()];
    let runners = [
        Runner::policies("all").unwrap(),
        Runner::lists("all").unwrap(),
        Runner::planners("list,genetic").unwrap(),
    ];
    Matrix {
        inputs,
        runners: runners.concat(),
        seeds: (0..n_seeds).collect(),
        options: CellOptions {
            objective: Objective::Makespan,
            budget: Duration::from_millis(20),
            threads: 1,
            keep: Keep::Charts,
        },
        build: "test".to_owned(),
    }
}

fn keys(records: &[Record]) -> BTreeSet<String> {
    records.iter().map(|record| record.key.clone()).collect()
}

#[test]
fn all_who_decide_run_an_instance_and_none_beats_the_bound() {
    let dir = tempfile::tempdir().unwrap();
    let matrix = matrix(dir.path(), 2);
    let mut store = Store::open(dir.path()).unwrap();
    let mut n_told = 0;
    let stop = AtomicBool::new(false);
    let progressed = matrix
        .run(&mut store, 2, &stop, |_, _| n_told += 1)
        .unwrap();
    assert_eq!(progressed.finished, progressed.cells);
    assert_eq!(n_told, progressed.cells);
    let records = matrix.records(&store);
    assert_eq!(records.len(), progressed.cells);
    for record in &records {
        let Outcome::Done(done) = &record.outcome else {
            panic!("{record:?}");
        };
        let makespan = done.metrics.get(Metric::Makespan);
        assert_eq!(done.n_pieces, 4, "{}", record.runner);
        assert!(
            makespan >= done.lower_bound.unwrap(),
            "{}: {makespan}",
            record.runner
        );
        assert_eq!(done.gantt.is_some(), record.seed == 0);
    }
}

#[test]
fn what_is_finished_is_never_run_again_and_another_build_runs_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut matrix = matrix(dir.path(), 2);
    let mut store = Store::open(dir.path()).unwrap();
    let stop = AtomicBool::new(false);
    let first = matrix
        .run(&mut store, 1, &stop, |_, now| {
            stop.store(now.finished == 7, Ordering::Relaxed);
        })
        .unwrap();
    assert_eq!(first.finished, 7);
    let before = keys(store.records());
    stop.store(false, Ordering::Relaxed);
    let mut again = Vec::new();
    matrix
        .run(&mut store, 2, &stop, |record, _| again.push(record.clone()))
        .unwrap();
    assert_eq!(again.len(), first.cells - 7);
    assert!(before.is_disjoint(&keys(&again)));
    matrix
        .run(&mut store, 2, &stop, |record, _| panic!("{record:?}"))
        .unwrap();
    "other".clone_into(&mut matrix.build);
    let mut anew = 0;
    matrix.run(&mut store, 2, &stop, |_, _| anew += 1).unwrap();
    assert_eq!(anew, first.cells);
}

/// Not a test of its own: the process that the next one kills.
#[test]
#[ignore = "run by another test, as a process of its own"]
fn child() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let mut store = Store::open(&dir).unwrap();
    let stop = AtomicBool::new(false);
    // Slow enough to be killed in the middle.
    let rest = |_: &Record, _| thread::sleep(Duration::from_millis(5));
    matrix(&dir, 20).run(&mut store, 2, &stop, rest).unwrap();
}

#[test]
fn a_process_that_is_killed_loses_no_finished_cell_and_repeats_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = Store::path_in(dir.path());
    let mut lines = 0;
    for _ in 0..3 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored"])
            .env(DIR, dir.path())
            .spawn()
            .unwrap();
        let n_lines = || fs::read_to_string(&path).map_or(0, |text| text.lines().count());
        while n_lines() < lines + 10 && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(
            store.records().len() >= lines + 9,
            "a finished cell is lost"
        );
        assert_eq!(
            keys(store.records()).len(),
            store.records().len(),
            "a cell was repeated"
        );
        lines = store.records().len();
    }
    let mut store = Store::open(dir.path()).unwrap();
    let before = keys(store.records());
    let mut rest = Vec::new();
    let stop = AtomicBool::new(false);
    let matrix = matrix(dir.path(), 20);
    let whole = matrix
        .run(&mut store, 2, &stop, |record, _| rest.push(record.clone()))
        .unwrap();
    assert_eq!(before.len() + rest.len(), whole.cells);
    assert!(before.is_disjoint(&keys(&rest)));
}
