//! Runs every shipped scene without a window, as a person would who has no network.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use support::{Desk, Done};

/// The shipped scenes, by path; each is copied to the desk beside what it refers to.
fn scenes(desk: &Desk) -> Vec<PathBuf> {
    let root = support::root();
    fs::copy(
        root.join("assets/meetings/lesson.txt"),
        desk.path("assets/meetings/lesson.txt"),
    )
    .unwrap();
    let mut scenes = Vec::new();
    for entry in fs::read_dir(root.join("scenes")).unwrap() {
        let path = PathBuf::from("scenes").join(entry.unwrap().file_name());
        fs::copy(root.join(&path), desk.path(&path.to_string_lossy())).unwrap();
        scenes.push(path);
    }
    scenes.sort();
    scenes
}

fn run(desk: &Desk, scene: &PathBuf, more: &[&str]) -> Value {
    let mut command = desk.diorama();
    command.arg("run").arg(scene);
    command
        .args(["--model", "static-minilm", "--json"])
        .args(more);
    Done::of(command).expect(0).json()
}

#[test]
fn all_shipped_scenes_are_valid_and_end_with_every_task_done() {
    let desk = Desk::new();
    let scenes = scenes(&desk);
    assert!(scenes.len() >= 5, "{scenes:?}");
    let mut check = desk.diorama();
    check.arg("check").args(&scenes);
    Done::of(check).expect(0);
    for scene in &scenes {
        let done = run(&desk, scene, &[]);
        let (tasks, subtasks) = (&done["totals"]["tasks"], &done["totals"]["subtasks"]);
        let n_done = tasks["finished"].as_u64().unwrap();
        assert!(n_done >= 5, "{scene:?}: {tasks}");
        for left in ["unfinished", "failed"] {
            assert_eq!(tasks[left], 0, "{scene:?}: {tasks}");
            assert_eq!(subtasks[left], 0, "{scene:?}: {subtasks}");
        }
        assert_eq!(subtasks["cancelled"], 0, "{scene:?}: {subtasks}");
    }
}

#[test]
fn one_seed_gives_one_journal_and_another_gives_other_arrivals() {
    let desk = Desk::new();
    let scenes = scenes(&desk);
    let factory = scenes
        .iter()
        .find(|path| path.ends_with("factory.scene.ron"));
    let factory = factory.expect("there is a factory");
    let hash = |more: &[&str]| run(&desk, factory, more)["journal"]["blake3"].clone();
    assert_eq!(hash(&[]), hash(&[]));
    assert_ne!(hash(&[]), hash(&["--seed", "4"]));
}
