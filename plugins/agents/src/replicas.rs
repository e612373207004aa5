//! Carries out what a person does to the replicas while the room runs, and lets the engine know how they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use bevy::{
    ecs::system::SystemParam,
    log::warn,
    prelude::{Message, MessageReader, Res, ResMut, Resource},
};
use inference::{
    Change, InferencePort, MakeBackend, Port, ReplicaChanged, ReplicaSetup, ReplicaState,
};
use schedule::{EngineAccess, ResourceId, ResourceKind};
use serde::{Deserialize, Serialize};
use sim::FactWriter;

use crate::fact::AgentFact;

/// What the person at the keyboard wants done to a replica. A run that this happens to cannot be
/// repeated; its journal says so with [`AgentFact::Intervened`].
#[derive(Message, Clone, Debug, PartialEq, Eq)]
pub struct ReplicaRequest {
    /// Which resource the replica is.
    pub resource: ResourceId,
    /// What.
    pub what: Intervention,
}

/// What a person may do to a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intervention {
    /// Put it out of order at once; what it works on is tried again, elsewhere if someone else can.
    Kill,
    /// Give it a model, by name or version: another one, or its own anew where it is out of order.
    /// The present one answers until the next is ready.
    Load {
        /// Which.
        model: String,
    },
    /// Open one more like it, with its model.
    Double,
    /// Let it end what it works on, and take it away.
    Remove,
}

/// Makes a model, by name or version, for a replica. Whatever it returns runs on threads of the
/// port, so that it may read files and fetch.
#[derive(Resource, Clone)]
pub struct ReplicaModels(pub Arc<dyn Fn(ResourceId, &str) -> MakeBackend + Send + Sync>);

impl fmt::Debug for ReplicaModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplicaModels").finish_non_exhaustive()
    }
}

/// Which replica of the port is which resource, and which are not there to work.
#[derive(Resource, Debug)]
pub struct Replicas {
    /// The resource that each replica of the port is.
    resources: BTreeMap<usize, ResourceId>,
    /// For those that were added, the resource of the scene that they are like.
    origins: BTreeMap<ResourceId, ResourceId>,
    /// Down because the scene says so.
    failed: BTreeSet<ResourceId>,
    /// Out of order, so that they answer nothing.
    lost: BTreeSet<ResourceId>,
    /// To be taken away when what they work on has ended.
    leaving: BTreeSet<ResourceId>,
    /// What has happened and is yet to be stated.
    unstated: Vec<AgentFact>,
}

impl Replicas {
    /// The replicas of a scene: they come first among its resources, in the order of the port.
    pub(crate) fn new(n_replicas: usize) -> Self {
        Self {
            resources: (0..n_replicas).map(|n| (n, ResourceId(n as u32))).collect(),
            origins: BTreeMap::new(),
            failed: BTreeSet::new(),
            lost: BTreeSet::new(),
            leaving: BTreeSet::new(),
            unstated: Vec::new(),
        }
    }

    /// The port's number of a resource, if it is a replica.
    pub fn of_resource(&self, resource: ResourceId) -> Option<usize> {
        let is_it = |(_, other): &(&usize, &ResourceId)| **other == resource;
        self.resources
            .iter()
            .find(is_it)
            .map(|(replica, _)| *replica)
    }

    /// The resource that a replica of the port is.
    pub fn resource(&self, replica: usize) -> Option<ResourceId> {
        self.resources.get(&replica).copied()
    }

    /// The resource of the scene that a replica is, or is like.
    pub fn origin(&self, resource: ResourceId) -> ResourceId {
        self.origins.get(&resource).copied().unwrap_or(resource)
    }

    /// Lets the scene fail a resource or let it recover.
    pub(crate) fn set_failed(
        &mut self,
        engine: &mut EngineAccess,
        resource: ResourceId,
        failed: bool,
    ) {
        match failed {
            true => self.failed.insert(resource),
            false => self.failed.remove(&resource),
        };
        self.settle(engine, resource);
    }

    fn set_lost(&mut self, engine: &mut EngineAccess, resource: ResourceId, lost: bool) {
        match lost {
            true => self.lost.insert(resource),
            false => self.lost.remove(&resource),
        };
        self.settle(engine, resource);
    }

    fn settle(&self, engine: &mut EngineAccess, resource: ResourceId) {
        let is_up = !self.failed.contains(&resource) && !self.lost.contains(&resource);
        engine.set_up(resource, is_up);
    }
}

/// States what people do to replicas, before anything comes of it.
pub(crate) fn announce(
    mut requests: MessageReader<ReplicaRequest>,
    mut facts: FactWriter<AgentFact>,
    replicas: Res<Replicas>,
    port: Option<Res<InferencePort>>,
    models: Option<Res<ReplicaModels>>,
) {
    for ReplicaRequest { resource, what } in requests.read() {
        if port.is_some() && models.is_some() && replicas.of_resource(*resource).is_some() {
            let (resource, what) = (*resource, what.clone());
            facts.write(AgentFact::Intervened { resource, what });
        }
    }
}

/// States what came of it.
pub(crate) fn state(mut replicas: ResMut<Replicas>, mut facts: FactWriter<AgentFact>) {
    if !replicas.unstated.is_empty() {
        for fact in std::mem::take(&mut replicas.unstated) {
            facts.write(fact);
        }
    }
}

