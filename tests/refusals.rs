//! Gives the program what it cannot take and expects one clear message, the right exit code and
//! nothing half-written.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it leaves out"
)]

mod support;

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use support::{Desk, Done, leftovers, long_meeting, n_files};

const SCENE: &str = "scenes/meeting.scene.ron";

/// Replaces `from` in the shipped scene with `to` and runs `check` and `run` on it.
#[track_caller]
fn refuse_scene(from: &str, to: &str, words: &[&str]) {
    let desk = Desk::new();
    let scene = fs::read_to_string(desk.path(SCENE)).unwrap();
    assert!(scene.contains(from), "the shipped scene has no {from:?}");
    desk.write(SCENE, scene.replacen(from, to, 1));
    for command in ["check", "run"] {
        let mut diorama = desk.diorama();
        diorama.args([command, SCENE]);
        let done = Done::of(diorama).expect(3);
        assert_eq!(done.out, "", "{command}");
        let place = done
            .err
            .split("scene.ron:")
            .nth(1)
            .unwrap_or_else(|| panic!("no place in {}", done.err));
        let mut numbers = place.split(':');
        for _ in 0..2 {
            assert!(
                numbers.next().is_some_and(|n| n.parse::<u32>().is_ok()),
                "{}",
                done.err
            );
        }
        for word in words {
            assert!(
                done.err.contains(word),
                "{word:?} is missing in {}",
                done.err
            );
        }
    }
    assert!(!desk.path("diorama-out").exists());
}

