//! Answers from what was recorded earlier, so that replays and tests call no model.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    input::{Encoded, Input},
    output::Output,
};

/// Characters of an input that an error shows.
const SHOWN_CHARS: usize = 60;
/// Samples of sound in a second.
const SAMPLES_A_SEC: f64 = 16_000.0;

/// What was once asked, and what was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// What was asked; embeddings, if nothing is said.
    #[serde(default)]
    pub ask: Ask,
    /// Of what.
    pub input: Input,
    /// What was answered.
    pub output: Output,
}

/// Outputs by what was asked of which input. Clones share them.
#[derive(Clone, Debug)]
pub struct Recorded {
    version: String,
    outputs: Arc<BTreeMap<[u8; 32], Output>>,
}

impl Recorded {
    /// Answers of `version`. Of several for the same, the last counts.
    pub fn new(version: &str, recordings: impl IntoIterator<Item = Recording>) -> Self {
        let entry = |recording: Recording| {
            let Recording { ask, input, output } = recording;
            (Self::key(&ask, &input), output)
        };
        Self::from_keys(version, recordings.into_iter().map(entry))
    }

    /// Answers of `version`, each under [`Recorded::key`] of what was asked.
    pub fn from_keys(version: &str, answers: impl IntoIterator<Item = ([u8; 32], Output)>) -> Self {
        Self {
            version: version.to_owned(),
            outputs: Arc::new(answers.into_iter().collect()),
        }
    }

    /// Answers of `version` to embedding these texts.
    pub fn from_texts<'a>(
        version: &str,
        answers: impl IntoIterator<Item = (&'a str, Output)>,
    ) -> Self {
        let recording = |(text, output): (&str, Output)| Recording {
            ask: Ask::Embed,
            input: Input::from(text),
            output,
        };
        Self::new(version, answers.into_iter().map(recording))
    }

    /// Answers of `version`, one [`Recording`] as JSON on each line; empty lines are skipped.
    ///
    /// # Errors
    /// The line, counted from 1, and what is wrong with it.
    pub fn from_lines(version: &str, lines: &str) -> Result<Self, String> {
        let numbered = (1..).zip(lines.lines());
        let recordings = numbered
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line).map_err(|error| format!("line {number}: {error}"))
            })
            .collect::<Result<Vec<Recording>, _>>()?;
        Ok(Self::new(version, recordings))
    }

    /// Names what is asked of an input: a SHA-256 of all of it, with every option.
    pub fn key(ask: &Ask, input: &Input) -> [u8; 32] {
        key(ask, &Encoded::as_it_is(input))
    }
}

fn key(ask: &Ask, input: &Encoded) -> [u8; 32] {
    let ask = serde_json::to_vec(ask).expect("an ask can be written. This is a bug");
    let mut hash = Sha256::new();
    hash.update((ask.len() as u64).to_le_bytes());
    hash.update(ask);
    match input {
        Encoded::Text(text) => {
            hash.update(b"text");
            hash.update(text);
        }
        Encoded::Chat(messages) => {
            hash.update(b"chat");
            let talk = serde_json::to_vec(messages);
            hash.update(talk.expect("a talk can be written. This is a bug"));
        }
        Encoded::Audio(samples) => {
            hash.update(b"audio");
            samples
                .iter()
                .for_each(|sample| hash.update(sample.to_le_bytes()));
        }
        Encoded::Ids(ids) => {
            hash.update(b"ids");
            ids.iter().for_each(|id| hash.update(id.to_le_bytes()));
        }
    }
    hash.finalize().into()
}

/// The start of an input, for people.
fn start(input: &Encoded) -> String {
    let start = |text: &str| text.chars().take(SHOWN_CHARS).collect();
    match input {
        Encoded::Text(text) => start(text),
        Encoded::Chat(messages) => start(messages.last().map_or("", |message| &message.content)),
        Encoded::Audio(samples) => {
            format!("{:.1} s of sound", samples.len() as f64 / SAMPLES_A_SEC)
        }
        Encoded::Ids(ids) => format!("{} tokens", ids.len()),
    }
}

impl Backend for Recorded {
    fn version(&self) -> &str {
        &self.version
    }

    fn skills(&self) -> &[Skill] {
        &Skill::ALL
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|_, input| Ok(Encoded::as_it_is(input)))
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let answer = |input: &&Encoded| {
            let output = self.outputs.get(&key(ask, input)).cloned();
            output.ok_or_else(|| BackendError::NotRecorded {
                skill: ask.skill().name().to_owned(),
                start: start(input),
            })
        };
        inputs.iter().map(answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ask::GenerateOptions,
        input::{ChatMessage, ChatRole},
    };

    fn generate(seed: u64) -> Ask {
        let options = GenerateOptions::default();
        Ask::Generate(GenerateOptions { seed, ..options })
    }

    fn chat(content: &str) -> Input {
        Input::Chat(vec![ChatMessage {
            role: ChatRole::User,
            content: content.to_owned(),
        }])
    }

    /// Every pair of ask and input has an answer of its own.
    fn recordings() -> Vec<Recording> {
        let inputs = [
            Input::from("hello"),
            chat("hello"),
            Input::Audio(vec![0.5; 8000].into()),
        ];
        let asks = [Ask::Embed, generate(1), generate(2)];
        let pairs = asks
            .iter()
            .flat_map(|ask| inputs.iter().map(move |input| (ask.clone(), input.clone())));
        let recording = |(nth, (ask, input)): (usize, (Ask, Input))| Recording {
            ask,
            input,
            output: Output::Embedding(vec![nth as f32]),
        };
        pairs.enumerate().map(recording).collect()
    }

    #[test]
    fn it_repeats_what_was_recorded() {
        let recordings = recordings();
        let line = |recording| serde_json::to_string(recording).unwrap() + "\n\n";
        let lines: String = recordings.iter().map(line).collect();
        for recorded in [
            Recorded::new("m@1", recordings.clone()),
            Recorded::from_lines("m@1", &lines).unwrap(),
        ] {
            let mut backend: Box<dyn Backend> = Box::new(recorded);
            for Recording { ask, input, output } in &recordings {
                let got = backend.answer_inputs(ask, std::slice::from_ref(input));
                assert_eq!(got, Ok(vec![output.clone()]));
            }
        }
        let error = Recorded::from_lines("m@1", "\n{}").unwrap_err();
        assert!(
            error.starts_with("line 2: missing field `input`"),
            "{error}"
        );
    }

    #[test]
    fn it_says_what_was_not_recorded() {
        let mut backend: Box<dyn Backend> = Box::new(Recorded::new("m@1", recordings()));
        for (ask, input, expected) in [
            (
                Ask::Embed,
                Input::from("hullo"),
                "embed was recorded for the input that starts with \"hullo\"",
            ),
            (
                generate(3),
                chat("hello"),
                "generate was recorded for the input that starts with \"hello\"",
            ),
            (
                Ask::Embed,
                Input::Audio(vec![0.0; 8000].into()),
                "\"0.5 s of sound\"",
            ),
        ] {
            let error = backend
                .answer_inputs(&ask, &[input])
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
