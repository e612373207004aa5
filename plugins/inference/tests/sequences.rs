//! Sequences are generated side by side: they join between steps, stream, and end for every reason.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod fake;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fake::{Fake, make, numbers, reply, setup, until};
use inference::{
    Arrival, Ask, CancelFlag, Change, GenerateOptions, Input, MakeBackend, Output, Piece, Port,
    PortOptions, Request, RequestError,
};

fn generate(key: u64, texts: &[&str]) -> Request {
    let inputs = texts.iter().map(|&text| Input::from(text)).collect();
    Request::new(key, Ask::Generate(GenerateOptions::default()), inputs)
}

fn port(most: usize, options: PortOptions) -> Port {
    Port::open(vec![setup("fake", make(1, most))], options).unwrap()
}

fn text_of(output: &Output) -> &str {
    match output {
        Output::Text(text) => &text.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_requests_than_places_all_end_and_share_steps() {
    let port = port(3, PortOptions::default());
    let texts = ["a", "bcd", "", "efghijkl", "mn"];
    // One goes on as long as the others come, however slowly.
    let cancelled = CancelFlag::default();
    let endless = Request {
        cancelled: cancelled.clone(),
        ..generate(200, &["endless"])
    };
    port.submit(0, endless).unwrap();
    for key in 0..20 {
        port.submit(0, generate(key, &texts)).unwrap();
        port.submit(0, Request::embed(100 + key, ["between steps"]))
            .unwrap();
    }
    for _ in 0..40 {
        let reply = reply(&port);
        let answer = reply.result.unwrap();
        if reply.key < 100 {
            let got: Vec<_> = answer.outputs.iter().map(text_of).collect();
            assert_eq!(got, texts);
            assert!(reply.batched_with > 0);
        }
    }
    cancelled.cancel();
    assert_eq!(reply(&port).result, Err(RequestError::Cancelled));
}

#[test]
fn pieces_come_in_order_and_before_the_reply() {
    let port = port(2, PortOptions::default());
    let stream = |key, text| Request {
        stream: true,
        ..generate(key, &[text])
    };
    port.submit(0, stream(1, "hello")).unwrap();
    port.submit(0, stream(2, "you")).unwrap();
    port.submit(0, generate(3, &["quiet"])).unwrap();
    let mut texts: BTreeMap<u64, String> = BTreeMap::new();
    let mut n_replies = 0;
    while n_replies < 3 {
        match port.next_timeout(fake::PATIENCE).unwrap() {
            Arrival::Piece(Piece { key, input, text }) => {
                assert_eq!(input, 0);
                *texts.entry(key).or_default() += &text;
            }
            Arrival::Reply(reply) => {
                n_replies += 1;
                let answer = reply.result.unwrap();
                let pieces = texts.remove(&reply.key).unwrap_or_default();
                let expected = if reply.key == 3 {
                    ""
                } else {
                    text_of(&answer.outputs[0])
                };
                assert_eq!(pieces, expected);
            }
            Arrival::Change(_) => {}
        }
    }
    assert_eq!(texts, BTreeMap::new());
}

#[test]
fn cancelled_and_expired_sequences_end_between_steps() {
    let port = port(2, PortOptions::default());
    let cancelled = CancelFlag::default();
    let request = Request {
        cancelled: cancelled.clone(),
        stream: true,
        ..generate(1, &["endless"])
    };
    port.submit(0, request).unwrap();
    // It is under way once a piece has come.
    while !matches!(
        port.next_timeout(fake::PATIENCE).unwrap(),
        Arrival::Piece(_)
    ) {}
    cancelled.cancel();
    assert_eq!(reply(&port).result, Err(RequestError::Cancelled));
    #[expect(clippy::disallowed_methods, reason = "expiry is wall time")]
    let soon = std::time::Instant::now() + Duration::from_millis(20);
    let request = Request {
        expires: Some(soon),
        ..generate(2, &["endless", "fine"])
    };
    port.submit(0, request).unwrap();
    assert_eq!(reply(&port).result, Err(RequestError::Expired));
    port.submit(0, generate(3, &["fine"])).unwrap();
    assert_eq!(numbers(&reply(&port)), [1]);
}

#[test]
fn failures_end_what_is_under_way_and_nothing_else() {
    let patient = PortOptions::default();
    let strict = PortOptions {
        pass_limit: Duration::from_millis(100),
        ..patient
    };
    for (text, options, expected) in [
        ("panic", patient, "panicked"),
        ("hang", strict, "hung"),
        ("refuse", patient, "asked to refuse"),
    ] {
        let port = port(2, options);
        port.submit(0, generate(1, &[text])).unwrap();
        let error = reply(&port).result.unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        port.submit(0, generate(2, &["fine"])).unwrap();
        assert_eq!(text_of(&reply(&port).result.unwrap().outputs[0]), "fine");
    }
}

/// The next model may have other tokens, and may generate nothing side by side.
#[test]
fn what_had_not_begun_when_a_model_was_lost_is_answered_by_the_next() {
    let made = AtomicU32::new(0);
    let make: MakeBackend = Arc::new(move || {
        let nth = made.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Fake::new(1 + nth, usize::from(nth == 0))))
    });
    let options = PortOptions {
        // Both are taken at once.
        batch_delay: Duration::from_millis(100),
        restart_pause: Duration::ZERO,
        ..PortOptions::default()
    };
    let port = Port::open(vec![setup("fake", make)], options).unwrap();
    until(&port, |change| matches!(change, Change::Ready { .. }));
    port.submit(0, Request::embed(1, ["panic"])).unwrap();
    port.submit(0, generate(2, &["abc"])).unwrap();
    // What asks for nothing is settled before anything is lost.
    port.submit(0, generate(3, &[])).unwrap();
    let replies: BTreeMap<_, _> = (0..3)
        .map(|_| reply(&port))
        .map(|it| (it.key, it))
        .collect();
    assert!(matches!(
        replies[&1].result,
        Err(RequestError::Panicked { .. })
    ));
    let answer = replies[&2].result.as_ref().unwrap();
    assert_eq!(answer.version, "fake@2");
    assert_eq!(answer.outputs, [Output::Embedding(vec![2.0, 3.0])]);
    assert_eq!(replies[&3].result.as_ref().unwrap().outputs, []);
}

#[test]
fn a_swap_waits_for_what_is_under_way() {
    let port = port(2, PortOptions::default());
    let cancelled = CancelFlag::default();
    let request = Request {
        cancelled: cancelled.clone(),
        stream: true,
        ..generate(1, &["endless"])
    };
    port.submit(0, request).unwrap();
    while !matches!(
        port.next_timeout(fake::PATIENCE).unwrap(),
        Arrival::Piece(_)
    ) {}
    port.swap(0, make(2, 2)).unwrap();
    port.submit(0, generate(2, &["waits for the new model"]))
        .unwrap();
    cancelled.cancel();
    let replies = until(&port, |change| matches!(change, Change::Swapped { .. }));
    assert!(
        replies
            .iter()
            .filter(|reply| reply.key == 1)
            .all(|reply| reply.result == Err(RequestError::Cancelled))
    );
    // The second request may have begun before the swap was ready; it never mixes models.
    let late = replies
        .into_iter()
        .chain(std::iter::from_fn(|| Some(reply(&port))))
        .find(|reply| reply.key == 2);
    assert!(matches!(numbers(&late.unwrap())[..], [1 | 2]));
}
