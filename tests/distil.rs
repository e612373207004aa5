//! Distils a teacher through the command line: the same bytes on any number of threads, and a model
//! that can be imported and asked.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it leaves out"
)]

mod support;

use std::{fs, process::Command};

use support::{Desk, Done};

const TEACHER: &str = "all-minilm-l6-v2";

/// The program with the models that this machine has; nothing is fetched.
fn diorama(desk: &Desk) -> Command {
    let mut command = desk.diorama();
    command
        .env("DIORAMA_STORE", user_store())
        .env("PATH", "/nonexistent");
    command
}

/// Where models are kept if nothing else is said.
fn user_store() -> std::path::PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(Into::into);
    let home = std::env::var_os("HOME").unwrap_or_default();
    let home = std::path::PathBuf::from(home).join(".local/share");
    let own = std::env::var_os("DIORAMA_STORE").map(Into::into);
    own.unwrap_or_else(|| data.unwrap_or(home).join("diorama/models"))
}

/// Forty sentences of eight words.
fn texts() -> String {
    let (who, what) = (
        ["the cat", "a pump", "our budget", "one valve"],
        ["sleeps", "leaks", "grows", "is late"],
    );
    let mut texts = String::new();
    for nth in 0..40 {
        let (a, b, c) = (who[nth % 4], what[nth / 4 % 4], who[(nth / 3 + 1) % 4]);
        texts += &format!("{a} {b} and {c} {}.\n", what[nth / 10]);
    }
    texts
}

#[test]
fn the_same_teacher_gives_the_same_bytes_and_a_model_that_answers() {
    let desk = Desk::new();
    let mut verify = diorama(&desk);
    verify.args(["models", "verify", TEACHER]);
    if Done::of(verify).code != Some(0) {
        eprintln!("skipped: {TEACHER} is not in the store of this machine");
        return;
    }
    desk.write("texts", texts());
    desk.write("held", texts().to_uppercase());
    let distil = |threads: &str, out: &str| {
        let mut command = diorama(&desk);
        command.args([
            "models", "distil", TEACHER, "--texts", "texts", "--held", "held",
        ]);
        command.args(["--pieces", "300", "--dimensions", "32", "--json"]);
        command.args(["--threads", threads, "--out", out]);
        let done = Done::of(command).expect(0);
        let files = ["model.safetensors", "vocab.txt"]
            .map(|name| fs::read(desk.path(out).join(name)).unwrap());
        (done.json(), files)
    };
    let (told, files) = distil("1", "one");
    let (_, same) = distil("2", "two");
    assert!(files == same, "one thread and two give other bytes");
    let after = told["cosine_after"].as_f64().unwrap();
    assert!(
        after > told["cosine_before"].as_f64().unwrap() && after > 0.8,
        "{told}"
    );
    // Upper case is the same to both.
    assert!(
        told["held_out"]["correlation"].as_f64().unwrap() > 0.8,
        "{told}"
    );

    let mut import = desk.diorama();
    import.args([
        "models",
        "import",
        "one",
        "--name",
        "words",
        "--licence",
        "Apache-2.0",
        "--json",
    ]);
    let imported = Done::of(import).expect(0).json();
    assert_eq!(imported["manifest"]["architecture"], "StaticWords");
    desk.write("lines", "the cat sleeps\na pump leaks\n");
    let mut ask = desk.diorama();
    ask.args(["models", "ask", "words", "--input", "lines"]);
    let done = Done::of(ask).expect(0);
    assert!(
        done.out.lines().all(|line| line.starts_with("32 numbers:")),
        "{}",
        done.out
    );
}

#[test]
fn who_cannot_teach_is_refused() {
    let desk = Desk::new();
    desk.write("texts", "one\n");
    for (args, code, words) in [
        (&["static-minilm"][..], 2, "no tokenizer.json"),
        (&["smollm2-135m-instruct"], 2, "it can generate"),
        (&["gpt-99"], 2, "gpt-99"),
        (&["static-minilm", "--texts", "missing"], 3, "missing"),
        (&["static-minilm", "--texts", "texts=heavy"], 2, "heavy"),
        (&["static-minilm", "--moved", "2"], 2, "--moved"),
        (&[TEACHER], 4, "models pull"),
    ] {
        let mut command = desk.diorama();
        command
            .args(["models", "distil", "--out", "out"])
            .args(args);
        command.env("PATH", "/nonexistent");
        let done = Done::of(command).expect(code);
        assert!(
            done.err.contains(words),
            "{words:?} is missing in {}",
            done.err
        );
        assert!(!desk.path("out").exists(), "{args:?}");
    }
}
