//! Ranks the sentences of a meeting by how likely they hold the answer to a question.
//!
//! The cosine of the embeddings and the words in common are added up. Okapi BM25: Robertson and
//! Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond".

use std::collections::BTreeMap;

use super::{Sentence, lexicon, vectors};

/// Saturation and length normalisation of BM25.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// The share of the words in the score; the rest is the share of the meaning.
const LEXICAL: f32 = 0.4;
/// What is left of the scores if no sentence holds any word of the question.
const NO_WORD_TRUST: f32 = 0.25;
/// How much a sentence gets of what its neighbours on either side are worth, by their distance.
const NEIGHBOURS: [f32; 3] = [0.25, 0.15, 0.1];

/// A sentence that may hold the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its index among the sentences.
    pub sentence: usize,
    /// How well it and what is said around it fit the question; about 0 to 1, larger is better.
    pub score: f32,
    /// The cosine of its vector and the question's, from -1 to 1.
    pub similarity: f32,
    /// The share of the question's words, weighted by how rare they are, that it holds, 0 to 1.
    pub overlap: f32,
}

/// All `sentences` ranked for `question`, whose unit vector is `vector`, best first; equals keep
/// their order.
pub fn retrieve(question: &str, vector: &[f32], sentences: &[Sentence]) -> Vec<Hit> {
    let lexical = overlaps(question, sentences);
    let mut own = Vec::with_capacity(sentences.len());
    let mut hits = Vec::with_capacity(sentences.len());
    for (index, (sentence, (bm25, overlap))) in sentences.iter().zip(lexical).enumerate() {
        let similarity = vectors::dot(vector, &sentence.vector);
        own.push((1.0 - LEXICAL) * similarity.max(0.0) + LEXICAL * bm25);
        hits.push(Hit {
            sentence: index,
            score: 0.0,
            similarity,
            overlap,
        });
    }
    // If the meeting never speaks of what is asked, not even its best sentence is a good one.
    let most_held = hits.iter().map(|hit| hit.overlap).fold(0.0, f32::max);
    let trust = NO_WORD_TRUST + (1.0 - NO_WORD_TRUST) * most_held;
    for (index, hit) in hits.iter_mut().enumerate() {
        hit.score = trust * in_context(&own, index);
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits
}

/// What a sentence is worth together with its neighbours.
fn in_context(own: &[f32], index: usize) -> f32 {
    let mut sum = own[index];
    let mut n = 1.0;
    for (distance, share) in (1..).zip(NEIGHBOURS) {
        let left = index.checked_sub(distance).and_then(|at| own.get(at));
        let right = own.get(index + distance);
        sum += share * (left.copied().unwrap_or(0.0) + right.copied().unwrap_or(0.0));
        n += 2.0 * share;
    }
    sum / n
}

/// For each sentence its BM25 score, scaled so that the best has 1, and its share of the question's
/// words. The name of the speaker counts as said.
fn overlaps(question: &str, sentences: &[Sentence]) -> Vec<(f32, f32)> {
    let mut asked = lexicon::content_stems(question);
    asked.sort();
    asked.dedup();
    let n_sentences = sentences.len() as f32;
    let mut n_holding: BTreeMap<&str, f32> = BTreeMap::new();
    let mut counted = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        let mut stems = lexicon::content_stems(&sentence.text);
        stems.extend(lexicon::content_stems(&sentence.speaker));
        let counts: Vec<f32> = asked
            .iter()
            .map(|word| stems.iter().filter(|stem| *stem == word).count() as f32)
            .collect();
        for (word, count) in asked.iter().zip(&counts) {
            *n_holding.entry(word).or_default() += f32::from(u8::from(*count > 0.0));
        }
        counted.push((counts, stems.len() as f32));
    }
    let mean_length = counted.iter().map(|(_, n)| n).sum::<f32>() / n_sentences.max(1.0);
    let rarity: Vec<f32> = asked
        .iter()
        .map(|word| n_holding.get(word.as_str()).copied().unwrap_or(0.0))
        .map(|n| (1.0 + (n_sentences - n + 0.5) / (n + 0.5)).ln())
        .collect();
    let all: f32 = rarity.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let mut scores = Vec::with_capacity(counted.len());
    for (counts, n) in &counted {
        let norm = K1 * (1.0 - B + B * n / mean_length.max(1.0));
        let mut bm25 = 0.0;
        let mut held = 0.0;
        for (count, rarity) in counts.iter().zip(&rarity) {
            bm25 += rarity * count * (K1 + 1.0) / (count + norm);
            held += if *count > 0.0 { *rarity } else { 0.0 };
        }
        scores.push((bm25, held / all));
    }
    let top = scores
        .iter()
        .map(|(bm25, _)| *bm25)
        .fold(f32::MIN_POSITIVE, f32::max);
    scores.iter_mut().for_each(|(bm25, _)| *bm25 /= top);
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Vec<Sentence> {
        let sentence = |text: &&str| Sentence {
            turn: 0,
            speaker: "Ada".to_owned(),
            text: (*text).to_owned(),
            vector: Vec::new(),
        };
        texts.iter().map(sentence).collect()
    }

    #[test]
    fn bm25_is_that_of_its_definition() {
        // Three sentences of 3, 3 and 4 counted words, "Ada" included; "cat" is in two of them.
        let sentences = said(&["cat dog", "bird fish", "cat cat fish"]);
        let scores = overlaps("Cat?", &sentences);
        let rarity = (1.0_f32 + (3.0 - 2.0 + 0.5) / (2.0 + 0.5)).ln();
        let bm25 = |count: f32, length: f32| {
            rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / (10.0 / 3.0)))
        };
        assert!(
            (scores[0].0 - bm25(1.0, 3.0) / bm25(2.0, 4.0)).abs() < 1e-5,
            "{scores:?}"
        );
        assert_eq!(
            scores.iter().map(|score| score.1).collect::<Vec<_>>(),
            [1.0, 0.0, 1.0]
        );
        assert_eq!((scores[1].0, scores[2].0), (0.0, 1.0));
    }

    #[test]
    fn rare_words_meaning_and_neighbours_raise_a_sentence() {
        let mut sentences = said(&["zero", "the app", "the app launch", "the app", "one", "two"]);
        let best = |sentences: &[Sentence], vector: &[f32]| {
            retrieve("When is the app launch?", vector, sentences)[0].sentence
        };
        assert_eq!(best(&sentences, &[1.0, 0.0]), 2);
        sentences
            .iter_mut()
            .for_each(|sentence| sentence.vector = vec![0.0, 1.0]);
        sentences[5].vector = vec![1.0, 0.0];
        let hits = retrieve("Something else entirely?", &[1.0, 0.0], &sentences);
        assert_eq!((hits[0].sentence, hits[0].similarity), (5, 1.0));
        assert_eq!(hits[1].sentence, 4);
        assert_eq!(hits.len(), sentences.len());
    }

    #[test]
    fn nothing_asked_or_said_is_no_trouble() {
        assert!(retrieve("When?", &[1.0], &[]).is_empty());
        let hits = retrieve("", &[], &said(&["one", "two", ""]));
        assert_eq!(
            hits.iter().map(|hit| hit.sentence).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert!(hits.iter().all(|hit| hit.score == 0.0));
    }
}
