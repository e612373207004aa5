//! Reads what is to be asked on a thread of its own, so that who types slowly holds nothing up.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use crate::error::AppError;

/// Lines that are read ahead.
const AHEAD: usize = 256;
/// What a WAV file begins with.
const WAV_MARK: &[u8] = b"RIFF";
/// The longest input that is read as one sound.
const MOST_BYTES: u64 = 4 << 30;

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    /// As it was read; the name of the input if that is a sound.
    pub(super) text: String,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Said {
    /// A line that is not blank.
    Line(Line),
    /// All of the input, which is a sound.
    Sound(Line, Vec<u8>),
    /// A line that is no text, and why.
    Wrong(Line, String),
    /// Nothing more can be read.
    Unreadable(io::Error),
}

/// Begins to read a file, or standard input if it is `-`. If `may_be_sound`, it may be a WAV file.
///
/// # Errors
/// If it cannot be opened, or the system gives no thread.
pub(super) fn read(path: &Path, may_be_sound: bool) -> Result<Receiver<Said>, AppError> {
    let input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|cause| AppError::Io {
            path: path.to_owned(),
            doing: "read",
            cause,
        })?)
    };
    let (sender, receiver) = sync_channel(AHEAD);
    let name = path.display().to_string();
    thread::Builder::new()
        .name("lines".to_owned())
        .spawn(move || send_all(BufReader::new(input), &name, may_be_sound, &sender))
        .map_err(AppError::Thread)?;
    Ok(receiver)
}

/// Whoever receives may be gone, and then there is nobody left to tell.
fn send_all(mut input: impl BufRead, name: &str, may_be_sound: bool, to: &SyncSender<Said>) {
    let is_sound = may_be_sound
        && input
            .fill_buf()
            .is_ok_and(|start| start.starts_with(WAV_MARK));
    if is_sound {
        let line = Line {
            number: 1,
            text: name.to_owned(),
        };
        let mut bytes = Vec::new();
        let said = match input.take(MOST_BYTES).read_to_end(&mut bytes) {
            Ok(_) => Said::Sound(line, bytes),
            Err(error) => Said::Unreadable(error),
        };
        drop(to.send(said));
        return;
    }
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let said = match input.read_until(b'\n', &mut bytes) {
            Ok(0) => return,
            Ok(_) => line(number, &bytes),
            Err(error) => Some(Said::Unreadable(error)),
        };
        let is_last = matches!(said, Some(Said::Unreadable(_)));
        let is_heard = said.is_none_or(|said| to.send(said).is_ok());
        if is_last || !is_heard {
            return;
        }
    }
}

/// Nothing if it is blank.
fn line(number: usize, bytes: &[u8]) -> Option<Said> {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    let bytes = &bytes[..end.map_or(0, |end| end + 1)];
    match str::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => Some(Said::Line(Line {
            number,
            text: text.to_owned(),
        })),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            Some(Said::Wrong(
                Line { number, text },
                format!("it is no UTF-8: {error}"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], may_be_sound: bool, expected: &[&str]) {
        let (sender, receiver) = sync_channel(AHEAD);
        send_all(input, "name", may_be_sound, &sender);
        drop(sender);
        let told: Vec<String> = receiver
            .iter()
            .map(|said| match said {
                Said::Line(line) => format!("{}:{}", line.number, line.text),
                Said::Sound(line, bytes) => format!("{} of {} bytes", line.text, bytes.len()),
                Said::Wrong(line, _) => format!("{} is wrong", line.number),
                Said::Unreadable(error) => error.to_string(),
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn lines_keep_their_numbers_and_blank_ones_are_left_out() {
        check(b"", false, &[]);
        check(b"a\r\n\n \t\n b \nlast", false, &["1:a", "4: b ", "5:last"]);
        check(b"\xff\xfe\nb\n", false, &["1 is wrong", "2:b"]);
    }

    #[test]
    fn a_sound_is_one_request_where_sounds_are_heard() {
        check(b"RIFF....", true, &["name of 8 bytes"]);
        check(b"RIFF....", false, &["1:RIFF...."]);
        check(b"a.wav\n", true, &["1:a.wav"]);
    }
}
