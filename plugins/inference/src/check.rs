//! Compares files with what the manifest says of them.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{
    backends::static_words::EMBEDDED,
    file_hash::FileHash,
    manifest::{FileEntry, Manifest},
    place::Place,
};

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is not there.
    #[error("file {file:?} is missing at {path:?}")]
    Missing {
        /// The file's name.
        file: String,
        /// Where it is looked for.
        path: PathBuf,
    },
    /// It is cut off, or too long.
    #[error("file {file:?} at {path:?} has {found:?} bytes instead of {expected:?}")]
    Size {
        /// The file's name.
        file: String,
        /// Where it is looked for.
        path: PathBuf,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Its bytes are others.
    #[error("file {file:?} at {path:?} has SHA-256 {found} instead of {expected}")]
    Hash {
        /// The file's name.
        file: String,
        /// Where it is looked for.
        path: PathBuf,
        /// The hash that it should have.
        expected: FileHash,
        /// The hash that it has.
        found: FileHash,
    },
    /// It cannot be read.
    #[error("file {file:?} at {path:?} cannot be read: {why}")]
    Unreadable {
        /// The file's name.
        file: String,
        /// Where it is looked for.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

const CHUNK_BYTES: usize = 1 << 16;

/// Checks size and hash without keeping the bytes.
pub(crate) fn check_file(path: &Path, entry: &FileEntry) -> Result<(), FileFault> {
    let mut file = open(path, entry)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => hash.update(&chunk[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, entry, &error)),
        }
    }
    compare(path, entry, hash)
}

/// Reads a file, and gives its bytes out only if they are right.
pub(crate) fn read_checked(path: &Path, entry: &FileEntry) -> Result<Vec<u8>, FileFault> {
    let file = open(path, entry)?;
    // Never more than the catalog says, even if the file grows meanwhile.
    let mut bytes = Vec::with_capacity(usize::try_from(entry.bytes).unwrap_or(0));
    file.take(entry.bytes)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, entry, &error))?;
    compare(path, entry, Sha256::new_with_prefix(&bytes))?;
    Ok(bytes)
}

/// A file that is part of this crate.
fn embedded(entry: &FileEntry) -> Result<&'static [u8], FileFault> {
    let path = Path::new(&entry.name);
    let (_, bytes) = EMBEDDED
        .iter()
        .find(|(name, _)| *name == entry.name)
        .ok_or_else(|| FileFault::Missing {
            file: entry.name.clone(),
            path: path.to_owned(),
        })?;
    compare(path, entry, Sha256::new_with_prefix(bytes))?;
    Ok(bytes)
}

fn open(path: &Path, entry: &FileEntry) -> Result<File, FileFault> {
    let file = File::open(path).map_err(|error| unreadable(path, entry, &error))?;
    let found = file
        .metadata()
        .map_err(|error| unreadable(path, entry, &error))?
        .len();
    if found == entry.bytes {
        Ok(file)
    } else {
        Err(FileFault::Size {
            file: entry.name.clone(),
            path: path.to_owned(),
            expected: entry.bytes,
            found,
        })
    }
}

fn compare(path: &Path, entry: &FileEntry, hash: Sha256) -> Result<(), FileFault> {
    let found = FileHash(hash.finalize().into());
    if found == entry.sha256 {
        Ok(())
    } else {
        Err(FileFault::Hash {
            file: entry.name.clone(),
            path: path.to_owned(),
            expected: entry.sha256,
            found,
        })
    }
}

fn unreadable(path: &Path, entry: &FileEntry, error: &io::Error) -> FileFault {
    let (file, path) = (entry.name.clone(), path.to_owned());
    match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing { file, path },
        _ => FileFault::Unreadable {
            file,
            path,
            why: error.to_string(),
        },
    }
}

/// The bytes of a model's files, every one with the size and the hash that the manifest says.
#[derive(Clone)]
pub struct CheckedModel {
    /// The name, `@` and the version.
    pub(crate) version: String,
    weights: Option<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl CheckedModel {
    /// Reads a model out of its place, or out of this crate if it is part of it.
    pub(crate) fn read(entry: &Manifest, place: &Place) -> Result<Self, FileFault> {
        let paths: Vec<_> = entry.files.iter().map(|file| place.path(file)).collect();
        Self::read_from(entry, &paths)
    }

    /// Reads the files from these paths, in the order of the manifest, or out of this crate.
    pub(crate) fn read_from(entry: &Manifest, paths: &[PathBuf]) -> Result<Self, FileFault> {
        let mut paths = paths.iter();
        let read = |file: &FileEntry| {
            // A path that is not given is a file that is not there.
            let path = paths.next().map_or(Path::new(""), PathBuf::as_path);
            let bytes = if entry.is_embedded() {
                embedded(file)?.to_vec()
            } else {
                read_checked(path, file)?
            };
            Ok((file.name.clone(), bytes))
        };
        let files = entry.files.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self {
            version: entry.full_name(),
            weights: entry.weights.clone(),
            files,
        })
    }

    /// The name and the bytes of the file with its weights.
    pub fn weights(&self) -> Option<(&str, &[u8])> {
        let name = self.weights.as_deref()?;
        Some((name, self.file(name)?))
    }

    /// Gives a file's bytes away, so that they need not be kept beside what is made of them.
    pub fn take_file(&mut self, name: &str) -> Option<Vec<u8>> {
        let file = self.files.iter_mut().find(|(file, _)| file == name)?;
        Some(std::mem::take(&mut file.1))
    }

    /// The bytes of a file.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files
            .iter()
            .find(|(file, _)| file == name)
            .map(|(_, bytes)| bytes.as_slice())
    }
}

impl fmt::Debug for CheckedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .files
            .iter()
            .map(|(name, bytes)| (name, bytes.len()))
            .collect();
        f.debug_struct("CheckedModel")
            .field("version", &self.version)
            .field("files", &names)
            .finish()
    }
}

/// Checks all files of a model without keeping them.
pub(crate) fn check_place(entry: &Manifest, place: &Place) -> Result<(), FileFault> {
    let check = |file: &FileEntry| {
        if entry.is_embedded() {
            embedded(file).map(|_| ())
        } else {
            check_file(&place.path(file), file)
        }
    };
    entry.files.iter().try_for_each(check)
}
