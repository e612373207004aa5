//! Keeps loaded models within a budget of memory: each version once, whoever asks for it.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::{Duration, Instant},
};

use crate::{
    backend::BackendError,
    backends::openai,
    device::DeviceChoice,
    model::Model,
    port::ReplicaSetup,
    store::{Progress, Store, StoreError},
};

/// Loaded models. Weights are in memory once for each version and device that it computes on; when
/// there is no room for another model, those go that nobody uses, the one that was used longest ago
/// first. They are loaded again when they are asked for. What is on a card is not counted: there the
/// driver says what has room.
///
/// Asking loads on the calling thread and lets others who ask wait: keep it off the frame.
#[derive(Debug)]
pub struct Models {
    store: Store,
    budget_bytes: u64,
    shelf: Mutex<Shelf>,
}

/// The device whose models lie in main memory.
const MAIN_MEMORY: usize = 0;

/// A version, and the device that it is to compute on.
type Key = (String, usize);

#[derive(Debug, Default)]
struct Shelf {
    models: BTreeMap<Key, Loaded>,
    /// What cannot be on its device, and why: it is not tried again.
    misplaced: BTreeMap<Key, BackendError>,
    // Counts the uses: who was used longest ago does not hang on a clock.
    n_uses: u64,
}

impl Shelf {
    /// What lies in main memory.
    fn here(&self) -> impl Iterator<Item = (&Key, &Loaded)> {
        let is_here = |(key, _): &(&Key, &Loaded)| key.1 == MAIN_MEMORY;
        self.models.iter().filter(is_here)
    }
}

#[derive(Debug)]
struct Loaded {
    model: Model,
    bytes: u64,
    last_use: u64,
    // Shared by all who use it; alone here, nobody does.
    in_use: Arc<()>,
}

impl Loaded {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.in_use) == 1
    }
}

/// A model in use: it is not unloaded before this, and every replica made of it, is gone.
#[derive(Clone, Debug)]
pub struct InUse {
    model: Model,
    in_use: Arc<()>,
    /// How long loading took just now; zero if it was loaded. A simulation charges it to its clock.
    pub took: Duration,
    /// The versions that had to go.
    pub evicted: Vec<String>,
}

impl Deref for InUse {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

impl InUse {
    /// A replica that keeps the model loaded.
    pub fn replica(&self, name: impl Into<String>) -> ReplicaSetup {
        let setup = self.model.replica(name);
        let (make, in_use) = (setup.make, Arc::clone(&self.in_use));
        ReplicaSetup {
            name: setup.name,
            make: Arc::new(move || {
                let _keep = &in_use;
                make()
            }),
        }
    }
}

/// A loaded model, as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedModel {
    /// Its name and version.
    pub version: String,
    /// Bytes of memory that it is counted with.
    pub bytes: u64,
    /// Whether nobody uses it.
    pub is_idle: bool,
}

impl Models {
    /// No models yet, out of a store, with so many bytes of main memory for all of them.
    pub fn new(store: Store, budget_bytes: u64) -> Self {
        Self {
            store,
            budget_bytes,
            shelf: Mutex::default(),
        }
    }

