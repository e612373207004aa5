//! From labels of pieces of words to labelled spans of a text.
//!
//! * A word has the label of its first piece, so that a label never ends inside a word.
//! * Words in a row of one label make one span; with labels of the kind `B-PER`, `I-PER`, a `B-`
//!   begins a new span, unless it touches the word before, as in `ada@example.com`. `O` is no label.
//!
//! Ramshaw, Marcus (1995), "Text Chunking using Transformation-Based Learning".

use tokenizers::Encoding;

use crate::output::TagSpan;

/// The label of what has none.
const OUTSIDE: &str = "O";

/// A word, where it stands, and what it was found to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) label: &'a str,
    pub(super) score: f32,
}

/// The words of an encoded text, with the best label of their first pieces. Marks are left out.
pub(super) fn words<'a>(
    encoding: &Encoding,
    scores: &[Vec<f32>],
    labels: &'a [String],
) -> Vec<Word<'a>> {
    let mut words: Vec<(u32, Word<'a>)> = Vec::new();
    let pieces = encoding.get_word_ids().iter().zip(encoding.get_offsets());
    for ((word, &(start, end)), scores) in pieces.zip(scores) {
        let Some(word) = *word else { continue };
        if let Some((before, known)) = words.last_mut()
            && *before == word
        {
            known.end = end;
            continue;
        }
        let best = scores
            .iter()
            .copied()
            .zip(labels)
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        if let Some((score, label)) = best {
            let known = Word {
                start,
                end,
                label,
                score,
            };
            words.push((word, known));
        }
    }
    words.into_iter().map(|(_, word)| word).collect()
}

/// Joins words of one label. A span's score is the mean of its words' scores.
pub(super) fn spans(words: &[Word<'_>]) -> Vec<TagSpan> {
    let mut spans: Vec<(TagSpan, f32)> = Vec::new();
    let mut is_open = false;
    for word in words {
        if word.label == OUTSIDE {
            is_open = false;
            continue;
        }
        let (begins, label) = match word.label.split_once('-') {
            Some(("B", label)) => (true, label),
            Some(("I", label)) => (false, label),
            _ => (false, word.label),
        };
        if let Some((span, n_words)) = spans.last_mut()
            && is_open
            && (!begins || span.end == word.start)
            && span.label == label
        {
            span.score = (span.score * *n_words + word.score) / (*n_words + 1.0);
            *n_words += 1.0;
            span.end = word.end;
            continue;
        }
        let span = TagSpan {
            label: label.to_owned(),
            start: word.start,
            end: word.end,
            score: word.score,
        };
        spans.push((span, 1.0));
        is_open = true;
    }
    spans.into_iter().map(|(span, _)| span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_label_become_spans() {
        for (labels, expected) in [
            ("O O", ""),
            ("B-PER I-PER O", "PER 0..3"),
            ("B-PER B-PER", "PER 0..1, PER 2..3"),
            ("I-PER I-LOC I-LOC", "PER 0..1, LOC 2..5"),
            ("B-PER O I-PER", "PER 0..1, PER 4..5"),
            ("EMAIL EMAIL O EMAIL", "EMAIL 0..3, EMAIL 6..7"),
        ] {
            let words: Vec<Word<'_>> = labels
                .split(' ')
                .enumerate()
                .map(|(at, label)| Word {
                    // A space lies between any two words.
                    start: 2 * at,
                    end: 2 * at + 1,
                    label,
                    score: 0.5,
                })
                .collect();
            let got: Vec<String> = spans(&words)
                .iter()
                .map(|span| format!("{} {}..{}", span.label, span.start, span.end))
                .collect();
            assert_eq!(got.join(", "), expected, "{labels}");
        }
    }

    #[test]
    fn a_span_is_as_sure_as_its_words_on_average() {
        let word = |at, score| Word {
            start: at,
            end: at + 1,
            label: "B-PER",
            score,
        };
        // They touch, so they are one although each begins anew.
        let spans = spans(&[word(0, 0.9), word(1, 0.6), word(2, 0.3)]);
        assert_eq!(spans.len(), 1);
        assert!((spans[0].score - 0.6).abs() < 1e-6);
    }
}
