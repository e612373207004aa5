//! Reads lines of bounded length, one at a time into the same buffer.

use std::io::{BufRead, Read as _};

use crate::error::{Problem, ReadError};

/// The longest line, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The lines of a text.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    number: usize,
    buffer: Vec<u8>,
}

/// A line that holds something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Without white space around it.
    pub(super) text: &'a str,
    /// How many bytes of white space come before.
    indent: usize,
}

impl Line<'_> {
    /// A problem at a byte of the text.
    pub(super) fn error(&self, byte: usize, message: impl Into<String>) -> ReadError {
        let before = self.text.get(..byte).unwrap_or(self.text);
        ReadError {
            line: self.number,
            column: self.indent + before.chars().count() + 1,
            problem: Problem::Other(message.into()),
        }
    }
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            buffer: Vec::new(),
        }
    }

    /// The next line that is not empty.
    pub(super) fn next_line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        loop {
            self.buffer.clear();
            self.number += 1;
            let mut bounded = self.reader.by_ref().take(MOST_BYTES + 1);
            let read = bounded.read_until(b'\n', &mut self.buffer);
            let n = read.map_err(|cause| {
                self.refuse(
                    0,
                    format!("the trace cannot be read on ({cause}); try again"),
                )
            })?;
            if n == 0 {
                return Ok(None);
            }
            if n as u64 > MOST_BYTES {
                let message = "the line is longer than 1 MiB; check that this is a trace";
                return Err(self.refuse(0, message.to_owned()));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let text = str::from_utf8(&self.buffer).map_err(|error| {
            let message = "this is not UTF-8 text; check that it is the right file, or convert it";
            self.refuse(error.valid_up_to(), message.to_owned())
        })?;
        let text = match self.number {
            // Some programs put a byte order mark first.
            1 => text.strip_prefix('\u{feff}').unwrap_or(text),
            _ => text,
        };
        let indented = text.trim_ascii_end();
        let text = indented.trim_ascii_start();
        Ok(Some(Line {
            number: self.number,
            text,
            indent: indented.len() - text.len(),
        }))
    }

    fn refuse(&self, byte: usize, message: String) -> ReadError {
        ReadError {
            line: self.number,
            column: byte + 1,
            problem: Problem::Other(message),
        }
    }
}
