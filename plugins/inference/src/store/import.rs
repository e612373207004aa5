//! Takes models in from files on this machine: looks at them, checks them, copies them into the store.

mod look;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use sha2::{Digest as _, Sha256};

use self::look::{Format, Look};
use super::{Store, StoreError, lock::Locked, manage::state, versions::Entrance};
use crate::{
    ask::Skill,
    check::CheckedModel,
    file_hash::FileHash,
    gguf,
    load_options::LoadOptions,
    manifest::{Architecture, FileEntry, Limits, Manifest, is_plain},
    model::Model,
    pickle,
    place::Place,
    safetensors_header,
    scratch::Scratch,
};

const CHUNK_BYTES: usize = 1 << 20;

/// What is said of a model that is imported, beside its files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// What it is to be called; `None`: as its folder or file.
    pub name: Option<String>,
    /// What it can do; empty: what its architecture is made for.
    pub skills: Vec<Skill>,
    /// The licence of its weights; `None`: not known.
    pub licence: Option<String>,
    /// How it computes; `None`: as its own files say.
    pub architecture: Option<Architecture>,
    /// What its weights' hash must be, before anything is made of them.
    pub sha256: Option<FileHash>,
    /// The version that it was made from.
    pub parent: Option<String>,
    /// What it was trained on.
    pub data_set: Option<String>,
    /// What was measured of its quality.
    pub metrics: BTreeMap<String, f64>,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The version.
    pub manifest: Manifest,
    /// Whether it was there already.
    pub was_there: bool,
    /// What names it now: `stable` if it is the first of its name, else `candidate`.
    pub aliases: Vec<&'static str>,
}

impl Store {
    /// Takes a model in: a folder with safetensors, configuration and tokenizer, a GGUF file (which
    /// is requantised to `Q8_0`), or a folder of `CTranslate2`. The files stay where they are.
    ///
    /// The first version of a name becomes `stable`, a later one `candidate` without requests.
    ///
    /// # Errors
    /// [`StoreError::Refused`] says what is wrong with the files; nothing is kept.
    pub fn import(
        &self,
        path: &Path,
        options: &ImportOptions,
        cancel: &AtomicBool,
    ) -> Result<Imported, StoreError> {
        let refused = |why: String| StoreError::Refused {
            path: path.to_owned(),
            why,
        };
        let look = look::look(path, options.architecture).map_err(refused)?;
        let mut manifest = describe(path, &look, options).map_err(refused)?;
        let root = &self.options.root;
        let disk = |manifest: &Manifest, error| self.io_error(manifest, root, error);
        let scratch = Scratch::new(root).map_err(|error| disk(&manifest, error))?;
        let folder = scratch.path().join("files");
        std::fs::create_dir(&folder).map_err(|error| disk(&manifest, error))?;
        for (name, from) in &look.files {
            let entry =
                copy(from, &folder.join(name), name, cancel).map_err(|error| match error {
                    Copying::Cancelled => StoreError::Cancelled,
                    Copying::From(error) => refused(format!("{from:?} cannot be read: {error}")),
                    Copying::To(error) => disk(&manifest, error),
                })?;
            if *name == look.weights
                && let Some(expected) = options.sha256
                && entry.sha256 != expected
            {
                let found = entry.sha256;
                return Err(refused(format!(
                    "{name:?} has SHA-256 {found} instead of {expected}; fetch it again"
                )));
            }
            manifest.files.push(entry);
        }
        check_weights(&look, &folder, &mut manifest).map_err(refused)?;
        manifest.check().map_err(refused)?;
        let place = Place::Folder(folder);
        try_to_load(&manifest, &place).map_err(refused)?;
        self.take_in(manifest, &place)
    }

    /// Moves checked files in, and names the version.
    fn take_in(&self, manifest: Manifest, place: &Place) -> Result<Imported, StoreError> {
        let locked = |locked: &Locked| {
            let there = self.versions(&manifest.name).unwrap_or_default();
            let same = there
                .iter()
                .find(|there| there.version() == manifest.version());
            if let Some(same) = same.filter(|same| same.licence != manifest.licence) {
                let why = format!(
                    "it is there under licence {:?}, and versions never change; remove it first",
                    same.licence
                );
                return Err(state(&manifest, why));
            }
            let was_there = same.is_some();
            locked
                .install(&manifest, place, Entrance::Move)
                .map_err(|error| self.io_error(&manifest, &self.options.root, error))?;
            let mut aliases = self.aliases(&manifest.name)?;
            if !was_there {
                let version = Some(manifest.version());
                if there.is_empty() {
                    aliases.stable = version;
                } else {
                    aliases.candidate = version;
                    aliases.canary = 0.0;
                }
                self.write(locked, &manifest, &aliases)?;
            }
            Ok(Imported {
                aliases: aliases.of(&manifest.version()),
                manifest: manifest.clone(),
                was_there,
            })
        };
        self.locked(&manifest, locked)
    }
}

