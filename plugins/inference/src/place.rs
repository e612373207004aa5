//! Where the files of a model lie: in a folder under their names, or in a store under their hashes.

use std::path::{Path, PathBuf};

use crate::{file_hash::FileHash, manifest::FileEntry};

/// Where the files of a model lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this folder, under their names.
    Folder(PathBuf),
    /// In the store with this root, under their hashes.
    Blobs(PathBuf),
}

impl Place {
    /// Where a file is, or would be.
    pub(crate) fn path(&self, file: &FileEntry) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(&file.name),
            Self::Blobs(root) => blob(root, file.sha256),
        }
    }

    /// The folder to tell people of.
    pub(crate) fn folder(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.clone(),
            Self::Blobs(root) => blobs(root),
        }
    }
}

/// The folder of all files of a store.
pub(crate) fn blobs(root: &Path) -> PathBuf {
    root.join("blobs").join("sha256")
}

/// The place of a file in a store.
pub(crate) fn blob(root: &Path, hash: FileHash) -> PathBuf {
    let digits = hash.to_string();
    blobs(root).join(&digits[..2]).join(digits)
}
