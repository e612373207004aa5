//! What a model is given: as it is sent, and as it is once it has been encoded.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Samples of audio that count as one token: 20 ms at 16 kHz.
const SAMPLES_A_TOKEN: usize = 320;
/// Bytes of text that count as one token before they have been cut into tokens.
const BYTES_A_TOKEN: usize = 4;
/// Tokens that mark who speaks in a talk.
const TOKENS_A_MESSAGE: usize = 4;

/// One input of a request, answered by one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A text.
    Text(String),
    /// A talk that the model goes on with.
    Chat(Vec<ChatMessage>),
    /// Sound: mono, 16,000 samples a second, from -1 to 1.
    Audio(#[serde(with = "samples")] Arc<[f32]>),
}

impl Input {
    /// Bytes that it takes up.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Chat(messages) => messages.iter().map(|message| message.content.len()).sum(),
            Self::Audio(samples) => size_of_val::<[f32]>(samples),
        }
    }

    /// About how many tokens it has, at least 1: what admission counts until it has been encoded.
    pub fn estimated_tokens(&self) -> u32 {
        let tokens = match self {
            Self::Text(text) => text.len().div_ceil(BYTES_A_TOKEN),
            Self::Chat(messages) => messages
                .iter()
                .map(|message| message.content.len().div_ceil(BYTES_A_TOKEN) + TOKENS_A_MESSAGE)
                .sum(),
            Self::Audio(samples) => samples.len().div_ceil(SAMPLES_A_TOKEN),
        };
        at_least_one(tokens)
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One message of a talk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
}

/// Who speaks in a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatRole {
    /// Whoever says how the model is to behave.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
}

/// An input as a backend's encoder leaves it, ready for a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Encoded {
    /// Tokens of the model's vocabulary, cut to what it reads.
    Ids(Vec<u32>),
    /// Sound: mono, 16,000 samples a second.
    Audio(#[serde(with = "samples")] Arc<[f32]>),
    /// Text, for a backend that has no tokens of its own.
    Text(String),
    /// A talk, for a backend that has no tokens of its own.
    Chat(Vec<ChatMessage>),
}

impl Encoded {
    /// The size that batches are cut by, at least 1: tokens, or 20 ms of sound, or words.
    pub fn tokens(&self) -> u32 {
        let words = |text: &str| text.split_whitespace().count();
        let tokens = match self {
            Self::Ids(ids) => ids.len(),
            Self::Audio(samples) => samples.len().div_ceil(SAMPLES_A_TOKEN),
            Self::Text(text) => words(text),
            Self::Chat(messages) => messages
                .iter()
                .map(|message| words(&message.content) + TOKENS_A_MESSAGE)
                .sum(),
        };
        at_least_one(tokens)
    }

    /// The input as it is, for a backend that has no tokens of its own.
    pub fn as_it_is(input: &Input) -> Self {
        match input {
            Input::Text(text) => Self::Text(text.clone()),
            Input::Chat(messages) => Self::Chat(messages.clone()),
            Input::Audio(samples) => Self::Audio(Arc::clone(samples)),
        }
    }
}

/// Shared samples as data: a list of numbers.
mod samples {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        samples: &Arc<[f32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        samples.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        deserializer: D,
    ) -> Result<Arc<[f32]>, D::Error> {
        Vec::deserialize(deserializer).map(Into::into)
    }
}

fn at_least_one(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX).max(1)
}
