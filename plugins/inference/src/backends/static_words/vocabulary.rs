//! Cuts a text into entries of a vocabulary: the longest that fits, from left to right.
//!
//! Words are found as BERT finds them (lower case, accents off, punctuation on its own); a word
//! that is no entry is cut into pieces, of which all but the first are written `##piece`.
//!
//! Wu et al. (2016), "Google's Neural Machine Translation System", 4.1 (word pieces).

use std::collections::HashMap;

use tokenizers::{
    NormalizedString, Normalizer as _, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer as _, normalizers::BertNormalizer, pre_tokenizers::bert::BertPreTokenizer,
};

/// What a piece inside a word starts with.
pub(crate) const INSIDE: &str = "##";
/// The entry that stands for whatever is not in the vocabulary; its vector is zero.
pub(crate) const UNKNOWN: &str = "[UNK]";
/// The most characters that an entry may have.
const MAX_ENTRY_BYTES: usize = 96;
/// Longer words are not read: they are no words.
const MAX_WORD_BYTES: usize = 100;

/// The entries and their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    starts: HashMap<Box<str>, u32>,
    insides: HashMap<Box<str>, u32>,
    longest: usize,
    n_entries: usize,
}

impl Vocabulary {
    /// Reads one entry a line; the first line has number 0.
    ///
    /// # Errors
    /// The line that is empty, too long, or was there before.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
        Self::new(text.lines())
    }

    /// The entries in the order of their numbers.
    ///
    /// # Errors
    /// As [`Vocabulary::read`].
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut vocabulary = Self::default();
        for entry in entries {
            let line = vocabulary.n_entries + 1;
            let (map, piece) = match entry.strip_prefix(INSIDE) {
                Some(piece) if !piece.is_empty() => (&mut vocabulary.insides, piece),
                _ => (&mut vocabulary.starts, entry),
            };
            if piece.is_empty() || piece.len() > MAX_ENTRY_BYTES {
                return Err(format!("line {line} has {} bytes", piece.len()));
            }
            let number = u32::try_from(vocabulary.n_entries).map_err(|error| error.to_string())?;
            if map.insert(piece.into(), number).is_some() {
                return Err(format!("line {line} repeats {entry:?}"));
            }
            vocabulary.longest = vocabulary.longest.max(piece.len());
            vocabulary.n_entries += 1;
        }
        Ok(vocabulary)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.n_entries
    }

    /// The number of an entry, written as in its file.
    pub(crate) fn number(&self, entry: &str) -> Option<u32> {
        match entry.strip_prefix(INSIDE) {
            Some(piece) if !piece.is_empty() => self.insides.get(piece).copied(),
            _ => self.starts.get(entry).copied(),
        }
    }

    /// The numbers of the entries that make up a text; what no entry fits is left out.
    pub(crate) fn entries(&self, text: &str) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(text.len() / 4);
        for_each_word(text, &mut |word| self.cut(word, &mut numbers));
        numbers
    }

    /// Cuts one word.
    pub(crate) fn cut(&self, word: &str, numbers: &mut Vec<u32>) {
        if word.len() > MAX_WORD_BYTES {
            return;
        }
        let mut from = 0;
        while from < word.len() {
            let map = if from == 0 {
                &self.starts
            } else {
                &self.insides
            };
            let mut to = word.len().min(from + self.longest);
            let found = loop {
                if to <= from {
                    break None;
                }
                if let Some(piece) = word.get(from..to)
                    && let Some(&number) = map.get(piece)
                {
                    break Some(number);
                }
                to -= 1;
            };
            match found {
                Some(number) => {
                    numbers.push(number);
                    from = to;
                }
                None => from += word[from..].chars().next().map_or(1, char::len_utf8),
            }
        }
    }
}

/// Hands over each word of a text, in lower case.
pub(crate) fn for_each_word(text: &str, take: &mut dyn FnMut(&str)) {
    if text.is_ascii() {
        for_each_ascii_word(text, take);
        return;
    }
    let mut normalised = NormalizedString::from(text);
    let normaliser = BertNormalizer::new(true, true, Some(true), true);
    if normaliser.normalize(&mut normalised).is_err() {
        return;
    }
    let mut cut = PreTokenizedString::from(normalised);
    if BertPreTokenizer.pre_tokenize(&mut cut).is_ok() {
        for (word, _, _) in cut.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
            take(word);
        }
    }
}

/// The same for ASCII, where it is simple.
fn for_each_ascii_word(text: &str, take: &mut dyn FnMut(&str)) {
    let lower: String = text
        .chars()
        .filter(|c| !c.is_ascii_control() || matches!(c, '\t' | '\n' | '\r'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let mut from = 0;
    for (at, character) in lower.char_indices() {
        let is_space = character.is_ascii_whitespace();
        if is_space || character.is_ascii_punctuation() {
            if from < at {
                take(&lower[from..at]);
            }
            if !is_space {
                take(&lower[at..=at]);
            }
            from = at + 1;
        }
    }
    if from < lower.len() {
        take(&lower[from..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&'static str> {
        const ENTRIES: [&str; 9] = [
            "[UNK]", "a", "remote", "##s", "remotes", "##e", "r", "!", "##",
        ];
        let vocabulary = Vocabulary::new(ENTRIES).unwrap();
        let numbers = vocabulary.entries(text);
        numbers
            .into_iter()
            .map(|number| ENTRIES[number as usize])
            .collect()
    }

    #[test]
    fn the_longest_entry_wins_and_what_is_unknown_is_left_out() {
        for (text, expected) in [
            ("Remotes!", vec!["remotes", "!"]),
            ("a REMOTE", vec!["a", "remote"]),
            ("rés", vec!["r", "##e", "##s"]),
            ("xs", vec!["##s"]),
            ("  \n", vec![]),
            ("漢字", vec![]),
        ] {
            assert_eq!(cut(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ascii_is_cut_as_any_other_text_is() {
        for text in [
            "Don't panic, Bob! (42.5%)\tyes\u{7}no\n",
            "",
            "a--b_c$d `x` ~/y",
            "\u{1}\u{7f}",
        ] {
            let mut simple = Vec::new();
            for_each_word(text, &mut |word| simple.push(word.to_owned()));
            // An accent that is taken off again takes the other way to the same words.
            let mut general = Vec::new();
            let other = format!("{text} \u{e9}");
            for_each_word(&other, &mut |word| general.push(word.to_owned()));
            assert_eq!(general.pop().as_deref(), Some("e"));
            assert_eq!(simple, general, "{text:?}");
        }
    }

    #[test]
    fn vocabularies_that_contradict_themselves_are_refused() {
        for bad in ["a\na\n", "a\n\nb\n", "##a\n##a"] {
            assert!(Vocabulary::read(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
