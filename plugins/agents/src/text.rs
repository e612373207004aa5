//! Holds what can be done with the words of a meeting: cleaning, cutting, comparing, naming.
//!
//! Everything here is a pure function of its input: the same input gives the same bits.

mod answer;
mod centrality;
mod clean;
pub(crate) mod lexicon;
mod retrieve;
mod segment;
mod sentences;
mod topic;
mod vectors;

pub use self::{
    answer::{AnswerOptions, Reply, answer},
    centrality::{centrality, choose},
    clean::clean,
    retrieve::{Hit, retrieve},
    segment::{SegmentOptions, boundaries},
    sentences::{is_content, n_tokens, n_words, sentences},
    topic::{TopicWords, name_topic},
    vectors::mean_vector,
};

/// A sentence of the meeting with its meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// The turn it belongs to, counted from 0.
    pub turn: u32,
    /// Who said it.
    pub speaker: String,
    /// The sentence, cleaned.
    pub text: String,
    /// What an embedding model makes of it: unit length, every sentence's equally long. May be
    /// empty where no model answered.
    pub vector: Vec<f32>,
}
