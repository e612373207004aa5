//! Devices, models and replicas: what computes.

use std::str::FromStr as _;

use bevy::prelude::Reflect;
use inference::{Catalog, Manifest, ModelName, REMOTE_PREFIX, Store, StoreOptions};
use schedule::{LatencyProfile, Skill};
use serde::Deserialize;

use crate::{
    agent::checked_skills,
    at::At,
    bounds::Bounds,
    check::{Check, Outside},
    explain::{one_of, quoted},
    names::Names,
    profile::{ByProfile, checked_profiles},
    spec::{DeviceSpec, ModelSpec, ReplicaSpec, SkillSpec},
};

/// Bytes in the unit of `memory_gb`.
const BYTES_PER_GB: f64 = 1e9;
/// The most subtasks that one replica can start together.
const MAX_SLOTS: u32 = 1024;

/// Hardware that models run on.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// How fast data reaches it; `None`: at once.
    pub bytes_per_sec: Option<f64>,
    /// Bytes of memory that the models of its replicas share; `None`: no limit.
    pub memory_bytes: Option<u64>,
    /// What an hour of work costs.
    pub price_per_hour: f64,
    /// What it draws while it works.
    pub watts: f64,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Reflect, Deserialize)]
#[serde(rename = "device kind", rename_all = "snake_case")]
pub enum DeviceKind {
    /// Threads of the processor.
    Cpu,
    /// A graphics card.
    Gpu,
    /// A server elsewhere, for models named `openai:NAME`.
    Remote,
}

/// A model under the name that the scene gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The name used in the scene.
    pub name: String,
    /// Which it is: `NAME`, `NAME@candidate` or `NAME@VERSION`, of the catalog or imported.
    pub version: String,
    /// Bytes that it takes of the memory of a device.
    pub memory_bytes: u64,
    /// How long loading it takes; `None`: as fast as data reaches the device.
    pub load_secs: Option<f64>,
}

/// A model loaded on a device, able to serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// What people call it.
    pub name: String,
    /// Position of its model in [`Scene::models`](crate::Scene::models).
    pub model: usize,
    /// Position of its device in [`Scene::devices`](crate::Scene::devices).
    pub device: usize,
    /// Position of the station where it is shown in [`Scene::stations`](crate::Scene::stations).
    pub station: Option<usize>,
    /// Subtasks that it can start together; at least 1.
    pub slots: u32,
    /// What it can do, and how long it takes.
    pub skills: Vec<(Skill, LatencyProfile)>,
    /// Those of its skills that go by a profile. Where it is of this machine, it is not filled in yet.
    pub profiles: Vec<ByProfile>,
}

impl Device {
    pub(crate) fn checked(check: &mut Check<'_>, spec: &DeviceSpec) -> Self {
        let memory_gb = spec
            .memory_gb
            .as_ref()
            .and_then(|at| check.number(at, "memory_gb", &Bounds::MEMORY_GB));
        let mut number = |at, field, bounds| check.number(at, field, bounds).unwrap_or_default();
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            bytes_per_sec: spec
                .bytes_per_sec
                .as_ref()
                .map(|at| number(at, "bytes_per_sec", &Bounds::BYTES_PER_SEC)),
            memory_bytes: memory_gb.map(bytes),
            price_per_hour: number(&spec.price_per_hour, "price_per_hour", &Bounds::PRICE),
            watts: number(&spec.watts, "watts", &Bounds::WATTS),
            kind: check.value(&spec.kind).unwrap_or(DeviceKind::Cpu),
        }
    }
}

impl Model {
    /// How long loading it into the memory of a device takes.
    pub(crate) fn load_secs_on(&self, device: &Device) -> f64 {
        let by_link = device
            .bytes_per_sec
            .map_or(0.0, |speed| self.memory_bytes as f64 / speed);
        self.load_secs.unwrap_or(by_link)
    }

    pub(crate) fn checked(check: &mut Check<'_>, spec: &ModelSpec, outside: &Outside<'_>) -> Self {
        let version = check.value(&spec.version).unwrap_or_default();
        let is_remote = version.starts_with(REMOTE_PREFIX);
        if spec.version.value.is_ok() && !is_known(&version, outside.versions) && !is_remote {
            check.refuse(&spec.version, || {
                let what = format!("the model catalog has no version {}", quoted(&version));
                let names = outside.versions.iter().filter(|name| !name.contains('@'));
                (what, one_of(&version, names.map(String::as_str)))
            });
        }
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            memory_bytes: match &spec.memory_gb {
                Some(at) => bytes(
                    check
                        .number(at, "memory_gb", &Bounds::MEMORY_GB)
                        .unwrap_or_default(),
                ),
                // It lies in the memory of its server.
                None if is_remote => 0,
                None => (outside.memory_bytes)(&version),
            },
            load_secs: spec
                .load_secs
                .as_ref()
                .and_then(|at| check.number(at, "load_secs", &Bounds::LATENCY)),
            version,
        }
    }
}

