//! Models are swapped, added, taken away and killed under load, and every request ends exactly once.
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

use fake::{counted, make, numbers, reply, setup, until};
use inference::{
    Answer, Arrival, Ask, BackendError, CancelFlag, Change, Input, Output, Port, PortOptions,
    Refused, ReplicaState, Request, RequestError,
};

fn to_model(key: u64, model: &str, text: &str) -> Request {
    Request {
        model: model.to_owned(),
        ..Request::embed(key, [text])
    }
}

fn port(n: u32, options: PortOptions) -> Port {
    let setups = (0..n).map(|nth| setup(&format!("fake {nth}"), make(1, 0)));
    Port::open(setups.collect(), options).unwrap()
}

/// Waits until all replicas have a model.
fn until_ready(port: &Port) {
    while port
        .replicas()
        .any(|(_, state)| state == ReplicaState::Starting)
    {
        std::thread::yield_now();
    }
}

#[test]
fn a_thousand_swaps_under_load_lose_no_request() {
    let port = port(2, PortOptions::default());
    until_ready(&port);
    let (mut sent, mut open) = (0u64, BTreeMap::new());
    // Each replica swaps again as soon as it has swapped.
    let (mut asked, mut done) = (0u32, 0u32);
    while done < 1000 || !open.is_empty() {
        while done < 1000 && open.len() < 64 {
            let text = "x".repeat(sent as usize % 50);
            let request = to_model(sent, "fake", &text);
            match sent % 3 {
                0 => port.submit(sent as usize % 2, request).unwrap(),
                _ => port.submit_to_model(request).unwrap(),
            }
            open.insert(sent, text.len());
            sent += 1;
        }
        while asked < 1000 && asked < done + 2 {
            port.swap((asked % 2) as usize, make(2 + asked, 0)).unwrap();
            asked += 1;
        }
        match port.next_timeout(fake::PATIENCE).expect("something comes") {
            Arrival::Reply(reply) => {
                let length = open.remove(&reply.key).expect("ends exactly once");
                check_answer(&reply.result.expect("no request is lost"), length);
            }
            Arrival::Change(change) => match change.change {
                Change::Swapped { .. } => done += 1,
                // Both went to one replica, and the later came first.
                Change::SwapFailed { reason } if reason.contains("later") => done += 1,
                Change::Ready { .. } => {}
                other => panic!("{other:?}"),
            },
            Arrival::Piece(piece) => panic!("{piece:?}"),
        }
    }
    assert!(sent >= 1000, "only {sent} requests were sent");
    assert_eq!((port.n_on_their_way(), port.try_recv()), (0, None));
}

