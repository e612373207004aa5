//! Streamed talks of the remote back-end come whole, in pieces, once, or with the reason why not.

use std::time::Duration;

use crate::unruly::{Act, Turn, Unruly, answer, chunked, head};
use inference::{
    Ask, Backend as _, Encoded, GenerateOptions, OpenAi, Output, RemoteSettings, SequenceId,
    SequenceStep,
};
use serde_json::json;

const EVENTS: &str = "text/event-stream; charset=utf-8";

fn settings(server: &Unruly) -> RemoteSettings {
    let mut settings = RemoteSettings::new(&server.url()).unwrap();
    settings.patience.first_byte = Duration::from_millis(300);
    settings.patience.silence = Duration::from_millis(300);
    settings.retries.base = Duration::from_millis(2);
    settings.retries.most = 2;
    settings.most_answer_bytes = 20_000;
    settings
}

fn part(content: &str) -> String {
    let part = json!({ "choices": [{ "index": 0, "delta": { "content": content }, "finish_reason": null }] });
    format!("data: {part}\n\n")
}

const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// What came of a talk: its pieces, then its tokens and text, or the failure.
fn talk(server: &Unruly) -> (Vec<String>, Result<(u32, u32, String), String>) {
    let mut backend = OpenAi::new(settings(server), "m");
    let ask = Ask::Generate(GenerateOptions::default());
    let input = Encoded::Text(String::from("Hi"));
    backend.begin(SequenceId(4), &ask, &input).unwrap();
    let mut pieces = Vec::new();
    loop {
        for (id, step) in backend.step().unwrap() {
            assert_eq!(id, SequenceId(4));
            match step {
                SequenceStep::Piece(piece) => pieces.push(piece),
                SequenceStep::Done(Output::Text(text)) => {
                    return (pieces, Ok((text.n_prompt_tokens, text.n_tokens, text.text)));
                }
                SequenceStep::Done(other) => panic!("{other:?}"),
                SequenceStep::Failed(error) => return (pieces, Err(error.to_string())),
            }
        }
    }
}

/// The text must come in these pieces after `n` requests; or the failure must hold `expected`.
fn check(what: &str, turns: Vec<Turn>, n: usize, pieces: &[&str], expected: &str) {
    let server = Unruly::new(turns);
    let (got, result) = talk(&server);
    assert_eq!(got, pieces, "{what}: {result:?}");
    match result {
        Ok((_, _, text)) => assert_eq!((text, expected), (pieces.concat(), ""), "{what}"),
        Err(error) => assert!(
            !expected.is_empty() && error.contains(expected),
            "{what}: {error}"
        ),
    }
    assert_eq!(server.asked().len(), n, "{what}");
    assert_eq!(server.asked()[0].json()["stream"], json!(true));
}

fn stream(text: &str, n: usize) -> Turn {
    chunked(EVENTS, text.as_bytes(), n)
}

/// A stream that ends so in the middle.
fn broken(text: &str, end: Act) -> Turn {
    let start = head(
        "200 OK",
        &format!("Content-Type: {EVENTS}\r\nTransfer-Encoding: chunked\r\n"),
    );
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    vec![Act::Send(start), Act::Send(chunk.into()), end]
}

/// One line a case: what happens, the turns of the server, how often it is asked, the pieces, the
/// reason.
macro_rules! check {
    ($($what:literal: $turns:expr => $n:literal, $pieces:expr, $expected:literal;)*) => {
        $(check($what, $turns, $n, $pieces, $expected);)*
    };
}

#[test]
fn a_talk_comes_in_its_pieces_however_the_bytes_come() {
    let whole = [&part("Na"), &part("ïve "), &part("🦀"), END, USAGE, DONE].concat();
    let pieces = ["Na", "ïve ", "🦀"];
    for n in [1, 2, 3, 5, 1000] {
        check! {
            "in pieces": vec![stream(&whole, n)] => 1, &pieces, "";
        }
    }
    for (what, text) in [
        ("CR LF", whole.replace('\n', "\r\n")),
        ("mixed ends of lines", whole.replacen('\n', "\r\n", 3)),
        (
            "comments and keep-alives",
            format!(": hello\n\n{}", whole.replace("data: ", ": ping\n\ndata:")),
        ),
        ("no last mark", whole.replace(DONE, "")),
        ("no last empty line", whole.trim_end().to_owned()),
        (
            "more after the last mark",
            whole.clone() + &part("never read"),
        ),
    ] {
        check(what, vec![stream(&text, 9)], 1, &pieces, "");
    }
    let server = Unruly::new(vec![stream(&whole, 50)]);
    assert_eq!(talk(&server).1.unwrap(), (5, 3, String::from("Naïve 🦀")));
    let server = Unruly::new(vec![stream(&whole.replace(USAGE, ""), 50)]);
    assert_eq!(
        talk(&server).1.unwrap().1,
        3,
        "without a count, pieces are counted"
    );
    let mut no_length = vec![Act::Send(head(
        "200 OK",
        &format!("Content-Type: {EVENTS}\r\n"),
    ))];
    no_length.extend([Act::Send(whole.clone().into()), Act::Close]);
    check! {
        "without chunks": vec![no_length] => 1, &pieces, "";
    }
    let body = "{\"choices\":[{\"message\":{\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}]}";
    let plain = vec![answer("200 OK", "Content-Type: application/json\r\n", body)];
    check! {
        "a server that does not stream": vec![plain] => 1, &["Hi."], "";
    }
}

