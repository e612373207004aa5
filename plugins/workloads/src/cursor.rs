//! Walks over the words of a text; knows where each stands.

use crate::error::{Problem, ReadError};

/// Up to here, `f64` adds whole numbers without rounding: 2⁵³.
const MOST: f64 = 9_007_199_254_740_992.0;

/// A position in a text of words between white space; `#` begins a comment up to the end of line.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Where the last word began.
    last: usize,
    /// Whether the next word stands on another line than the last.
    is_new_line: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut cursor = Self {
            text,
            at: if text.starts_with('\u{feff}') { 3 } else { 0 },
            last: 0,
            is_new_line: false,
        };
        cursor.skip();
        cursor.last = cursor.at;
        cursor
    }

    /// Goes to the next word.
    fn skip(&mut self) {
        let bytes = self.text.as_bytes();
        self.is_new_line = false;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'#' => {
                    let rest = &bytes[self.at..];
                    let length = rest.iter().position(|byte| *byte == b'\n');
                    self.at += length.unwrap_or(rest.len());
                }
                b'\n' => {
                    self.is_new_line = true;
                    self.at += 1;
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => return,
            }
        }
        self.is_new_line = true;
    }

    /// The next word, which stays.
    fn peek(&self) -> &'a str {
        let rest = &self.text[self.at..];
        let is_end = |c: char| c.is_ascii_whitespace() || c == '#';
        &rest[..rest.find(is_end).unwrap_or(rest.len())]
    }

    /// The next word, which is `what`.
    fn word(&mut self, expected: &'static str) -> Result<&'a str, ReadError> {
        let word = self.peek();
        self.last = self.at;
        if word.is_empty() {
            return Err(self.error_here(Problem::Ends { expected }));
        }
        self.at += word.len();
        self.skip();
        Ok(word)
    }

    /// A problem with the last word.
    pub(crate) fn error_here(&self, problem: Problem) -> ReadError {
        ReadError::at(self.text, self.last, problem)
    }

    /// How many words the rest could hold at most.
    pub(crate) fn room(&self) -> usize {
        (self.text.len() - self.at).div_ceil(2)
    }

    /// Whether the next word stands on another line than the last, or there is none.
    pub(crate) fn is_at_line_end(&self) -> bool {
        self.is_new_line
    }

    /// The next word as a whole number within a range.
    pub(crate) fn whole(
        &mut self,
        what: &'static str,
        min: usize,
        max: usize,
    ) -> Result<usize, ReadError> {
        let word = self.word(what)?;
        let number = word
            .parse::<usize>()
            .ok()
            .filter(|n| (min..=max).contains(n));
        number.ok_or_else(|| {
            let must = match (min, max) {
                _ if min > max => "left out, as there is nothing to count".to_owned(),
                (0, usize::MAX) => "a whole number".to_owned(),
                (min, usize::MAX) => format!("a whole number from {min}"),
                (min, max) => format!("a whole number from {min} to {max}"),
            };
            self.bad_number(what, word, must)
        })
    }

    /// The next word as the number of things that follow, each of `words` words or more.
    pub(crate) fn count(
        &mut self,
        what: &'static str,
        min: usize,
        words: usize,
    ) -> Result<usize, ReadError> {
        let found = self.whole(what, min, usize::MAX)?;
        if found.saturating_mul(words) > self.room() {
            return Err(self.error_here(Problem::Promises { what, found }));
        }
        Ok(found)
    }

    /// The next word as a number of machines: at most `most` or 100, whichever is more.
    pub(crate) fn machines(&mut self, what: &'static str, most: usize) -> Result<usize, ReadError> {
        const ALWAYS: usize = 100;
        let found = self.whole(what, 1, usize::MAX)?;
        if found > most.max(ALWAYS) {
            return Err(self.error_here(Problem::Promises { what, found }));
        }
        Ok(found)
    }

    /// The next word as a finite number that is not negative.
    pub(crate) fn amount(&mut self, what: &'static str) -> Result<f64, ReadError> {
        let word = self.word(what)?;
        // Words such as `inf` and `nan` are numbers to `f64`.
        let number = word
            .parse::<f64>()
            .ok()
            .filter(|n| (0.0..=MOST).contains(n));
        number.ok_or_else(|| {
            let must = "a number from 0 to 9007199254740992".to_owned();
            self.bad_number(what, word, must)
        })
    }

    /// Refuses whatever is left.
    pub(crate) fn end(&mut self, last: &'static str) -> Result<(), ReadError> {
        let word = self.peek();
        self.last = self.at;
        if word.is_empty() {
            return Ok(());
        }
        let found = shorten(word);
        Err(self.error_here(Problem::Trailing { found, last }))
    }

    fn bad_number(&self, what: &'static str, word: &str, must: String) -> ReadError {
        let found = shorten(word);
        self.error_here(Problem::BadNumber { what, found, must })
    }
}

/// The beginning of a word, for a message.
fn shorten(word: &str) -> String {
    const MOST_CHARS: usize = 40;
    match word.char_indices().nth(MOST_CHARS) {
        Some((at, _)) => format!("{}…", &word[..at]),
        None => word.to_owned(),
    }
}
