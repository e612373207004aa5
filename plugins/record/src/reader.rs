//! Reads a journal line by line and refuses one that was cut, changed or written by another version.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sim::{Fact, SimTime};

use crate::{
    any_fact::{AnyFact, Line, LineError, explain, parse_line},
    error::RecordError,
    run::{End, FORMAT, Run},
};

/// No first line is longer, so that a file of another kind is soon refused.
const MAX_FIRST_LINE_BYTES: u64 = 1 << 20;
/// No fact is longer; room for some 100,000 vectors.
const MAX_LINE_BYTES: u64 = 1 << 28;

/// A journal that is being read: iterates over its facts, keeping one line in memory.
///
/// The iterator ends with the first error. Once it has ended without one, the whole journal is
/// known to be as it was written, and [`end`](Self::end) holds its last line.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: BufReader<File>,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    run: Run,
    next_seq: u64,
    at: SimTime,
    end: Option<End>,
    is_over: bool,
}

/// What the first line says before its format is known.
#[derive(Deserialize)]
struct FirstHead {
    #[serde(rename = "type")]
    kind: String,
    format: u32,
    #[serde(default)]
    diorama: String,
}

impl Journal {
    /// Opens the journal at `path` and reads its first line.
    ///
    /// # Errors
    /// If it cannot be read or its first line is not that of a journal of a known format.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let file = File::open(path).map_err(|cause| RecordError::io(path, "read", cause))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut buffer = Vec::new();
        read_line(&mut file, &mut buffer, MAX_FIRST_LINE_BYTES)
            .map_err(|cause| RecordError::io(path, "read", cause))?;
        let run = parse_run(path, &buffer)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&buffer);
        Ok(Self {
            path: path.to_path_buf(),
            file,
            hasher,
            buffer,
            run,
            next_seq: 0,
            at: SimTime::ZERO,
            end: None,
            is_over: false,
        })
    }

    /// Where the journal is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The last line, once all facts have been read.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The line that is read next, or that was refused, from 1.
    fn line(&self) -> u64 {
        self.next_seq + 2
    }

    fn next_fact(&mut self) -> Result<Option<Fact<AnyFact>>, RecordError> {
        read_line(&mut self.file, &mut self.buffer, MAX_LINE_BYTES)
            .map_err(|cause| RecordError::io(&self.path, "read", cause))?;
        let path = || self.path.clone();
        if self.buffer.len() as u64 == MAX_LINE_BYTES {
            return Err(self.refuse(format!("the line is longer than {MAX_LINE_BYTES} bytes")));
        }
        if self.buffer.last() != Some(&b'\n') {
            return Err(RecordError::Cut {
                path: path(),
                line: self.line(),
                facts: self.next_seq,
            });
        }
        match parse_line(&self.buffer) {
            Ok(Line::Fact(fact)) => {
                self.check_order(&fact)?;
                self.hasher.update(&self.buffer);
                self.next_seq += 1;
                self.at = fact.at;
                Ok(Some(fact))
            }
            Ok(Line::End) => {
                self.end = Some(self.check_end()?);
                Ok(None)
            }
            Err(LineError::Malformed(why)) => Err(self.refuse(why)),
            Err(LineError::UnknownType(kind)) => Err(RecordError::UnknownFact {
                path: path(),
                line: self.line(),
                kind,
            }),
        }
    }

    fn check_order(&self, fact: &Fact<AnyFact>) -> Result<(), RecordError> {
        let (path, line) = (|| self.path.clone(), self.line());
        if fact.seq != self.next_seq {
            let (expected, found) = (self.next_seq, fact.seq);
            return Err(RecordError::OutOfOrder {
                path: path(),
                line,
                expected,
                found,
            });
        }
        if fact.at < self.at {
            let (before, found) = (self.at, fact.at);
            return Err(RecordError::Backwards {
                path: path(),
                line,
                before,
                found,
            });
        }
        Ok(())
    }

    /// Checks the last line, which is in the buffer, against all that was read before it.
    fn check_end(&mut self) -> Result<End, RecordError> {
        let end: End =
            serde_json::from_slice(&self.buffer).map_err(|error| self.refuse(explain(&error)))?;
        if end.facts != self.next_seq {
            let (said, held) = (end.facts, self.next_seq);
            return Err(RecordError::Miscounted {
                path: self.path.clone(),
                said,
                held,
            });
        }
        let found = self.hasher.finalize().to_hex().to_string();
        if end.blake3 != found {
            let expected = end.blake3;
            return Err(RecordError::Tampered {
                path: self.path.clone(),
                expected,
                found,
            });
        }
        // The hash does not cover the last line itself; its spelling leaves no freedom either.
        let mut spelled = serde_json::to_vec(&end).map_err(|error| self.refuse(explain(&error)))?;
        spelled.push(b'\n');
        if spelled != self.buffer || end.at != self.at {
            return Err(self.refuse("the last line is not as it was written".to_owned()));
        }
        let mut rest = [0];
        let n_rest = self
            .file
            .read(&mut rest)
            .map_err(|cause| RecordError::io(&self.path, "read", cause))?;
        if n_rest > 0 {
            return Err(self.refuse("it goes on after its last line".to_owned()));
        }
        Ok(end)
    }

    fn refuse(&self, why: String) -> RecordError {
        RecordError::NotAJournal {
            path: self.path.clone(),
            line: self.line(),
            why,
        }
    }
}

impl Iterator for Journal {
    type Item = Result<Fact<AnyFact>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.next_fact().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Reads a line with its line end, or as much as there is of it up to `limit` bytes.
fn read_line(file: &mut BufReader<File>, line: &mut Vec<u8>, limit: u64) -> std::io::Result<()> {
    line.clear();
    file.take(limit).read_until(b'\n', line).map(drop)
}

fn parse_run(path: &Path, line: &[u8]) -> Result<Run, RecordError> {
    let refuse = |why: String| RecordError::NotAJournal {
        path: path.to_path_buf(),
        line: 1,
        why,
    };
    if line.is_empty() {
        return Err(refuse("the file is empty".to_owned()));
    }
    if !line.ends_with(b"\n") && line.starts_with(br#"{"type":"run""#) {
        return Err(RecordError::Cut {
            path: path.to_path_buf(),
            line: 1,
            facts: 0,
        });
    }
    let head: FirstHead = serde_json::from_slice(line).map_err(|error| refuse(explain(&error)))?;
    if head.kind != "run" {
        return Err(refuse(format!(
            "its first line is of type {:?}, not \"run\"",
            head.kind
        )));
    }
    if head.format != FORMAT {
        let (path, found) = (path.to_path_buf(), head.format);
        return Err(RecordError::UnknownFormat {
            path,
            found,
            known: FORMAT,
            diorama: head.diorama,
        });
    }
    serde_json::from_slice(line).map_err(|error| refuse(explain(&error)))
}