/// Carries out what people want done to replicas.
pub(crate) fn intervene(
    mut requests: MessageReader<ReplicaRequest>,
    mut hands: Hands,
    port: Option<Res<InferencePort>>,
    models: Option<Res<ReplicaModels>>,
) {
    for ReplicaRequest { resource, what } in requests.read() {
        let (resource, replica) = (*resource, hands.replicas.of_resource(*resource));
        let (Some(port), Some(models), Some(replica)) = (&port, &models, replica) else {
            warn!(
                "resource {} has no model that runs, so nothing is done to it",
                resource.0
            );
            continue;
        };
        match what.clone() {
            Intervention::Kill => {
                port.kill(replica);
                hands.set_lost(resource, true);
            }
            Intervention::Load { model } => {
                let make = (models.0)(hands.replicas.origin(resource), &model);
                if let Err(error) = port.swap(replica, make) {
                    hands.refuse(resource, error.to_string());
                }
            }
            Intervention::Double => {
                if let Err(reason) = hands.double(resource, replica, port, models) {
                    hands.refuse(resource, reason);
                }
            }
            Intervention::Remove => {
                hands.replicas.leaving.insert(resource);
                // Whoever does nothing leaves with the next step.
                let now = hands.engine.now();
                hands.engine.wake_at(now);
            }
        }
    }
}

/// All that interventions change.
#[derive(SystemParam)]
pub(crate) struct Hands<'w> {
    replicas: ResMut<'w, Replicas>,
    engine: EngineAccess<'w>,
}

impl Hands<'_> {
    fn set_lost(&mut self, resource: ResourceId, lost: bool) {
        self.replicas.set_lost(&mut self.engine, resource, lost);
    }

    fn serve(&mut self, resource: ResourceId, version: String) {
        let fact = AgentFact::ReplicaServes { resource, version };
        self.replicas.unstated.push(fact);
        self.set_lost(resource, false);
    }

    fn refuse(&mut self, resource: ResourceId, reason: String) {
        let fact = AgentFact::LoadFailed { resource, reason };
        self.replicas.unstated.push(fact);
    }

    /// Opens one more replica like `resource`. It is down until its model is ready.
    fn double(
        &mut self,
        resource: ResourceId,
        replica: usize,
        port: &Port,
        models: &ReplicaModels,
    ) -> Result<(), String> {
        let state = port.replicas().nth(replica).map(|(_, state)| state);
        let Some(ReplicaState::Ready { version }) = state else {
            return Err("it serves no model that another could have".to_owned());
        };
        let name = self.free_name(resource);
        let origin = self.replicas.origin(resource);
        let make = (models.0)(origin, &version);
        let setup = ReplicaSetup {
            name: name.clone(),
            make,
        };
        let added = self.engine.add_alike_resource(resource, &name);
        let added = added.map_err(|error| error.to_string())?;
        self.replicas.origins.insert(added, origin);
        self.set_lost(added, true);
        let number = port.add(setup).map_err(|error| error.to_string())?;
        self.replicas.resources.insert(number, added);
        Ok(())
    }

    /// The name of the resource with the first number behind it that is free.
    fn free_name(&self, resource: ResourceId) -> String {
        let origin = self.replicas.origin(resource);
        let own = self.engine.resource(origin).spec.name.clone();
        let names = self.engine.resources().iter().map(|on| &*on.spec.name);
        let names: BTreeSet<_> = names.collect();
        let mut numbered = (2_u32..).map(|n| format!("{own}+{n}"));
        numbered
            .find(|name| !names.contains(name.as_str()))
            .unwrap_or(own)
    }
}

/// Takes away who is to leave and has nothing to do any more, before anything new is placed.
pub(crate) fn leave(
    mut replicas: ResMut<Replicas>,
    mut engine: EngineAccess,
    port: Option<Res<InferencePort>>,
) {
    let idle = |resource: &ResourceId| engine.running_on(*resource).is_empty();
    let gone: Vec<_> = replicas.leaving.iter().copied().filter(idle).collect();
    for resource in gone {
        replicas.leaving.remove(&resource);
        replicas.set_lost(&mut engine, resource, true);
        if let (Some(port), Some(replica)) = (&port, replicas.of_resource(resource)) {
            port.remove(replica);
        }
    }
}

/// Lets the engine know which replicas are out of order, and which serve again.
pub(crate) fn take_changes(mut changes: MessageReader<ReplicaChanged>, mut hands: Hands) {
    for ReplicaChanged(change) in changes.read() {
        let Some(resource) = hands.replicas.resource(change.replica) else {
            continue;
        };
        let is_lost = hands.replicas.lost.contains(&resource);
        match change.change.clone() {
            // A first model, or one that was made anew, changes nothing that the engine knows.
            Change::Ready { version } if is_lost => hands.serve(resource, version),
            Change::Swapped { to, .. } => hands.serve(resource, to),
            Change::SwapFailed { reason } => hands.refuse(resource, reason),
            Change::Dead { reason } if !is_lost => {
                let fact = AgentFact::ReplicaLost { resource, reason };
                hands.replicas.unstated.push(fact);
                // The last one stays up, so that what needs it fails with the reason instead of
                // waiting without end for somebody who repairs it.
                if has_stand_in(&hands.engine, resource) {
                    hands.set_lost(resource, true);
                }
            }
            Change::Ready { .. }
            | Change::Dead { .. }
            | Change::Restarting { .. }
            | Change::Removed => {}
        }
    }
}

/// Whether another replica that works can do all that this one can.
fn has_stand_in(engine: &EngineAccess, resource: ResourceId) -> bool {
    let own = &engine.resource(resource).spec.skills;
    engine.resources().iter().any(|other| {
        let can = |skill| other.spec.skills.iter().any(|(has, _)| *has == skill);
        other.id != resource
            && other.up
            && matches!(other.spec.kind, ResourceKind::Replica { .. })
            && own.iter().all(|(skill, _)| can(*skill))
    })
}
