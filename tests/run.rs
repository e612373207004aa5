//! Runs the shipped meeting the way a person does and looks at what comes out.

mod support;

use std::fs;

use serde_json::Value;
use support::{Desk, Done, long_meeting};

#[test]
fn the_shipped_meeting_becomes_minutes() {
    let desk = Desk::new();
    let done = desk
        .run(&["--out", "out", "--ask", "How much do we spend on posters?"])
        .expect(0);
    for word in ["## Topics", "utilisation", "replica 1", "journal hash"] {
        assert!(
            done.out.contains(word),
            "{word:?} is missing in:\n{}",
            done.out
        );
    }
    assert_eq!(done.err, "");
    let minutes: Value =
        serde_json::from_slice(&fs::read(desk.path("out/minutes.json")).unwrap()).unwrap();
    let minutes = &minutes["minutes"];
    let topics = minutes["topics"].as_object().unwrap();
    assert!((2..=8).contains(&topics.len()), "{} topics", topics.len());
    for topic in topics.values() {
        assert!(
            topic["name"].as_str().is_some_and(|name| !name.is_empty()),
            "{topic}"
        );
        assert!(
            !topic["sentences"].as_array().unwrap().is_empty(),
            "{topic}"
        );
    }
    let questions = minutes["questions"].as_object().unwrap();
    assert_eq!(questions.len(), 4, "three of the scene and one of ours");
    assert!(
        questions
            .values()
            .all(|question| !question["answer"].is_null())
    );
    let posters = questions
        .values()
        .find(|q| q["text"] == "How much do we spend on posters?")
        .unwrap();
    let cited = posters["answer"]["cited"].as_array().unwrap();
    assert!(
        cited
            .iter()
            .any(|quote| quote["text"].as_str().unwrap().contains("pounds")),
        "{posters}"
    );
    assert!(!minutes["approval"].is_null());
}

#[test]
fn every_key_sentence_was_said_in_its_turn() {
    let desk = Desk::new();
    let minutes = desk.run(&["--json"]).expect(0).json()["minutes"].clone();
    let meeting = fs::read_to_string(desk.path("assets/meetings/planning.txt")).unwrap();
    let said: Vec<(&str, &str)> = meeting
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .collect();
    let mut n_quotes = 0;
    for topic in minutes["topics"].as_object().unwrap().values() {
        for quote in topic["sentences"].as_array().unwrap() {
            let (speaker, words) = said[quote["turn"].as_u64().unwrap() as usize];
            assert_eq!(quote["speaker"], speaker);
            assert!(
                words.contains(quote["text"].as_str().unwrap()),
                "{quote} is not in {words:?}"
            );
            n_quotes += 1;
        }
    }
    assert!(n_quotes >= 4);
}

#[test]
fn one_seed_one_journal() {
    let desk = Desk::new();
    for policy in ["fifo", "sjf", "heft"] {
        let hash = |more: &[&str]| {
            let mut args = vec!["--json", "--policy", policy];
            args.extend(more);
            desk.run(&args).expect(0).hash()
        };
        let first = hash(&["--threads", "1"]);
        for more in [["--threads", "1"], ["--threads", "2"], ["--threads", "2"]] {
            assert_eq!(hash(&more), first, "{policy} {more:?}");
        }
        assert_ne!(hash(&["--seed", "99"]), first);
    }
}

#[test]
fn a_journal_can_be_verified_and_played_back() {
    let desk = Desk::new();
    let run = desk.run(&["--out", "out", "--json"]).expect(0);
    let replay = |journal: &str, more: &[&str]| {
        let mut command = desk.diorama();
        command.args(["replay", journal]).args(more);
        Done::of(command)
    };
    let replayed = replay("out/journal.jsonl", &["--verify", "--json"])
        .expect(0)
        .json();
    assert_eq!(replayed["totals"], run.json()["totals"]);
    assert_eq!(replayed["minutes"], run.json()["minutes"]);
    assert_eq!(replayed["blake3"], run.json()["journal"]["blake3"]);

    // The outputs of one run serve another: no model, the same facts.
    let again = desk
        .run(&[
            "--json",
            "--out",
            "again",
            "--outputs",
            "recorded",
            "--from",
            "out/journal.jsonl",
        ])
        .expect(0);
    assert_eq!(again.json()["minutes"], run.json()["minutes"]);
    assert_eq!(again.json()["totals"], run.json()["totals"]);

    let text = fs::read_to_string(desk.path("out/journal.jsonl")).unwrap();
    desk.write("bad.jsonl", text.replacen("Ada", "Eve", 1));
    let bad = replay("bad.jsonl", &["--verify"]).expect(3);
    assert!(bad.err.contains("bad.jsonl was changed"), "{}", bad.err);
    assert_eq!(bad.out, "");
}

#[test]
fn scheduling_alone_needs_no_model() {
    let desk = Desk::new();
    desk.write("long.txt", long_meeting(1000));
    let mut command = desk.diorama();
    command.args([
        "run",
        "scenes/meeting.scene.ron",
        "--input",
        "long.txt",
        "--outputs",
        "none",
        "--json",
    ]);
    let done = Done::of(command).expect(0).json();
    assert_eq!(done["run"]["input"]["turns"], 1000);
    assert_eq!(done["totals"]["tasks"]["unfinished"], 0);
    assert!(done["totals"]["subtasks"]["finished"].as_u64().unwrap() > 1000);
    assert!(!desk.path("store").exists(), "no model is fetched");
}

#[test]
fn measured_time_is_what_the_models_took() {
    let desk = Desk::new();
    let done = desk.run(&["--time", "measured", "--json"]).expect(0).json();
    assert_eq!(done["run"]["time"], "measured");
    assert_eq!(done["totals"]["tasks"]["unfinished"], 0);
}

#[test]
fn the_standup_comes_as_subtitles() {
    let desk = Desk::new();
    let standup = support::root().join("assets/meetings/standup.vtt");
    let done = desk
        .run(&["--json", "--input", standup.to_str().unwrap()])
        .expect(0)
        .json();
    assert_eq!(done["run"]["input"]["turns"], 20);
    assert_eq!(
        done["minutes"]["questions"].as_object().unwrap().len(),
        0,
        "the scene's own are not asked"
    );
}