    /// The store that models come from.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A model, loaded if need be.
    ///
    /// # Errors
    /// [`StoreError::NoMemory`] if models in use leave no room for it, and all that [`Store::load`] says.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a load takes on this machine is what is asked for"
    )]
    pub fn get(
        &self,
        name: &str,
        device: DeviceChoice,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<InUse, StoreError> {
        let (key, bytes) = self.key(name, device)?;
        let mut shelf = self.shelf();
        shelf.n_uses += 1;
        let n_uses = shelf.n_uses;
        if let Some(loaded) = shelf.models.get_mut(&key) {
            loaded.last_use = n_uses;
            return Ok(lend(loaded, Duration::ZERO, Vec::new()));
        }
        let evicted = match key.1 {
            MAIN_MEMORY => self.make_room(&mut shelf, &key.0, bytes)?,
            _ => Vec::new(),
        };
        let start = Instant::now();
        // By its version: an alias may have moved on meanwhile.
        let model = self.store.load(&key.0, device, progress, cancel)?;
        let loaded = Loaded {
            model,
            bytes,
            last_use: n_uses,
            in_use: Arc::default(),
        };
        let lent = lend(&loaded, start.elapsed(), evicted);
        shelf.models.insert(key, loaded);
        Ok(lent)
    }

    /// A model as [`Models::get`] gives it; on the processor, with the reason, if it cannot be on the
    /// device that is asked for.
    ///
    /// Whoever takes it should say so: it is slower there.
    ///
    /// # Errors
    /// As [`Models::get`], but for [`BackendError::NoDevice`].
    pub fn get_or_on_cpu(
        &self,
        name: &str,
        device: DeviceChoice,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<(InUse, Option<BackendError>), StoreError> {
        let (key, _) = self.key(name, device)?;
        let known = self.shelf().misplaced.get(&key).cloned();
        let missing = match known {
            Some(missing) => missing,
            None => match self.get(name, device, progress, cancel) {
                Err(StoreError::Backend(missing @ BackendError::NoDevice { .. })) => missing,
                Ok(model) => {
                    let is_here = model.device().is_some();
                    let missed = model.misses(device).filter(|_| is_here);
                    return Ok((model, missed));
                }
                Err(error) => return Err(error),
            },
        };
        self.shelf().misplaced.insert(key, missing.clone());
        let model = self.get(name, DeviceChoice::Cpu, progress, cancel)?;
        Ok((model, Some(missing)))
    }

    /// What a model is kept as, and how much memory it takes.
    fn key(&self, name: &str, device: DeviceChoice) -> Result<(Key, u64), StoreError> {
        if name.starts_with(openai::REMOTE_PREFIX) {
            // A server's model takes no memory here.
            return Ok(((name.to_owned(), device_key(DeviceChoice::Cpu)), 0));
        }
        let manifest = self.store.resolve(name)?;
        let device = manifest.architecture.device(device);
        let key = (manifest.full_name(), device_key(device));
        Ok((key, manifest.memory_bytes()))
    }

    /// Unloads a version if nobody uses it. Says whether it is gone.
    pub fn unload(&self, version: &str) -> bool {
        let mut shelf = self.shelf();
        let models = &mut shelf.models;
        models.retain(|(name, _), loaded| name != version || !loaded.is_idle());
        !models.keys().any(|(name, _)| name == version)
    }

    /// What is loaded, by version.
    pub fn loaded(&self) -> Vec<LoadedModel> {
        let shelf = self.shelf();
        let tell = |((version, _), loaded): (&Key, &Loaded)| LoadedModel {
            version: version.clone(),
            bytes: loaded.bytes,
            is_idle: loaded.is_idle(),
        };
        shelf.models.iter().map(tell).collect()
    }

    /// Unloads models that nobody uses until there is room, longest unused first.
    fn make_room(
        &self,
        shelf: &mut Shelf,
        version: &str,
        needed: u64,
    ) -> Result<Vec<String>, StoreError> {
        let used = |shelf: &Shelf| -> u64 { shelf.here().map(|(_, one)| one.bytes).sum() };
        let busy = shelf.here().filter(|(_, one)| !one.is_idle());
        let in_use: u64 = busy.map(|(_, one)| one.bytes).sum();
        // Nothing goes if that would not be enough.
        if in_use.saturating_add(needed) > self.budget_bytes {
            return Err(StoreError::NoMemory {
                model: version.to_owned(),
                needed,
                in_use,
                budget: self.budget_bytes,
            });
        }
        let mut evicted = Vec::new();
        while used(shelf).saturating_add(needed) > self.budget_bytes {
            let idle = shelf.here().filter(|(_, one)| one.is_idle());
            let Some(oldest) = idle.min_by_key(|(_, one)| one.last_use) else {
                break;
            };
            let key = oldest.0.clone();
            shelf.models.remove(&key);
            evicted.push(key.0);
        }
        Ok(evicted)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // A load that panicked put nothing on it.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lend(loaded: &Loaded, took: Duration, evicted: Vec<String>) -> InUse {
    InUse {
        model: loaded.model.clone(),
        in_use: Arc::clone(&loaded.in_use),
        took,
        evicted,
    }
}

fn device_key(device: DeviceChoice) -> usize {
    match device {
        DeviceChoice::Cpu => MAIN_MEMORY,
        DeviceChoice::Cuda(index) => MAIN_MEMORY + 1 + index,
    }
}