/// The version that says it answered is the one that did.
fn check_answer(answer: &Answer, length: usize) {
    let [Output::Embedding(vector)] = &answer.outputs[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(vector[1] as usize, length);
    assert_eq!(answer.version, format!("fake@{}", vector[0]));
}

#[test]
fn a_hundred_deaths_under_load_end_every_request_once() {
    let made = Arc::new(AtomicU32::new(0));
    let setups = (0..2).map(|nth| setup(&format!("fake {nth}"), counted(1, &made)));
    let options = PortOptions {
        max_restarts: 200,
        restart_pause: Duration::ZERO,
        max_batch_tokens: 64,
        ..PortOptions::default()
    };
    let port = Port::open(setups.collect(), options).unwrap();
    let (mut sent, mut deaths, mut open) = (0u64, 0, BTreeMap::new());
    let (mut answered, mut failed) = (0, 0);
    while deaths < 100 || !open.is_empty() {
        while deaths < 100 && open.len() < 32 {
            let deadly = sent % 10 == 7;
            let request = to_model(sent, "fake", if deadly { "panic" } else { "fine" });
            match sent % 2 {
                0 => port.submit((sent / 2) as usize % 2, request).unwrap(),
                _ => port.submit_to_model(request).unwrap(),
            }
            open.insert(sent, deadly);
            sent += 1;
        }
        match port.next_timeout(fake::PATIENCE).expect("something comes") {
            Arrival::Reply(reply) => {
                let deadly = open.remove(&reply.key).expect("ends exactly once");
                match reply.result {
                    Ok(_) if !deadly => answered += 1,
                    Err(RequestError::Panicked { .. }) => failed += 1,
                    other => panic!("{other:?}"),
                }
            }
            Arrival::Change(change) => {
                deaths += u32::from(matches!(change.change, Change::Restarting { .. }));
            }
            Arrival::Piece(piece) => panic!("{piece:?}"),
        }
    }
    assert_eq!(answered + failed, sent);
    assert!(answered > 0 && failed >= 100, "{answered} and {failed}");
    assert!(made.load(Ordering::SeqCst) >= 100);
    assert_eq!((port.n_on_their_way(), port.try_recv()), (0, None));
}

#[test]
fn a_model_that_cannot_be_made_leaves_the_present_one_in_place() {
    let port = port(1, PortOptions::default());
    until_ready(&port);
    let why = BackendError::Tokens(String::from("half of it is missing"));
    port.swap(0, Arc::new(move || Err(why.clone()))).unwrap();
    until(
        &port,
        |change| matches!(change, Change::SwapFailed { reason } if reason.contains("half")),
    );
    port.swap(0, Arc::new(|| panic!("asked to panic"))).unwrap();
    until(
        &port,
        |change| matches!(change, Change::SwapFailed { reason } if reason.contains("panic")),
    );
    port.submit(0, to_model(1, "", "x")).unwrap();
    assert_eq!(numbers(&reply(&port)), [1]);
    assert!(port.swap(1, make(2, 0)).is_err());
}

#[test]
fn a_model_that_hangs_while_it_is_made_is_given_up() {
    let options = PortOptions {
        load_limit: Duration::from_millis(50),
        ..PortOptions::default()
    };
    let port = port(1, options);
    until_ready(&port);
    let slow = || {
        std::thread::sleep(Duration::from_millis(400));
        Ok(Box::new(fake::Fake::new(2, 0)) as Box<dyn inference::Backend>)
    };
    port.swap(0, Arc::new(slow)).unwrap();
    until(
        &port,
        |change| matches!(change, Change::SwapFailed { reason } if reason.contains("hung")),
    );
    port.submit(0, to_model(1, "", "x")).unwrap();
    assert_eq!(numbers(&reply(&port)), [1]);
}

#[test]
fn the_candidate_gets_its_share_and_a_rollback_takes_it_back() {
    let setups = vec![setup("old", make(1, 0)), setup("new", make(2, 0))];
    let port = Port::open(setups, PortOptions::default()).unwrap();
    until_ready(&port);
    let count = |from: u64| {
        for key in from..from + 400 {
            port.submit_to_model(to_model(key, "fake", "x")).unwrap();
        }
        let mut n = [0, 0];
        for _ in 0..400 {
            n[numbers(&reply(&port))[0] as usize - 1] += 1;
        }
        n
    };
    port.set_stable("fake@1");
    assert_eq!(count(0), [400, 0]);
    port.set_candidate("fake@2", 0.25);
    let [stable, candidate] = count(0);
    assert!((70..=130).contains(&candidate), "{stable} and {candidate}");
    assert_eq!(
        count(0),
        [stable, candidate],
        "the same keys, the same share"
    );
    for (model, number) in [
        ("fake@candidate", 2),
        ("fake@stable", 1),
        ("fake@2", 2),
        ("fake@1", 1),
    ] {
        port.submit_to_model(to_model(1, model, "x")).unwrap();
        assert_eq!(numbers(&reply(&port)), [number], "{model}");
    }
    assert_eq!(port.promote("fake").as_deref(), Some("fake@2"));
    assert_eq!(count(0), [0, 400]);
    assert_eq!(
        port.roll_back("fake").unwrap(),
        (Some(String::from("fake@1")), 0)
    );
    assert_eq!(count(0), [400, 0]);
    for model in ["", "other", "fake@9"] {
        let refused = port.submit_to_model(to_model(1, model, "x")).unwrap_err();
        assert!(
            matches!(refused, Refused::UnknownModel { .. }),
            "{model:?}: {refused}"
        );
    }
}

#[test]
fn a_rollback_gives_replicas_their_model_back() {
    let port = port(2, PortOptions::default());
    until_ready(&port);
    port.set_stable("fake@1");
    for replica in 0..2 {
        port.swap(replica, make(2, 0)).unwrap();
        until(&port, |change| matches!(change, Change::Swapped { .. }));
    }
    port.set_stable("fake@2");
    let (stable, n) = port.roll_back("fake").unwrap();
    assert_eq!((stable.as_deref(), n), (Some("fake@1"), 2));
    for _ in 0..2 {
        until(
            &port,
            |change| matches!(change, Change::Swapped { to, .. } if to == "fake@1"),
        );
    }
    port.submit_to_model(to_model(1, "fake", "x")).unwrap();
    assert_eq!(numbers(&reply(&port)), [1]);
}

#[test]
fn a_replica_that_is_taken_away_serves_what_was_sent_to_it() {
    let port = port(2, PortOptions::default());
    until_ready(&port);
    for key in 0..50 {
        port.submit(1, to_model(key, "", "x")).unwrap();
    }
    port.remove(1);
    let refused = port.submit(1, to_model(99, "", "x")).unwrap_err();
    assert_eq!(refused, Refused::ReplicaGone { replica: 1 });
    let mut replies = until(&port, |change| *change == Change::Removed);
    while port.n_on_their_way() > 0 {
        replies.push(reply(&port));
    }
    assert_eq!(replies.len(), 50);
    assert!(replies.iter().all(|reply| reply.result.is_ok()));
    let added = port.add(setup("third", make(3, 0))).unwrap();
    assert_eq!(added, 2);
    port.submit(2, to_model(1, "", "x")).unwrap();
    assert_eq!(numbers(&reply(&port)), [3]);
}

#[test]
fn what_hangs_is_given_up_and_a_new_thread_takes_over() {
    let options = PortOptions {
        pass_limit: Duration::from_millis(50),
        most_at_once: 1,
        ..PortOptions::default()
    };
    let port = port(1, options);
    for (key, text) in ["hang", "hang while encoding"].into_iter().enumerate() {
        port.submit(0, to_model(key as u64, "", text)).unwrap();
        let limit = options.pass_limit;
        assert_eq!(reply(&port).result, Err(RequestError::Hung { limit }));
        port.submit(0, to_model(9, "", "fine")).unwrap();
        assert_eq!(numbers(&reply(&port)), [1]);
    }
    assert_eq!((port.n_on_their_way(), port.load().tokens), (0, 0));
}

#[test]
fn a_killed_replica_ends_its_requests_and_can_get_a_model_again() {
    let port = port(1, PortOptions::default());
    until_ready(&port);
    port.submit(0, to_model(1, "", "hang")).unwrap();
    while port.load().encoding + port.load().waiting > 0 {
        std::thread::yield_now();
    }
    // Either it has begun, or it ends before it begins.
    port.kill(0);
    assert_eq!(reply(&port).result, Err(RequestError::Killed));
    port.submit(0, to_model(2, "", "x")).unwrap();
    let error = reply(&port).result.unwrap_err().to_string();
    assert!(error.ends_with("killed"), "{error}");
    port.swap(0, make(2, 0)).unwrap();
    until(&port, |change| matches!(change, Change::Swapped { .. }));
    port.submit(0, to_model(3, "", "x")).unwrap();
    assert_eq!(numbers(&reply(&port)), [2]);
}

#[test]
fn a_pass_that_needs_too_much_memory_is_split_or_refused() {
    let options = PortOptions {
        pass_bytes: 10,
        ..PortOptions::default()
    };
    let port = port(1, options);
    let texts = vec!["12345"; 9];
    port.submit(0, Request::embed(1, texts)).unwrap();
    assert_eq!(numbers(&reply(&port)).len(), 9);
    port.submit(0, Request::embed(2, ["fine", "much too long"]))
        .unwrap();
    let needs = "much too long".len() as u64 + 1;
    assert_eq!(
        reply(&port).result,
        Err(RequestError::TooMuchMemory { needs, most: 10 })
    );
}

/// A small generator of numbers, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn random_request(key: u64, dice: &mut Dice, cancelled: &CancelFlag) -> Request {
    const TEXTS: [&str; 12] = [
        "fine",
        "fine",
        "x",
        "a longer text",
        "",
        "fine",
        "panic",
        "nan",
        "refuse",
        "forget",
        "unreadable",
        "fine",
    ];
    let inputs = (0..dice.roll(4))
        .map(|_| Input::from(TEXTS[dice.roll(12) as usize]))
        .collect();
    let ask = match dice.roll(3) {
        0 => Ask::Generate(inference::GenerateOptions::default()),
        _ => Ask::Embed,
    };
    #[expect(clippy::disallowed_methods, reason = "expiry is wall time")]
    let expires = (dice.roll(4) == 0)
        .then(|| std::time::Instant::now() + Duration::from_micros(dice.roll(2000)));
    Request {
        model: String::from(["fake", "fake@stable", "fake@candidate"][dice.roll(3) as usize]),
        priority: dice.roll(3) as u8,
        tenant: dice.roll(3) as u32,
        expires,
        cancelled: cancelled.clone(),
        stream: dice.roll(2) == 0,
        ..Request::new(key, ask, inputs)
    }
}

