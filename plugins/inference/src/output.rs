//! What a model makes of one input.

use serde::{Deserialize, Serialize};

/// What a model makes of one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A vector of length 1 whose direction is the meaning of the input.
    Embedding(Vec<f32>),
    /// Labels with their scores, best first.
    Classes(Vec<ClassScore>),
    /// Labelled spans, in the order of the text.
    Tags(Vec<TagSpan>),
    /// What was said.
    Transcript(Transcript),
    /// What follows on the input.
    Text(GeneratedText),
}

impl Output {
    /// Whether every number in it is finite.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::Embedding(vector) => vector.iter().all(|value| value.is_finite()),
            Self::Classes(classes) => classes.iter().all(|class| class.score.is_finite()),
            Self::Tags(tags) => tags.iter().all(|tag| tag.score.is_finite()),
            Self::Transcript(transcript) => transcript
                .segments
                .iter()
                .all(|part| part.start_secs.is_finite() && part.end_secs.is_finite()),
            Self::Text(_) => true,
        }
    }

    /// The vector, if it is one.
    pub fn embedding(self) -> Option<Vec<f32>> {
        match self {
            Self::Embedding(vector) => Some(vector),
            _ => None,
        }
    }
}

/// A label and how sure the model is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The label.
    pub label: String,
    /// From 0 to 1.
    pub score: f32,
}

/// A part of the input that has a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagSpan {
    /// The label.
    pub label: String,
    /// Where it begins, in bytes of the input.
    pub start: usize,
    /// Where it ends, in bytes of the input; the byte there is the first one outside.
    pub end: usize,
    /// From 0 to 1.
    pub score: f32,
}

/// Speech, written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// All that was said.
    pub text: String,
    /// The language, as an ISO 639-1 code, where it was given or found out.
    pub language: Option<String>,
    /// The parts, if timestamps were asked for.
    pub segments: Vec<TranscriptSegment>,
}

/// A part of a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptSegment {
    /// When it begins, in seconds from the start of the audio.
    pub start_secs: f32,
    /// When it ends, in seconds from the start of the audio.
    pub end_secs: f32,
    /// What was said.
    pub text: String,
}

/// Text that a model has written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratedText {
    /// The text, without what ended it.
    pub text: String,
    /// Tokens that were generated.
    pub n_tokens: u32,
    /// Tokens of the prompt.
    pub n_prompt_tokens: u32,
    /// Tokens of the prompt that had been read for an earlier one and were not read again.
    pub n_reused_tokens: u32,
    /// Why it ends where it ends.
    pub end: GenerationEnd,
}

/// Why a generated text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationEnd {
    /// The model said that it is at an end.
    EndOfText,
    /// One of the texts came that end it.
    Stop,
    /// As many tokens came as were asked for, or as the model can hold.
    Length,
}
