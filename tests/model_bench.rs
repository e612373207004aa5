//! Measures models through the command line: the figures are all there and fit together.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Desk, Done};

fn bench(desk: &Desk, args: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.args(["models", "bench"]).args(args);
    Done::of(command)
}

#[test]
fn the_figures_of_an_embedding_fit_together() {
    let desk = Desk::new();
    let args = [
        "static-minilm",
        "--batch",
        "8",
        "--tokens",
        "24",
        "--threads",
        "2",
        "--replicas",
        "2",
        "--rounds",
        "5",
        "--json",
    ];
    let value = bench(&desk, &args).expect(0).json();
    let number = |path: &str| value.pointer(path).and_then(Value::as_f64).unwrap();
    assert!(
        value["model"]
            .as_str()
            .unwrap()
            .starts_with("static-minilm@")
    );
    assert_eq!(number("/tokens_per_input"), 24.0);
    assert_eq!(number("/latency_ms/requests"), 5.0);
    assert_eq!(
        (
            number("/batch"),
            number("/replicas"),
            number("/machine/threads")
        ),
        (8.0, 2.0, 1.0)
    );
    let per_sec = number("/tokens_per_sec") / number("/inputs_per_sec");
    assert!((per_sec - 24.0).abs() < 1e-6, "{per_sec}");
    let [p50, p95, p99] = ["p50", "p95", "p99"].map(|name| number(&format!("/latency_ms/{name}")));
    assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "{p50} {p95} {p99}");
    assert!(number("/first_answer_secs") >= 0.0 && number("/tokenising_share") > 0.0);
    if cfg!(target_os = "linux") {
        assert!(number("/memory_bytes/peak") >= number("/memory_bytes/loaded"));
    }
}

#[test]
fn texts_of_a_file_are_measured_and_told_in_a_table() {
    let desk = Desk::new();
    desk.write("texts", "one two three\n\nfour five six\n");
    let args = ["static-minilm", "--input", "texts", "--seconds", "0.05"];
    let done = bench(&desk, &args).expect(0);
    for words in [
        "static-minilm@",
        "inputs per sec",
        "latency ms p99",
        "tokens per input",
        "3.000",
    ] {
        assert!(
            done.out.contains(words),
            "{words:?} is missing in {}",
            done.out
        );
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let desk = Desk::new();
    desk.write("empty", "\n");
    for (args, code, words) in [
        (
            &["static-minilm", "--skill", "generate"][..],
            2,
            "it can embed",
        ),
        (&["static-minilm", "--input", "empty"], 3, "no text"),
        (&["static-minilm", "--input", "missing"], 3, "missing"),
        (
            &["static-minilm", "--rounds", "2", "--seconds", "1"],
            2,
            "cannot be used",
        ),
        (&["static-minilm", "--seconds", "0"], 2, "seconds"),
        (&["static-minilm", "--batch", "0"], 2, "--batch"),
    ] {
        let done = bench(&desk, args).expect(code);
        assert!(
            done.err.contains(words),
            "{words:?} is missing in {}",
            done.err
        );
        assert_eq!(done.out, "", "{args:?}");
    }
}
