//! Latency profiles on the command line: measured, kept, asked for, and refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use support::{Desk, Done};

const SCENE: &str = "scenes/meeting.scene.ron";
/// A profile that comes with the program.
const SHIPPED: &str = "all-minilm-l6-v2-int8-intel-xeon-1t";

fn diorama(desk: &Desk, words: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.args(words);
    Done::of(command)
}

/// Measures the model that needs no files, as fast as it can be.
fn calibrate(desk: &Desk) -> Value {
    let words = "models calibrate hashed-words --quick --times 1 --replicas 2 --json";
    let words: Vec<_> = words.split(' ').collect();
    diorama(desk, &words).expect(0).json()
}

fn run(desk: &Desk, more: &[&str]) -> Done {
    let mut words = vec!["--outputs", "none", "--json"];
    words.extend(more);
    desk.run(&words)
}

/// The hash of what was measured and kept.
fn calibrated(desk: &Desk) -> Value {
    let used = run(desk, &["--profile", "calibrated"]).expect(0).json();
    used["run"]["profiles"][0]["hash"].clone()
}

#[test]
fn what_was_measured_counts_where_it_is_asked_for_and_nowhere_else() {
    let desk = Desk::new();
    let before = run(&desk, &[]).expect(0);
    let made = calibrate(&desk);
    assert!(PathBuf::from(made["path"].as_str().unwrap()).is_file());
    assert_eq!(made["profile"]["replicas"], 2);
    let n_secs = |cell: usize| made["cells"][cell]["secs"].as_array().unwrap().len();
    assert_eq!((n_secs(0), n_secs(1)), (1, 2), "alone, and both at once");
    assert_eq!(run(&desk, &[]).expect(0).hash(), before.hash());
    assert_eq!(before.json()["run"].get("profiles"), None);

    let asked = run(&desk, &["--profile", "calibrated"]).expect(0);
    let used = asked.json()["run"]["profiles"].clone();
    assert_eq!(used.as_array().unwrap().len(), 2);
    assert_eq!(used[0]["hash"], made["hash"]);
    assert_eq!(used[0]["profile"], made["profile"]["name"]);
    let again = run(&desk, &["--profile", "calibrated"]).expect(0);
    assert_eq!(again.hash(), asked.hash());
    assert_ne!(asked.hash(), before.hash());
}

#[test]
fn a_scene_names_a_profile_as_the_command_line_does() {
    let desk = Desk::new();
    let flag = run(&desk, &["--profile", SHIPPED]).expect(0).json();
    let scene = fs::read_to_string(desk.path(SCENE)).unwrap();
    let secs = "fixed_secs: 0.004, per_item_secs: 0.0005, per_token_secs: 0.0003";
    assert_eq!(scene.matches(secs).count(), 2);
    desk.write(SCENE, scene.replace(secs, &format!("profile: {SHIPPED:?}")));
    let named = run(&desk, &[]).expect(0).json();
    assert_eq!(named["run"]["profiles"], flag["run"]["profiles"]);
    assert_eq!(named["totals"], flag["totals"]);
}

#[test]
fn what_cannot_be_had_is_refused_with_what_to_do() {
    let desk = Desk::new();
    let run = |name| vec!["run", SCENE, "--model", "hashed-words", "--profile", name];
    let whatif = |name| {
        let knobs = ["--vary", "replicas=1..2", "--goal", "p95 < 1h"];
        [&["whatif", SCENE, "--profile", name][..], &knobs].concat()
    };
    let calibrate = |more: &[&'static str]| [&["models", "calibrate"][..], more].concat();
    for (words, expect) in [
        (run("kalibrated"), "there is no profile \"kalibrated\""),
        (whatif("kalibrated"), "there is no profile \"kalibrated\""),
        (run("calibrated"), "diorama models calibrate hashed-words@1"),
        (whatif("calibrated"), "diorama models calibrate all-minilm"),
        (
            vec!["fidelity", SCENE, "--profile", "calibrated"],
            "diorama models calibrate all-mini",
        ),
        (
            calibrate(&["hashed-words", "--sound", "speech.wav"]),
            "--sound is for `transcribe`",
        ),
        (calibrate(&["nobody"]), "nobody"),
        (
            calibrate(&["hashed-words", "--skill", "generate"]),
            "cannot generate; what it can: embed",
        ),
        (
            calibrate(&["hashed-words", "--precision", "int8"]),
            "computes with f32 only",
        ),
        (calibrate(&["silero-vad"]), "nothing to measure"),
        (calibrate(&["openai:small"]), "is a model of a server"),
    ] {
        let done = diorama(&desk, &words).expect(2);
        assert!(done.err.contains(expect), "{expect:?}: {}", done.err);
    }
}

#[test]
fn a_profile_that_cannot_be_read_is_named() {
    let desk = Desk::new();
    let path = calibrate(&desk)["path"].as_str().unwrap().to_owned();
    fs::write(&path, "(name: 3)").unwrap();
    let done = run(&desk, &["--profile", "calibrated"]).expect(2);
    assert!(done.err.contains("cannot be used"), "{}", done.err);
    // Without being asked for, it is in nobody's way.
    desk.run(&["--json"]).expect(0);
}

#[test]
fn fidelity_tells_errors_and_scatter() {
    let desk = Desk::new();
    let made = calibrate(&desk);
    let fidelity = |more: &str| {
        let words = format!(
            "fidelity {SCENE} --model hashed-words --loads 1,mid --repetitions 2 --json{more}"
        );
        let words: Vec<_> = words.split(' ').collect();
        diorama(&desk, &words).expect(0).json()
    };
    let kept = fidelity(" --profile calibrated");
    assert_eq!(kept["profiles"][0]["hash"], made["hash"]);
    // Measured between the runs if nothing is said, and not kept.
    let told = fidelity("");
    assert_eq!(told["profiles"].as_array().unwrap().len(), 2);
    assert_ne!(told["profiles"][0]["hash"], made["hash"]);
    assert_eq!(calibrated(&desk), made["hash"]);
    let loads = told["loads"].as_array().unwrap();
    assert_eq!(loads[0]["times_as_fast"], 1.0);
    assert_eq!(loads[1]["load"], "mid");
    for load in loads {
        let held = load["held_to_limit"].as_array().unwrap();
        let names: Vec<_> = held
            .iter()
            .map(|one| one["what"].as_str().unwrap())
            .collect();
        assert_eq!(names[0], "makespan");
        assert_eq!(names.len(), 4);
        assert!(
            held.iter()
                .all(|one| one["measured_secs"].as_f64() > Some(0.0))
        );
    }
    assert!(told["worst_error"].is_f64());
}
