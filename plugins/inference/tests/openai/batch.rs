//! Answers that come whole, in batches: their order, their bounds, and every way to go wrong.

use std::{
    net::TcpListener,
    sync::{Arc, Barrier},
    time::Duration,
};

use crate::unruly::{Act, Turn, Unruly, answer, chunked, head};
use inference::{Ask, Backend, Input, Key, Model, OpenAi, RemoteSettings};
use serde_json::{Value, json};

const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) fn settings(url: &str) -> RemoteSettings {
    let mut settings = RemoteSettings::new(url).unwrap();
    settings.key = Some(Key::new("sk-very-secret").unwrap());
    settings.patience.connect = Duration::from_millis(2000);
    settings.patience.first_byte = Duration::from_millis(300);
    settings.patience.silence = Duration::from_millis(300);
    settings.patience.whole = Duration::from_secs(20);
    settings.retries.base = Duration::from_millis(2);
    settings.retries.most = 2;
    settings.most_answer_bytes = 20_000;
    settings
}

/// Embeds texts, and says what came: the first number of each vector, or the failure.
fn embed(settings: RemoteSettings, texts: &[&str]) -> Result<Vec<f32>, String> {
    let mut backend: Box<dyn Backend> = Box::new(OpenAi::new(settings, "m"));
    let inputs: Vec<Input> = texts.iter().map(|text| Input::from(*text)).collect();
    match backend.answer_inputs(&Ask::Embed, &inputs) {
        Ok(outputs) => Ok(outputs
            .into_iter()
            .map(|output| output.embedding().unwrap()[0])
            .collect()),
        Err(error) => Err(error.to_string()),
    }
}

/// An answer with these embeddings, out of order.
fn embeddings(vectors: &[&str]) -> String {
    let items = vectors.iter().enumerate().rev();
    let items: Vec<_> = items
        .map(|(index, vector)| format!("{{\"index\":{index},\"embedding\":{vector}}}"))
        .collect();
    format!(
        "{{\"data\":[{}],\"usage\":{{\"prompt_tokens\":2}}}}",
        items.join(",")
    )
}

