//! Devices, models and replicas: what computes.

use bevy::prelude::Reflect;
use inference::Catalog;
use schedule::{LatencyProfile, Skill};
use serde::Deserialize;

use crate::{
    agent::checked_skills,
    bounds::Bounds,
    check::Check,
    explain::{one_of, quoted},
    names::Names,
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
}

/// A model under the name that the scene gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name used in the scene.
    pub name: String,
    /// The version in the model catalog.
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
        if spec.version.value.is_ok() && !versions.contains(&version) {
            check.refuse(&spec.version, || {
                let what = format!("the model catalog has no version {}", quoted(&version));
                (what, one_of(&version, versions.iter().map(String::as_str)))
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
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            model: names.models.find(check, &spec.model).unwrap_or_default(),
            device: names.devices.find(check, &spec.device).unwrap_or_default(),
            station: spec
                .station
                .as_ref()
                .and_then(|at| names.stations.find(check, at)),
            slots,
            skills: checked_skills(check, &spec.skills),
        }
    }
}

/// The model versions that a scene may name.
pub(crate) fn catalog_versions() -> Vec<String> {
    Catalog::built_in()
        .models()
        .iter()
        .map(|model| model.name.clone())
        .collect()
}
