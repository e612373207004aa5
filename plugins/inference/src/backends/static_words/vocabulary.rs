//! Cuts a text into entries of a vocabulary: the longest that fits, from left to right.
//!
//! Words are found as BERT finds them (lower case, accents off, punctuation on its own); a word
//! that is no entry is cut into pieces, of which all but the first are written `##piece`.
//!
//! Wu et al. (2016), "Google's Neural Machine Translation System", 4.1 (word pieces).

use std::collections::HashMap;

use crate::backends::words::for_each_word;

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
    fn vocabularies_that_contradict_themselves_are_refused() {
        for bad in ["a\na\n", "a\n\nb\n", "##a\n##a"] {
            assert!(Vocabulary::read(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
