//! Asks models through the command line: lines in, answers out in their order, failures told one by one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
};

use serde_json::{Value, json};
use support::{Desk, Done};

fn ask(desk: &Desk, args: &[&str]) -> Command {
    let mut command = desk.diorama();
    command.args(["models", "ask"]).args(args);
    command
}

fn values(done: &Done) -> Vec<Value> {
    let lines = done.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value["output"]["embedding"].clone()).unwrap()
}

#[test]
fn lines_are_answered_in_their_order_and_by_the_model_that_is_named() {
    let desk = Desk::new();
    desk.write(
        "lines",
        "a happy dog\n\n  \na cheerful puppy\r\nthe annual budget",
    );
    let done = Done::of(ask(&desk, &["static-minilm", "--json", "--input", "lines"])).expect(0);
    let values = values(&done);
    let told: Vec<_> = values
        .iter()
        .map(|value| (&value["line"], &value["input"]))
        .collect();
    let expected = [
        (json!(1), json!("a happy dog")),
        (json!(4), json!("a cheerful puppy")),
        (json!(5), json!("the annual budget")),
    ];
    assert_eq!(
        told,
        expected
            .iter()
            .map(|(n, text)| (n, text))
            .collect::<Vec<_>>()
    );
    assert!(values.iter().all(|value| {
        value["model"]
            .as_str()
            .unwrap()
            .starts_with("static-minilm@")
    }));
    let cosine = |a: usize, b: usize| -> f64 {
        let (a, b) = (numbers(&values[a]), numbers(&values[b]));
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    };
    assert!(
        cosine(0, 1) > cosine(0, 2) + 0.1,
        "{} {}",
        cosine(0, 1),
        cosine(0, 2)
    );

    let words = Done::of(ask(&desk, &["static-minilm", "--input", "lines"])).expect(0);
    let lines: Vec<_> = words.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().all(|line| line.starts_with("256 numbers:")),
        "{}",
        words.out
    );
    assert!(lines[1].contains("cosine to line 1: 0."), "{}", words.out);
    assert!(
        words.err.contains("static-minilm@") && words.err.contains("3 answers"),
        "{}",
        words.err
    );
}

#[test]
fn more_lines_than_the_port_takes_come_back_complete() {
    let desk = Desk::new();
    let lines: String = (0..5000).map(|n| format!("line number {n}\n")).collect();
    desk.write("lines", lines);
    let args = [
        "hashed-words",
        "--threads",
        "1",
        "--json",
        "--input",
        "lines",
    ];
    let done = Done::of(ask(&desk, &args)).expect(0);
    for (nth, value) in values(&done).iter().enumerate() {
        assert_eq!(value["input"], format!("line number {nth}"));
    }
    assert_eq!(done.out.lines().count(), 5000);
}

