//! The checker's notebook: collects problems with their places and answers the questions that recur.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use crate::{
    at::At,
    bounds::Bounds,
    error::{Problem, SceneError},
    explain::{explain, quoted},
};

/// Problems listed of one file; further ones are only counted.
const MAX_PROBLEMS: usize = 20;
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;
/// The longest text, in characters.
const MAX_TEXT_CHARS: usize = 5000;

/// What is known about the world outside the file.
pub(crate) struct Outside<'a> {
    /// The model versions of the catalog.
    pub(crate) versions: &'a [String],
    /// Bytes of memory that a model takes.
    pub(crate) memory_bytes: &'a dyn Fn(&str) -> u64,
    /// Whether a file is there.
    pub(crate) is_file: &'a dyn Fn(&Path) -> bool,
}

/// Collects what is wrong with one file.
pub(crate) struct Check<'a> {
    text: &'a str,
    found: Vec<Found>,
    n_more: usize,
}

/// A problem and its place, as bytes before it.
struct Found {
    offset: usize,
    what: String,
    help: String,
}

impl<'a> Check<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            found: Vec::new(),
            n_more: 0,
        }
    }

    /// Notes what is wrong at `at` and what to do; the words are made only if they will be shown. Of
    /// several problems at one place the first is kept.
    pub(crate) fn refuse<T, W, H>(&mut self, at: &At<T>, words: impl FnOnce() -> (W, H))
    where
        W: Into<String>,
        H: Into<String>,
    {
        self.refuse_offset(at.offset_in(self.text), words);
    }

    fn refuse_offset<W, H>(&mut self, offset: usize, words: impl FnOnce() -> (W, H))
    where
        W: Into<String>,
        H: Into<String>,
    {
        if self.found.len() >= MAX_PROBLEMS {
            self.n_more += 1;
        } else if self.found.iter().all(|found| found.offset != offset) {
            let (what, help) = words();
            self.found.push(Found {
                offset,
                what: what.into(),
                help: help.into(),
            });
        }
    }

    /// The value at `at`; notes why if there is none.
    pub(crate) fn value<T: Clone>(&mut self, at: &At<T>) -> Option<T> {
        match &at.value {
            Ok(value) => Some(value.clone()),
            Err(error) => {
                let start = at.offset_in(self.text);
                let inner = offset_of(
                    &self.text[start..],
                    error.span.start.line,
                    error.span.start.col,
                );
                self.refuse_offset(start + inner, || explain(&error.code));
                None
            }
        }
    }

    /// The number at `at`, if it lies within `bounds`.
    pub(crate) fn number(&mut self, at: &At<f64>, field: &str, bounds: &Bounds) -> Option<f64> {
        let number = self.value(at)?;
        self.bounded(at, number, field, bounds)
    }

    /// The two numbers at `at`, if both lie within `bounds`.
    pub(crate) fn pair(
        &mut self,
        at: &At<(f64, f64)>,
        field: &str,
        bounds: &Bounds,
    ) -> Option<(f64, f64)> {
        let (first, second) = self.value(at)?;
        Some((
            self.bounded(at, first, field, bounds)?,
            self.bounded(at, second, field, bounds)?,
        ))
    }

    /// `number`, which stands at `at`, if it lies within `bounds`; NaN lies nowhere.
    pub(crate) fn bounded<T>(
        &mut self,
        at: &At<T>,
        number: f64,
        field: &str,
        bounds: &Bounds,
    ) -> Option<f64> {
        if bounds.range.contains(&number) {
            return Some(number);
        }
        let (low, high, unit) = (bounds.range.start(), bounds.range.end(), bounds.unit);
        self.refuse(at, || {
            (
                format!("{field} is {number:?}"),
                format!("give {low} to {high}{unit}"),
            )
        });
        None
    }

    /// The count at `at`, at least and at most so many.
    pub(crate) fn count(&mut self, at: &At<u32>, field: &str, range: RangeInclusive<u32>) -> u32 {
        let n = self.value(at).unwrap_or(*range.start());
        if !range.contains(&n) {
            let (low, high) = range.into_inner();
            self.refuse(at, || {
                (format!("{field} is {n}"), format!("give {low} to {high}"))
            });
        }
        n
    }

    /// The name at `at`: not empty, not too long, on one line.
    pub(crate) fn name(&mut self, at: &At<String>, noun: &str) -> String {
        let Some(name) = self.value(at) else {
            return String::new();
        };
        if name.trim().is_empty() {
            self.refuse(at, || (format!("a {noun} has no name"), "give it one"));
        } else if name.chars().count() > MAX_NAME_CHARS {
            self.refuse(at, || {
                (
                    format!("the name {} is too long", quoted(&name)),
                    format!("use at most {MAX_NAME_CHARS} characters"),
                )
            });
        } else if name.chars().any(char::is_control) {
            self.refuse(at, || {
                (
                    format!("the name {} holds a control character", quoted(&name)),
                    "take it out",
                )
            });
        }
        name
    }

    /// The text at `at`: not empty and not too long.
    pub(crate) fn text(&mut self, at: &At<String>, field: &str) -> String {
        let text = self.value(at).unwrap_or_default();
        if at.value.is_ok() && text.trim().is_empty() {
            self.refuse(at, || (format!("{field} is empty"), "write something"));
        }
        self.short_text(at, text, field)
    }

    /// `text` if it is not too long; it may be empty.
    pub(crate) fn short_text(&mut self, at: &At<String>, text: String, field: &str) -> String {
        if text.chars().nth(MAX_TEXT_CHARS).is_some() {
            self.refuse(at, || {
                (
                    format!("{field} is too long"),
                    format!("use at most {MAX_TEXT_CHARS} characters"),
                )
            });
        }
        text
    }

    /// Notes that `items` are more than `most`, at the name of the first that is too many.
    pub(crate) fn at_most<T, U>(
        &mut self,
        items: &[T],
        most: usize,
        plural: &str,
        place: impl FnOnce(&T) -> &At<U>,
    ) {
        if let Some(item) = items.get(most) {
            let n = items.len();
            self.refuse(place(item), || {
                (format!("there are {n} {plural}"), format!("keep to {most}"))
            });
        }
    }

    /// How many problems there are.
    pub(crate) fn n_problems(&self) -> usize {
        self.found.len() + self.n_more
    }

    /// The text of the file.
    pub(crate) fn source(&self) -> &'a str {
        self.text
    }

    /// The place of `at`, as bytes before it.
    pub(crate) fn offset<T>(&self, at: &At<T>) -> usize {
        at.offset_in(self.text)
    }

    /// Passes if nothing was refused.
    pub(crate) fn finish(self, path: PathBuf) -> Result<(), SceneError> {
        let Self {
            text,
            mut found,
            n_more,
        } = self;
        if found.is_empty() {
            return Ok(());
        }
        found.sort_by_key(|found| found.offset);
        let problems = found
            .into_iter()
            .map(|Found { offset, what, help }| {
                let (line, column) = position(text, offset);
                Problem {
                    line,
                    column,
                    what,
                    help,
                }
            })
            .collect();
        Err(SceneError::Invalid {
            path,
            problems,
            n_more,
        })
    }
}

/// Line and column of the character after `offset` bytes, both from 1.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    (line, column)
}

/// The bytes before line and column (both from 1) of `text`.
pub(crate) fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text
            .match_indices('\n')
            .nth(line - 2)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    let rest = &text[line_start..];
    line_start
        + rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(rest.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_positions_are_inverse() {
        let text = "ab\nä(c)\n\nd";
        for (offset, _) in text.char_indices() {
            let (line, column) = position(text, offset);
            assert_eq!(offset_of(text, line, column), offset);
        }
        assert_eq!(position(text, 5), (2, 2));
        assert_eq!(offset_of(text, 9, 9), text.len());
    }
}
