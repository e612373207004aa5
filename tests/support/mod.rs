//! Runs the program as a person would, in a folder of its own.

#![allow(dead_code, reason = "each test file uses a part of this one")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder with a copy of the shipped scene and meeting, where results go too.
pub(crate) struct Desk {
    dir: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for file in ["scenes/meeting.scene.ron", "assets/meetings/planning.txt"] {
            let copy = dir.path().join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(root().join(file), copy).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The program, in this folder, with models that need no network.
    pub(crate) fn diorama(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diorama"));
        command
            .current_dir(self.dir.path())
            .env("DIORAMA_STORE", self.path("store"))
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env_remove("RUST_LOG")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// `diorama run` of the shipped scene with the built-in model and `more` arguments.
    pub(crate) fn run(&self, more: &[&str]) -> Done {
        let mut command = self.diorama();
        command
            .args(["run", "scenes/meeting.scene.ron", "--model", "hashed-words"])
            .args(more);
        Done::of(command)
    }
}

/// A flexible job shop so large that no search proves a schedule of it the best.
pub(crate) fn large_shop() -> String {
    let job: String = (0..10)
        .map(|n| format!(" 2 1 {} 2 {}", n % 7 + 3, 17 * n % 11 + 1))
        .collect();
    format!("30 2\n{}", format!("10{job}\n").repeat(30))
}

/// What became of a command.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(mut command: Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Fails the test unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard error:\n{}", self.err);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }

    pub(crate) fn hash(&self) -> String {
        self.json()["journal"]["blake3"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A meeting of so many turns by four speakers, as plain text.
pub(crate) fn long_meeting(turns: usize) -> String {
    let words = [
        "budget",
        "launch",
        "school",
        "bookmarks",
        "printer",
        "garden",
        "heating",
        "roof",
    ];
    (0..turns)
        .map(|turn| {
            let (topic, other) = (words[turn / 40 % words.len()], words[turn % words.len()]);
            let speaker = ["Ada", "Ben", "Chloe", "Dev"][turn % 4];
            format!("{speaker}: The {topic} comes before the {other}, and that is item number {turn} today.\n")
        })
        .collect()
}

/// Every file below a folder that was left half-written.
pub(crate) fn leftovers(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let known = ["journal.jsonl", "minutes.md", "minutes.json"];
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !known.iter().any(|name| path.ends_with(name)))
        .collect()
}

/// How many files there are below a folder.
pub(crate) fn n_files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { n_files(&path) } else { 1 })
        .sum()
}
