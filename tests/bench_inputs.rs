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

const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2023-11-16 18:17:03.97,4808,10\n2023-11-16 18:17:04.03,3180,8\n2023-11-16 18:17:04.07,110,27\n";

#[test]
fn a_trace_is_served() {
    let desk = Desk::new();
    desk.write("azure.csv", TRACE);
    let none = ["--list", "none", "--planner", "none"];
    let args = ["azure.csv", "--policy", "fifo", "--out"];
    bench(
        &desk,
        &[&args[..], &["two", "--replicas", "2"], &none].concat(),
    )
    .expect(0);
    let cells = cells(&desk, "two");
    assert_eq!(cells.len(), 1);
    let rows = &cells[0]["outcome"]["done"]["gantt"]["by_resource"]["rows"];
    assert_eq!(*rows, serde_json::json!(["replica/1", "replica/2"]));

    desk.write(
        "pool.ron",
        "(version: 1, name: \"p\", resources: [(name: \"own\", skills: {generate: (fixed_secs: 1.0)})], tasks: [])",
    );
    bench(
        &desk,
        &[&args[..], &["own", "--pool", "pool.ron"], &none].concat(),
    )
    .expect(0);
    assert!((metric(&desk, "own", "online:fifo", 1, "makespan") - 3.0).abs() < 1e-9);

    let both = ["none", "--pool", "pool.ron", "--replicas", "2"];
    bench(&desk, &[&args[..], &both].concat()).expect(2);
    desk.write("bad.csv", TRACE.replace("3180", "-1"));
    let refused = bench(&desk, &["bad.csv"]).expect(3);
    assert!(
        refused.err.contains("bad.csv:3:24: ContextTokens must be"),
        "{}",
        refused.err
    );
}