#[test]
fn a_talk_that_breaks_says_why_and_says_nothing_twice() {
    let begun = part("One ");
    check! {
        "cut off": vec![broken(&begun, Act::Close)] => 1, &["One "], "cut off after";
        "silent": vec![broken(&begun, Act::Hold)] => 1, &["One "], "no more of the answer came";
        "ended without saying so": vec![stream(&begun, 99)] => 1, &["One "], "did not say that it ends";
        "marked as done without saying so": vec![stream(&(begun.clone() + DONE), 99)] => 1, &["One "], "did not say";
    }
    let fine = stream(&[&begun, END, DONE].concat(), 99);
    check! {
        "cut off before it began": vec![broken(": wait\n\n", Act::Close), fine.clone()] => 2, &["One "], "";
        "silent before it began": vec![broken(": wait\n\n", Act::Hold), fine.clone()] => 2, &["One "], "";
        "broken after its end": vec![broken(&[&begun, END].concat(), Act::Close)] => 1, &["One "], "";
    }
    let busy = vec![answer("429 Busy", "Retry-After: 0\r\n", "")];
    check! {
        "429, then fine": vec![busy, fine] => 2, &["One "], "";
    }

    let failed = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n";
    check! {
        "an error inside": vec![stream(&[&begun, failed].concat(), 7)] => 1, &["One "], "in its answer: out of memory";
    }
    let failed = "event: error\ndata: {\"error\":\"no\"}\n\n";
    check! {
        "an error first": vec![stream(failed, 7)] => 1, &[], "in its answer: no";
        "no JSON": vec![stream("data: <html>\n\n", 7)] => 1, &[], "no JSON but starts with \"<html>\"";
        "malformed JSON": vec![stream("data: {]\n\n", 7)] => 1, &[], "malformed";
    }
    let filtered = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n";
    check! {
        "filtered": vec![stream(filtered, 99)] => 1, &[], "content filter";
    }
    let start = head("200 OK", &format!("Content-Type: {EVENTS}\r\n"));
    check! {
        "one endless line": vec![vec![Act::Send(start.clone()), Act::Flood]] => 1, &[], "more than 20000 bytes";
    }
    let bytes = [start.as_slice(), b"data: \xff\n\n"].concat();
    check! {
        "no UTF-8": vec![vec![Act::Send(bytes), Act::Close]] => 1, &[], "no UTF-8";
    }
}

#[test]
fn talks_go_side_by_side_and_can_be_given_up() {
    let whole = [&part("a"), END, DONE].concat();
    let server = Unruly::new(vec![broken(&part("first"), Act::Hold), stream(&whole, 20)]);
    let mut remote = settings(&server);
    remote.connections = 2;
    remote.patience.silence = Duration::from_secs(60);
    let mut backend = OpenAi::new(remote, "m");
    assert_eq!(backend.n_sequences(), 2);
    let ask = Ask::Generate(GenerateOptions::default());
    let input = Encoded::Text(String::from("Hi"));
    backend.begin(SequenceId(1), &ask, &input).unwrap();
    let mut pieces = Vec::new();
    while pieces.is_empty() {
        pieces = backend.step().unwrap();
    }
    assert_eq!(
        pieces,
        [(SequenceId(1), SequenceStep::Piece(String::from("first")))]
    );
    backend.begin(SequenceId(2), &ask, &input).unwrap();
    let done = |steps: &[(SequenceId, SequenceStep)]| {
        steps
            .iter()
            .any(|(id, step)| *id == SequenceId(2) && matches!(step, SequenceStep::Done(_)))
    };
    while !done(&backend.step().unwrap()) {}
    assert!(!server.was_hung_up_on());
    backend.end(SequenceId(1));
    // The line that was given up hangs up long before the minute of silence is over.
    for _ in 0..1000 {
        if server.was_hung_up_on() {
            break;
        }
        assert_eq!(backend.step().unwrap(), []);
    }
    assert!(server.was_hung_up_on());
    drop(backend);
}
