//! Cuts what somebody said into sentences, and counts words.
//!
//! Boundaries are those of Unicode Standard Annex 29, corrected for English abbreviations.

use unicode_segmentation::UnicodeSegmentation as _;

use super::lexicon;

/// A sentence of more words is cut, at a comma or a conjunction if there is one.
const MAX_WORDS: usize = 60;
/// No cut leaves fewer words than this before it.
const MIN_WORDS: usize = 30;
/// Lower-case words whose point does not end a sentence.
const ABBREVIATIONS: [&str; 18] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "e.g", "i.e", "fig", "no", "approx",
    "dept", "cf", "al", "rev",
];
/// Words before which a long sentence may be cut.
const CONJUNCTIONS: [&str; 7] = ["and", "but", "so", "because", "or", "then", "which"];

/// The sentences of `text`, each trimmed, with one space between words. Pieces without any word
/// are left out; very long sentences, as in transcripts without punctuation, are cut at about 60
/// words.
pub fn sentences(text: &str) -> Vec<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut whole: Vec<String> = Vec::new();
    let mut is_open = false;
    for piece in line.split_sentence_bounds() {
        match whole.last_mut() {
            Some(sentence) if is_open => sentence.push_str(piece),
            _ => whole.push(piece.to_owned()),
        }
        is_open = whole
            .last()
            .is_some_and(|sentence| ends_in_abbreviation(sentence));
    }
    let mut sentences = Vec::new();
    for sentence in whole {
        cut_long(sentence.trim(), &mut sentences);
    }
    sentences.retain(|sentence| n_words(sentence) > 0);
    sentences
}

/// Whether `sentence` ends in "Dr." or in an initial, as in "J. Smith".
fn ends_in_abbreviation(sentence: &str) -> bool {
    let Some(last) = sentence
        .trim_end()
        .strip_suffix('.')
        .and_then(|s| s.split_whitespace().last())
    else {
        return false;
    };
    let last = last.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut chars = last.chars();
    let is_initial =
        matches!((chars.next(), chars.next()), (Some(c), None) if c.is_uppercase() && c != 'I');
    // "no." is an abbreviation only as in "No. 5", which begins with a capital.
    let lower = last.to_lowercase();
    is_initial || (ABBREVIATIONS.contains(&lower.as_str()) && lower != "no")
}

/// Pushes `sentence` onto `into`, in pieces of at most [`MAX_WORDS`].
fn cut_long(sentence: &str, into: &mut Vec<String>) {
    let tokens: Vec<&str> = sentence.split(' ').collect();
    let mut rest = tokens.as_slice();
    while rest.len() > MAX_WORDS {
        let window = MIN_WORDS..MAX_WORDS;
        let at_comma = window
            .clone()
            .rev()
            .find(|&at| rest[at - 1].ends_with([',', ';', ':']));
        let at_conjunction = || {
            window
                .rev()
                .find(|&at| CONJUNCTIONS.contains(&rest[at].to_lowercase().as_str()))
        };
        let at = at_comma.or_else(at_conjunction).unwrap_or(MAX_WORDS);
        into.push(rest[..at].join(" "));
        rest = &rest[at..];
    }
    into.push(rest.join(" "));
}

/// The words in `text`, as Unicode Standard Annex 29 counts them.
pub fn n_words(text: &str) -> usize {
    text.unicode_words().count()
}

/// About how many tokens an English `WordPiece` tokenizer makes of `text`, its two marks of start and
/// end included: one for every mark and for every word up to seven letters long.
pub fn n_tokens(text: &str) -> u32 {
    let words: usize = text
        .unicode_words()
        .map(|word| word.chars().count().div_ceil(7))
        .sum();
    let marks = text.chars().filter(char::is_ascii_punctuation).count();
    (words + marks + 2) as u32
}

/// Whether `text` says something, rather than only that somebody listens ("Mm-hmm.", "Yeah.").
///
/// It does with a word that is no stop word, a number, or six words of any kind.
pub fn is_content(text: &str) -> bool {
    let mut n_words = 0;
    let mut has_content = false;
    for word in lexicon::words(text) {
        n_words += usize::from(!lexicon::is_backchannel(&word));
        has_content |= !lexicon::is_stop_word(&word) && word.chars().count() > 1
            || word.chars().any(char::is_numeric);
    }
    has_content || n_words >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        for (text, expect) in [
            ("", vec![]),
            (" ... ", vec![]),
            ("No punctuation here", vec!["No punctuation here"]),
            ("One. Two! Three?", vec!["One.", "Two!", "Three?"]),
            (
                "Ask Dr. Smith. He knows.",
                vec!["Ask Dr. Smith.", "He knows."],
            ),
            (
                "Ask J. Smith, e.g. Tuesday.",
                vec!["Ask J. Smith, e.g. Tuesday."],
            ),
            (
                "It costs 3.50 pounds. Fine.",
                vec!["It costs 3.50 pounds.", "Fine."],
            ),
            ("I said no. We stop.", vec!["I said no.", "We stop."]),
            ("One line\nand the  next.", vec!["One line and the next."]),
            (
                "So did I. Then we left.",
                vec!["So did I.", "Then we left."],
            ),
            ("Well... Maybe. ", vec!["Well...", "Maybe."]),
        ] {
            assert_eq!(sentences(text), expect, "{text:?}");
        }
    }

    #[test]
    fn long_sentences_are_cut_and_lose_no_word() {
        let plain = "word ".repeat(150);
        let with_commas = "one two three four, ".repeat(40);
        let with_and = "we went there and ".repeat(40);
        for text in [plain, with_commas, with_and] {
            let pieces = sentences(&text);
            assert!(pieces.iter().all(|piece| n_words(piece) <= MAX_WORDS));
            assert!(pieces.len() >= 3);
            assert_eq!(pieces.join(" "), text.trim());
        }
        let pieces = sentences(&"one two three four, ".repeat(40));
        assert!(
            pieces[..pieces.len() - 1]
                .iter()
                .all(|piece| piece.ends_with(','))
        );
    }

    #[test]
    fn listening_is_told_from_saying() {
        for (text, expect) in [
            ("Mm-hmm.", false),
            ("Yeah. Yeah, okay.", false),
            ("Uh-huh, right.", false),
            ("I see.", false),
            ("Thank you very much.", false),
            ("", false),
            ("Wednesday.", true),
            ("At 5.", true),
            ("We can't do that before the two of you have it.", true),
            ("The sync loses bookmarks.", true),
        ] {
            assert_eq!(is_content(text), expect, "{text:?}");
        }
    }

    #[test]
    fn counts_are_plausible() {
        assert_eq!(n_words("It's 3.50, isn't it?"), 4);
        assert_eq!(n_tokens(""), 2);
        assert!((8..=14).contains(&n_tokens("The synchronisation loses all bookmarks.")));
    }
}
