//! The port keeps its word: one reply a request, the right order, and no failure that reaches the app.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use inference::{
    Ask, Backend, BackendError, CancelFlag, Encoded, Encoder, Input, Output, Port, PortOptions,
    Refused, ReplicaSetup, ReplicaState, Reply, Request, RequestError, Skill,
};

/// Long enough for any machine; no test waits so long unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers with the length of each input; tells of each pass and may be held inside one.
struct Echo {
    passes: Sender<Vec<String>>,
    gate: Option<Receiver<()>>,
}

impl Backend for Echo {
    fn version(&self) -> &str {
        "echo@1"
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed]
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|_, input| {
            let Input::Text(text) = input else {
                panic!("only texts are sent")
            };
            assert!(text != "unreadable", "asked to panic while encoding");
            Ok(Encoded::Text(text.clone()))
        })
    }

    fn answer(&mut self, _ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let inputs: Vec<&str> = inputs.iter().map(|input| text(input)).collect();
        self.passes
            .send(inputs.iter().map(|&input| input.to_owned()).collect())
            .unwrap();
        if let Some(gate) = &self.gate
            && inputs.contains(&"hold")
        {
            // A gate that is gone is open.
            gate.recv().unwrap_or_default();
        }
        assert!(!inputs.contains(&"panic"), "asked to panic");
        if inputs.contains(&"refuse") {
            return Err(BackendError::Tokens(String::from("asked to refuse")));
        }
        let outputs = inputs.iter().map(|&input| match input {
            "nan" => Output::Embedding(vec![1.0, f32::NAN]),
            _ => Output::Embedding(vec![input.len() as f32]),
        });
        Ok(outputs
            .skip(usize::from(inputs.contains(&"forget")))
            .collect())
    }
}

fn text(input: &Encoded) -> &str {
    match input {
        Encoded::Text(text) => text,
        _ => panic!("only texts are encoded"),
    }
}

struct Bench {
    port: Port,
    passes: Receiver<Vec<String>>,
    gate: Sender<()>,
    made: Arc<AtomicU32>,
}

fn bench(n_replicas: usize, options: PortOptions) -> Bench {
    let (pass_sender, passes) = unbounded();
    let (gate, gate_receiver) = unbounded();
    let made = Arc::new(AtomicU32::new(0));
    let setups = (0..n_replicas)
        .map(|nth| {
            let (passes, gate, made) = (
                pass_sender.clone(),
                gate_receiver.clone(),
                Arc::clone(&made),
            );
            ReplicaSetup {
                name: format!("echo {nth}"),
                make: Arc::new(move || {
                    made.fetch_add(1, Ordering::SeqCst);
                    Ok(Box::new(Echo {
                        passes: passes.clone(),
                        gate: Some(gate.clone()),
                    }))
                }),
            }
        })
        .collect();
    Bench {
        port: Port::open(setups, options).unwrap(),
        passes,
        gate,
        made,
    }
}

fn request(key: u64, inputs: &[&str]) -> Request {
    Request::embed(key, inputs.iter().copied())
}

fn receive(port: &Port, n: usize) -> Vec<Reply> {
    (0..n)
        .map(|_| port.recv_timeout(PATIENCE).expect("a reply comes"))
        .collect()
}

/// Waits until everything that was sent has been encoded.
fn until_encoded(port: &Port) {
    while port.load().encoding > 0 {
        std::thread::yield_now();
    }
}

/// Sends a request that holds the worker, and waits until it does.
fn hold(bench: &Bench) {
    bench.port.submit(0, request(0, &["hold"])).unwrap();
    assert_eq!(bench.passes.recv_timeout(PATIENCE).unwrap(), ["hold"]);
}

#[test]
fn every_request_gets_one_reply_with_outputs_in_input_order() {
    let bench = bench(
        3,
        PortOptions {
            max_batch_tokens: 64,
            ..PortOptions::default()
        },
    );
    let mut state = 1u32;
    let mut random = move |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % n
    };
    let mut sent = BTreeMap::new();
    for key in 0..300 {
        let inputs: Vec<String> = (0..random(6))
            .map(|_| vec!["w"; 1 + random(90) as usize].join(" ") + &"x".repeat(random(9) as usize))
            .collect();
        let mut request = Request::embed(key, inputs.clone());
        request.priority = random(3) as u8;
        bench.port.submit(random(3) as usize, request).unwrap();
        sent.insert(key, inputs);
    }
    for reply in receive(&bench.port, 300) {
        let inputs = sent.remove(&reply.key).expect("one reply for each key");
        let answer = reply.result.unwrap();
        let lengths: Vec<_> = inputs
            .iter()
            .map(|input| Output::Embedding(vec![input.len() as f32]))
            .collect();
        assert_eq!(answer.outputs, lengths);
        assert_eq!(answer.version, "echo@1");
        assert_eq!(
            answer.tokens as usize,
            inputs
                .iter()
                .map(|input| input.split(' ').count())
                .sum::<usize>()
        );
        assert_eq!(reply.took.is_zero(), inputs.is_empty());
    }
    assert_eq!(
        (bench.port.try_recv(), bench.port.n_on_their_way()),
        (None, 0)
    );
    for pass in bench.passes.try_iter() {
        let tokens: usize = pass.iter().map(|input| input.split(' ').count()).sum();
        assert!(
            pass.len() == 1 || tokens <= 64,
            "{} inputs of {tokens} tokens",
            pass.len()
        );
    }
}

