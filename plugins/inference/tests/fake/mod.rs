//! A model that answers with its version's number and the input's length, and fails when it is told to.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use inference::{
    Arrival, Ask, Backend, BackendError, Change, Encoded, Encoder, GeneratedText, GenerationEnd,
    Input, MakeBackend, Output, Port, ReplicaSetup, Reply, SequenceId, SequenceStep, Skill,
};

/// Long enough for any machine; no test waits so long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The model. What its inputs say happens: `panic`, `nan`, `refuse`, `forget`, `hang`.
pub(crate) struct Fake {
    version: String,
    number: u32,
    /// Sequences side by side.
    most: usize,
    running: BTreeMap<SequenceId, (String, usize)>,
}

impl Fake {
    pub(crate) fn new(number: u32, most: usize) -> Self {
        Self {
            version: format!("fake@{number}"),
            number,
            most,
            running: BTreeMap::new(),
        }
    }
}

impl Backend for Fake {
    fn version(&self) -> &str {
        &self.version
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed, Skill::Generate]
    }

    /// The version's number goes into the tokens, so that a model knows its own.
    fn encoder(&self) -> Encoder {
        let number = self.number;
        Arc::new(move |_, input| {
            let Input::Text(text) = input else {
                panic!("only texts are sent")
            };
            assert!(text != "unreadable", "asked to panic while encoding");
            if text == "hang while encoding" {
                std::thread::sleep(PATIENCE);
            }
            let mut ids = vec![number];
            ids.extend(text.bytes().map(u32::from));
            Ok(Encoded::Ids(ids))
        })
    }

    fn answer(&mut self, _: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let texts: Vec<String> = inputs.iter().map(|input| self.text(input)).collect();
        let told = |what: &str| texts.iter().any(|text| text == what);
        assert!(!told("panic"), "asked to panic");
        if told("hang") {
            std::thread::sleep(PATIENCE);
        }
        if told("refuse") {
            return Err(BackendError::Tokens(String::from("asked to refuse")));
        }
        let outputs = texts.iter().map(|text| {
            let length = if text == "nan" {
                f32::NAN
            } else {
                text.len() as f32
            };
            Output::Embedding(vec![self.number as f32, length])
        });
        Ok(outputs.skip(usize::from(told("forget"))).collect())
    }

    fn pass_bytes(&self, _: &Ask, inputs: &[&Encoded]) -> u64 {
        inputs.iter().map(|input| u64::from(input.tokens())).sum()
    }

    fn n_sequences(&self) -> usize {
        self.most
    }

    fn begin(&mut self, id: SequenceId, _: &Ask, input: &Encoded) -> Result<(), BackendError> {
        let text = self.text(input);
        if text == "refuse" {
            return Err(BackendError::Tokens(String::from("asked to refuse")));
        }
        assert!(self.running.len() < self.most, "more than it can hold");
        assert!(
            self.running.insert(id, (text, 0)).is_none(),
            "begun already"
        );
        Ok(())
    }

    /// Says the letters of its input one by one.
    fn step(&mut self) -> Result<Vec<(SequenceId, SequenceStep)>, BackendError> {
        let mut steps = Vec::new();
        for (&id, (text, at)) in &mut self.running {
            assert!(!(text == "panic" && *at == 2), "asked to panic");
            if text == "hang" && *at == 2 {
                std::thread::sleep(PATIENCE);
            }
            *at += 1;
            if text.starts_with("endless") {
                // One letter a millisecond, until somebody ends it.
                std::thread::sleep(Duration::from_millis(1));
                *at = 1;
            }
            if let Some(letter) = text.get(*at - 1..*at) {
                steps.push((id, SequenceStep::Piece(letter.to_owned())));
            } else {
                let text = GeneratedText {
                    text: text.clone(),
                    n_tokens: *at as u32,
                    n_prompt_tokens: 1,
                    n_reused_tokens: self.number,
                    end: GenerationEnd::EndOfText,
                };
                steps.push((id, SequenceStep::Done(Output::Text(text))));
            }
        }
        for (id, step) in &steps {
            if matches!(step, SequenceStep::Done(_)) {
                self.running.remove(id);
            }
        }
        Ok(steps)
    }

    fn end(&mut self, id: SequenceId) {
        self.running.remove(&id);
    }
}

impl Fake {
    fn text(&self, input: &Encoded) -> String {
        let Encoded::Ids(ids) = input else {
            panic!("only ids are encoded")
        };
        assert_eq!(ids[0], self.number, "encoded for another version");
        ids[1..]
            .iter()
            .map(|&id| char::from(u8::try_from(id).unwrap()))
            .collect()
    }
}

/// Makes models of one version.
pub(crate) fn make(number: u32, most: usize) -> MakeBackend {
    Arc::new(move || Ok(Box::new(Fake::new(number, most))))
}

/// Makes models of one version and counts them.
pub(crate) fn counted(number: u32, made: &Arc<AtomicU32>) -> MakeBackend {
    let made = Arc::clone(made);
    Arc::new(move || {
        made.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Fake::new(number, 0)))
    })
}

pub(crate) fn setup(name: &str, make: MakeBackend) -> ReplicaSetup {
    ReplicaSetup {
        name: name.to_owned(),
        make,
    }
}

/// The next reply; whatever else comes before it is thrown away.
pub(crate) fn reply(port: &Port) -> Reply {
    port.recv_timeout(PATIENCE).expect("a reply comes")
}

/// Waits for a change of a replica, and returns the replies that come before it.
pub(crate) fn until(port: &Port, wanted: impl Fn(&Change) -> bool) -> Vec<Reply> {
    let mut replies = Vec::new();
    loop {
        match port.next_timeout(PATIENCE).expect("the change comes") {
            Arrival::Change(change) if wanted(&change.change) => return replies,
            Arrival::Reply(reply) => replies.push(reply),
            _ => {}
        }
    }
}

/// The number of the version that answered, by each output.
pub(crate) fn numbers(reply: &Reply) -> Vec<u32> {
    let answer = reply.result.as_ref().expect("an answer");
    let numbers = answer.outputs.iter().map(|output| match output {
        Output::Embedding(vector) => vector[0] as u32,
        Output::Text(text) => text.n_reused_tokens,
        other => panic!("{other:?}"),
    });
    numbers.collect()
}