fn shake(port: &Port, dice: &mut Dice, n: u32) {
    let replica = dice.roll(3) as usize;
    match dice.roll(8) {
        0 => port.kill(replica),
        1 => port.roll_back("fake").map(drop).unwrap(),
        2 => port.set_candidate(&format!("fake@{n}"), 0.5),
        3 => port.promote("fake").map_or((), drop),
        _ => port.swap(replica, make(n, (n % 3) as usize)).unwrap(),
    }
}

/// Every request ends exactly once, whatever happens.
fn check_chaos(seed: u64) {
    let options = PortOptions {
        queue_len: 40,
        max_batch_tokens: 20,
        max_restarts: 2,
        restart_pause: Duration::ZERO,
        tokenisers: 1 + (seed % 2) as usize,
        most_at_once: 1 + (seed % 3) as usize,
        batch_delay: Duration::from_micros(seed % 2 * 200),
        ageing: Duration::from_millis(1),
        ..PortOptions::default()
    };
    let port = port(3, options);
    let mut dice = Dice(seed);
    let (mut open, mut refused) = (BTreeMap::new(), 0);
    for key in 0..400 {
        let cancelled = CancelFlag::default();
        let request = random_request(key, &mut dice, &cancelled);
        let sent = match dice.roll(2) {
            0 => port.submit(dice.roll(3) as usize, request),
            _ => port.submit_to_model(request),
        };
        match sent {
            Ok(()) => drop(open.insert(key, cancelled)),
            Err(_) => refused += 1,
        }
        if dice.roll(10) == 0
            && let Some((_, flag)) = open.first_key_value()
        {
            flag.cancel();
        }
        if dice.roll(20) == 0 {
            shake(&port, &mut dice, 2 + key as u32);
        }
        while let Some(reply) = port.try_recv() {
            assert!(open.remove(&reply.key).is_some(), "{reply:?} ends twice");
            assert_ne!(reply.result, Err(RequestError::Lost));
        }
    }
    while !open.is_empty() {
        let reply = reply(&port);
        assert!(open.remove(&reply.key).is_some(), "{reply:?} ends twice");
        assert_ne!(reply.result, Err(RequestError::Lost));
    }
    let load = port.load();
    assert_eq!((load.requests, load.bytes, load.tokens), (0, 0, 0));
    assert!(refused < 400);
}

#[test]
fn every_request_ends_exactly_once_in_chaos() {
    for seed in 0..40 {
        check_chaos(seed);
    }
}
