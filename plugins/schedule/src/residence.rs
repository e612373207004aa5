//! The memory of devices: which models are in it, who has to wait for it, and which have to go.

use sim::{SimSpan, SimTime};

use crate::{
    engine::Resource,
    fact::MemoryShare,
    hardware::{DeviceId, DeviceMemory, Residence},
    lane::Pool,
    pool::{PoolError, ResourceId, ResourceKind},
};

/// The limited memory of a device.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    device: DeviceId,
    bytes: u64,
    models: Vec<Model>,
    /// Places of the models that are in it, the least recently used first.
    loaded: Vec<usize>,
}

/// A model, which all who serve it on a device share.
#[derive(Clone, Debug)]
struct Model {
    name: String,
    residence: Residence,
    servers: Vec<ResourceId>,
    /// When its last load ends.
    ready_at: SimTime,
}

/// Where a resource finds its model: which memory, and which model there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    shelf: usize,
    model: usize,
}

/// What using a model takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// Until it is in memory.
    pub(crate) wait: SimSpan,
    /// If it was not there and is being loaded.
    pub(crate) loaded: Option<Loaded>,
}

/// What it took to bring a model into the memory of its device.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) device: DeviceId,
    pub(crate) model: String,
    pub(crate) evicted: Vec<String>,
    pub(crate) span: SimSpan,
}

/// The memories that `resources` share; each resource learns its place.
pub(crate) fn shelves(
    devices: &[DeviceMemory],
    resources: &mut [Resource],
) -> Result<Vec<Shelf>, PoolError> {
    let mut shelves: Vec<Shelf> = Vec::new();
    for device in devices {
        if shelves.iter().any(|other| other.device == device.device) {
            return Err(PoolError::BadOption {
                what: "device_memory",
                value: f64::from(device.device.0),
                must: "devices that differ",
            });
        }
        shelves.push(Shelf {
            device: device.device,
            bytes: device.bytes,
            models: Vec::new(),
            loaded: Vec::new(),
        });
    }
    for on in resources {
        let shelf = shelves.iter().position(|it| it.device == on.spec.device);
        if let (Some(shelf), Some(residence)) = (shelf, on.spec.residence) {
            let model = shelves[shelf].place_of(on, residence)?;
            on.place = Some(Place { shelf, model });
        }
    }
    Ok(shelves)
}

impl Shelf {
    /// The place of the model that a resource serves.
    fn place_of(&mut self, on: &Resource, residence: Residence) -> Result<usize, PoolError> {
        let bad = |must| PoolError::BadNumber {
            name: on.spec.name.clone(),
            what: "residence",
            value: residence.bytes as f64,
            must,
        };
        let ResourceKind::Replica { model } = &on.spec.kind else {
            return Err(bad("nothing: it has no model"));
        };
        if residence.bytes > self.bytes {
            return Err(bad("at most the memory of its device"));
        }
        let known = self.models.iter().position(|known| known.name == *model);
        let Some(place) = known else {
            self.models.push(Model {
                name: model.clone(),
                residence,
                servers: vec![on.id],
                ready_at: SimTime::ZERO,
            });
            return Ok(self.models.len() - 1);
        };
        if self.models[place].residence != residence {
            return Err(bad("the same as of others with its model on its device"));
        }
        self.models[place].servers.push(on.id);
        Ok(place)
    }

    fn bytes_of(&self, places: &[usize]) -> u64 {
        let bytes = |place: &usize| self.models[*place].residence.bytes;
        places.iter().map(bytes).fold(0, u64::saturating_add)
    }

    /// What models other than `own` may take.
    fn room_beside(&self, own: usize) -> u64 {
        self.bytes.saturating_sub(self.models[own].residence.bytes)
    }
}

impl Pool {
    /// Loads the model of a resource if it is not there and there is room for it.
    pub(crate) fn load_if_room(&mut self, id: ResourceId) -> Option<Loaded> {
        let place = self.resources[id.index()].place?;
        let shelf = &mut self.shelves[place.shelf];
        let is_there = shelf.loaded.contains(&place.model);
        if is_there || shelf.bytes_of(&shelf.loaded) > shelf.room_beside(place.model) {
            return None;
        }
        shelf.loaded.push(place.model);
        Some(Loaded {
            device: shelf.device,
            model: shelf.models[place.model].name.clone(),
            evicted: Vec::new(),
            span: SimSpan::ZERO,
        })
    }