#[test]
fn higher_priority_goes_first_and_equals_in_their_order() {
    let bench = bench(
        1,
        PortOptions {
            max_batch_tokens: 1,
            ..PortOptions::default()
        },
    );
    hold(&bench);
    for (key, priority) in [(1, 0), (2, 5), (3, 0), (4, 9), (5, 5)] {
        bench
            .port
            .submit(
                0,
                Request {
                    priority,
                    ..request(key, &["one"])
                },
            )
            .unwrap();
    }
    until_encoded(&bench.port);
    bench.gate.send(()).unwrap();
    let keys: Vec<_> = receive(&bench.port, 6)
        .iter()
        .map(|reply| reply.key)
        .collect();
    assert_eq!(keys, [0, 4, 2, 5, 1, 3]);
}

#[test]
fn what_waits_is_batched_by_length_under_the_budget() {
    let bench = bench(1, PortOptions::default());
    bench.port.set_max_batch_tokens(0, 6);
    hold(&bench);
    bench.port.submit(0, request(1, &["a b c", "a"])).unwrap();
    bench.port.submit(0, request(2, &["b"])).unwrap();
    let long = request(3, &["too long for this round already"]);
    bench.port.submit(0, long).unwrap();
    until_encoded(&bench.port);
    bench.gate.send(()).unwrap();
    let replies = receive(&bench.port, 4);
    let passes: Vec<_> = bench.passes.try_iter().collect();
    assert_eq!(
        passes,
        [
            vec!["a", "b", "a b c"],
            vec!["too long for this round already"]
        ]
    );
    let mates: BTreeMap<_, _> = replies
        .iter()
        .map(|reply| (reply.key, reply.batched_with))
        .collect();
    assert_eq!(mates, BTreeMap::from([(0, 0), (1, 1), (2, 1), (3, 0)]));
}

#[test]
fn cancelled_and_expired_requests_are_skipped_with_a_reply() {
    let bench = bench(1, PortOptions::default());
    hold(&bench);
    let cancelled = CancelFlag::default();
    bench
        .port
        .submit(
            0,
            Request {
                cancelled: cancelled.clone(),
                ..request(1, &["one"])
            },
        )
        .unwrap();
    #[expect(clippy::disallowed_methods, reason = "expiry is wall time")]
    let now = Instant::now();
    bench
        .port
        .submit(
            0,
            Request {
                expires: Some(now),
                ..request(2, &["two"])
            },
        )
        .unwrap();
    bench
        .port
        .submit(
            0,
            Request {
                expires: Some(now + PATIENCE),
                ..request(3, &["three"])
            },
        )
        .unwrap();
    cancelled.cancel();
    until_encoded(&bench.port);
    bench.gate.send(()).unwrap();
    let results: BTreeMap<_, _> = receive(&bench.port, 4)
        .into_iter()
        .map(|reply| (reply.key, reply.result.map(drop)))
        .collect();
    assert_eq!(results[&1], Err(RequestError::Cancelled));
    assert_eq!(results[&2], Err(RequestError::Expired));
    assert_eq!(results[&3], Ok(()));
    assert_eq!(bench.passes.try_iter().collect::<Vec<_>>(), [["three"]]);
}

#[test]
fn a_failing_model_fails_its_batch_and_is_made_anew() {
    for (input, expected, anew) in [
        ("panic", "panicked", 1),
        ("unreadable", "panicked", 0),
        ("nan", "NaN or infinity", 1),
        ("forget", "gave 0 outputs for 1 inputs", 1),
        ("refuse", "asked to refuse", 0),
    ] {
        let bench = bench(1, PortOptions::default());
        bench.port.submit(0, request(1, &[input])).unwrap();
        let error = receive(&bench.port, 1)
            .remove(0)
            .result
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{input}: {error}");
        bench.port.submit(0, request(2, &["fine"])).unwrap();
        assert!(receive(&bench.port, 1)[0].result.is_ok());
        assert_eq!(bench.made.load(Ordering::SeqCst), 1 + anew, "{input}");
    }
}

