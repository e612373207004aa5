//! Compares files with what the catalog says of them.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{
    file_hash::FileHash,
    manifest::{FileEntry, Manifest},
};

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is not there.
    #[error("{path:?} is missing")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is cut off, or too long.
    #[error("{path:?} has {found:?} bytes instead of {expected:?}")]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Its bytes are others.
    #[error("{path:?} has SHA-256 {found} instead of {expected}")]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash that it should have.
        expected: FileHash,
        /// The hash that it has.
        found: FileHash,
    },
    /// It cannot be read.
    #[error("{path:?} cannot be read: {why}")]
    Unreadable {
        /// The file.
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
            Err(error) => return Err(unreadable(path, &error)),
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
        .map_err(|error| unreadable(path, &error))?;
    compare(path, entry, Sha256::new_with_prefix(&bytes))?;
    Ok(bytes)
}

fn open(path: &Path, entry: &FileEntry) -> Result<File, FileFault> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let found = file
        .metadata()
        .map_err(|error| unreadable(path, &error))?
        .len();
    if found == entry.bytes {
        Ok(file)
    } else {
        Err(FileFault::Size {
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
            path: path.to_owned(),
            expected: entry.sha256,
            found,
        })
    }
}

fn unreadable(path: &Path, error: &io::Error) -> FileFault {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing { path },
        _ => FileFault::Unreadable {
            path,
            why: error.to_string(),
        },
    }
}

/// The bytes of a model's files, every one with the size and the hash that the catalog says.
#[derive(Clone)]
pub struct CheckedModel {
    /// The name, `@` and the version.
    pub(crate) version: String,
    files: Vec<(String, Vec<u8>)>,
}

impl CheckedModel {
    pub(crate) fn read(entry: &Manifest, folder: &Path) -> Result<Self, FileFault> {
        let read = |file: &FileEntry| {
            Ok((
                file.name.clone(),
                read_checked(&folder.join(&file.name), file)?,
            ))
        };
        let files = entry.files.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self {
            version: entry.full_name(),
            files,
        })
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
pub(crate) fn check_folder(entry: &Manifest, folder: &Path) -> Result<(), FileFault> {
    let check = |file: &FileEntry| check_file(&folder.join(&file.name), file);
    entry.files.iter().try_for_each(check)
}