    /// Lets a resource that begins to work use its model, which is loaded if it is not there.
    pub(crate) fn use_model(&mut self, now: SimTime, id: ResourceId) -> Use {
        let Some(Place { shelf: at, model }) = self.resources[id.index()].place else {
            return Use::default();
        };
        let shelf = &self.shelves[at];
        let mut kept = shelf.loaded.clone();
        if let Some(place) = kept.iter().position(|loaded| *loaded == model) {
            kept.remove(place);
            kept.push(model);
            // Somebody else may have begun to load it a moment ago.
            let wait = shelf.models[model].ready_at.since(now);
            self.shelves[at].loaded = kept;
            return Use { wait, loaded: None };
        }
        let mut evicted = Vec::new();
        while shelf.bytes_of(&kept) > shelf.room_beside(model)
            && let Some(oldest) = kept.iter().position(|other| !self.is_used(shelf, *other))
        {
            evicted.push(shelf.models[kept.remove(oldest)].name.clone());
        }
        kept.push(model);
        let span = shelf.models[model].residence.load;
        let loaded = Loaded {
            device: shelf.device,
            model: shelf.models[model].name.clone(),
            evicted,
            span,
        };
        self.shelves[at].loaded = kept;
        self.shelves[at].models[model].ready_at = now + span;
        Use {
            wait: span,
            loaded: Some(loaded),
        }
    }

    /// A resource failed: its model is gone unless others there serve it.
    pub(crate) fn unload(&mut self, id: ResourceId) {
        let Some(Place { shelf: at, model }) = self.resources[id.index()].place else {
            return;
        };
        let mut servers = self.shelves[at].models[model].servers.iter();
        if !servers.any(|other| self.resources[other.index()].up) {
            self.shelves[at].loaded.retain(|loaded| *loaded != model);
        }
        self.refresh(id);
    }

    /// One more serves the model of `like`, where that is.
    pub(crate) fn share_memory(&mut self, like: ResourceId, id: ResourceId) {
        let place = self.resources[like.index()].place;
        self.resources[id.index()].place = place;
        if let Some(Place { shelf, model }) = place {
            self.shelves[shelf].models[model].servers.push(id);
        }
    }

    /// Brings who has to wait for memory in line with what the resource `id` does.
    pub(crate) fn crowd(&mut self, id: ResourceId) {
        let Some(Place { shelf: at, .. }) = self.resources[id.index()].place else {
            return;
        };
        for model in 0..self.shelves[at].models.len() {
            let is_out = !self.fits_beside_work(&self.shelves[at], model);
            for n in 0..self.shelves[at].models[model].servers.len() {
                let server = self.shelves[at].models[model].servers[n];
                self.resources[server.index()].is_crowded_out = is_out;
                self.refresh_one(server);
            }
        }
    }

    /// How long loading the model of a resource would take; nothing if it is there.
    #[inline]
    pub(crate) fn load_span(&self, on: &Resource) -> SimSpan {
        let Some(Place { shelf, model }) = on.place else {
            return SimSpan::ZERO;
        };
        let shelf = &self.shelves[shelf];
        match shelf.loaded.contains(&model) {
            true => SimSpan::ZERO,
            false => shelf.models[model].residence.load,
        }
    }

    /// When those who work leave enough memory for the model of a resource, as far as is known.
    pub(crate) fn memory_at(&self, id: ResourceId, now: SimTime) -> SimTime {
        let Some(Place { shelf, model }) = self.resources[id.index()].place else {
            return now;
        };
        let shelf = &self.shelves[shelf];
        let used = shelf
            .loaded
            .iter()
            .filter(|other| self.is_used(shelf, **other));
        let mut ends: Vec<_> = used
            .map(|other| {
                let servers = shelf.models[*other].servers.iter();
                let end = servers.map(|server| self.work_ends(*server, now)).max();
                (end.unwrap_or(now), shelf.models[*other].residence.bytes)
            })
            .collect();
        ends.sort_unstable();
        let mut taken: u64 = ends.iter().map(|(_, bytes)| bytes).sum();
        let mut at = now;
        for (end, bytes) in ends {
            if taken <= shelf.room_beside(model) {
                break;
            }
            (at, taken) = (end, taken - bytes);
        }
        at
    }

    /// Whether the model of a resource is in the memory of its device; `None` if that has no limit.
    pub(crate) fn is_loaded(&self, id: ResourceId) -> Option<bool> {
        let Place { shelf, model } = self.resources[id.index()].place?;
        Some(self.shelves[shelf].loaded.contains(&model))
    }

    /// What the model of a resource takes of which memory.
    pub(crate) fn memory_share(&self, id: ResourceId) -> Option<MemoryShare> {
        let Place { shelf, model } = self.resources[id.index()].place?;
        let shelf = &self.shelves[shelf];
        Some(MemoryShare {
            device: shelf.device,
            of_bytes: shelf.bytes,
            bytes: shelf.models[model].residence.bytes,
        })
    }

    /// Whether a model is loaded, or fits beside those that are used.
    fn fits_beside_work(&self, shelf: &Shelf, model: usize) -> bool {
        let used = shelf.loaded.iter().copied();
        let used: Vec<_> = used.filter(|other| self.is_used(shelf, *other)).collect();
        shelf.loaded.contains(&model) || shelf.bytes_of(&used) <= shelf.room_beside(model)
    }

    /// Whether somebody who serves a model runs or forms a batch.
    fn is_used(&self, shelf: &Shelf, model: usize) -> bool {
        shelf.models[model].servers.iter().any(|id| {
            let on = &self.resources[id.index()];
            on.running.is_some() || !on.members.is_empty()
        })
    }
}
