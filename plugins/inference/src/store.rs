//! Keeps models on disk: finds them, fetches them, and hands out nothing that was not checked.
//!
//! A file lies in `<store>/blobs/sha256/AB/ABCD…`, named by its hash; a version is a manifest in
//! `<store>/versions/NAME/VERSION.ron` that names its files by their hashes and never changes; what
//! `NAME@stable` and `NAME@candidate` mean is in `<store>/aliases/NAME.ron`. Next to it are the
//! project's own `assets/models/NAME/`. What is fetched or imported lands in a temporary folder
//! first and is moved into place when every file has been checked, its manifest last, so nothing
//! half-written is ever seen. Models that lie in folders of their own, as earlier builds kept
//! them, are taken over.

mod aliases;
mod error;
mod fetch;
mod import;
mod lock;
mod manage;
mod options;
mod resolve;
mod stand_in;
mod versions;

use std::{path::PathBuf, sync::atomic::AtomicBool};

pub use self::{
    aliases::{Aliases, Served},
    error::StoreError,
    import::{ImportOptions, Imported},
    manage::Removed,
    options::{ChildModels, StoreOptions},
    resolve::Route,
};
use crate::{
    backend::BackendError,
    backends::openai::{self, RemoteSettings},
    catalog::Catalog,
    check::{CheckedModel, FileFault, check_place},
    child::ChildOptions,
    device::DeviceChoice,
    load_options::LoadOptions,
    manifest::Manifest,
    model::Model,
    place::Place,
};

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Who is asked.
    pub source: &'a str,
    /// Bytes that have come.
    pub done: u64,
    /// Bytes that are to come in all.
    pub total: u64,
}

/// Whether a model can be used at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// It needs no files.
    BuiltIn,
    /// All its files are there and right.
    Ready {
        /// Where they are.
        folder: PathBuf,
    },
    /// It has not been fetched.
    Missing,
    /// It is there and wrong; the next load fetches it again if it has a source.
    Damaged {
        /// The first file that is wrong.
        fault: FileFault,
    },
}

/// Where a model was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its files; `None` for a built-in model.
    pub folder: Option<PathBuf>,
    /// Who had it: `built in`, `project assets`, `local store`, `model hub …` or `package index …`.
    pub source: String,
}

/// The models on this machine, and the way to more.
#[derive(Clone, Debug)]
pub struct Store {
    catalog: Catalog,
    options: StoreOptions,
}

impl Store {
    /// A store for the models of a catalog, and for those that are imported. Touches nothing yet.
    pub fn new(catalog: Catalog, options: StoreOptions) -> Self {
        Self { catalog, options }
    }

    /// The models that it knows without being told.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Where it keeps and finds models.
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Every known version and its state. Reads and checks all files that are there.
    pub fn list(&self) -> Vec<(Manifest, ModelState)> {
        let known = self.known();
        known
            .into_iter()
            .map(|manifest| {
                let state = self.state_of(&manifest);
                (manifest, state)
            })
            .collect()
    }

    /// Checks a model that is here. Fetches nothing, changes nothing.
    ///
    /// # Errors
    /// [`StoreError::UnknownModel`], [`StoreError::NoSource`] if it is not here,
    /// [`StoreError::Damaged`] with the file, what it should be and what it is.
    pub fn verify(&self, name: &str) -> Result<Found, StoreError> {
        let entry = self.resolve(name)?;
        match self.state_of(&entry) {
            ModelState::BuiltIn => Ok(built_in()),
            ModelState::Ready { folder } => {
                let source = if folder.starts_with(&self.options.root) {
                    "local store"
                } else {
                    "project assets"
                };
                Ok(Found {
                    folder: Some(folder),
                    source: source.to_owned(),
                })
            }
            ModelState::Missing => Err(StoreError::NoSource {
                model: entry.name,
                tried: vec![(self.title(), String::from("not there"))],
            }),
            ModelState::Damaged { fault } => Err(damaged(&entry, fault)),
        }
    }

