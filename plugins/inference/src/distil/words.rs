//! Chooses the entries of a static embedding, and says how much each counts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DistilError, DistilOptions, TextSet, refit::Bags};
use crate::backends::{
    static_words::{INSIDE, UNKNOWN, Vocabulary},
    words::for_each_word,
};

/// Fewer times than this in all texts, and a whole word is not worth an entry.
const MIN_COUNT: u32 = 4;
/// How often an entry counts as seen that no text holds.
const UNSEEN: f64 = 0.1;

/// The entries, and the texts cut into them.
pub(super) struct Words {
    /// [`UNKNOWN`], then pieces of the teacher's vocabulary in its order, then whole words.
    pub(super) entries: Vec<String>,
    /// How many of them are not whole words of the texts.
    pub(super) n_pieces: usize,
    /// How much each counts.
    pub(super) weights: Vec<f32>,
    /// The texts.
    pub(super) bags: Bags,
}

impl Words {
    pub(super) fn choose(
        vocabulary: &[String],
        sets: &[TextSet],
        options: &DistilOptions,
    ) -> Result<Self, DistilError> {
        let wrong = DistilError::Tokenizer;
        // What the whole vocabulary would cut the texts into says which pieces are worth keeping.
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for text in sets.iter().flat_map(|set| &set.texts) {
            for_each_word(text, &mut |word| {
                *counts.entry(word.to_owned()).or_default() += 1;
            });
        }
        let usable: Vec<(usize, &str)> = vocabulary
            .iter()
            .map(String::as_str)
            .enumerate()
            .filter(|(_, entry)| is_usable(entry))
            .collect();
        let all = Vocabulary::new(usable.iter().map(|(_, entry)| *entry)).map_err(wrong)?;
        let words = frequent_words(&counts, &all, options.n_words);
        let held = held(&counts, &all, &words);
        let pieces = chosen_pieces(&usable, &held, options.n_pieces);
        let mut entries = vec![UNKNOWN.to_owned()];
        entries.extend(pieces.iter().map(|&(_, entry)| entry.to_owned()));
        let n_pieces = entries.len();
        entries.extend(words.iter().cloned());
        let kept = Vocabulary::new(entries.iter().map(String::as_str)).map_err(wrong)?;
        let mut bags = Bags::default();
        let mut seen = vec![0.0; entries.len()];
        for set in sets {
            for text in &set.texts {
                let numbers = kept.entries(text);
                for &number in &numbers {
                    seen[number as usize] += f64::from(set.weight.max(0.0));
                }
                bags.push(numbers, set.weight);
            }
        }
        let ranks = pieces.iter().map(|&(rank, _)| rank);
        let weights = weights(&seen, ranks, vocabulary.len(), options.smoothing);
        Ok(Self {
            entries,
            n_pieces,
            weights,
            bags,
        })
    }
}

/// Marks, places kept free, and scripts that the teacher hardly knows are left out.
fn is_usable(entry: &str) -> bool {
    let is_mark = entry.len() > 2 && entry.starts_with('[') && entry.ends_with(']');
    entry.is_ascii() && !is_mark && entry != INSIDE
}

/// Words that the vocabulary would cut into pieces, the most frequent first.
fn frequent_words(counts: &BTreeMap<String, u32>, all: &Vocabulary, most: usize) -> Vec<String> {
    let mut words: Vec<(&String, u32)> = counts
        .iter()
        .filter(|(word, count)| {
            let is_word = word.len() < 40 && word.bytes().all(|byte| byte.is_ascii_lowercase());
            **count >= MIN_COUNT && is_word && all.number(word).is_none()
        })
        .map(|(word, count)| (word, *count))
        .collect();
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    words.truncate(most);
    words.into_iter().map(|(word, _)| word.clone()).collect()
}

/// The numbers of the pieces that the texts hold when `words` are no longer cut.
fn held(counts: &BTreeMap<String, u32>, all: &Vocabulary, words: &[String]) -> BTreeSet<u32> {
    let words: BTreeSet<&String> = words.iter().collect();
    let mut held = BTreeSet::new();
    let mut numbers = Vec::new();
    for word in counts.keys().filter(|word| !words.contains(word)) {
        numbers.clear();
        all.cut(word, &mut numbers);
        held.extend(&numbers);
    }
    held
}

/// Single characters, so that any word can be cut; what the texts hold; and what is frequent by its rank.
fn chosen_pieces<'a>(
    usable: &[(usize, &'a str)],
    held: &BTreeSet<u32>,
    most: usize,
) -> Vec<(usize, &'a str)> {
    let is_needed = |at: usize, entry: &str| {
        let piece = entry.strip_prefix(INSIDE).unwrap_or(entry);
        piece.len() == 1 || held.contains(&(at as u32))
    };
    let mut order: Vec<usize> = (0..usable.len()).collect();
    order.sort_by_key(|&at| !is_needed(at, usable[at].1));
    order.truncate(most.max(1));
    order.sort_unstable();
    order.into_iter().map(|at| usable[at]).collect()
}

/// Smooth inverse frequencies, by count where there are texts and by rank where there are none.
fn weights(
    seen: &[f64],
    ranks: impl Iterator<Item = usize>,
    n_ranks: usize,
    smoothing: f64,
) -> Vec<f32> {
    let total: f64 = seen.iter().sum();
    let share: Vec<f64> = if total == 0.0 {
        let harmonic = (n_ranks.max(2) as f64).ln();
        let zipf = ranks.map(|rank| 1.0 / ((rank as f64 + 1.0) * harmonic));
        std::iter::once(1.0).chain(zipf).collect()
    } else {
        let all = total + UNSEEN * seen.len() as f64;
        seen.iter().map(|count| (count + UNSEEN) / all).collect()
    };
    share
        .into_iter()
        .map(|share| (smoothing / (smoothing + share)) as f32)
        .collect()
}

/// The vocabulary of a `tokenizer.json`, in the order of its numbers.
///
/// # Errors
/// [`DistilError::Tokenizer`] if it lists none.
pub fn teacher_vocabulary(tokenizer: &[u8]) -> Result<Vec<String>, DistilError> {
    let wrong = |why: &str| DistilError::Tokenizer(why.to_owned());
    let file: Value =
        serde_json::from_slice(tokenizer).map_err(|error| wrong(&error.to_string()))?;
    let entries = file["model"]["vocab"]
        .as_object()
        .ok_or_else(|| wrong("it has no vocabulary of words"))?;
    let mut numbered: Vec<(u64, &String)> = entries
        .iter()
        .filter_map(|(entry, number)| Some((number.as_u64()?, entry)))
        .collect();
    numbered.sort_unstable();
    Ok(numbered
        .into_iter()
        .map(|(_, entry)| entry.clone())
        .collect())
}
