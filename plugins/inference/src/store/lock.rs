//! Changes of a store, one at a time: a lock between processes, and files that are written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::scratch::Scratch;

/// The file that is locked. It is never removed.
const LOCK: &str = ".lock";

/// The right to change a store, as long as it lives.
///
/// Held for renames and small files only, never while something is fetched: nobody waits for long.
/// The system lets go of the lock however the process ends.
#[derive(Debug)]
pub(super) struct Locked {
    root: PathBuf,
    scratch: Scratch,
    _lock: File,
}

impl Locked {
    /// Waits for its turn.
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            root: root.to_owned(),
            scratch: Scratch::new(root)?,
            _lock: lock,
        })
    }

    /// The root of the store.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a small file, so that readers see the old one or the new one.
    pub(super) fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let fresh = self.scratch.path().join("fresh");
        let mut file = File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        self.move_in(&fresh, path)
    }

    /// Moves a whole file to its place, over whatever is there.
    pub(super) fn move_in(&self, from: &Path, to: &Path) -> io::Result<()> {
        let folder = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        fs::rename(from, to)?;
        sync_folder(folder)
    }

    /// Puts a second name, or else a copy, of a whole file to its place.
    pub(super) fn link_in(&self, from: &Path, to: &Path) -> io::Result<()> {
        let fresh = self.scratch.path().join("linked");
        if fs::hard_link(from, &fresh).is_err() {
            fs::copy(from, &fresh)?;
            File::open(&fresh)?.sync_all()?;
        }
        self.move_in(&fresh, to)
    }
}

/// Makes the names in a folder survive a crash, where the system knows how.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
