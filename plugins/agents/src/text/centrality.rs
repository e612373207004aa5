//! Finds the sentences that carry a topic: those that most others resemble, without repeats.
//!
//! Erkan and Radev (2004), "`LexRank`: graph-based lexical centrality as salience in text
//! summarization" (continuous); Carbonell and Goldstein (1998), "The use of MMR, diversity-based
//! reranking".

use super::{Sentence, sentences, vectors};

/// The share of a sentence's weight that comes from its neighbours; the rest is given to all.
const DAMPING: f32 = 0.85;
/// Sentences less alike than this are no neighbours.
const MIN_SIMILARITY: f32 = 0.1;
/// Enough for the weights to settle to f32 precision.
const MAX_ROUNDS: usize = 100;
/// The share that centrality has in a choice; the rest is the dislike of repeats.
const RELEVANCE: f32 = 0.7;
/// Two sentences more alike than this say the same.
const REPEAT: f32 = 0.95;

/// How central each of the unit `vectors` is among them: the share of time that a random walk
/// along similarities spends there. The scores sum to 1; without vectors there are none.
pub fn centrality(vectors: &[&[f32]]) -> Vec<f32> {
    let n = vectors.len();
    let mut graph = vec![0.0_f32; n * n];
    for a in 0..n {
        for b in a..n {
            // A sentence is its own neighbour, even without a vector.
            let similarity = if a == b {
                1.0
            } else {
                vectors::dot(vectors[a], vectors[b])
            };
            let edge = if similarity >= MIN_SIMILARITY {
                similarity
            } else {
                0.0
            };
            graph[a * n + b] = edge;
            graph[b * n + a] = edge;
        }
    }
    for row in graph.chunks_mut(n.max(1)) {
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|edge| *edge /= sum);
    }
    walk(&graph, n)
}

/// Power iteration over a graph whose rows sum to 1.
fn walk(graph: &[f32], n: usize) -> Vec<f32> {
    let mut scores = vec![1.0 / n as f32; n];
    for _ in 0..MAX_ROUNDS {
        let mut next = vec![(1.0 - DAMPING) / n as f32; n];
        for (row, score) in graph.chunks(n.max(1)).zip(&scores) {
            for (next, edge) in next.iter_mut().zip(row) {
                *next += DAMPING * edge * score;
            }
        }
        let change: f32 = next.iter().zip(&scores).map(|(a, b)| (a - b).abs()).sum();
        scores = next;
        if change < 1e-6 {
            break;
        }
    }
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    scores
}

/// The indices of up to `n` sentences that score well and do not repeat each other, in the order
/// in which they were said.
///
/// `scores` are those of [`centrality`] over the same sentences. Sentences that say nothing
/// ("Yeah.") are never chosen, very short and very long ones and questions seldom. Fewer than `n`
/// are chosen if the rest would repeat.
pub fn choose(sentences: &[Sentence], scores: &[f32], n: usize) -> Vec<usize> {
    let top = scores.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let worth: Vec<f32> = sentences
        .iter()
        .zip(scores)
        .map(|(s, score)| score / top * fitness(&s.text))
        .collect();
    let mut nearest = vec![0.0_f32; worth.len()];
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < n {
        let value = |index: usize| RELEVANCE * worth[index] - (1.0 - RELEVANCE) * nearest[index];
        let best = (0..worth.len())
            .filter(|&index| worth[index] > 0.0 && nearest[index] < REPEAT)
            .filter(|index| !chosen.contains(index))
            .reduce(|best, next| {
                if value(next) > value(best) {
                    next
                } else {
                    best
                }
            });
        let Some(best) = best else { break };
        chosen.push(best);
        for (index, sentence) in sentences.iter().enumerate().take(worth.len()) {
            let is_same = sentence.text.eq_ignore_ascii_case(&sentences[best].text);
            let similarity = vectors::dot(&sentence.vector, &sentences[best].vector);
            let similarity = if is_same { 1.0 } else { similarity };
            nearest[index] = nearest[index].max(similarity);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// How well a sentence reads in minutes, from 0 to 1.
fn fitness(text: &str) -> f32 {
    if !sentences::is_content(text) {
        return 0.0;
    }
    let n_words = sentences::n_words(text) as f32;
    let length = match n_words {
        n if n < 5.0 => 0.3,
        n if n < 8.0 => 0.8,
        n if n > 40.0 => 40.0 / n,
        _ => 1.0,
    };
    if text.trim_end().ends_with('?') {
        length * 0.6
    } else {
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts_and_vectors: &[(&str, [f32; 2])]) -> Vec<Sentence> {
        let mut sentences = Vec::new();
        for (turn, (text, vector)) in texts_and_vectors.iter().enumerate() {
            sentences.push(Sentence {
                turn: turn as u32,
                speaker: "Ada".to_owned(),
                text: (*text).to_owned(),
                vector: vector.to_vec(),
            });
        }
        sentences
    }

    #[test]
    fn scores_sum_to_one_and_favour_the_middle() {
        let at = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
        let vectors = [at(0.0), at(40.0), at(80.0), at(170.0)];
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let scores = centrality(&vectors);
        assert!(
            (scores.iter().sum::<f32>() - 1.0).abs() < 1e-5,
            "{scores:?}"
        );
        assert!(scores[1] > scores[0] && scores[1] > scores[2] && scores[1] > scores[3]);
        assert!(centrality(&[]).is_empty());
        assert_eq!(centrality(&[&[]]), [1.0]);
    }

    #[test]
    fn a_symmetric_graph_is_uniform() {
        // Corners of a simplex, of a square, and vectors that are all the same.
        let simplex: Vec<Vec<f32>> = (0..5)
            .map(|i| (0..5).map(|j| f32::from(u8::from(i == j))).collect())
            .collect();
        let square = vec![
            vec![1.0, 0.0],
            vec![0.0, 1.0],
            vec![-1.0, 0.0],
            vec![0.0, -1.0],
        ];
        for corners in [simplex, square, vec![vec![0.6, 0.8]; 7]] {
            let vectors: Vec<&[f32]> = corners.iter().map(Vec::as_slice).collect();
            for score in centrality(&vectors) {
                assert!((score - 1.0 / corners.len() as f32).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn choices_do_not_repeat() {
        let sentences = said(&[
            ("The launch date moves to the middle of May.", [1.0, 0.0]),
            ("The launch date moves to the middle of May.", [1.0, 0.0]),
            ("the launch date moves to the middle of may.", [0.0, 0.0]),
            ("Yeah.", [1.0, 0.0]),
            ("The budget is nine thousand pounds in all.", [0.6, 0.8]),
        ]);
        let scores = [0.3, 0.3, 0.3, 0.9, 0.2];
        assert_eq!(choose(&sentences, &scores, 5), [0, 4]);
        assert_eq!(choose(&sentences, &scores, 1), [0]);
        assert!(choose(&sentences, &scores, 0).is_empty());
        assert!(choose(&[], &[], 3).is_empty());
    }

    #[test]
    fn choices_read_well_and_keep_their_order() {
        let long = "we talk and talk ".repeat(30);
        let sentences = said(&[
            (long.as_str(), [0.0, 1.0]),
            ("Budget nine thousand.", [0.6, 0.8]),
            ("Who rings the school about the readers?", [0.8, 0.6]),
            (
                "Chloe rings the school about the young readers.",
                [1.0, 0.0],
            ),
        ]);
        assert_eq!(choose(&sentences, &[0.25; 4], 1), [3]);
        let two = choose(&sentences, &[0.25; 4], 2);
        assert!(two.is_sorted() && two.contains(&3));
    }
}