fn fine() -> Turn {
    vec![answer("200 OK", JSON, embeddings(&["[3,4]", "[-4,3]"]))]
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Turn {
    vec![answer("200 OK", JSON, body)]
}

fn with(status: &str, headers: &str, body: &str) -> Turn {
    vec![answer(status, headers, body)]
}

fn cut(length: usize, body: &str, end: Act) -> Turn {
    let start = head("200 OK", &format!("{JSON}Content-Length: {length}\r\n"));
    vec![Act::Send(start), Act::Send(body.into()), end]
}

fn raw(bytes: &str, end: Act) -> Turn {
    vec![Act::Send(bytes.into()), end]
}

/// Two texts are embedded by a server that takes these turns: it must be asked `n` times, and the
/// failure must hold this text; none if it is empty.
fn check(what: &str, turns: Vec<Turn>, n: usize, expected: &str) {
    let server = Unruly::new(turns);
    let got = embed(settings(&server.url()), &["a", "b"]);
    match &got {
        Ok(firsts) => {
            assert_eq!(expected, "", "{what}");
            assert_eq!(firsts, &[0.6, -0.8], "{what}");
        }
        Err(error) => {
            assert!(
                !expected.is_empty() && error.contains(expected),
                "{what}: {error}"
            );
            assert!(!error.contains("secret"), "{what}: {error}");
        }
    }
    assert_eq!(server.asked().len(), n, "{what}: {got:?}");
}

/// One line a case: what goes wrong, the turns of the server, how often it is asked, the reason.
macro_rules! check {
    ($($what:literal: $turns:expr => $n:literal, $expected:literal;)*) => {
        $(check($what, $turns, $n, $expected);)*
    };
}

#[test]
fn whole_answers_are_read_however_they_come() {
    let body = embeddings(&["[3,4]", "[-4,3]"]);
    check! {
        "fine": vec![fine()] => 1, "";
    }
    for n in [1, 7, 1000] {
        check! {
            "in chunks": vec![chunked("application/json", body.as_bytes(), n)] => 1, "";
        }
    }
    let start = Act::Send(head("200 OK", "Connection: close\r\n"));
    check! {
        "without length": vec![vec![start, Act::Send(body.clone().into()), Act::Close]] => 1, "";
    }
    let slow = [vec![Act::Pause(30)], fine()].concat();
    check! {
        "slow, not too slow": vec![slow] => 1, "";
    }
    let unordered = body.replace("\"index\":1,", "").replace("\"index\":0,", "");
    let swapped = unordered
        .replace("[3,4]", "x")
        .replace("[-4,3]", "[3,4]")
        .replace('x', "[-4,3]");
    check! {
        "without indexes, in order": vec![ok(swapped)] => 1, "";
    }
    let padded = format!("\n\t{body}\n");
    check! {
        "with space around": vec![ok(padded)] => 1, "";
    }
}

#[test]
fn slow_and_broken_connections_are_told_apart() {
    let body = embeddings(&["[3,4]", "[-4,3]"]);
    let half = &body[..body.len() / 2];
    let silent = vec![Act::Hold];
    check! {
        "no headers": vec![silent.clone()] => 3, "no answer began within 300ms";
        "no headers, then fine": vec![silent, fine()] => 2, "";
        "half of the headers": vec![raw("HTTP/1.1 200 OK\r\nConte", Act::Hold)] => 3, "no answer began";
        "silence in the middle": vec![cut(body.len(), half, Act::Hold)] => 3, "no more of the answer came within 300ms";
        "silence, then fine": vec![cut(body.len(), half, Act::Hold), fine()] => 2, "";
        "cut off": vec![cut(body.len(), half, Act::Close)] => 3, "cut off after";
        "cut off, then fine": vec![cut(body.len(), half, Act::Close), fine()] => 2, "";
        "length too long": vec![cut(body.len() + 1, &body, Act::Close)] => 3, "cut off";
        "length too short": vec![cut(half.len(), &body, Act::Close)] => 3, "its JSON has no end";
    }
    let start = Act::Send(head("200 OK", "Connection: close\r\n"));
    check! {
        "no length, cut off": vec![vec![start, Act::Send(half.into()), Act::Close]] => 3, "its JSON has no end";
    }
    let chunks = head("200 OK", "Transfer-Encoding: chunked\r\n");
    let bad = |rest: &str, end| vec![Act::Send(chunks.clone()), Act::Send(rest.into()), end];
    check! {
        "no last chunk": vec![bad("3\r\n{\"d\r\n", Act::Close)] => 3, "cut off";
        "a chunk of no size": vec![bad("zz\r\n{\"d\r\n", Act::Close)] => 3, "cut off";
        "reset": vec![vec![Act::Pause(5), Act::Reset]] => 3, "cut off after 0 bytes";
        "reset, then fine": vec![vec![Act::Pause(5), Act::Reset], fine()] => 2, "";
        "half-closed": vec![vec![Act::HalfClose]] => 3, "cut off after 0 bytes";
        "closed after an answer": vec![[fine(), vec![Act::Close]].concat()] => 1, "";
    }
}

#[test]
fn refusals_and_failures_have_their_own_reasons() {
    let no = "{\"error\":{\"message\":\"sk-very-secret is no key\",\"code\":null}}";
    check! {
        "401": vec![with("401 Unauthorized", JSON, no)] => 1, "[key] is no key; set OPENAI_API_KEY";
        "403": vec![with("403 Forbidden", JSON, "{}")] => 1, "set OPENAI_API_KEY";
        "404": vec![with("404 Not Found", JSON, "{\"detail\":\"Not Found\"}")] => 1, "no model \"m\": Not Found; check OPENAI_BASE_URL";
        "400": vec![with("400 Bad Request", JSON, "{\"error\":\"too long\"}")] => 1, "(status 400): too long";
        "413": vec![with("413 Payload Too Large", "", "big")] => 1, "(status 413): big";
        "500": vec![with("500 Oh", JSON, "{\"error\":{\"message\":\"oh\"}}")] => 3, "the server failed (status 500): oh";
        "500, then fine": vec![with("500 Oh", "", ""), fine()] => 2, "";
        "503 with Retry-After": vec![with("503 Busy", "Retry-After: 0\r\n", "busy"), fine()] => 2, "";
        "501": vec![with("501 Never", "", "")] => 1, "status 501";
        "502 of a proxy": vec![with("502 Bad Gateway", "", "<html>502")] => 3, "status 502): <html>502";
        "500 without a text": vec![cut_failure()] => 3, "status 500";
        "301": vec![with("301 Moved", "Location: http://elsewhere/v1\r\n", "")] => 1, "sends us on to \"http://elsewhere/v1\"";
        "307": vec![with("307 Temporary", "Location: /v2\r\n", "")] => 1, "sends us on to \"/v2\"";
        "200 with an error": vec![ok("{\"error\":{\"message\":\"out of memory\"}}")] => 1, "reports an error in its answer: out of memory";
        "200 with an error object": vec![ok("{\"object\":\"error\",\"message\":\"no\"}")] => 1, "in its answer: no";
        "a web page": vec![with("200 OK", "Content-Type: text/html\r\n", "<!DOCTYPE html><p>Hi")] => 1, "starts with \"<!DOCTYPE html>";
        "nothing": vec![ok("")] => 1, "starts with \"\"";
        "not HTTP": vec![raw("SSH-2.0-OpenSSH_9.2\r\n", Act::Close)] => 1, "breaks the rules of HTTP";
        "endless": vec![vec![Act::Send(head("200 OK", "")), Act::Flood]] => 1, "more than 20000 bytes";
        "too large and said so": vec![cut(1 << 40, &"x".repeat(30_000), Act::Hold)] => 1, "more than 20000 bytes";
        "endless headers": vec![vec![Act::Send(b"HTTP/1.1 200 OK\r\nX: ".to_vec()), Act::Flood]] => 1, "breaks the rules of HTTP";
    }
}

fn cut_failure() -> Turn {
    vec![
        Act::Send(head("500 Oh", "Content-Length: 10\r\n")),
        Act::Send(b"x".to_vec()),
        Act::Close,
    ]
}

#[test]
fn limits_are_waited_for_where_that_helps() {
    let limit = |headers: &str| {
        with(
            "429 Too Many",
            &format!("{headers}{JSON}"),
            "{\"error\":{\"message\":\"slow down\"}}",
        )
    };
    check! {
        "429 with seconds": vec![limit("Retry-After: 0.01\r\n"), fine()] => 2, "";
    }
    let date = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    check! {
        "429 with a date": vec![limit(date), fine()] => 2, "";
        "429 with milliseconds": vec![limit("Retry-After-Ms: 7\r\n"), fine()] => 2, "";
        "429 alone": vec![limit("")] => 3, "slow down; send fewer requests a minute";
        "429 without a word": vec![with("429 Too Many", JSON, "")] => 3, "it does not say why";
    }
    // Nobody has the patience: what failed is said at once.
    check! {
        "429 for an hour": vec![limit("Retry-After: 3600\r\n")] => 1, "it answers again in 3600s";
        "429 for centuries": vec![limit("Retry-After: Tue, 31 Dec 2999 23:59:59 GMT\r\n")] => 1, "it answers again in 86400s";
    }
    let quota = "{\"error\":{\"message\":\"no credit\",\"code\":\"insufficient_quota\"}}";
    check! {
        "429 for good": vec![with("429 Too Many", JSON, quota)] => 1, "no quota left: no credit";
    }

    let last = "X-RateLimit-Remaining-Requests: 0\r\nX-RateLimit-Reset-Requests: 6m0s\r\n";
    let server = Unruly::new(vec![with("200 OK", last, &embeddings(&["[3,4]"]))]);
    let mut remote = settings(&server.url());
    (remote.inputs_per_request, remote.connections) = (1, 1);
    let error = embed(remote.clone(), &["a", "b"]).unwrap_err();
    assert!(error.contains("was not whole within 20s"), "{error}");
    assert_eq!(
        server.asked().len(),
        1,
        "nothing is sent while nothing is allowed"
    );

    let server = Unruly::new(vec![ok(embeddings(&["[3,4]"]))]);
    let mut remote = settings(&server.url());
    remote.per_minute.requests = 2;
    (remote.inputs_per_request, remote.connections) = (1, 1);
    let error = embed(remote, &["a", "b", "c"]).unwrap_err();
    assert!(error.contains("was not whole within 20s"), "{error}");
    assert_eq!(server.asked().len(), 2, "our own limit holds, too");
}

#[test]
fn replicas_of_one_model_keep_to_its_limits_together() {
    let server = Unruly::new(vec![ok(embeddings(&["[3,4]"]))]);
    let mut remote = settings(&server.url());
    remote.per_minute.requests = 1;
    let model = Model::remote(remote, "m");
    let text = [Input::from("a")];
    let answered: Vec<bool> = (0..2)
        .map(|_| model.backend().unwrap())
        .map(|mut replica| replica.answer_inputs(&Ask::Embed, &text).is_ok())
        .collect();
    assert_eq!(answered, [true, false]);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn embeddings_that_are_none_are_refused() {
    for (what, body, expected) in [
        (
            "too few",
            embeddings(&["[3,4]"]),
            "gave 1 embeddings for 2 inputs",
        ),
        (
            "too many",
            embeddings(&["[3,4]", "[1]", "[1]"]),
            "gave 3 embeddings for 2",
        ),
        (
            "other lengths",
            embeddings(&["[3,4]", "[1,2,3]"]),
            "instead of",
        ),
        ("empty", embeddings(&["[]", "[]"]), "has 0 numbers"),
        ("NaN", embeddings(&["[3,4]", "[NaN,1]"]), "malformed"),
        (
            "null",
            embeddings(&["[3,4]", "[null,1]"]),
            "embedding 1 of the answer holds NaN",
        ),
        (
            "out of range",
            embeddings(&["[3,4]", "[1e999,1]"]),
            "malformed",
        ),
        (
            "nearly out of range",
            embeddings(&["[3,4]", "[1e300,1]"]),
            "embedding 1 of the answer",
        ),
        ("text", embeddings(&["[3,4]", "\"AAAA\""]), "malformed"),
        (
            "twice",
            embeddings(&["[3,4]", "[1,2]"]).replace(":1,", ":0,"),
            "index 0 is there twice",
        ),
        (
            "beyond",
            embeddings(&["[3,4]", "[1,2]"]).replace(":1,", ":9,"),
            "index 9 is there twice or too large",
        ),
        (
            "no data",
            String::from("{\"object\":\"list\"}"),
            "missing field `data`",
        ),
        ("half a text", String::from("{\"data\":[}"), "malformed"),
    ] {
        check(what, vec![ok(body)], 1, expected);
    }
    check! {
        "no UTF-8": vec![ok(b"{\"data\":\"\xff\"}")] => 1, "malformed";
    }
}

#[test]
fn the_length_of_vectors_is_held_to_over_all_of_a_models_life() {
    let server = Unruly::new(vec![
        ok(embeddings(&["[3,4]"])),
        ok(embeddings(&["[1,2,3]"])),
    ]);
    let mut backend: Box<dyn Backend> = Box::new(OpenAi::new(settings(&server.url()), "m"));
    let text = [Input::from("a")];
    backend.answer_inputs(&Ask::Embed, &text).unwrap();
    let error = backend
        .answer_inputs(&Ask::Embed, &text)
        .unwrap_err()
        .to_string();
    assert!(error.contains("has 3 numbers instead of 2"), "{error}");
}

#[test]
fn nobody_there_and_no_encryption_are_said_plainly() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = embed(settings(&format!("http://{gone}/v1")), &["a"]).unwrap_err();
    assert!(
        error.contains("nobody answers at") && error.contains("OPENAI_BASE_URL"),
        "{error}"
    );
    let server = Unruly::new(vec![raw("HTTP/1.1 400 Bad Request\r\n\r\n", Act::Close)]);
    let error = embed(
        settings(&format!("https://{}/v1", server.address())),
        &["a"],
    )
    .unwrap_err();
    assert!(error.contains("no encrypted connection"), "{error}");
    let mut impatient = settings("http://localhost:1/v1");
    impatient.most_request_bytes = 100;
    let error = embed(impatient, &["a".repeat(100).as_str()]).unwrap_err();
    assert!(
        error.contains("a request may have 100; split it"),
        "{error}"
    );
}

#[test]
fn a_batch_goes_in_parallel_and_keeps_its_order() {
    // No answer comes before three questions are there, and each is another one.
    let together = Arc::new(Barrier::new(3));
    let body = |asked: &str| embeddings(&[asked]);
    let turn = |vector: &str| {
        vec![
            Act::Meet(Arc::clone(&together)),
            answer("200 OK", JSON, body(vector)),
        ]
    };
    let server = Unruly::new(vec![
        turn("[1,0]"),
        turn("[1,0]"),
        turn("[1,0]"),
        turn("[1,0]"),
        turn("[1,0]"),
        turn("[1,0]"),
    ]);
    let mut remote = settings(&server.url());
    remote.patience.first_byte = Duration::from_secs(10);
    (remote.connections, remote.inputs_per_request) = (3, 2);
    // Each question has two texts, and one embedding comes: refused, but only by its count.
    let error = embed(remote.clone(), &["a"; 6]).unwrap_err();
    assert!(error.contains("gave 1 embeddings for 2"), "{error}");
    remote.inputs_per_request = 1;
    assert_eq!(embed(remote, &["a", "b", "c"]).unwrap(), [1.0; 3]);
    let asked: Vec<Value> = server
        .asked()
        .iter()
        .map(crate::unruly::Asked::json)
        .collect();
    assert_eq!(asked[0]["input"], json!(["a", "a"]));
    let mut alone: Vec<_> = asked[3..]
        .iter()
        .map(|body| body["input"].clone())
        .collect();
    alone.sort_by_key(Value::to_string);
    assert_eq!(alone, [json!(["a"]), json!(["b"]), json!(["c"])]);
    assert!(
        server.asked()[0]
            .head
            .contains("POST /v1/embeddings HTTP/1.1")
    );
    assert!(
        server.asked()[0]
            .head
            .to_lowercase()
            .contains("authorization: bearer sk-very-secret")
    );
}