#[test]
fn a_line_that_fails_loses_no_other() {
    let desk = Desk::new();
    desk.write("lines", b"one\n\xff\xfe\nthree\n");
    let done = Done::of(ask(&desk, &["hashed-words", "--json", "--input", "lines"])).expect(1);
    let values = values(&done);
    assert_eq!(values.len(), 3);
    assert!(values[1]["error"].as_str().unwrap().contains("UTF-8"));
    assert_eq!(values[2]["input"], "three");
    assert!(
        done.err.contains("1 of 3 requests") && done.err.contains("line 2"),
        "{}",
        done.err
    );

    let words = Done::of(ask(&desk, &["hashed-words", "--input", "lines"])).expect(1);
    assert_eq!(words.out.lines().count(), 2);
    assert!(words.err.starts_with("line 2: "), "{}", words.err);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let desk = Desk::new();
    desk.write("lines", "one\n");
    desk.write("wrong.json", r#"{"type": "circle"}"#);
    for (args, code, words) in [
        (&["static-minilm", "--skill", "tag"][..], 2, "it can embed"),
        (
            &["static-minilm", "--max-tokens", "5"],
            2,
            "options of generate",
        ),
        (
            &["static-minilm", "--language", "en"],
            2,
            "options of transcribe",
        ),
        (&["silero-vad"], 2, "serves other models"),
        (&["gpt-99"], 2, "gpt-99"),
        (&["static-minilm", "--skill", "dance"], 2, "transcribe"),
        (&["static-minilm", "--precision", "f8"], 2, "int8"),
        (&["static-minilm", "--input", "missing"], 3, "missing"),
        (&["openai:x", "--schema", "wrong.json"], 3, "wrong.json"),
        (&["openai:x", "--raw", "--system", "y"], 2, "cannot be used"),
        (&["all-minilm-l6-v2", "--strict-model"], 4, "static-minilm"),
        (&["smollm2-135m-instruct"], 4, "models pull"),
    ] {
        let mut command = ask(&desk, args);
        if !args.contains(&"--input") {
            command.args(["--input", "lines"]);
        }
        command.env("PATH", "/nonexistent");
        let done = Done::of(command).expect(code);
        assert!(
            done.err.contains(words),
            "{words:?} is missing in {}",
            done.err
        );
        assert_eq!(done.out, "", "{args:?}");
    }
}

#[test]
fn the_embedded_model_stands_in_and_says_so() {
    let desk = Desk::new();
    desk.write("lines", "one\n");
    let mut command = ask(&desk, &["all-minilm-l6-v2", "--json", "--input", "lines"]);
    command.env("PATH", "/nonexistent");
    let done = Done::of(command).expect(0);
    assert!(
        done.err.contains("instead of \"all-minilm-l6-v2\""),
        "{}",
        done.err
    );
    let value = done.json();
    assert!(
        value["model"]
            .as_str()
            .unwrap()
            .starts_with("static-minilm@")
    );
}

#[test]
fn who_types_is_answered_at_once_and_may_give_up() {
    let desk = Desk::new();
    let mut command = ask(&desk, &["hashed-words", "--json"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    for text in ["first", "second"] {
        writeln!(typed, "{text}").unwrap();
        let value: Value = serde_json::from_str(&told.next().unwrap().unwrap()).unwrap();
        assert_eq!(value["input"], text);
    }
    let mut kill = Command::new("kill");
    assert!(
        kill.args(["-INT", &child.id().to_string()])
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
}

/// Answers one request for a chat in pieces, and says what it was asked.
fn serve_once(listener: &TcpListener) -> Value {
    let (mut stream, _) = listener.accept().unwrap();
    let body = read_body(&mut stream);
    let piece = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}}]});
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let events = [piece("Good "), piece("evening"), last];
    let mut told: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    told += "data: [DONE]\n\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{told}", told.len()).unwrap();
    body
}

fn read_body(stream: &mut TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut n_bytes = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if let Some(length) = line.strip_prefix("content-length:") {
            n_bytes = length.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; n_bytes];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_server_generates() {
    let desk = Desk::new();
    desk.write("lines", "Say hello.\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = thread::Builder::new()
        .spawn(move || serve_once(&listener))
        .unwrap();
    let args = [
        "openai:polite",
        "--system",
        "Be brief.",
        "--max-tokens",
        "7",
        "--input",
        "lines",
    ];
    let mut command = ask(&desk, &args);
    command
        .env("OPENAI_BASE_URL", url)
        .env("OPENAI_API_KEY", "secret");
    let done = Done::of(command).expect(0);
    assert_eq!(done.out, "Good evening\n");
    assert!(
        done.err.contains("polite") && !done.err.contains("secret"),
        "{}",
        done.err
    );
    let asked = server.join().unwrap();
    assert_eq!(asked["model"], "polite");
    assert_eq!(
        asked["messages"][0],
        json!({"role": "system", "content": "Be brief."})
    );
    assert_eq!(asked["messages"][1]["content"], "Say hello.");
}
