//! Where things stand in a JSON text.

use serde_json::value::RawValue;

use crate::error::{Problem, ReadError};

/// How many bytes of `text` precede a value that was read from it; 0 if it was not.
pub(crate) fn offset_of(text: &str, value: &RawValue) -> usize {
    let offset = value
        .get()
        .as_ptr()
        .addr()
        .wrapping_sub(text.as_ptr().addr());
    if offset <= text.len() { offset } else { 0 }
}

/// An error of a text, or of a part of it that begins at byte `base`.
pub(crate) fn read_error(text: &str, base: usize, error: &serde_json::Error) -> ReadError {
    let part = text.get(base..).unwrap_or_default();
    let n_lines_before = error.line().saturating_sub(1);
    let line_start: usize = part
        .split_inclusive('\n')
        .take(n_lines_before)
        .map(str::len)
        .sum();
    // JSON errors count columns in bytes, from 1; 0 is the end of the line before.
    let mut byte = base + line_start + error.column().saturating_sub(1);
    while !text.is_char_boundary(byte.min(text.len())) {
        byte -= 1;
    }
    ReadError::at(
        text,
        byte.min(text.len()),
        Problem::Other(without_place(error)),
    )
}

/// The message of a JSON error without the place, which stands elsewhere.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&place) {
        Some(message) => message.to_owned(),
        None => message,
    }
}
