//! Says what is wrong with a transcript, where, and what to do.

use thiserror::Error;

/// Why a transcript was refused.
#[derive(Debug, Error)]
pub enum TranscriptError {
    /// The file system refused.
    #[error("{path}: cannot read the transcript: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the file system says.
        source: std::io::Error,
    },
    /// More than 64 MiB.
    #[error("{path}: the transcript is larger than 64 MiB; split the meeting into several files")]
    TooLarge {
        /// The file.
        path: String,
    },
    /// Bytes that no text holds.
    #[error("{path}:{line}: this is not text but {what}; give a transcript as UTF-8 text")]
    Binary {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// What gives it away.
        what: &'static str,
    },
    /// Broken UTF-8.
    #[error(
        "{path}:{line}: byte {byte} of this line ({value:#04x}) is not UTF-8; save the file as UTF-8"
    )]
    NotUtf8 {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 1.
        byte: usize,
        /// Its value.
        value: u8,
    },
    /// The content is not what the format asks for.
    #[error("{path}:{line}: not {format}: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// The format.
        format: &'static str,
        /// What was found, what was expected, and what to do.
        reason: String,
    },
    /// A timestamp that cannot be.
    #[error("{path}:{line}: bad time {text:?}: {reason}")]
    Time {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        text: String,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// Nobody says anything.
    #[error("{path}: nobody says anything in this {format} file; give at least one turn")]
    NoTurns {
        /// The file.
        path: String,
        /// What it was read as.
        format: &'static str,
    },
    /// A pace at which nobody speaks.
    #[error(
        "people cannot speak at {words_per_minute:?} words a minute; choose 1 to 10000, usually 150"
    )]
    Pace {
        /// What was asked for.
        words_per_minute: f64,
    },
}
