//! What fits into the memory of a resource, and the models that are loaded into it.

use sim::SimSpan;

use super::Engine;
use crate::{
    fact::EngineFact,
    hardware::{HostedModel, Memory},
    lane::LaneId,
    pool::{ResourceId, ResourceKind, ResourceSpec},
    residence::{Loaded, Use},
    workload::SubtaskId,
};

impl From<Loaded> for EngineFact {
    fn from(loaded: Loaded) -> Self {
        Self::ModelLoaded {
            device: loaded.device,
            model: loaded.model,
            evicted: loaded.evicted,
            span: loaded.span,
        }
    }
}

/// The place of a model among those that a memory can host.
pub(crate) fn hosted<'a>(
    spec: &'a ResourceSpec,
    model: Option<&str>,
) -> Option<(u32, &'a HostedModel)> {
    let (memory, model) = (spec.memory.as_ref()?, model?);
    let at = memory
        .models
        .iter()
        .position(|hosted| hosted.name == model)?;
    Some((at as u32, &memory.models[at]))
}

impl Engine {
    /// The fact that a resource belongs to the pool.
    pub(super) fn joined(&self, id: ResourceId) -> EngineFact {
        let share = self.pool.memory_share(id);
        self.pool.resources[id.index()].joined(share)
    }

    /// Loads the model that a replica was born with, into its own memory and, where there is room,
    /// into that of its device.
    pub(super) fn load_first_model(&mut self, id: ResourceId) {
        if let Some(loaded) = self.pool.load_if_room(id) {
            self.state(|_| loaded.into());
        }
        let on = &mut self.pool.resources[id.index()];
        if let ResourceKind::Replica { model } = &on.spec.kind
            && let Some((at, _)) = hosted(&on.spec, Some(model))
        {
            on.loaded.push(at);
        }
    }

    /// Brings the model of a resource that forms a batch into the memory of its device.
    pub(super) fn use_device_memory(&mut self, resource: ResourceId) {
        let Use { wait, loaded } = self.pool.use_model(self.now, resource);
        self.pool.resources[resource.index()].loading = wait;
        // Whoever shares the memory may now have to wait for it.
        self.pool.crowd(resource);
        if let Some(loaded) = loaded {
            self.state(|_| loaded.into());
        }
    }

    /// Whether a subtask fits beside those of the batch that its resource forms, and their model.
    pub(super) fn memory_fits(&self, subtask: SubtaskId, resource: ResourceId) -> bool {
        let on = &self.pool.resources[resource.index()];
        let Some(memory) = &on.spec.memory else {
            return true;
        };
        let lane = &self.pool.lanes[self.lane_of(subtask).index()];
        let model = hosted(&on.spec, lane.model.as_deref()).map_or(0, |(_, model)| model.bytes);
        let members = on.members.iter().chain([&subtask]);
        let taken = members.map(|id| self.memory_bytes(*id));
        taken.fold(model, u64::saturating_add) <= memory.bytes
    }

    /// Loads the model that a forming batch asks for, in place of those used least recently; gives
    /// the time that takes.
    pub(super) fn take_model(&mut self, resource: ResourceId, lane: LaneId) -> SimSpan {
        let lane = &self.pool.lanes[lane.index()];
        let on = &mut self.pool.resources[resource.index()];
        let Some((at, model)) = hosted(&on.spec, lane.model.as_deref()) else {
            return SimSpan::ZERO;
        };
        let load = model.load;
        let was_loaded = on.loaded.iter().position(|loaded| *loaded == at);
        if let Some(place) = was_loaded {
            on.loaded.remove(place);
        }
        on.loaded.push(at);
        if let Some(memory) = &on.spec.memory {
            let demand = |id: &SubtaskId| self.subtasks[id.index()].demand;
            let members = on.members.iter();
            let taken = members.map(|id| self.demands.get(demand(id)).memory_bytes);
            make_room(memory, &mut on.loaded, taken.sum());
        }
        if was_loaded.is_some() {
            SimSpan::ZERO
        } else {
            load
        }
    }
}

/// Unloads what was used least recently until models and `taken` fit; keeps the last one.
fn make_room(memory: &Memory, loaded: &mut Vec<u32>, taken: u64) {
    let bytes = |loaded: &[u32]| -> u64 {
        loaded
            .iter()
            .map(|at| memory.models[*at as usize].bytes)
            .sum()
    };
    while loaded.len() > 1 && bytes(loaded).saturating_add(taken) > memory.bytes {
        loaded.remove(0);
    }
}