    /// Makes sure that a model is here and right: fetches it if need be.
    ///
    /// `progress` is told now and then, `cancel` is looked at as often.
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::NoSource`] above all.
    pub fn pull(
        &self,
        name: &str,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<Found, StoreError> {
        let entry = self.resolve(name)?;
        Ok(self.find(&entry, check_place, progress, cancel)?.1)
    }

    /// A model that is ready to be opened as replicas: found, fetched if need be, checked and read.
    ///
    /// A model from outside the project, which is not in the catalog, is made and runs in a child
    /// process, as [`StoreOptions::child_models`] says; `openai:NAME` is the model `NAME` of the
    /// server that the environment names.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Backend`] if its files are right and no model can be made of them.
    pub fn load(
        &self,
        name: &str,
        how: impl Into<LoadOptions>,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<Model, StoreError> {
        let how = how.into();
        if let Some(remote) = name.strip_prefix(openai::REMOTE_PREFIX) {
            return Ok(Model::remote(RemoteSettings::from_env()?, remote));
        }
        let entry = self.resolve(name)?;
        let device = entry.architecture.device(how.device);
        how.precision.check(&entry.full_name(), device)?;
        if self.runs_in_child(&entry) {
            return self.load_in_child(&entry, how, progress, cancel);
        }
        let (files, found) = self.find(&entry, CheckedModel::read, progress, cancel)?;
        Ok(Model::read(&entry, files, found, how)?)
    }

    /// Whether the replicas of a version run in child processes.
    pub fn runs_in_child(&self, entry: &Manifest) -> bool {
        let known = self.catalog.get(&entry.name).map(Manifest::version);
        let is_wanted = match self.options.child_models {
            ChildModels::None => false,
            ChildModels::Outside => known != Some(entry.version()),
            ChildModels::All => true,
        };
        is_wanted && !entry.is_built_in()
    }

    fn load_in_child(
        &self,
        entry: &Manifest,
        how: LoadOptions,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<Model, StoreError> {
        if entry.architecture.device(how.device) != DeviceChoice::Cpu {
            let why = "a model from outside runs in a child process, which has no card; set \
                       DIORAMA_CHILD_MODELS=none to trust it";
            return Err(BackendError::no_device(how.device, why).into());
        }
        let check = |entry: &Manifest, place: &Place| {
            check_place(entry, place)?;
            Ok(entry.files.iter().map(|file| place.path(file)).collect())
        };
        let (paths, found) = self.find(entry, check, progress, cancel)?;
        let options = ChildOptions::for_files(entry.memory_bytes().max(entry.bytes()));
        Ok(Model::in_child(entry, paths, found, how, options))
    }

    fn title(&self) -> String {
        format!("local store {}", self.options.root.display())
    }

    /// The places on this machine where a model may be, best first, and what they are called.
    fn places(&self, entry: &Manifest) -> Vec<(Place, bool)> {
        let root = &self.options.root;
        let mut places = Vec::new();
        // The project's own files are those of the catalog's version.
        if self.catalog.get(&entry.name).map(Manifest::version) == Some(entry.version()) {
            let assets = self.options.assets.as_ref();
            let folder = assets.map(|assets| assets.join(&entry.name));
            places.extend(
                folder
                    .filter(|folder| folder.is_dir())
                    .map(|folder| (Place::Folder(folder), false)),
            );
        }
        let blobs = Place::Blobs(root.clone());
        let is_recorded = self
            .stored(&entry.name)
            .iter()
            .any(|stored| stored.version() == entry.version());
        // Files of other versions may make it complete.
        if is_recorded || entry.files.iter().all(|file| blobs.path(file).is_file()) {
            places.push((blobs, false));
        }
        let old = self.old_folder(entry);
        if old.is_dir() {
            places.push((Place::Folder(old), true));
        }
        places
    }

    /// Where a file of a version lies on this machine, the place that a load looks at first; nothing
    /// if the version is built in, has no such file or is not here. Nothing is checked.
    pub fn file(&self, entry: &Manifest, name: &str) -> Option<PathBuf> {
        let file = entry.files.iter().find(|file| file.name == name)?;
        let places = self.places(entry).into_iter();
        let mut paths = places.map(|(place, _)| place.path(file));
        paths.find(|path| path.is_file())
    }

    /// The state of a version. Reads and checks all files that are there.
    pub fn state_of(&self, entry: &Manifest) -> ModelState {
        if entry.is_built_in() {
            return ModelState::BuiltIn;
        }
        let mut state = ModelState::Missing;
        for (place, _) in self.places(entry) {
            match check_place(entry, &place) {
                Ok(()) => {
                    return ModelState::Ready {
                        folder: place.folder(),
                    };
                }
                Err(fault) => state = ModelState::Damaged { fault },
            }
        }
        state
    }

    /// Looks for a model in all places in turn and takes what `take` makes of the first that is right.
    fn find<T>(
        &self,
        entry: &Manifest,
        take: impl Fn(&Manifest, &Place) -> Result<T, FileFault>,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<(T, Found), StoreError> {
        let blobs = Place::Blobs(self.options.root.clone());
        if entry.is_built_in() {
            // It has no files, so any place holds them all.
            let taken = take(entry, &blobs).map_err(|fault| damaged(entry, fault))?;
            return Ok((taken, built_in()));
        }
        let (mut tried, mut last_fault) = (Vec::new(), None);
        for (place, is_old) in self.places(entry) {
            let in_store = place.folder().starts_with(&self.options.root);
            let source = if in_store {
                "local store"
            } else {
                "project assets"
            };
            match take(entry, &place) {
                Ok(taken) => {
                    if is_old {
                        self.adopt(entry, &place);
                    }
                    return Ok((taken, found(&place, source)));
                }
                Err(fault) => {
                    tracing::warn!("a copy of model {:?} is left aside: {fault}", entry.name);
                    let title = if in_store {
                        self.title()
                    } else {
                        source.to_owned()
                    };
                    tried.push((title, fault.to_string()));
                    last_fault = Some(fault);
                }
            }
        }
        // What was imported can be had nowhere else.
        if let Some(fault) = last_fault.filter(|_| entry.sources.is_empty()) {
            return Err(damaged(entry, fault));
        }
        for title in [String::from("project assets"), self.title()] {
            if !tried.iter().any(|(there, _)| *there == title) {
                tried.push((title, String::from("not there")));
            }
        }
        let (taken, source) = self.fetch(entry, take, tried, progress, cancel)?;
        Ok((taken, found(&blobs, &source)))
    }
}

fn damaged(entry: &Manifest, fault: FileFault) -> StoreError {
    StoreError::Damaged {
        model: entry.full_name(),
        fault: Box::new(fault),
        is_imported: entry.sources.is_empty(),
    }
}

fn built_in() -> Found {
    Found {
        folder: None,
        source: String::from("built in"),
    }
}

fn found(place: &Place, source: &str) -> Found {
    Found {
        folder: Some(place.folder()),
        source: source.to_owned(),
    }
}
