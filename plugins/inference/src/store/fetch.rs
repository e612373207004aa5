//! Asks the sources outside this machine, and takes in what the first one has.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::{Progress, Store, StoreError, lock::Locked, versions::Entrance};
use crate::{
    check::FileFault,
    manifest::Manifest,
    place::Place,
    scratch::Scratch,
    source::{self, Pulling, SourceError},
};

impl Store {
    /// Asks one source after another. `take` is given what was fetched before it is moved into place.
    pub(super) fn fetch<T>(
        &self,
        entry: &Manifest,
        take: impl Fn(&Manifest, &Place) -> Result<T, FileFault>,
        mut tried: Vec<(String, String)>,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<(T, String), StoreError> {
        let root = &self.options.root;
        let scratch = Scratch::new(root).map_err(|error| self.io_error(entry, root, error))?;
        for (nth, source) in entry.sources.iter().enumerate() {
            let title = source::title(source, &self.options);
            let files = scratch.path().join(format!("source-{nth}"));
            let mut pulling = Pulling {
                entry,
                options: &self.options,
                folder: &files,
                title: &title,
                progress,
                cancel,
            };
            match fs::create_dir(&files)
                .map_err(SourceError::Disk)
                .and_then(|()| pulling.pull(source))
            {
                Ok(()) => {
                    let place = Place::Folder(files);
                    // Taken before it is moved: what is handed out is what was fetched here.
                    match take(entry, &place) {
                        Ok(taken) => {
                            self.keep(entry, &place)?;
                            return Ok((taken, title));
                        }
                        Err(fault) => tried.push((title, fault.to_string())),
                    }
                }
                Err(SourceError::Cancelled) => return Err(StoreError::Cancelled),
                Err(SourceError::Disk(error)) => return Err(self.io_error(entry, root, error)),
                Err(SourceError::Failed(why)) => tried.push((title, why)),
            }
        }
        Err(StoreError::NoSource {
            model: entry.name.clone(),
            tried,
        })
    }

    fn keep(&self, entry: &Manifest, place: &Place) -> Result<(), StoreError> {
        let root = &self.options.root;
        let kept = Locked::new(root).and_then(|locked| {
            locked.install(entry, place, Entrance::Move)?;
            // What lies there in the way of earlier builds is damaged, or it would not be fetched.
            match fs::remove_dir_all(self.old_folder(entry)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        });
        kept.map_err(|error| self.io_error(entry, root, error))
    }

    /// Takes a model over from where earlier builds kept it. No bytes are copied if that can be.
    pub(super) fn adopt(&self, entry: &Manifest, place: &Place) {
        let adopted = Locked::new(&self.options.root)
            .and_then(|locked| locked.install(entry, place, Entrance::Link));
        if let Err(error) = adopted {
            tracing::warn!("model {:?} stays in its old folder: {error}", entry.name);
        }
    }

    /// Where earlier builds kept a model: a folder named by the hash of its weights.
    pub(super) fn old_folder(&self, entry: &Manifest) -> PathBuf {
        let weights = entry
            .files
            .iter()
            .find(|file| Some(&file.name) == entry.weights.as_ref());
        let version = weights.map_or_else(|| entry.version(), |file| file.sha256.short());
        self.options.root.join(&entry.name).join(version)
    }

    pub(super) fn io_error(&self, entry: &Manifest, path: &Path, error: io::Error) -> StoreError {
        if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) {
            let needed = entry.bytes() + source::overhead(entry);
            return StoreError::NoSpace {
                path: self.options.root.clone(),
                needed,
            };
        }
        StoreError::Io {
            path: path.to_owned(),
            error,
        }
    }
}
