//! Devices, models and replicas: what computes.

use std::str::FromStr as _;

use bevy::prelude::Reflect;
use inference::{Catalog, ModelName, REMOTE_PREFIX, Store, StoreOptions};
use schedule::{LatencyProfile, Skill};
use serde::Deserialize;

use crate::{
    agent::checked_skills,
    bounds::Bounds,
    check::Check,
    explain::{one_of, quoted},
    names::Names,
    profile::{ByProfile, checked_profiles},
    spec::{DeviceSpec, ModelSpec, ReplicaSpec},
};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name used in the scene.
    pub name: String,
    /// Which it is: `NAME`, `NAME@candidate` or `NAME@VERSION`, of the catalog or imported.
    pub version: String,
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
        let mut number = |at, field, bounds| check.number(at, field, bounds).unwrap_or_default();
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            bytes_per_sec: spec
                .bytes_per_sec
                .as_ref()
                .map(|at| number(at, "bytes_per_sec", &Bounds::BYTES_PER_SEC)),
            price_per_hour: number(&spec.price_per_hour, "price_per_hour", &Bounds::PRICE),
            watts: number(&spec.watts, "watts", &Bounds::WATTS),
            kind: check.value(&spec.kind).unwrap_or(DeviceKind::Cpu),
        }
    }
}

impl Model {
    pub(crate) fn checked(check: &mut Check<'_>, spec: &ModelSpec, versions: &[String]) -> Self {
        let version = check.value(&spec.version).unwrap_or_default();
        if spec.version.value.is_ok()
            && !is_known(&version, versions)
            && !version.starts_with(REMOTE_PREFIX)
        {
            check.refuse(&spec.version, || {
                let what = format!("the model catalog has no version {}", quoted(&version));
                let names = versions.iter().filter(|name| !name.contains('@'));
                (what, one_of(&version, names.map(String::as_str)))
            });
        }
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
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
        let slots = check.value(&spec.slots).unwrap_or(1);
        if !(1..=MAX_SLOTS).contains(&slots) {
            check.refuse(&spec.slots, || {
                (
                    format!("slots is {slots}"),
                    format!("give 1 to {MAX_SLOTS}"),
                )
            });
        }
        if spec.skills.is_empty() {
            check.refuse(&spec.name, || {
                ("a replica has no skills", "list at least one in `skills`")
            });
        }
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

/// The models that a scene may name, with and without a version: those of the catalog, and those that
/// were imported.
pub(crate) fn known_models() -> Vec<String> {
    let catalog = Catalog::built_in();
    match StoreOptions::from_env() {
        Ok(options) => Store::new(catalog, options).known_names(),
        // Without a home folder there is nothing but the catalog.
        Err(_) => {
            let models = catalog.models().iter();
            models.map(|model| model.name.clone()).collect()
        }
    }
}

/// Whether `version` names one of the `known` models; of a version, its first digits are enough.
fn is_known(version: &str, known: &[String]) -> bool {
    let fits =
        |name: &String| name == version || (version.contains('@') && name.starts_with(version));
    ModelName::from_str(version).is_ok() && known.iter().any(fits)
}
