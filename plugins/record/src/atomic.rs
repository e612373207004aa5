//! Writes files that are either whole or not there.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use tempfile::{Builder, NamedTempFile};

use crate::error::RecordError;

/// Writes `bytes` to `path` so that at any moment either the old file or the whole new one is there.
///
/// # Errors
/// If the folder is missing or may not be written to, or its disk is full. Nothing is left behind then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let mut temp = create_beside(path)?;
    temp.write_all(bytes)
        .map_err(|cause| RecordError::io(path, "write", cause))?;
    persist(temp, path)
}

/// Creates the temporary file that becomes `path`, in the same folder. Dropping it removes it.
pub(crate) fn create_beside(path: &Path) -> Result<NamedTempFile, RecordError> {
    let failed = |cause| RecordError::io(path, "create", cause);
    let Some(name) = path.file_name() else {
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it names no file",
        )));
    };
    if path.is_dir() {
        // Otherwise this would only be noticed at the very end of a run.
        return Err(failed(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a folder",
        )));
    }
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};
        // As any new file: the user's mask takes away what others may not do.
        builder.permissions(Permissions::from_mode(0o666));
    }
    // `tempfile` puts its own path into the message; the cause is enough, the path is ours to name.
    builder
        .tempfile_in(folder_of(path))
        .map_err(|cause| failed(cause.kind().into()))
}

/// Brings `temp` to the disk and gives it its name.
pub(crate) fn persist(temp: NamedTempFile, path: &Path) -> Result<(), RecordError> {
    let failed = |cause| RecordError::io(path, "write", cause);
    temp.as_file().sync_all().map_err(failed)?;
    temp.persist(path).map_err(|error| failed(error.error))?;
    if cfg!(unix) {
        // The new name, too, is to survive a power cut.
        File::open(folder_of(path))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("minutes.md");
        for text in ["a long first text", "short"] {
            write_atomically(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names_in(folder.path()), ["minutes.md"]);
    }

    #[test]
    fn failure_leaves_nothing_and_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("taken")).unwrap();
        std::fs::write(folder.path().join("file"), "x").unwrap();
        for (name, says) in [
            ("missing/minutes.md", "not found"),
            ("taken", "it is a folder"),
            ("file/m.md", ""),
        ] {
            let path = folder.path().join(name);
            let error = write_atomically(&path, b"text").unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(says), "{error}");
        }
        assert_eq!(names_in(folder.path()), ["file", "taken"]);
    }

    #[test]
    fn a_full_disk_is_recognised() {
        let error = RecordError::io(
            Path::new("a.jsonl"),
            "write",
            io::ErrorKind::StorageFull.into(),
        );
        assert!(matches!(error, RecordError::DiskFull { .. }));
        assert!(error.to_string().contains("free some space"), "{error}");
    }
}
