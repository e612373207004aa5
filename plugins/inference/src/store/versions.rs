//! The versions that a store holds: one small manifest each, which is written once and never changed.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::lock::Locked;
use crate::{
    check::check_file,
    manifest::{MAX_MANIFEST_BYTES, Manifest, is_plain},
    place::{Place, blob, blobs},
};

/// How the names of manifests end.
const EXTENSION: &str = "ron";

fn folder(root: &Path, name: &str) -> PathBuf {
    root.join("versions").join(name)
}

fn file(root: &Path, manifest: &Manifest) -> PathBuf {
    folder(root, &manifest.name).join(format!("{}.{EXTENSION}", manifest.version()))
}

/// The names of all models of which a store holds versions, sorted.
pub(super) fn names(root: &Path) -> Vec<String> {
    let names = entries(&root.join("versions"));
    names.into_iter().filter(|name| is_plain(name)).collect()
}

/// The versions of a model, sorted by version, and what is wrong with those that cannot be read.
pub(super) fn of(root: &Path, name: &str) -> (Vec<Manifest>, Vec<(PathBuf, String)>) {
    let (mut manifests, mut broken) = (Vec::new(), Vec::new());
    for entry in entries(&folder(root, name)) {
        let Some(version) = entry.strip_suffix(&format!(".{EXTENSION}")) else {
            continue;
        };
        let path = folder(root, name).join(&entry);
        match read(&path, name, version) {
            Ok(manifest) => manifests.push(manifest),
            Err(why) => broken.push((path, why)),
        }
    }
    (manifests, broken)
}

fn read(path: &Path, name: &str, version: &str) -> Result<Manifest, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_MANIFEST_BYTES as u64 {
        return Err(format!("it has {size:?} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let manifest = Manifest::parse(&text)?;
    // What it says decides its version, so that a change cannot go unseen.
    if manifest.name != name || manifest.version() != version {
        return Err(format!("it describes {:?}", manifest.full_name()));
    }
    Ok(manifest)
}

fn entries(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// How files get into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    /// They leave where they were.
    Move,
    /// They stay where they were, too.
    Link,
}

impl Locked {
    /// Takes checked files in, and then the manifest that names them: until that is there, nobody
    /// sees any of it. What is there already and right stays.
    pub(super) fn install(
        &self,
        manifest: &Manifest,
        from: &Place,
        entrance: Entrance,
    ) -> io::Result<()> {
        for entry in &manifest.files {
            let to = blob(self.root(), entry.sha256);
            if check_file(&to, entry).is_ok() {
                continue;
            }
            match entrance {
                Entrance::Move => self.move_in(&from.path(entry), &to)?,
                Entrance::Link => self.link_in(&from.path(entry), &to)?,
            }
        }
        self.record(manifest)
    }

    /// Writes a manifest down, unless it is there.
    pub(super) fn record(&self, manifest: &Manifest) -> io::Result<()> {
        let path = file(self.root(), manifest);
        let (there, _) = of(self.root(), &manifest.name);
        if there
            .iter()
            .any(|other| other.version() == manifest.version())
        {
            return Ok(());
        }
        self.write(&path, &manifest.to_ron())
    }

    /// Removes a version and the files that no other version needs. Says how many bytes that freed.
    pub(super) fn forget(&self, manifest: &Manifest) -> io::Result<u64> {
        match fs::remove_file(file(self.root(), manifest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Only an empty folder goes.
        fs::remove_dir(folder(self.root(), &manifest.name)).unwrap_or_default();
        self.sweep()
    }

    /// Removes files that no version names, such as those of a process that was killed.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let mut needed = BTreeSet::new();
        for name in names(self.root()) {
            let (manifests, broken) = of(self.root(), &name);
            // What cannot be read may need any file.
            if !broken.is_empty() {
                return Ok(0);
            }
            let files = manifests.iter().flat_map(|manifest| &manifest.files);
            needed.extend(files.map(|file| blob(self.root(), file.sha256)));
        }
        let mut freed = 0;
        let top = blobs(self.root());
        for start in entries(&top) {
            for digits in entries(&top.join(&start)) {
                let path = top.join(&start).join(digits);
                if !needed.contains(&path) {
                    freed += fs::metadata(&path)?.len();
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(freed)
    }
}
