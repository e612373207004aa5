//! Every request ends exactly once, in whatever order the threads of a port go on.
//!
//! `cargo test -p diorama_inference --no-default-features --features shuttle --test interleavings`
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use inference::{
    Arrival, Ask, Backend, BackendError, CancelFlag, Change, Encoded, Encoder, Input, MakeBackend,
    Output, Port, PortOptions, ReplicaSetup, Request, Skill,
};
use shuttle::{
    Config, FailurePersistence, MaxSteps, Runner,
    scheduler::{PctScheduler, RandomScheduler},
    thread,
};

/// Orders that are tried of each scenario, of each of two kinds; `ORDERS` asks for more.
const N_ORDERS: usize = 200;

fn n_orders() -> usize {
    std::env::var("ORDERS").map_or(N_ORDERS, |n| n.parse().unwrap())
}

/// Answers with its number; a text `nan` spoils the answer, and so the model.
struct Number(u32);

impl Backend for Number {
    fn version(&self) -> &str {
        ["n@0", "n@1", "n@2"][self.0 as usize]
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed]
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|_, input| match input {
            Input::Text(text) => Ok(Encoded::Ids(text.bytes().map(u32::from).collect())),
            other => panic!("{other:?}"),
        })
    }

    fn answer(&mut self, _: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        thread::yield_now();
        let number = |input: &&Encoded| match input {
            Encoded::Ids(ids) if ids[0] == u32::from(b'n') => f32::NAN,
            _ => self.0 as f32,
        };
        Ok(inputs
            .iter()
            .map(|input| Output::Embedding(vec![number(input)]))
            .collect())
    }
}

fn make(number: u32) -> MakeBackend {
    Arc::new(move || Ok(Box::new(Number(number)) as Box<dyn Backend>))
}

fn port(n_replicas: usize) -> Arc<Port> {
    let setups = (0..n_replicas).map(|nth| ReplicaSetup {
        name: format!("replica {nth}"),
        make: make(0),
    });
    let options = PortOptions {
        max_batch_tokens: 8,
        max_restarts: 100,
        restart_pause: Duration::ZERO,
        tokenisers: 2,
        ..PortOptions::default()
    };
    Arc::new(Port::open(setups.collect(), options).unwrap())
}

/// Runs `scenario` in many orders: drawn at random, and with few changes of thread, drawn anew.
fn in_many_orders(scenario: fn()) {
    let config = || {
        let mut config = Config::new();
        config.stack_size = 512 * 1024;
        config.failure_persistence = FailurePersistence::None;
        config.max_steps = MaxSteps::FailAfter(200_000);
        config
    };
    Runner::new(RandomScheduler::new(n_orders()), config()).run(scenario);
    Runner::new(PctScheduler::new(3, n_orders()), config()).run(scenario);
}

/// What came of requests and of replicas.
#[derive(Debug, Default)]
struct Heard {
    /// By key: whether it was answered, and by which model.
    replies: BTreeMap<u64, Option<f32>>,
    changes: Vec<Change>,
}

impl Heard {
    /// Listens until so many replies are there, and what else is waited for.
    fn listen(&mut self, port: &Port, n: usize, enough: impl Fn(&[Change]) -> bool) {
        let mut vain = 0;
        while self.replies.len() < n || !enough(&self.changes) {
            let replicas = || port.replicas().collect::<Vec<_>>();
            assert!(vain < 5_000, "{self:?} and then nothing: {:?}", replicas());
            vain += 1;
            match port.next_timeout(Duration::ZERO) {
                Some(Arrival::Reply(reply)) => {
                    let answer = reply.result.ok().map(|answer| match &answer.outputs[..] {
                        [Output::Embedding(vector)] => vector[0],
                        other => panic!("{other:?}"),
                    });
                    assert!(self.replies.insert(reply.key, answer).is_none(), "twice");
                }
                Some(Arrival::Change(change)) => self.changes.push(change.change),
                Some(Arrival::Piece(piece)) => panic!("{piece:?}"),
                None => {}
            }
        }
        assert_eq!(port.n_on_their_way(), 0);
    }
}

fn is_swap(change: &Change) -> bool {
    matches!(change, Change::Swapped { .. } | Change::SwapFailed { .. })
}

#[test]
fn senders_cancellations_and_two_replicas() {
    in_many_orders(|| {
        let port = port(2);
        let senders: Vec<_> = (0..2)
            .map(|sender| {
                let port = Arc::clone(&port);
                thread::spawn(move || {
                    for nth in 0..3 {
                        let key = sender * 3 + nth;
                        let cancelled = CancelFlag::default();
                        let request = Request {
                            cancelled: cancelled.clone(),
                            ..Request::embed(key, ["text"])
                        };
                        port.submit(nth as usize % 2, request).unwrap();
                        if nth == 1 {
                            cancelled.cancel();
                        }
                    }
                })
            })
            .collect();
        let mut heard = Heard::default();
        heard.listen(&port, 6, |_| true);
        senders
            .into_iter()
            .for_each(|sender| sender.join().unwrap());
        // What nobody gave up has its answer.
        for (key, answer) in heard.replies {
            assert!(answer.is_some() || key % 3 == 1, "{key} has no answer");
        }
    });
}

