//! Asks what-if questions whose answers are known by formula.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod browser;

use std::{sync::atomic::AtomicBool, time::Duration};

use bench::{
    CellOptions, Keep, Matrix, Runner, Store,
    whatif::{
        Configuration, Effort, Findings, Goal, Measure, Question, Study, VariableWorkload, Vary,
        combinations, write_study,
    },
};
use browser::{Folder, assert_is_drawn, browser, dom, table};
use plan::Objective;

/// Poisson arrivals, one each half second, and exponential service of a second on average.
const MMC: &str = r#"(
    version: 1, name: "M/M/c",
    resources: [(
        name: "server", skills: { machine: (fixed_secs: 1.0) }, spread: exponential,
        price_per_sec: 0.5,
    )],
    tasks: [(
        name: "job", repeat: (count: 4000, every_secs: 0.5, spread: exponential),
        subtasks: [(name: "work", skill: machine)],
    )],
)"#;

fn study(knobs: &[&str], policies: &str, goals: &str, minimise: &str) -> Study {
    let knobs: Vec<_> = knobs
        .iter()
        .map(|text| Vary::parse(text).unwrap())
        .collect();
    let settings = combinations(&knobs, 100).unwrap().into_iter();
    let workload = VariableWorkload::of_text(MMC).unwrap();
    let varied = settings.map(|settings| workload.varied(settings).unwrap());
    let (configurations, inputs): (Vec<Configuration>, Vec<_>) = varied.unzip();
    let seeds: Vec<u64> = (1..=5).collect();
    Study {
        knobs,
        question: Question {
            goals: Goal::parse_list(goals).unwrap(),
            minimise: Measure::parse(minimise).unwrap(),
            n_seeds: seeds.len() as u32,
        },
        configurations,
        matrix: Matrix {
            inputs,
            runners: Runner::policies(policies).unwrap(),
            seeds,
            options: CellOptions {
                objective: Objective::default(),
                budget: Duration::from_secs(1),
                threads: 1,
                keep: Keep::Numbers,
            },
            build: "test".to_owned(),
        },
        effort: Effort::Rounds,
    }
}

fn run(study: &Study) -> (Findings, usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let stop = AtomicBool::new(false);
    let mut n_runs = 0;
    study.run(&mut store, 2, &stop, |_, _| n_runs += 1).unwrap();
    let anew = study.run(&mut store, 2, &stop, |record, _| {
        panic!("again: {record:?}")
    });
    anew.unwrap();
    (study.findings(&store), n_runs)
}

/// The mean time in an M/M/c system, by the formula of Erlang (C).
fn mean_time(arrivals: f64, service: f64, servers: u32) -> f64 {
    let load = arrivals / service;
    let c = f64::from(servers);
    let (mut term, mut sum) = (1.0, 0.0);
    for n in 0..servers {
        sum += term;
        term *= load / f64::from(n + 1);
    }
    let waiting = term * c / (c - load);
    let must_wait = waiting / (sum + waiting);
    must_wait / (c * service - arrivals) + 1.0 / service
}

#[test]
fn the_smallest_number_of_servers_is_that_of_the_formula() {
    for bound in [1.05, 1.3] {
        let expected = (3..).find(|c| mean_time(2.0, 1.0, *c) < bound).unwrap();
        let study = study(
            &["replicas=3..8"],
            "fifo",
            &format!("mean < {bound}s"),
            "cost",
        );
        let (findings, _) = run(&study);
        let answer = study.answer(&findings);
        let best = answer.best.unwrap();
        assert_eq!(best.n_replicas, expected, "{}", study.sentence(&answer));
        // One server fewer is known to be too few, and by how much.
        assert_eq!(answer.fewer.unwrap().n_replicas, expected - 1);
        for point in &findings.points {
            let mean = point.goals[0].mean;
            let formula = mean_time(2.0, 1.0, point.n_replicas);
            assert!((mean / formula - 1.0).abs() < 0.1, "{mean}, not {formula}");
        }
        // Half a unit of money a second for each server, as long as the run takes.
        let secs = best.objective.mean / (0.5 * f64::from(expected));
        assert!((1900.0..2100.0).contains(&secs), "{secs}");
    }
}

#[test]
fn what_is_out_of_reach_is_said_with_what_would_help() {
    let study = study(
        &["replicas=1..2", "batch=1"],
        "fifo,lifo",
        "p95 < 100ms",
        "cost",
    );
    let (findings, n_runs) = run(&study);
    // Four pairs once, and the nearest of both configurations with four more seeds.
    assert_eq!(n_runs, 4 + 2 * 4);
    let answer = study.answer(&findings);
    assert!(answer.best.is_none());
    let sentence = study.sentence(&answer);
    assert!(
        sentence.contains("Nothing that was tried keeps p95 latency below 0.1 s"),
        "{sentence}"
    );
    assert!(
        sentence.contains("2 replicas with batches of 1"),
        "{sentence}"
    );
    let notes = study.notes(&findings, &answer).concat();
    assert!(
        notes.contains("More replicas than 2 may help: from 1 to 2"),
        "{notes}"
    );
}

#[test]
fn speed_is_as_good_as_servers() {
    let study = study(
        &["speed=1,2,8", "replicas=1"],
        "fifo",
        "mean < 0.5s",
        "mean",
    );
    let (findings, _) = run(&study);
    let answer = study.answer(&findings);
    // One server eight times as fast: M/M/1 with a mean of 1/(8 − 2).
    let mean = answer.best.unwrap().goals[0].mean;
    assert!((mean * 6.0 - 1.0).abs() < 0.1, "{mean}");
    let sentence = study.sentence(&answer);
    assert!(
        sentence.starts_with("Least mean latency of those that keep"),
        "{sentence}"
    );
    assert!(
        sentence.contains("speed × 8 with 1 replica under `fifo`"),
        "{sentence}"
    );
}

#[test]
fn a_browser_shows_the_trade_off() {
    let Some(browser) = browser() else { return };
    let study = study(
        &["replicas=2..8", "batch=1,2"],
        "fifo,power-of-two",
        "p95 < 4s",
        "cost",
    );
    let (findings, _) = run(&study);
    let folder = Folder::new("whatif");
    let page = folder.0.join("whatif.html");
    let notes = ["a <b>note</b> of `fifo`".to_owned()];
    write_study(&page, "What if: M/M/c", &study, &findings, &notes).unwrap();
    let dom = dom(browser, &folder, &page);
    assert_is_drawn(&dom);
    let rows = table(&dom, "rows");
    assert_eq!(rows.len(), 1 + 14);
    assert_eq!(
        rows[0][..4],
        ["configuration", "policy", "p95 latency", "cost"]
    );
    assert_eq!(rows[1][0], "replicas 2, batch 1");
    // A mark for each configuration under each policy, and one ring.
    let marks = dom.matches("class=\"point\"").count();
    assert_eq!(marks, findings.points.len());
    assert_eq!(dom.matches("class=\"best\"").count(), 1);
    assert!(dom.contains("goal: p95 latency below 4 s"));
    assert!(dom.contains("a &lt;b&gt;note&lt;/b&gt; of <code>fifo</code>"));
}
