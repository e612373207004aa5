//! Embeds a text without weights: hashed counts of its words and word pairs.
//!
//! * 384 dimensions, of length 1; a text without any word becomes the zero vector.
//! * Feature: a word (lower case, Unicode alphanumeric run) or a pair of neighbouring words.
//! * A feature's hash says its dimension and its sign, so that collisions cancel on average:
//!   Weinberger, Dasgupta, Langford, Smola, Attenberg (2009), "Feature Hashing for Large Scale
//!   Multitask Learning".
//! * Weight: `1 + ln(count)`, sublinear term frequency: Manning, Raghavan, Schütze (2008),
//!   "Introduction to Information Retrieval", 6.4.1; function words and pairs count less.
//! * Texts that share words are near each other; it knows nothing of meaning.

use std::{collections::BTreeMap, sync::Arc};

use sha2::{Digest as _, Sha256};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    input::{Encoded, Input},
    output::Output,
};

/// Dimensions of the vectors.
const DIMENSIONS: usize = 384;
/// The version of the rules above. Other rules need another version.
const VERSION: &str = "hashed-words@1";
/// What a pair of words counts against a single word.
const PAIR_WEIGHT: f32 = 0.5;

/// The embedding that needs no weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashedWords;

impl HashedWords {
    /// The embedding of one text.
    pub fn embed(text: &str) -> Vec<f32> {
        let words = words(text);
        let mut counts: BTreeMap<String, (u32, f32)> = BTreeMap::new();
        for word in &words {
            counts.entry(word.clone()).or_insert((0, 1.0)).0 += 1;
        }
        for pair in words.windows(2) {
            // No word holds a space, so no pair is mistaken for a word.
            counts.entry(pair.join(" ")).or_insert((0, PAIR_WEIGHT)).0 += 1;
        }
        let mut vector = vec![0.0f32; DIMENSIONS];
        for (feature, (count, weight)) in &counts {
            let (dimension, sign) = place(feature);
            vector[dimension] += sign * weight * (1.0 + log(*count));
        }
        normalised(vector)
    }
}

impl Backend for HashedWords {
    fn version(&self) -> &str {
        VERSION
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed]
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|ask, input| match input {
            Input::Text(text) => Ok(Encoded::Text(text.clone())),
            _ => Err(BackendError::wrong_input(VERSION, ask)),
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        inputs
            .iter()
            .map(|input| match input {
                Encoded::Text(text) => Ok(Output::Embedding(Self::embed(text))),
                _ => Err(BackendError::wrong_input(VERSION, ask)),
            })
            .collect()
    }
}

/// The words of a text in lower case. An apostrophe inside a word is left out: "don't" is "dont".
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        } else if !matches!(character, '\'' | '\u{2019}') && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Where a feature goes and with which sign.
fn place(feature: &str) -> (usize, f32) {
    let hash = Sha256::digest(feature.as_bytes());
    let number = u64::from_le_bytes([
        hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
    ]);
    let dimension = (number % DIMENSIONS as u64) as usize;
    let sign = if hash[8] & 1 == 0 { 1.0 } else { -1.0 };
    (dimension, sign)
}

/// The natural logarithm, the same on every machine.
fn log(count: u32) -> f32 {
    (count as f32).ln()
}

fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        let (a, b) = (HashedWords::embed(a), HashedWords::embed(b));
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn vectors_have_length_one_or_zero() {
        for text in [
            "hello",
            "The cat sat on the mat.",
            "Ünïcödé größer 漢字",
            "a a a a",
            "  ",
            "",
            "!?",
        ] {
            let vector = HashedWords::embed(text);
            assert_eq!(vector.len(), DIMENSIONS);
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            let expected = if text.chars().any(char::is_alphanumeric) {
                1.0
            } else {
                0.0
            };
            assert!(
                (length - expected).abs() < 1e-6,
                "{text:?} has length {length}"
            );
        }
    }

    #[test]
    fn case_and_punctuation_do_not_matter() {
        assert_eq!(
            HashedWords::embed("Don't panic, Bob!"),
            HashedWords::embed("dont   PANIC bob")
        );
    }

    #[test]
    fn shared_words_bring_texts_together_and_order_tells_them_apart() {
        let near = cosine(
            "the pump in hall two leaks oil",
            "oil leaks from the pump in hall two",
        );
        let far = cosine(
            "the pump in hall two leaks oil",
            "we meet again on friday morning",
        );
        assert!(near > 0.6 && far < 0.2, "near {near}, far {far}");
        let swapped = cosine("dog bites man", "man bites dog");
        assert!(swapped < 0.999 && swapped > 0.5, "swapped {swapped}");
    }

    #[test]
    fn different_words_rarely_collide() {
        let worst = (0..40)
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .map(|(a, b)| cosine(&format!("word{a}"), &format!("word{b}")).abs())
            .filter(|cosine| *cosine > 0.5)
            .count();
        // 780 pairs in 384 dimensions: about two collide by chance.
        assert!(
            worst <= 8,
            "{worst} of 780 pairs of words share a dimension"
        );
    }
}
