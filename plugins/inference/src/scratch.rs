//! Temporary folders inside the store: gone when their fetch ends, and cleared away when it was killed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Where the temporary folders of a store are.
const FOLDER: &str = ".tmp";
/// Ends the name of a folder's lock file.
const LOCK: &str = "lock";
/// Names tried before giving up.
const MOST_TRIES: u32 = 1000;

/// The number of this process's next folder. None is used twice: whoever clears away a folder that
/// is gone must not find a new one under its name.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder of its own for one fetch.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    // Held as long as the fetch lives: the system lets go of it however the process ends.
    _lock: File,
}

impl Scratch {
    /// Makes a folder, after clearing away those of fetches that were killed.
    pub(crate) fn new(store: &Path) -> io::Result<Self> {
        let parent = store.join(FOLDER);
        fs::create_dir_all(&parent)?;
        clear_stale(&parent)?;
        for _ in 0..MOST_TRIES {
            let nth = NEXT.fetch_add(1, Ordering::Relaxed);
            let folder = parent.join(format!("{}-{nth}", std::process::id()));
            let lock_path = folder.with_extension(LOCK);
            let lock = match File::options()
                .write(true)
                .create_new(true)
                .open(&lock_path)
            {
                Ok(lock) => lock,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            // Between making and locking it, another fetch may have taken it for a stale one.
            if lock.try_lock().is_err() || !lock_path.exists() {
                continue;
            }
            let scratch = Self {
                folder,
                lock_path,
                _lock: lock,
            };
            fs::create_dir(&scratch.folder)?;
            return Ok(scratch);
        }
        Err(io::Error::other(format!(
            "{parent:?} is full of temporary folders; remove them"
        )))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The folder goes first: a folder without its lock would never be cleared away.
        if let Err(error) = remove(&self.folder, &self.lock_path) {
            tracing::warn!("temporary folder {:?} stays: {error}", self.folder);
        }
    }
}

fn remove(folder: &Path, lock_path: &Path) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(fs::remove_dir_all(folder))?;
    gone(fs::remove_file(lock_path))
}

/// Removes the folders whose lock nobody holds.
fn clear_stale(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let lock_path = entry?.path();
        if lock_path
            .extension()
            .is_none_or(|extension| extension != LOCK)
        {
            continue;
        }
        // Whoever else clears may have been faster.
        let Ok(lock) = File::options().write(true).open(&lock_path) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            remove(&lock_path.with_extension(""), &lock_path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_folders_stay_and_stale_ones_go() {
        let store = tempfile::tempdir().unwrap();
        let first = Scratch::new(store.path()).unwrap();
        fs::write(first.path().join("half"), "x").unwrap();
        // What a killed fetch leaves: a folder and a lock file that nobody holds.
        let stale = store.path().join(FOLDER).join("1-0");
        fs::create_dir(&stale).unwrap();
        fs::write(stale.join("half"), "x").unwrap();
        fs::write(stale.with_extension(LOCK), "").unwrap();

        let second = Scratch::new(store.path()).unwrap();
        assert!(first.path().join("half").exists());
        assert!(second.path().exists() && second.path() != first.path());
        assert!(!stale.exists() && !stale.with_extension(LOCK).exists());

        drop((first, second));
        assert_eq!(fs::read_dir(store.path().join(FOLDER)).unwrap().count(), 0);
    }
}