/// All but the files.
fn describe(path: &Path, look: &Look, options: &ImportOptions) -> Result<Manifest, String> {
    let name = match &options.name {
        Some(name) => name.clone(),
        None => name_of(path),
    };
    if !is_plain(&name) {
        return Err(format!(
            "{name:?} is no name for a model: give one with --name, of lower case letters, digits, '-', '_' and '.'"
        ));
    }
    let skills = if options.skills.is_empty() {
        look.architecture.skills().to_vec()
    } else {
        options.skills.clone()
    };
    Ok(Manifest {
        about: format!("Imported from {}", look.format.title()),
        name,
        skills,
        architecture: look.architecture,
        licence: options
            .licence
            .clone()
            .unwrap_or_else(|| String::from("unknown")),
        weights: Some(look.weights.clone()),
        tokenizer: look.tokenizer.clone(),
        files: Vec::new(),
        limits: Limits {
            dimensions: look.dimensions,
            ..Limits::default()
        },
        sources: Vec::new(),
        latency: None,
        parent: options.parent.clone(),
        metrics: options.metrics.clone(),
        data_set: options.data_set.clone(),
    })
}

/// A name for a model out of its path.
fn name_of(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let last = if path.is_dir() {
        path.file_name()
    } else {
        path.file_stem()
    };
    let last = last.unwrap_or_default().to_string_lossy().to_lowercase();
    last.chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '-' | '_' | '.' => c,
            _ => '-',
        })
        .collect()
}

/// Checks what was copied, not what lies elsewhere and may change; requantises if need be.
fn check_weights(look: &Look, folder: &Path, manifest: &mut Manifest) -> Result<(), String> {
    let weights = folder.join(&look.weights);
    let checked = match look.format {
        Format::Safetensors => safetensors_header::check_file(&weights),
        Format::CTranslate2 => look::check_ctranslate2(&weights),
        Format::Gguf => check_gguf(&weights, look, manifest),
    };
    checked.map_err(|why| {
        // Whatever the name says: a pickle is no file of numbers.
        match pickle::find_in_file(&weights) {
            Ok(Some(kind)) => look::pickle_reason(kind),
            _ => format!("{:?}: {why}", look.weights),
        }
    })
}

fn check_gguf(weights: &Path, look: &Look, manifest: &mut Manifest) -> Result<(), String> {
    let bytes = std::fs::read(weights).map_err(|error| error.to_string())?;
    let header = gguf::Gguf::read(&bytes).map_err(|error| error.to_string())?;
    let architecture = header
        .get("general.architecture")
        .and_then(gguf::GgufValue::as_text)
        .unwrap_or("none");
    if architecture != "llama" {
        return Err(look::unknown_architecture(&format!("{architecture:?}")));
    }
    let is_slow = |kind| !matches!(kind, gguf::TensorKind::Q8_0 | gguf::TensorKind::F32);
    if !header.tensors().iter().any(|tensor| is_slow(tensor.kind)) {
        return Ok(());
    }
    let requantised = gguf::requantise(&bytes).map_err(|error| error.to_string())?;
    std::fs::write(weights, &requantised).map_err(|error| error.to_string())?;
    let entry = manifest
        .files
        .iter_mut()
        .find(|entry| entry.name == look.weights);
    if let Some(entry) = entry {
        manifest.about += &format!(", requantised to Q8_0 from SHA-256 {}", entry.sha256);
        entry.bytes = requantised.len() as u64;
        entry.sha256 = FileHash(Sha256::digest(&requantised).into());
    }
    File::open(weights)
        .and_then(|file| file.sync_all())
        .map_err(|error| error.to_string())
}

/// Makes a model of the files, to see that it can be done.
fn try_to_load(manifest: &Manifest, place: &Place) -> Result<(), String> {
    let files = CheckedModel::read(manifest, place).map_err(|fault| fault.to_string())?;
    // What only serves other models is loaded by them.
    if manifest.architecture.skills().is_empty() {
        return Ok(());
    }
    let found = super::found(place, "import");
    Model::read(manifest, files, found, LoadOptions::default())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

enum Copying {
    Cancelled,
    From(io::Error),
    To(io::Error),
}

fn copy(from: &Path, to: &Path, name: &str, cancel: &AtomicBool) -> Result<FileEntry, Copying> {
    let mut source = File::open(from).map_err(Copying::From)?;
    let mut target = File::create(to).map_err(Copying::To)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if cancel.load(Ordering::Acquire) {
            return Err(Copying::Cancelled);
        }
        let n = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Copying::From(error)),
        };
        hash.update(&chunk[..n]);
        target.write_all(&chunk[..n]).map_err(Copying::To)?;
        bytes += n as u64;
    }
    target.sync_all().map_err(Copying::To)?;
    Ok(FileEntry {
        name: name.to_owned(),
        bytes,
        sha256: FileHash(hash.finalize().into()),
    })
}
