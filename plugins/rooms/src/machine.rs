//! Machines and vehicles: what works without a model or a person.

use schedule::{LatencyProfile, Skill};

use crate::{
    agent::checked_skills,
    bounds::Bounds,
    check::Check,
    hardware::{checked_slots, refuse_unskilled},
    names::Names,
    profile::refuse_profiles,
    spec::MachineSpec,
};

/// A machine or vehicle that can do something.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// What people call it.
    pub name: String,
    /// Position of the station that it is in [`Scene::stations`](crate::Scene::stations).
    pub station: usize,
    /// Subtasks that it can start together.
    pub slots: u32,
    /// What it can do, and how long it takes.
    pub skills: Vec<(Skill, LatencyProfile)>,
    /// What an hour of its work costs.
    pub price_per_hour: f64,
    /// What it draws while it works in watts.
    pub watts: f64,
}

impl Machine {
    pub(crate) fn checked(check: &mut Check<'_>, spec: &MachineSpec, stations: &Names) -> Self {
        refuse_unskilled(check, &spec.name, &spec.skills, "machine");
        refuse_profiles(check, &spec.skills);
        let mut number = |at, field, bounds| check.number(at, field, bounds).unwrap_or_default();
        let price_per_hour = number(&spec.price_per_hour, "price_per_hour", &Bounds::PRICE);
        let watts = number(&spec.watts, "watts", &Bounds::WATTS);
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            station: stations.find(check, &spec.station).unwrap_or_default(),
            slots: checked_slots(check, &spec.slots),
            skills: checked_skills(check, &spec.skills),
            price_per_hour,
            watts,
        }
    }
}