#[test]
fn only_the_pass_that_failed_fails() {
    let bench = bench(
        1,
        PortOptions {
            max_batch_tokens: 3,
            ..PortOptions::default()
        },
    );
    hold(&bench);
    bench.port.submit(0, request(1, &["panic"])).unwrap();
    bench
        .port
        .submit(0, request(2, &["its two mates"]))
        .unwrap();
    until_encoded(&bench.port);
    bench.gate.send(()).unwrap();
    let fine: BTreeMap<_, _> = receive(&bench.port, 3)
        .into_iter()
        .map(|reply| (reply.key, reply.result.is_ok()))
        .collect();
    assert_eq!(fine, BTreeMap::from([(0, true), (1, false), (2, true)]));
}

#[test]
fn a_hopeless_model_ends_its_replica_and_no_other() {
    let bench = bench(
        2,
        PortOptions {
            max_restarts: 2,
            ..PortOptions::default()
        },
    );
    for key in 0..3 {
        bench.port.submit(0, request(key, &["panic"])).unwrap();
        receive(&bench.port, 1);
    }
    bench.port.submit(0, request(3, &["fine"])).unwrap();
    bench.port.submit(1, request(4, &["fine"])).unwrap();
    for reply in receive(&bench.port, 2) {
        match reply.key {
            4 => assert!(reply.result.is_ok()),
            _ => assert!(
                matches!(
                    reply.result,
                    Err(RequestError::WorkerDied { restarts: 2, .. })
                ),
                "{reply:?}"
            ),
        }
    }
    let states: Vec<_> = bench.port.replicas().map(|(_, state)| state).collect();
    assert!(
        matches!(
            &states[..],
            [ReplicaState::Dead { .. }, ReplicaState::Ready { .. }]
        ),
        "{states:?}"
    );
}

#[test]
fn a_model_that_cannot_be_made_is_told_to_every_request() {
    let why = BackendError::Failed {
        model: String::from("m"),
        why: String::from("no weights"),
    };
    let setup = ReplicaSetup {
        name: String::from("none"),
        make: Arc::new(move || Err(why.clone())),
    };
    let port = Port::open(vec![setup], PortOptions::default()).unwrap();
    port.submit(0, request(1, &["x"])).unwrap();
    let error = receive(&port, 1).remove(0).result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the replica is out of order after 3 restarts: model \"m\" failed: no weights"
    );
}

#[test]
fn a_full_port_refuses_at_once_and_admits_again() {
    let bench = bench(
        1,
        PortOptions {
            queue_len: 2,
            queue_bytes: 10,
            ..PortOptions::default()
        },
    );
    hold(&bench);
    let submit = |key, inputs: &[&str]| bench.port.submit(0, request(key, inputs));
    assert_eq!(
        submit(1, &["12345678901"]),
        Err(Refused::TooLarge {
            bytes: 11,
            most: 10
        })
    );
    let refused = submit(2, &["1234567"]).unwrap_err();
    assert!(
        matches!(
            refused,
            Refused::QueueFull {
                requests: 1,
                bytes: 4,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(submit(3, &["123456"]), Ok(()));
    let refused = submit(4, &[]).unwrap_err();
    assert!(
        matches!(
            refused,
            Refused::QueueFull {
                requests: 2,
                bytes: 10,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(
        bench.port.submit(1, request(5, &[])),
        Err(Refused::UnknownReplica {
            replica: 1,
            replicas: 1
        })
    );
    until_encoded(&bench.port);
    bench.gate.send(()).unwrap();
    receive(&bench.port, 2);
    assert_eq!(submit(6, &["1234567890"]), Ok(()));
    assert_eq!(receive(&bench.port, 1)[0].key, 6);
}

#[test]
fn dropping_the_port_ends_its_threads_and_what_waits() {
    let Bench {
        port,
        passes,
        gate,
        made,
    } = bench(
        2,
        PortOptions {
            max_batch_tokens: 1,
            ..PortOptions::default()
        },
    );
    port.submit(0, request(0, &["hold"])).unwrap();
    passes.recv_timeout(PATIENCE).unwrap();
    for key in 1..50 {
        port.submit(0, request(key, &["never served"])).unwrap();
    }
    // Opens the gate; the rest is served or dropped, whichever comes first.
    drop(gate);
    drop(port);
    // Only this handle is left: both threads, and with them the makers that they own, are gone.
    assert_eq!(Arc::strong_count(&made), 1);
}
