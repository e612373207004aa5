//! Changes what serves: promotes, tries, goes back, removes.

use std::io;

use super::{Aliases, Store, StoreError, lock::Locked};
use crate::{check::check_place, manifest::Manifest};

/// What became of a version that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its name and version.
    pub version: String,
    /// Bytes of disk that are free again: files that other versions share stay.
    pub freed_bytes: u64,
}

impl Store {
    /// Lets a version serve; without a version, the candidate. Gives the version before and after.
    ///
    /// # Errors
    /// [`StoreError`]; nothing changes unless all files of the version are here and right.
    pub fn promote(&self, name: &str) -> Result<(Manifest, Manifest), StoreError> {
        let wanted = if name.contains('@') {
            name.to_owned()
        } else {
            format!("{name}@candidate")
        };
        self.change(&wanted, |aliases, entry, before| {
            self.check_here(entry)?;
            aliases.put_stable(entry.version(), Some(before.version()));
            Ok(())
        })
    }

    /// Lets a version answer a share of the requests for its name, from 0 to 1. Without a version,
    /// the share of the candidate changes; with one, that becomes the candidate.
    ///
    /// # Errors
    /// [`StoreError`]; nothing changes unless all files of the version are here and right.
    pub fn canary(&self, name: &str, share: f64) -> Result<Manifest, StoreError> {
        let wanted = if name.contains('@') {
            name.to_owned()
        } else {
            format!("{name}@candidate")
        };
        let (_, candidate) = self.change(&wanted, |aliases, entry, stable| {
            if !(0.0..=1.0).contains(&share) {
                return Err(state(
                    entry,
                    format!("a share is from 0 to 1, not {share:?}"),
                ));
            }
            if entry.version() == stable.version() {
                let why = String::from("it is the stable version already");
                return Err(state(entry, why));
            }
            self.check_here(entry)?;
            aliases.candidate = Some(entry.version());
            aliases.canary = share;
            Ok(())
        })?;
        Ok(candidate)
    }

    /// Lets the version serve again that served before. Gives the version before and after.
    ///
    /// # Errors
    /// [`StoreError::State`] if nothing served before; [`StoreError`] if it is not here or damaged.
    pub fn rollback(&self, name: &str) -> Result<(Manifest, Manifest), StoreError> {
        let stable = self.resolve(name)?;
        self.locked(&stable, |locked| {
            let mut aliases = self.aliases(&stable.name)?;
            let Some(before) = aliases.history.pop() else {
                let why = format!(
                    "no version served before {:?}; `diorama models promote` makes another one serve",
                    stable.version()
                );
                return Err(state(&stable, why));
            };
            let entry = self.resolve(&format!("{}@{}", stable.name, before.version))?;
            self.check_here(&entry)?;
            aliases.put_stable(entry.version(), None);
            self.write(locked, &entry, &aliases)?;
            Ok((stable.clone(), entry))
        })
    }

    /// Has a version loaded when a run starts, or no longer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn preload(&self, name: &str, is_wanted: bool) -> Result<Manifest, StoreError> {
        let (_, entry) = self.change(name, |aliases, entry, _| {
            aliases.preloaded.retain(|there| *there != entry.version());
            if is_wanted {
                aliases.preloaded.push(entry.version());
            }
            Ok(())
        })?;
        Ok(entry)
    }

    /// The versions that are to be loaded when a run starts.
    ///
    /// # Errors
    /// [`StoreError`] if aliases cannot be read.
    pub fn preloaded(&self) -> Result<Vec<Manifest>, StoreError> {
        let mut preloaded = Vec::new();
        for manifest in self.known() {
            let aliases = self.aliases(&manifest.name)?;
            if aliases.preloaded.contains(&manifest.version()) {
                preloaded.push(manifest);
            }
        }
        Ok(preloaded)
    }

    /// Removes a version from the store. What an alias names stays unless `is_forced`.
    ///
    /// # Errors
    /// [`StoreError::State`] says which alias names it, or that there is nothing to remove.
    pub fn remove(&self, name: &str, is_forced: bool) -> Result<Removed, StoreError> {
        let entry = self.resolve(name)?;
        self.locked(&entry, |locked| {
            let mut aliases = self.aliases(&entry.name)?;
            let is_stored = self
                .stored(&entry.name)
                .iter()
                .any(|stored| stored.version() == entry.version());
            let old = self.old_folder(&entry);
            if !is_stored && !old.is_dir() {
                let why = String::from("the store does not hold it, so there is nothing to remove");
                return Err(state(&entry, why));
            }
            let named = aliases.of(&entry.version());
            if !named.is_empty() && !is_forced {
                let why =
                    format!("{named:?} names it; promote another version first, or say --force");
                return Err(state(&entry, why));
            }
            aliases.drop_version(&entry.version());
            self.write(locked, &entry, &aliases)?;
            let removed = match std::fs::remove_dir_all(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => locked.forget(&entry),
            };
            let freed_bytes =
                removed.map_err(|error| self.io_error(&entry, &self.options.root, error))?;
            Ok(Removed {
                version: entry.full_name(),
                freed_bytes,
            })
        })
    }

    /// Changes the aliases of a model by a version of it. Gives the stable version before, and the
    /// version that was named.
    fn change(
        &self,
        name: &str,
        change: impl FnOnce(&mut Aliases, &Manifest, &Manifest) -> Result<(), StoreError>,
    ) -> Result<(Manifest, Manifest), StoreError> {
        // So that a model that is not known leaves no lock file behind.
        let entry = self.resolve(name)?;
        self.locked(&entry, |locked| {
            // What a name means may have changed while the lock was waited for.
            let entry = self.resolve(name)?;
            let stable = self.resolve(&entry.name).unwrap_or_else(|_| entry.clone());
            let mut aliases = self.aliases(&entry.name)?;
            change(&mut aliases, &entry, &stable)?;
            self.write(locked, &entry, &aliases)?;
            Ok((stable, entry))
        })
    }

    pub(super) fn locked<T>(
        &self,
        entry: &Manifest,
        change: impl FnOnce(&Locked) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let root = &self.options.root;
        let locked = Locked::new(root).map_err(|error| self.io_error(entry, root, error))?;
        change(&locked)
    }

    pub(super) fn write(
        &self,
        locked: &Locked,
        entry: &Manifest,
        aliases: &Aliases,
    ) -> Result<(), StoreError> {
        locked
            .write_aliases(&entry.name, aliases)
            .map_err(|error| self.io_error(entry, &self.options.root, error))
    }

    /// That all files of a version are on this machine and right.
    fn check_here(&self, entry: &Manifest) -> Result<(), StoreError> {
        if entry.is_built_in() {
            return Ok(());
        }
        let mut first_fault = None;
        for (place, _) in self.places(entry) {
            match check_place(entry, &place) {
                Ok(()) => return Ok(()),
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        Err(match first_fault {
            Some(fault) => super::damaged(entry, fault),
            None => state(
                entry,
                format!(
                    "its files are not here; `diorama models pull {}` fetches them",
                    entry.full_name()
                ),
            ),
        })
    }
}

pub(super) fn state(entry: &Manifest, why: String) -> StoreError {
    StoreError::State {
        model: entry.full_name(),
        why,
    }
}
