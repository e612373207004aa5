//! Turns the bytes of a file into text with plain line ends, or says which byte forbids it.

use super::{MAX_BYTES, TranscriptError};

/// The text in `bytes`, without byte order mark, every line ended by `\n` alone.
pub(super) fn decode(bytes: &[u8], path: &str) -> Result<String, TranscriptError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TranscriptError::TooLarge {
            path: path.to_owned(),
        });
    }
    let binary = |line, what| TranscriptError::Binary {
        path: path.to_owned(),
        line,
        what,
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(binary(1, "UTF-16"));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(binary(
            place(bytes, at).0,
            "a binary file (it holds a zero byte)",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let (line, byte) = place(bytes, at);
        TranscriptError::NotUtf8 {
            path: path.to_owned(),
            line,
            byte,
            value: bytes[at],
        }
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The line of the byte at `at` and its place in that line, both counted from 1.
fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    (line, at - line_start + 1)
}
