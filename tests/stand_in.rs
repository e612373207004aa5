//! Where no source can be reached, the embedded model answers, and everything says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::{Desk, Done};

const SCENE: &str = "scenes/meeting.scene.ron";

#[test]
fn the_main_command_runs_without_network_and_store() {
    let desk = Desk::new();
    let mut run = desk.diorama();
    // Without programs on the path there is no package index either.
    run.args(["run", SCENE]).env("PATH", "/nonexistent");
    let done = Done::of(run).expect(0);
    for words in ["static-minilm@", "instead of \"all-minilm-l6-v2\""] {
        assert!(done.err.contains(words), "{}", done.err);
    }
    for file in ["minutes.md", "journal.jsonl", "minutes.json"] {
        let text = fs::read_to_string(desk.path("diorama-out/meeting").join(file)).unwrap();
        assert!(
            text.contains("static-minilm@"),
            "{file} does not say which model answered"
        );
    }
}
