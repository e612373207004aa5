//! The checked scene: every name resolved, every number within its bounds.

use std::path::PathBuf;

use bevy::prelude::Vec3;
use schedule::{
    DeviceId, DeviceMemory, OwnerId, PolicyName, Residence, ResourceKind, ResourceSpec,
};
use sim::SimSpan;

use crate::{
    agent::Agent,
    decomposition::Decomposition,
    hardware::{Device, Model, Replica},
    machine::Machine,
    source::{Fault, Moment, Source},
    space::Space,
    station::{Prop, Station},
};

/// Seconds in an hour, for prices.
const SECS_PER_HOUR: f64 = 3600.0;

/// A scene in which every index is valid, every graph acyclic and every number finite.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scene {
    /// The file it came from.
    pub path: PathBuf,
    /// BLAKE3 hash of the file's bytes, in hexadecimal.
    pub text_hash: String,
    /// What it is called.
    pub name: String,
    /// One sentence about it; may be empty.
    pub caption: String,
    /// The seed of all chance in a run.
    pub seed: u64,
    /// The policy that places subtasks; `None`: the program's own.
    pub policy: Option<PolicyName>,
    /// Simulated seconds for each second on the desktop.
    pub speed: f64,
    /// Rooms; at least one.
    pub spaces: Vec<Space>,
    /// Places where work happens.
    pub stations: Vec<Station>,
    /// Things that only stand there.
    pub props: Vec<Prop>,
    /// Who is there, in the order of their ids; at least one.
    pub agents: Vec<Agent>,
    /// Hardware.
    pub devices: Vec<Device>,
    /// Models.
    pub models: Vec<Model>,
    /// Models loaded on devices.
    pub replicas: Vec<Replica>,
    /// Machines and vehicles.
    pub machines: Vec<Machine>,
    /// How tasks are split.
    pub decompositions: Vec<Decomposition>,
    /// Where tasks come from, in the order of the file.
    pub sources: Vec<Source>,
    /// Failures to inject, in the order of the file.
    pub faults: Vec<Fault>,
    /// Scripted moments, in the order of the file.
    pub moments: Vec<Moment>,
    /// Where the camera stands.
    pub camera: Camera,
}

/// Where the camera stands and looks, in world metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Where it stands.
    pub from: Vec3,
    /// What it looks at.
    pub to: Vec3,
}

impl Scene {
    /// Whoever can perform a skill: the replicas, then the agents with skills, then the machines, in the
    /// order of the file.
    /// A resource's position is its [`ResourceId`](schedule::ResourceId).
    pub fn resources(&self) -> Vec<ResourceSpec> {
        let replicas = self.replicas.iter().map(|replica| {
            let device = &self.devices[replica.device];
            let model = &self.models[replica.model];
            let kind = ResourceKind::Replica {
                model: model.name.clone(),
            };
            ResourceSpec {
                device: DeviceId(replica.device as u32),
                residence: device.memory_bytes.map(|_| Residence {
                    bytes: model.memory_bytes,
                    load: SimSpan::from_secs_f64(model.load_secs_on(device)),
                }),
                slots: replica.slots,
                bytes_per_sec: device.bytes_per_sec,
                price_per_sec: device.price_per_hour / SECS_PER_HOUR,
                watts: device.watts,
                ..ResourceSpec::new(replica.name.clone(), kind, replica.skills.clone())
            }
        });
        let agents = self
            .agents
            .iter()
            .filter(|agent| !agent.skills.is_empty())
            .map(|agent| {
                let kind = ResourceKind::Agent { owner: agent.id };
                ResourceSpec::new(agent.name.clone(), kind, agent.skills.clone())
            });
        let machines = self.machines.iter().map(|machine| ResourceSpec {
            slots: machine.slots,
            price_per_sec: machine.price_per_hour / SECS_PER_HOUR,
            watts: machine.watts,
            ..ResourceSpec::new(
                machine.name.clone(),
                ResourceKind::Machine,
                machine.skills.clone(),
            )
        });
        replicas.chain(agents).chain(machines).collect()
    }

    /// The devices whose memory is limited.
    pub fn device_memory(&self) -> Vec<DeviceMemory> {
        let devices = self.devices.iter().zip(0..).filter_map(|(device, n)| {
            Some(DeviceMemory {
                device: DeviceId(n),
                bytes: device.memory_bytes?,
            })
        });
        devices.collect()
    }

    /// The agent with this id.
    pub fn agent(&self, id: OwnerId) -> Option<&Agent> {
        self.agents.get(id.index())
    }

    /// The agent with this name.
    pub fn agent_named(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name == name)
    }

    /// How the task of this name is split.
    pub fn decomposition(&self, task: &str) -> Option<&Decomposition> {
        self.decompositions
            .iter()
            .find(|decomposition| decomposition.task == task)
    }
}
