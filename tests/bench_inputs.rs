//! Runs benches of scenes, instances and traces from the command line.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use serde_json::Value;
use support::{Desk, Done};

/// `diorama bench` with these arguments, into the folder `out`.
fn bench(desk: &Desk, args: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.arg("bench").args(args).args(["--threads", "2"]);
    Done::of(command)
}

/// The finished cells of a bench.
fn cells(desk: &Desk, out: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(desk.path(out).join("cells.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|cell: &Value| cell["runner"].is_string())
        .collect()
}

/// The metric of this name, by its place in the table of results.
fn metric(desk: &Desk, out: &str, runner: &str, seed: u64, name: &str) -> f64 {
    let text = std::fs::read_to_string(desk.path(out).join("results.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let place = |name: &str| head.iter().position(|column| *column == name).unwrap();
    let seed = seed.to_string();
    let row = lines
        .find(|row| row[place("runner")] == runner && row[place("seed")] == seed)
        .unwrap();
    row[place(name)].parse().unwrap()
}

#[test]
fn a_scene_under_a_bench_is_the_scene_that_is_run() {
    let desk = Desk::new();
    let args = ["scenes/meeting.scene.ron", "--policy", "fifo,sjf,heft"];
    let none = ["--list", "none", "--planner", "none", "--seeds", "1,2"];
    let done = bench(&desk, &[&args[..], &none, &["--out", "out"]].concat()).expect(0);
    assert!(!done.out.contains("left out"), "{}", done.out);
    for policy in ["fifo", "sjf", "heft"] {
        for seed in [1, 2] {
            let numbers = ["--policy", policy, "--seed", &seed.to_string()];
            let run = desk.run(&[&numbers[..], &["--outputs", "none", "--json"]].concat());
            let totals = &run.expect(0).json()["totals"];
            let secs = |value: &Value| value.as_f64().unwrap() / 1e9;
            for (name, expected) in [
                ("makespan", secs(&totals["makespan"])),
                (
                    "weighted_completion",
                    totals["weighted_completion_secs"].as_f64().unwrap(),
                ),
                (
                    "weighted_tardiness",
                    totals["weighted_tardiness_secs"].as_f64().unwrap(),
                ),
                ("latency_p50", secs(&totals["flow"]["p50"])),
                ("latency_p95", secs(&totals["flow"]["p95"])),
                ("latency_p99", secs(&totals["flow"]["p99"])),
                ("unfairness", 1.0 - totals["fairness"].as_f64().unwrap()),
                ("cost", totals["cost"].as_f64().unwrap()),
                ("energy", totals["energy_joules"].as_f64().unwrap()),
            ] {
                let found = metric(&desk, "out", &format!("online:{policy}"), seed, name);
                assert!(
                    (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                    "{policy} {seed} {name}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn only_instances_are_planned() {
    let desk = Desk::new();
    let jsp = desk.write("two.jsp", "2 2\n0 3 1 2\n1 2 0 4\n");
    let scene = "scenes/meeting.scene.ron";
    let args = [
        scene,
        jsp.to_str().unwrap(),
        "--policy",
        "fifo",
        "--list",
        "heft",
    ];
    let planner = ["--planner", "list", "--budget", "10ms", "--out", "out"];
    let done = bench(&desk, &[&args[..], &planner].concat()).expect(0);
    assert!(done.out.contains("4 of 4 cells"), "{}", done.out);
    assert!(done.out.contains("2 pairs"), "{}", done.out);
    let runners: Vec<_> = cells(&desk, "out")
        .iter()
        .map(|cell| format!("{} {}", cell["input"], cell["runner"]))
        .collect();
    assert!(
        !runners
            .iter()
            .any(|cell| cell.contains("meeting") && !cell.contains("online"))
    );

    let nobody = [
        scene,
        "--policy",
        "none",
        "--list",
        "heft",
        "--planner",
        "list",
    ];
    let refused = bench(&desk, &[&nobody[..], &["--out", "none"]].concat()).expect(2);
    assert!(
        refused.err.contains("only instances are planned"),
        "{}",
        refused.err
    );
    assert!(!desk.path("none").exists(), "it ran");
}

#[test]
fn a_bad_scene_is_refused_where_it_is_wrong() {
    let desk = Desk::new();
    let text = std::fs::read_to_string(desk.path("scenes/meeting.scene.ron")).unwrap();
    let at = text.lines().position(|line| line.contains("kind: table"));
    let bad = text.replacen("kind: table", "kind: tabel", 1);
    let bad = desk.write("bad.scene.ron", bad);
    let refused = bench(&desk, &[bad.to_str().unwrap()]).expect(3);
    let place = format!("bad.scene.ron:{}:", at.unwrap() + 1);
    assert!(refused.err.contains(&place), "{}", refused.err);
}