#[test]
fn wrong_scenes() {
    refuse_scene(
        r#"after: ["segment"]"#,
        r#"after: ["segments"]"#,
        &["segments", "segment"],
    );
    refuse_scene(
        r#"(name: "transcribe", skill: transcribe, by: "Mina", per: stretch)"#,
        r#"(name: "transcribe", skill: transcribe, by: "Mina", per: stretch, after: ["segment"])"#,
        &["transcribe", "segment", "→"],
    );
    refuse_scene(
        "skill: summarise, fixed",
        "skill: summarize, fixed",
        &["summarize", "summarise"],
    );
    refuse_scene(r#"by: "Mina""#, r#"by: "Nina""#, &["Nina", "Mina"]);
    refuse_scene(
        r#"model: "minilm", device"#,
        r#"model: "maxilm", device"#,
        &["maxilm", "minilm"],
    );
    refuse_scene("words_per_minute: 150.0", "words_per_minute: NaN", &["NaN"]);
    refuse_scene(
        "words_per_minute: 150.0",
        "words_per_minute: -150.0",
        &["-150"],
    );
    refuse_scene("version: 1", "version: 7", &["7"]);
    refuse_scene("seed: 1,", "sed: 1,", &["sed"]);
}

#[test]
fn a_huge_scene_is_not_read() {
    let desk = Desk::new();
    let huge = File::create(desk.path("huge.scene.ron")).unwrap();
    huge.set_len(50 << 20).unwrap();
    let mut diorama = desk.diorama();
    diorama.args(["run", "huge.scene.ron"]);
    let done = Done::of(diorama).expect(3);
    assert!(
        done.err.contains("huge.scene.ron") && done.err.contains("MiB"),
        "{}",
        done.err
    );
}

#[test]
fn wrong_meetings() {
    let desk = Desk::new();
    desk.write("empty.txt", "");
    desk.write("silent.txt", "# A title and nothing said\n\n");
    desk.write("broken.txt", b"Ada: fine so far\nBen: \xff\xfe not text\n");
    desk.write("half.json", r#"{"meeting_transcripts": [{"speaker": "A""#);
    desk.write(
        "wrong.vtt",
        "WEBVTT\n\n00:00:09.000 --> banana\nAda: hello\n",
    );
    for (file, words) in [
        ("empty.txt", "empty.txt"),
        ("silent.txt", "silent.txt"),
        ("broken.txt", "broken.txt:2"),
        ("half.json", "half.json:1"),
        ("wrong.vtt", "wrong.vtt:3"),
        ("missing.txt", "missing.txt"),
    ] {
        let done = desk.run(&["--input", file]).expect(3);
        assert!(
            done.err.contains(words),
            "{words:?} is missing in {}",
            done.err
        );
        assert_eq!(done.out, "");
        assert!(!desk.path("diorama-out").exists(), "{file}");
    }
}

#[test]
fn options_that_do_not_go_together() {
    let desk = Desk::new();
    for args in [
        &["--time", "measured", "--outputs", "none"][..],
        &["--outputs", "recorded"],
        &["--from", "x.jsonl"],
        &["--policy", "magic"],
        &["--threads", "0"],
        &["--ask", " "],
        &["--model", "gpt-99"],
    ] {
        let done = desk.run(args).expect(2);
        assert!(!done.err.is_empty() && done.out.is_empty(), "{args:?}");
    }
}

#[test]
fn no_source_has_the_model() {
    let desk = Desk::new();
    let mut diorama = desk.diorama();
    // Without programs on the path there is no package index either.
    diorama
        .args(["run", SCENE, "--strict-model"])
        .env("PATH", "/nonexistent");
    let done = Done::of(diorama).expect(4);
    for word in [
        "project assets",
        "local store",
        "127.0.0.1:9",
        "models pull",
        "static-minilm",
    ] {
        assert!(
            done.err.contains(word),
            "{word:?} is missing in {}",
            done.err
        );
    }
    assert_eq!(
        n_files(&desk.path("store")),
        0,
        "nothing half-written in the store"
    );
    assert!(leftovers(&desk.path("diorama-out/meeting")).is_empty());
}

#[test]
fn a_model_without_room_in_memory_is_refused() {
    let desk = Desk::new();
    let run = |gb: &str| {
        let mut diorama = desk.diorama();
        let model = ["run", SCENE, "--model", "static-minilm", "--json"];
        diorama.args(model).args(["--model-memory", gb]);
        Done::of(diorama)
    };
    let done = run("0.001").expect(4);
    for word in ["static-minilm@", "MiB of memory", "1 MiB that models may"] {
        assert!(done.err.contains(word), "{}", done.err);
    }
    // Both replicas share one copy of 6 MiB.
    run("0.007").expect(0);
}

#[test]
fn tampered_weights_never_run() {
    let desk = Desk::new();
    let folder = desk.path("store/all-minilm-l6-v2/53aa51172d14");
    fs::create_dir_all(&folder).unwrap();
    for file in ["model.safetensors", "config.json", "tokenizer.json"] {
        fs::write(folder.join(file), "not what it should be").unwrap();
    }
    let mut verify = desk.diorama();
    verify.args(["models", "verify"]);
    let done = Done::of(verify).expect(4);
    assert!(done.err.contains("damaged"), "{}", done.err);
    let mut run = desk.diorama();
    run.args(["run", SCENE, "--strict-model"])
        .env("PATH", "/nonexistent");
    let done = Done::of(run).expect(4);
    assert!(
        done.err.contains("model.safetensors") || done.err.contains("config.json"),
        "{}",
        done.err
    );
}

#[test]
fn no_display_names_run() {
    let desk = Desk::new();
    for display in [None, Some(":64999")] {
        let mut open = desk.diorama();
        open.args(["open", SCENE, "--model", "hashed-words"]);
        if let Some(display) = display {
            open.env("DISPLAY", display);
        }
        let done = Done::of(open).expect(6);
        assert!(done.err.contains("diorama run"), "{}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
}

#[test]
fn results_that_cannot_be_written() {
    let desk = Desk::new();
    desk.write("file", "in the way");
    let done = desk.run(&["--out", "file/below"]).expect(5);
    assert!(done.err.contains("file/below"), "{}", done.err);
}

/// A folder on a disk of 64 KiB, as long as it lives; `None` where nobody may mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null());
        mount
            .status()
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        assert!(
            Command::new("umount")
                .arg(self.0)
                .status()
                .unwrap()
                .success()
        );
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let desk = Desk::new();
    let folder = desk.path("small");
    let Some(disk) = SmallDisk::mount(&folder) else {
        eprintln!("skipped: only root may mount the small disk that this test fills");
        return;
    };
    let done = desk.run(&["--out", "small"]).expect(5);
    assert!(
        done.err.contains("full") && done.err.contains("journal.jsonl"),
        "{}",
        done.err
    );
    assert_eq!(done.out, "");
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        0,
        "nothing half-written stays"
    );
    drop(disk);
}

#[test]
fn ctrl_c_in_the_middle() {
    let desk = Desk::new();
    desk.write("long.txt", long_meeting(60_000));
    let mut command = desk.diorama();
    command
        .args([
            "run",
            SCENE,
            "--model",
            "hashed-words",
            "--input",
            "long.txt",
            "--out",
            "out",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // The run is under way as soon as its journal has grown beside its final place.
    let grown = || {
        fs::read_dir(desk.path("out")).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| entry.metadata().is_ok_and(|file| file.len() > 200_000))
        })
    };
    for _ in 0..1200 {
        if grown() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(grown(), "the run never wrote");
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("interrupted") && err.lines().count() == 1,
        "{err}"
    );
    assert!(leftovers(&desk.path("out")).is_empty());
    assert!(
        !desk.path("out/minutes.md").exists(),
        "half a meeting has no minutes"
    );
    let mut replay = desk.diorama();
    replay.args(["replay", "out/journal.jsonl", "--verify", "--json"]);
    Done::of(replay).expect(0);
}
