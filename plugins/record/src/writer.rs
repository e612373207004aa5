//! Writes a journal: its first line at once, then fact by fact, and the name only when it is whole.

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use sim::{Fact, SimTime};
use tempfile::NamedTempFile;

use crate::{
    any_fact::AnyFact,
    atomic,
    error::RecordError,
    run::{End, How, Run},
    totals::Totals,
};

/// Writes a journal to a temporary file beside its path, and hashes as it goes. Dropped before
/// [`finish`](Self::finish) it leaves nothing behind.
#[derive(Debug)]
pub struct JournalWriter {
    path: PathBuf,
    temp: BufWriter<NamedTempFile>,
    hasher: blake3::Hasher,
    next_seq: u64,
    at: SimTime,
    line: Vec<u8>,
}

/// A journal that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSummary {
    /// Where it is.
    pub path: PathBuf,
    /// How many facts it holds.
    pub facts: u64,
    /// The instant of the last fact.
    pub at: SimTime,
    /// The BLAKE3 hash of all but its last line, in hex; the last line says the same.
    pub hash: String,
}

impl JournalWriter {
    /// Begins the journal of `run` that is to be at `path`.
    ///
    /// # Errors
    /// If `path` is a folder, or its folder is missing, full or may not be written to.
    pub fn create(path: &Path, run: &Run) -> Result<Self, RecordError> {
        let temp = BufWriter::with_capacity(1 << 16, atomic::create_beside(path)?);
        let mut writer = Self {
            path: path.to_path_buf(),
            temp,
            hasher: blake3::Hasher::new(),
            next_seq: 0,
            at: SimTime::ZERO,
            line: Vec::new(),
        };
        writer.write_line(run)?;
        Ok(writer)
    }

    /// Where the journal will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the next fact.
    ///
    /// # Errors
    /// If it is not the next one, lies before the last one, holds a number that is not finite, or
    /// the disk is full. The journal should be dropped then.
    pub fn write(&mut self, fact: &Fact<AnyFact>) -> Result<(), RecordError> {
        let (path, line) = (&self.path, self.next_seq + 2);
        if fact.seq != self.next_seq {
            let (expected, found) = (self.next_seq, fact.seq);
            return Err(RecordError::OutOfOrder {
                path: path.clone(),
                line,
                expected,
                found,
            });
        }
        if fact.at < self.at {
            let (before, found) = (self.at, fact.at);
            return Err(RecordError::Backwards {
                path: path.clone(),
                line,
                before,
                found,
            });
        }
        if !fact.what.is_finite() {
            return Err(RecordError::NotFinite { seq: fact.seq });
        }
        self.next_seq += 1;
        self.at = fact.at;
        self.write_line(fact)
    }

    /// Writes the last line and gives the file its name.
    ///
    /// # Errors
    /// If the disk is full or the file may not be replaced; nothing is left behind then.
    pub fn finish(mut self, how: How, totals: &Totals) -> Result<JournalSummary, RecordError> {
        let hash = self.hasher.finalize().to_hex().to_string();
        let end = End {
            how,
            facts: self.next_seq,
            at: self.at,
            totals: totals.clone(),
            blake3: hash.clone(),
        };
        self.write_line(&end)?;
        let Self {
            path,
            temp,
            next_seq,
            at,
            ..
        } = self;
        let temp = temp
            .into_inner()
            .map_err(|error| RecordError::io(&path, "write", error.into_error()))?;
        atomic::persist(temp, &path)?;
        Ok(JournalSummary {
            path,
            facts: next_seq,
            at,
            hash,
        })
    }

    fn write_line(&mut self, value: &impl Serialize) -> Result<(), RecordError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)
            .map_err(|error| RecordError::io(&self.path, "write", error.into()))?;
        self.line.push(b'\n');
        self.hasher.update(&self.line);
        self.temp
            .write_all(&self.line)
            .map_err(|cause| RecordError::io(&self.path, "write", cause))
    }
}
