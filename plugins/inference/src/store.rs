//! Keeps models on disk: finds them, fetches them, and hands out nothing that was not checked.
//!
//! A model lies in `<store>/<name>/<first 12 digits of its weights' hash>/`, next to the project's
//! own `assets/models/<name>/`. What is fetched lands in a temporary folder of the store first and
//! is moved into place when every file has been checked, so nothing half-written is ever seen.

mod error;
mod options;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

pub use self::{error::StoreError, options::StoreOptions};
use crate::{
    catalog::Catalog,
    check::{CheckedModel, FileFault, check_folder},
    load_options::LoadOptions,
    manifest::Manifest,
    model::Model,
    scratch::Scratch,
    source::{self, Pulling, SourceError},
};

/// How often damaged files are moved out of the way of checked ones.
const MOST_MOVES: u32 = 5;

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
    /// It is there and wrong; the next load fetches it again.
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
    /// A store for the models of a catalog. Touches nothing yet.
    pub fn new(catalog: Catalog, options: StoreOptions) -> Self {
        Self { catalog, options }
    }

    /// The models that it knows.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Where it keeps and finds models.
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Every known model and its state. Reads and checks all files that are there.
    pub fn list(&self) -> Vec<(&Manifest, ModelState)> {
        self.catalog
            .models()
            .iter()
            .map(|entry| (entry, self.state(entry)))
            .collect()
    }

    /// Checks a model that is here. Fetches nothing, changes nothing.
    ///
    /// # Errors
    /// [`StoreError::UnknownModel`], [`StoreError::NoSource`] if it is not here,
    /// [`StoreError::Damaged`] with the file, what it should be and what it is.
    pub fn verify(&self, name: &str) -> Result<Found, StoreError> {
        let entry = self.entry(name)?;
        match self.state(entry) {
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
            ModelState::Missing => {
                let tried = vec![(
                    self.folder(entry).display().to_string(),
                    String::from("not there"),
                )];
                Err(StoreError::NoSource {
                    model: name.to_owned(),
                    tried,
                })
            }
            ModelState::Damaged { fault } => Err(StoreError::Damaged {
                model: name.to_owned(),
                fault,
            }),
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
        Ok(self.find(name, check_folder, progress, cancel)?.1)
    }

    /// A model that is ready to be opened as replicas: found, fetched if need be, checked and read.
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
        let entry = self.entry(name)?;
        let (files, found) = self.find(name, CheckedModel::read, progress, cancel)?;
        Ok(Model::read(entry, files, found, how.into())?)
    }

    fn entry(&self, name: &str) -> Result<&Manifest, StoreError> {
        self.catalog
            .get(name)
            .ok_or_else(|| StoreError::UnknownModel {
                model: name.to_owned(),
                known: self
                    .catalog
                    .models()
                    .iter()
                    .map(|model| model.name.clone())
                    .collect(),
            })
    }

    /// Where the store keeps a model.
    pub(crate) fn folder(&self, entry: &Manifest) -> PathBuf {
        self.options
            .root
            .join(&entry.name)
            .join(weights_version(entry))
    }

    fn asset_folder(&self, entry: &Manifest) -> Option<PathBuf> {
        let folder = self.options.assets.as_ref()?.join(&entry.name);
        folder.is_dir().then_some(folder)
    }

    fn state(&self, entry: &Manifest) -> ModelState {
        if entry.is_built_in() {
            return ModelState::BuiltIn;
        }
        let mut state = ModelState::Missing;
        for folder in [self.asset_folder(entry), Some(self.folder(entry))]
            .into_iter()
            .flatten()
        {
            if !folder.is_dir() {
                continue;
            }
            match check_folder(entry, &folder) {
                Ok(()) => return ModelState::Ready { folder },
                Err(fault) => state = ModelState::Damaged { fault },
            }
        }
        state
    }

    /// Looks for a model in all sources in turn and takes what `take` makes of the first that is right.
    fn find<T>(
        &self,
        name: &str,
        take: impl Fn(&Manifest, &Path) -> Result<T, FileFault>,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<(T, Found), StoreError> {
        let entry = self.entry(name)?;
        let folder = self.folder(entry);
        let mut tried = Vec::new();
        if entry.is_built_in() {
            // It has no files, so any folder holds them all.
            let taken = take(entry, &folder).map_err(|fault| StoreError::Damaged {
                model: name.to_owned(),
                fault,
            })?;
            return Ok((taken, built_in()));
        }
        match self.asset_folder(entry) {
            None => tried.push((String::from("project assets"), String::from("not there"))),
            Some(assets) => match take(entry, &assets) {
                Ok(taken) => return Ok((taken, found(assets, "project assets"))),
                Err(fault) => {
                    tracing::warn!("the project's copy of model {name:?} is left aside: {fault}");
                    tried.push((String::from("project assets"), fault.to_string()));
                }
            },
        }
        let source = format!("local store {}", self.options.root.display());
        if folder.is_dir() {
            match take(entry, &folder) {
                Ok(taken) => return Ok((taken, found(folder, "local store"))),
                Err(fault) => {
                    tracing::warn!("model {name:?} is fetched again: {fault}");
                    tried.push((source, fault.to_string()));
                }
            }
        } else {
            tried.push((source, String::from("not there")));
        }
        let (taken, source) = self.fetch(entry, &take, tried, progress, cancel)?;
        Ok((taken, found(folder, &source)))
    }

    /// Asks the sources outside this machine, and moves what the first one has into place.
    fn fetch<T>(
        &self,
        entry: &Manifest,
        take: impl Fn(&Manifest, &Path) -> Result<T, FileFault>,
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
                    // Taken before it is moved: what is handed out is what was fetched here.
                    match take(entry, &files) {
                        Ok(taken) => {
                            self.put_in_place(entry, &files, &scratch)?;
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

    /// Moves checked files to where the model belongs, and whatever is there out of the way.
    fn put_in_place(
        &self,
        entry: &Manifest,
        files: &Path,
        scratch: &Scratch,
    ) -> Result<(), StoreError> {
        let target = self.folder(entry);
        let parent = self.options.root.join(&entry.name);
        let wrong = |error| self.io_error(entry, &target, error);
        fs::create_dir_all(&parent).map_err(wrong)?;
        sync_folder(files).map_err(wrong)?;
        // Somebody else may put the same files there at the same time: then theirs stay.
        for nth in 0..MOST_MOVES {
            let Err(error) = fs::rename(files, &target) else {
                return sync_folder(&parent).map_err(wrong);
            };
            if check_folder(entry, &target).is_ok() {
                return Ok(());
            }
            match fs::rename(&target, scratch.path().join(format!("damaged-{nth}"))) {
                Ok(()) => {}
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(_) => return Err(wrong(error)),
            }
        }
        Err(wrong(io::Error::other(
            "somebody else keeps putting damaged files there",
        )))
    }

    fn io_error(&self, entry: &Manifest, path: &Path, error: io::Error) -> StoreError {
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

/// What the folder of a model is called: the start of the hash of its weights.
fn weights_version(entry: &Manifest) -> String {
    let weights = entry
        .files
        .iter()
        .find(|file| Some(&file.name) == entry.weights.as_ref());
    weights.map_or_else(|| entry.version(), |file| file.sha256.short())
}

fn built_in() -> Found {
    Found {
        folder: None,
        source: String::from("built in"),
    }
}

fn found(folder: PathBuf, source: &str) -> Found {
    Found {
        folder: Some(folder),
        source: source.to_owned(),
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