#[test]
fn swaps_lose_nothing() {
    in_many_orders(|| {
        let port = port(2);
        let swapper = {
            let port = Arc::clone(&port);
            thread::spawn(move || {
                port.swap(0, make(1)).unwrap();
                port.swap(1, make(1)).unwrap();
                port.swap(0, make(2)).unwrap();
            })
        };
        for key in 0..4 {
            port.submit(key as usize % 2, Request::embed(key, ["text"]))
                .unwrap();
        }
        let mut heard = Heard::default();
        heard.listen(&port, 4, |changes| {
            changes.iter().filter(|change| is_swap(change)).count() == 3
        });
        swapper.join().unwrap();
        assert!(heard.replies.values().all(Option::is_some));
    });
}

#[test]
fn models_that_are_spoiled_are_made_anew() {
    in_many_orders(|| {
        let port = port(2);
        for key in 0..6 {
            let text = if key % 3 == 1 { "nan" } else { "text" };
            port.submit(key as usize % 2, Request::embed(key, [text]))
                .unwrap();
        }
        let mut heard = Heard::default();
        heard.listen(&port, 6, |_| true);
        assert_eq!((heard.replies[&1], heard.replies[&4]), (None, None));
    });
}

#[test]
fn a_killed_replica_ends_what_it_has_and_comes_back() {
    in_many_orders(|| {
        let port = port(1);
        let killer = {
            let port = Arc::clone(&port);
            thread::spawn(move || {
                port.kill(0);
                port.swap(0, make(1)).unwrap();
            })
        };
        for key in 0..3 {
            port.submit(0, Request::embed(key, ["text"])).unwrap();
        }
        let mut heard = Heard::default();
        heard.listen(&port, 3, |changes| changes.iter().any(is_swap));
        killer.join().unwrap();
        port.submit(0, Request::embed(3, ["text"])).unwrap();
        heard.listen(&port, 4, |_| true);
        assert_eq!(heard.replies[&3], Some(1.0));
    });
}

#[test]
fn kills_and_swaps_side_by_side_end_everything() {
    in_many_orders(|| {
        let port = port(2);
        let meddlers = [false, true].map(|kills| {
            let port = Arc::clone(&port);
            thread::spawn(move || {
                for replica in [0, 1, 0] {
                    match kills {
                        true => port.kill(replica),
                        false => port.swap(replica, make(1)).unwrap(),
                    }
                }
            })
        });
        for key in 0..4 {
            let text = if key == 1 { "nan" } else { "text" };
            port.submit(key as usize % 2, Request::embed(key, [text]))
                .unwrap();
        }
        let n_swaps = |changes: &[Change]| changes.iter().filter(|change| is_swap(change)).count();
        let mut heard = Heard::default();
        heard.listen(&port, 4, |changes| n_swaps(changes) == 3);
        meddlers.map(|meddler| meddler.join().unwrap());
        // Whatever became of the replicas, a swap brings them back.
        for replica in 0..2 {
            port.swap(replica, make(2)).unwrap();
        }
        heard.listen(&port, 4, |changes| n_swaps(changes) == 5);
        for replica in 0..2 {
            let key = 4 + replica as u64;
            port.submit(replica, Request::embed(key, ["text"])).unwrap();
            heard.listen(&port, 5 + replica, |_| true);
            assert_eq!(heard.replies[&key], Some(2.0));
        }
    });
}

#[test]
fn a_replica_that_leaves_serves_what_is_its_own() {
    in_many_orders(|| {
        let port = port(2);
        for key in 0..3 {
            port.submit(0, Request::embed(key, ["text"])).unwrap();
        }
        port.remove(0);
        assert!(port.submit(0, Request::embed(9, ["text"])).is_err());
        port.submit(1, Request::embed(3, ["text"])).unwrap();
        let mut heard = Heard::default();
        heard.listen(&port, 4, |changes| changes.contains(&Change::Removed));
        assert!(heard.replies.values().all(Option::is_some));
    });
}

#[test]
fn a_port_that_closes_ends() {
    in_many_orders(|| {
        let port = port(2);
        for key in 0..3 {
            port.submit(key as usize % 2, Request::embed(key, ["text"]))
                .unwrap();
        }
        drop(port);
    });
}
