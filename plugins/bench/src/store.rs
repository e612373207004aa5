//! The cells that are finished, kept so that neither Ctrl-C nor a crash loses one.
//!
//! The store is a file with one line of JSON for each cell. A line is written at once and synced to
//! the disk before the cell counts as finished; a last line that a crash has torn is dropped.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    digest::{Curves, Gantt},
    metric::Metrics,
    run::Unit,
};

/// One finished cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What makes it itself: a hash of input, seed, runner with its options, and build.
    pub key: String,
    /// The name of the input.
    pub input: String,
    /// Who decided.
    pub runner: String,
    /// How: budget, threads, objective.
    pub options: String,
    /// Where chance came from.
    pub seed: u64,
    /// The program that ran it.
    pub build: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran.
    Done(Box<Done>),
    /// It could not be run.
    Failed(String),
}

/// What is kept of a cell that ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// What its times are measured in.
    pub unit: Unit,
    /// What it adds up to.
    pub metrics: Metrics,
    /// A value of the objective that nothing can be better than.
    pub lower_bound: Option<f64>,
    /// How long it took on this machine, in seconds.
    pub wall_secs: f64,
    /// Pieces of work in it.
    pub n_pieces: usize,
    /// How it went.
    pub curves: Curves,
    /// Who worked when; kept for one seed of each input and runner.
    pub gantt: Option<Box<Gantt>>,
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("cannot {doing} {path:?}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// A line in the middle is not what was written there.
    #[error(
        "line {line} of {path:?} is no finished cell ({cause}); delete the line to run its cell again"
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why not.
        cause: String,
    },
    /// Another program writes there.
    #[error("{path:?} is in use: another bench writes there")]
    InUse {
        /// Which file.
        path: PathBuf,
    },
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
    keys: BTreeSet<String>,
    records: Vec<Record>,
}

impl Store {
    /// The file of the store in the folder `dir`.
    pub fn path_in(dir: &Path) -> PathBuf {
        dir.join("cells.jsonl")
    }

    /// The folder of the traces that belong to the store in the folder `dir`.
    pub fn traces_in(dir: &Path) -> PathBuf {
        dir.join("traces")
    }

    /// The folder that it is in.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Opens the store in `dir`, which is made if it is not there, and reads what is finished.
    ///
    /// # Errors
    /// If it cannot be read, is damaged other than at its end, or is in use.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = Self::path_in(dir);
        let io = |doing| {
            let path = path.clone();
            move |cause| StoreError::Io { path, doing, cause }
        };
        fs::create_dir_all(dir).map_err(io("make the folder of"))?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::InUse { path }),
            Err(fs::TryLockError::Error(cause)) => return Err(io("lock")(cause)),
        }
        let (records, whole) = read_records(&file, &path)?;
        if whole < file.metadata().map_err(io("read"))?.len() {
            file.set_len(whole).map_err(io("mend"))?;
        }
        // The name of a new file must survive a crash too.
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(io("sync the folder of"))?;
        let keys = records.iter().map(|record| record.key.clone()).collect();
        Ok(Self {
            path,
            file,
            keys,
            records,
        })
    }

    /// Whether the cell with this key is finished.
    pub fn holds(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// The finished cells, in the order in which they ended.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Keeps a finished cell; when this returns, it is on the disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, record: Record) -> Result<&Record, StoreError> {
        let mut line = serde_json::to_string(&record).map_err(|error| StoreError::Io {
            path: self.path.clone(),
            doing: "write a cell to",
            cause: error.into(),
        })?;
        line.push('\n');
        let end = self.file.seek(SeekFrom::End(0));
        let written = self.file.write_all(line.as_bytes());
        if let Err(cause) = written.and_then(|()| self.file.sync_data()) {
            // Half a line would spoil the one that follows.
            if let Ok(end) = end {
                drop(self.file.set_len(end));
            }
            return Err(StoreError::Io {
                path: self.path.clone(),
                doing: "write a cell to",
                cause,
            });
        }
        self.keys.insert(record.key.clone());
        self.records.push(record);
        Ok(&self.records[self.records.len() - 1])
    }
}

/// The whole lines and how many bytes they are.
fn read_records(file: &File, path: &Path) -> Result<(Vec<Record>, u64), StoreError> {
    let mut reader = BufReader::new(file);
    let (mut records, mut whole) = (Vec::new(), 0_u64);
    let mut bad: Option<StoreError> = None;
    let mut line = Vec::new();
    for n in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        let n_bytes = read.map_err(|cause| StoreError::Io {
            path: path.to_owned(),
            doing: "read",
            cause,
        })?;
        if n_bytes == 0 {
            break;
        }
        // Only the last line can be torn: what follows a bad line shows that it was not torn.
        if let Some(bad) = bad {
            return Err(bad);
        }
        match parse(&line) {
            Ok(record) => {
                whole += n_bytes as u64;
                records.push(record);
            }
            Err(cause) => {
                let corrupt = StoreError::Corrupt {
                    path: path.to_owned(),
                    line: n,
                    cause,
                };
                if is_whole_json(&line) {
                    return Err(corrupt);
                }
                bad = Some(corrupt);
            }
        }
    }
    Ok((records, whole))
}

/// Whether a line was not torn, whatever it says.
fn is_whole_json(line: &[u8]) -> bool {
    line.ends_with(b"\n") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn parse(line: &[u8]) -> Result<Record, String> {
    if line.last() != Some(&b'\n') {
        return Err("it has no end".to_owned());
    }
    let record: Record = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match &record.outcome {
        Outcome::Done(done) if !done.metrics.is_whole() => {
            Err("it was written by another version; use another folder".to_owned())
        }
        _ => Ok(record),
    }
}
