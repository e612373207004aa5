//! Answers from what was recorded earlier, so that replays and tests call no model.

use std::{collections::BTreeMap, sync::Arc};

use sha2::{Digest as _, Sha256};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    input::Encoded,
    output::Output,
};

/// Outputs by the SHA-256 of their input. Clones share them.
#[derive(Clone, Debug)]
pub struct Recorded {
    version: String,
    outputs: Arc<BTreeMap<[u8; 32], Output>>,
}

impl Recorded {
    /// Answers of `version`, each under the text that was asked.
    pub fn from_texts<'a>(
        version: &str,
        answers: impl IntoIterator<Item = (&'a str, Output)>,
    ) -> Self {
        Self::from_hashes(
            version,
            answers
                .into_iter()
                .map(|(text, output)| (Self::key(text), output)),
        )
    }

    /// Answers of `version`, each under [`Recorded::key`] of the text that was asked.
    pub fn from_hashes(
        version: &str,
        answers: impl IntoIterator<Item = ([u8; 32], Output)>,
    ) -> Self {
        Self {
            version: version.to_owned(),
            outputs: Arc::new(answers.into_iter().collect()),
        }
    }

    /// The key of a text: the SHA-256 of its UTF-8 bytes.
    pub fn key(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
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
        inputs
            .iter()
            .map(|input| {
                let Encoded::Text(text) = input else {
                    return Err(BackendError::wrong_input(&self.version, ask));
                };
                self.outputs.get(&Self::key(text)).cloned().ok_or_else(|| {
                    BackendError::NotRecorded {
                        start: text.chars().take(60).collect(),
                    }
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_repeats_what_was_recorded_and_refuses_the_rest() {
        let output = Output::Embedding(vec![0.6, 0.8]);
        let mut recorded = Recorded::from_texts("m@1", [("hello", output.clone())]);
        let text = |text: &str| Encoded::Text(text.to_owned());
        let (hello, hullo) = (text("hello"), text("hullo"));
        assert_eq!(
            recorded.answer(&Ask::Embed, &[&hello, &hello]),
            Ok(vec![output.clone(), output])
        );
        let start = String::from("hullo");
        assert_eq!(
            recorded.answer(&Ask::Embed, &[&hello, &hullo]),
            Err(BackendError::NotRecorded { start })
        );
    }
}
