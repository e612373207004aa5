//! A device whose memory holds one of two models: they take turns, and a run that is replayed agrees.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use serde_json::Value;
use support::{Desk, Done};

const SCENE: &str = "scenes/meeting.scene.ron";

/// The shipped scene with a model of its own for questions, and memory for so many bytes.
fn with_memory(gb: &str) -> Desk {
    let desk = Desk::new();
    let mut scene = fs::read_to_string(desk.path(SCENE)).unwrap();
    for (from, to) in [
        (
            "kind: cpu,".to_owned(),
            format!("kind: cpu, memory_gb: {gb},"),
        ),
        (
            r#"(name: "minilm", version: "all-minilm-l6-v2"),"#.to_owned(),
            r#"(name: "minilm", version: "hashed-words", memory_gb: 0.06, load_secs: 0.4),
               (name: "other", version: "hashed-words", memory_gb: 0.06, load_secs: 0.7),"#
                .to_owned(),
        ),
        (
            r#"(name: "replica 2", model: "minilm""#.to_owned(),
            r#"(name: "replica 2", model: "other""#.to_owned(),
        ),
        (
            r#"skill: embed, model: "minilm", by: "Theo""#.to_owned(),
            r#"skill: embed, model: "other", by: "Theo""#.to_owned(),
        ),
    ] {
        assert!(scene.contains(&from), "{from}");
        scene = scene.replace(&from, &to);
    }
    desk.write(SCENE, scene);
    desk
}

fn loads(desk: &Desk) -> Vec<Value> {
    let journal = fs::read_to_string(desk.path("out/journal.jsonl")).unwrap();
    let facts = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    facts
        .filter(|fact: &Value| fact["type"] == "model_loaded")
        .collect()
}

#[test]
fn two_models_take_turns_in_memory_for_one() {
    let desk = with_memory("0.1");
    desk.run(&["--out", "out"]).expect(0);
    let loads = loads(&desk);
    // One is there at the start; three questions come while people still speak.
    assert_eq!(loads[0]["model"], "minilm");
    assert_eq!(loads[0]["span"], Value::Null);
    assert_eq!(loads[1]["model"], "other");
    assert_eq!(loads[1]["evicted"], serde_json::json!(["minilm"]));
    assert_eq!(loads[1]["span"], 700_000_000);
    assert!(loads.len() > 2, "{loads:?}");
    let mut replay = desk.diorama();
    replay.args(["replay", "out/journal.jsonl", "--verify"]);
    Done::of(replay).expect(0);
}

#[test]
fn with_memory_for_both_nothing_goes() {
    let desk = with_memory("0.12");
    desk.run(&["--out", "out"]).expect(0);
    let loads = loads(&desk);
    assert!(loads.iter().all(|fact| fact["evicted"].is_null()));
    // The replica that fails during the meeting loads its model anew.
    let models = loads.iter().map(|fact| fact["model"].as_str().unwrap());
    assert_eq!(models.collect::<Vec<_>>(), ["minilm", "other", "other"]);
}

#[test]
fn a_model_that_can_never_fit_is_refused_with_its_place() {
    let done = with_memory("0.05").run(&["--out", "out"]).expect(3);
    let expected = r#"the model "minilm" takes 0.06 GB, the device "cpu" has 0.05 GB"#;
    assert!(done.err.contains(expected), "{}", done.err);
    assert!(done.err.contains("meeting.scene.ron:"), "{}", done.err);
}