/// The names that replicas use.
pub(crate) struct HardwareNames<'a> {
    /// Of models.
    pub(crate) models: &'a Names,
    /// Of devices.
    pub(crate) devices: &'a Names,
    /// Of stations.
    pub(crate) stations: &'a Names,
    /// The models themselves.
    pub(crate) model_specs: &'a [ModelSpec],
}

impl Replica {
    pub(crate) fn checked(
        check: &mut Check<'_>,
        spec: &ReplicaSpec,
        names: &HardwareNames<'_>,
    ) -> Self {
        let slots = checked_slots(check, &spec.slots);
        refuse_unskilled(check, &spec.name, &spec.skills, "replica");
        let model = names.models.find(check, &spec.model);
        let version = model.and_then(|model| names.model_specs.get(model));
        let version = version.and_then(|model| model.version.value.as_deref().ok());
        let mut skills = checked_skills(check, &spec.skills);
        let profiles = checked_profiles(check, &spec.skills, version, &mut skills);
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            model: model.unwrap_or_default(),
            device: names.devices.find(check, &spec.device).unwrap_or_default(),
            station: spec
                .station
                .as_ref()
                .and_then(|at| names.stations.find(check, at)),
            slots,
            skills,
            profiles,
        }
    }
}

/// Subtasks that a resource can start together.
pub(crate) fn checked_slots(check: &mut Check<'_>, at: &At<u32>) -> u32 {
    check.count(at, "slots", 1..=MAX_SLOTS)
}

/// Refuses a resource, called a `noun`, that can do nothing.
pub(crate) fn refuse_unskilled(
    check: &mut Check<'_>,
    name: &At<String>,
    skills: &[SkillSpec],
    noun: &str,
) {
    if skills.is_empty() {
        check.refuse(name, || {
            (
                format!("a {noun} has no skills"),
                "list at least one in `skills`",
            )
        });
    }
}

fn bytes(gb: f64) -> u64 {
    (gb * BYTES_PER_GB).round() as u64
}

/// Refuses replicas whose model is larger than the memory of their device.
pub(crate) fn check_memory(
    check: &mut Check<'_>,
    specs: &[ReplicaSpec],
    replicas: &[Replica],
    devices: &[Device],
    models: &[Model],
) {
    for (spec, replica) in specs.iter().zip(replicas) {
        let (Some(device), Some(model)) = (devices.get(replica.device), models.get(replica.model))
        else {
            continue;
        };
        if let Some(most) = device
            .memory_bytes
            .filter(|most| *most < model.memory_bytes)
        {
            check.refuse(&spec.device, || {
                let gb = |bytes: u64| bytes as f64 / BYTES_PER_GB;
                (
                    format!(
                        "the model {} takes {} GB, the device {} has {} GB",
                        quoted(&model.name),
                        gb(model.memory_bytes),
                        quoted(&device.name),
                        gb(most)
                    ),
                    "give the device more `memory_gb`, or choose a smaller model",
                )
            });
        }
    }
}

/// The models that a scene may name: those of the catalog, and those that were imported.
pub(crate) struct KnownModels(Result<Store, Catalog>);

impl KnownModels {
    pub(crate) fn look() -> Self {
        let catalog = Catalog::built_in();
        Self(match StoreOptions::from_env() {
            Ok(options) => Ok(Store::new(catalog, options)),
            // Without a home folder there is nothing but the catalog.
            Err(_) => Err(catalog),
        })
    }

    /// With and without a version.
    pub(crate) fn names(&self) -> Vec<String> {
        match &self.0 {
            Ok(store) => store.known_names(),
            Err(catalog) => {
                let models = catalog.models().iter();
                models.map(|model| model.name.clone()).collect()
            }
        }
    }

    /// What a model takes of a device's memory; nothing if it is unknown.
    pub(crate) fn memory_bytes(&self, name: &str) -> u64 {
        let bytes = match &self.0 {
            Ok(store) => store.resolve(name).ok().map(|entry| entry.memory_bytes()),
            Err(catalog) => catalog.get(name).map(Manifest::memory_bytes),
        };
        bytes.unwrap_or_default()
    }
}

/// Whether `version` names one of the `known` models; of a version, its first digits are enough.
fn is_known(version: &str, known: &[String]) -> bool {
    let fits =
        |name: &String| name == version || (version.contains('@') && name.starts_with(version));
    ModelName::from_str(version).is_ok() && known.iter().any(fits)
}
