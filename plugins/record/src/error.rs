//! Says what went wrong with a journal or an export, where, and how to go on.

use std::{
    io,
    path::{Path, PathBuf},
};

use sim::SimTime;
use thiserror::Error;

/// What can go wrong while facts are written, read or folded.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file system refused.
    #[error("cannot {doing} {path:?}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the file system said.
        cause: io::Error,
    },
    /// No room is left for the file.
    #[error(
        "the disk that holds {path:?} is full, so nothing was kept; free some space or name a folder \
         on another disk, then run again"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// A line is not what a journal holds there.
    #[error("{}:{line}: not a journal of Diorama: {why}", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The journal has a format that this version does not know.
    #[error(
        "{}:1: journal format {found} is unknown, this version reads format {known}; \
         use the version of Diorama that wrote it ({diorama:?})",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The format it says it has.
        found: u32,
        /// The format that can be read.
        known: u32,
        /// The version that wrote it.
        diorama: String,
    },
    /// A fact is of a kind that this version does not know.
    #[error(
        "{}:{line}: fact type {kind:?} is unknown; a newer version of Diorama may have written it",
        path.display()
    )]
    UnknownFact {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The type it says it has.
        kind: String,
    },
    /// The file stops before the journal's last line.
    #[error(
        "{}:{line}: the journal is cut off after {facts} facts; it was not copied whole, \
         copy it again or run again",
        path.display()
    )]
    Cut {
        /// The file.
        path: PathBuf,
        /// The line at which it stops, from 1.
        line: u64,
        /// The whole facts before.
        facts: u64,
    },
    /// A fact is missing, doubled or in the wrong place.
    #[error("{}:{line}: fact {found} stands where fact {expected} belongs", path.display())]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The sequence number that belongs there.
        expected: u64,
        /// The sequence number that stands there.
        found: u64,
    },
    /// Time goes backwards.
    #[error("{}:{line}: a fact at {found} follows one at {before}", path.display())]
    Backwards {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The instant of the fact before.
        before: SimTime,
        /// The instant of the fact.
        found: SimTime,
    },
    /// The last line counts other facts than the journal holds.
    #[error("{} says it holds {said} facts and holds {held}; facts were added or removed", path.display())]
    Miscounted {
        /// The file.
        path: PathBuf,
        /// The count in the last line.
        said: u64,
        /// The facts read.
        held: u64,
    },
    /// The bytes are not those that were written.
    #[error(
        "{} was changed after it was written: its hash is {found}, its last line says {expected}",
        path.display()
    )]
    Tampered {
        /// The file.
        path: PathBuf,
        /// The hash in the last line.
        expected: String,
        /// The hash of what stands before it.
        found: String,
    },
    /// The totals in the last line do not follow from the facts.
    #[error("{} was changed after it was written: its totals do not follow from its facts", path.display())]
    WrongTotals {
        /// The file.
        path: PathBuf,
    },
    /// A fact holds a number that cannot be written.
    #[error("fact {seq} holds a number that is not finite, which no journal can hold")]
    NotFinite {
        /// Which fact.
        seq: u64,
    },
    /// A fact contradicts those before it.
    #[error("fact {seq} at {at} contradicts the facts before it: {why}")]
    Contradiction {
        /// Which fact.
        seq: u64,
        /// When.
        at: SimTime,
        /// How.
        why: String,
    },
    /// Facts were lost between those who state them and the journal.
    #[error("fact {found} reached the journal while fact {expected} was awaited; this is a bug")]
    Lost {
        /// The sequence number awaited.
        expected: u64,
        /// The sequence number that came.
        found: u64,
    },
    /// The facts break a rule of scheduling.
    #[error("{} breaks {n} rules of scheduling, the first: {first}", path.display())]
    Infeasible {
        /// The file.
        path: PathBuf,
        /// How many times a rule is broken.
        n: usize,
        /// The first time.
        first: String,
    },
    /// The recorded output of a subtask cannot be read.
    #[error("the recorded output of subtask {subtask} cannot be read: {why}")]
    BadOutput {
        /// Which subtask.
        subtask: u32,
        /// Why not.
        why: String,
    },
}

impl RecordError {
    /// What `cause` means for `path`.
    pub(crate) fn io(path: &Path, doing: &'static str, cause: io::Error) -> Self {
        let path = path.to_path_buf();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, doing, cause },
        }
    }
}
