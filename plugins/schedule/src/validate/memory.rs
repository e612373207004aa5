//! The rules about the memory of devices.

use sim::SimSpan;

use super::{Check, ResourceLog};
use crate::{hardware::DeviceId, pool::ResourceId, workload::BatchId};

impl Check {
    /// A model comes into the memory of a device, in place of others that nobody works with.
    pub(super) fn model_loaded(
        &mut self,
        device: DeviceId,
        model: &str,
        evicted: &[String],
        span: SimSpan,
    ) {
        for other in evicted {
            let works = self.servers(device, other).any(|log| log.running.is_some());
            self.require(!works, || {
                format!("the model {other:?}, which is used, gives way to {model:?}")
            });
            let loaded = self.loaded.entry(device).or_default();
            let was_there = loaded.remove(other).is_some();
            self.require(was_there, || {
                format!("the model {other:?} gives way to {model:?}, but is not loaded")
            });
        }
        let loaded = self.loaded.entry(device).or_default();
        let was_there = loaded.insert(model.to_owned(), span).is_some();
        self.require(!was_there, || {
            format!("the model {model:?} is loaded twice")
        });
        let share = |model: &String| self.servers(device, model).find_map(|log| log.shares);
        let shares: Vec<_> = self.loaded[&device].keys().map(share).collect();
        let taken: u64 = shares.iter().flatten().map(|share| share.bytes).sum();
        let limit = shares.iter().flatten().map(|share| share.of_bytes).min();
        self.require(limit.is_some_and(|limit| taken <= limit), || {
            format!("with the model {model:?}, {taken} bytes are taken of {limit:?} on {device:?}")
        });
    }

    /// The model of a resource that failed is gone unless others there serve it.
    pub(super) fn model_lost(&mut self, id: ResourceId) {
        let log = self.resources.get(&id);
        let place = log.and_then(|log| Some((log.shares?.device, log.model.clone()?)));
        let Some((device, model)) = place else {
            return;
        };
        if !self.servers(device, &model).any(|log| log.up)
            && let Some(loaded) = self.loaded.get_mut(&device)
        {
            loaded.remove(&model);
        }
    }

    /// Whoever starts a batch has its model loaded, and whoever had it loaded charges that.
    pub(super) fn has_its_model(&mut self, batch: BatchId, id: ResourceId, setup: SimSpan) {
        let log = self.resources.get(&id);
        let Some((share, model)) = log.and_then(|log| Some((log.shares?, log.model.clone()?)))
        else {
            return;
        };
        let loaded = self.loaded.entry(share.device).or_default();
        let loading = loaded.get_mut(&model).map(std::mem::take);
        self.require(loading.is_some(), || {
            format!("{batch:?} starts on {id:?}, whose model is not loaded")
        });
        self.require(loading.is_none_or(|loading| setup >= loading), || {
            format!("{batch:?} has a set-up of {setup:?}, loading its model takes {loading:?}")
        });
    }

    /// Who serves a model on a device.
    fn servers(&self, device: DeviceId, model: &str) -> impl Iterator<Item = &ResourceLog> {
        let logs = self.resources.values();
        logs.filter(move |log| {
            log.model.as_deref() == Some(model)
                && log.shares.is_some_and(|share| share.device == device)
        })
    }
}
