//! The resource pool: whoever can perform a skill, how many at once, and how long it takes them.

use serde::{Deserialize, Serialize};
use sim::SimSpan;

use crate::{
    hardware::{BatchCurve, DeviceId, Memory, Outages, Residence, TokenBatching},
    spread::Spread,
    workload::{OwnerId, Skill, index},
};

index! {
    /// A resource, counted from 0 in the order of the pool.
    ResourceId
}

/// What a resource is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bevy", derive(bevy::prelude::Reflect))]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// A model loaded on a device.
    Replica {
        /// The model's name.
        model: String,
    },
    /// An agent who does some work alone.
    Agent {
        /// Which one.
        owner: OwnerId,
    },
    /// A machine or vehicle, which works by itself.
    Machine,
}

/// A resource as the scene describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSpec {
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: ResourceKind,
    /// What it can do, and how long each takes it.
    pub skills: Vec<(Skill, LatencyProfile)>,
    /// Subtasks it can start together, all of one skill; at least 1.
    pub slots: u32,
    /// How fast data reaches it; `None`: at once.
    pub bytes_per_sec: Option<f64>,
    /// What a second of its work costs.
    pub price_per_sec: f64,
    /// What it draws while it works.
    pub watts: f64,
    /// How fast it does [`SubtaskSpec::work`](crate::SubtaskSpec::work).
    pub speed: f64,
    /// Where it is in the network.
    pub device: DeviceId,
    /// How its batches grow longer with more in them.
    pub curve: BatchCurve,
    /// How the actual spans of its batches differ from the expected.
    pub spread: Spread,
    /// How much fits into it and what it can load; `None`: anything fits.
    pub memory: Option<Memory>,
    /// What its model takes of the memory of its device; `None`: nothing.
    pub residence: Option<Residence>,
    /// When it fails by itself.
    pub outages: Outages,
    /// Whether it batches continuously, and how; `None`: its batches start and end as one.
    pub continuous: Option<TokenBatching>,
}

impl ResourceSpec {
    /// A resource that does one subtask at a time, at speed 1, free of cost, without limits.
    pub fn new(
        name: impl Into<String>,
        kind: ResourceKind,
        skills: Vec<(Skill, LatencyProfile)>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            skills,
            slots: 1,
            bytes_per_sec: None,
            price_per_sec: 0.0,
            watts: 0.0,
            speed: 1.0,
            device: DeviceId(0),
            curve: BatchCurve::Profile,
            spread: Spread::Exact,
            memory: None,
            residence: None,
            outages: Outages::Never,
            continuous: None,
        }
    }
}

/// How long a batch takes: `fixed + per_item × items + per_token × tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bevy", derive(bevy::prelude::Reflect))]
pub struct LatencyProfile {
    /// For each batch, whatever is in it.
    pub fixed: SimSpan,
    /// For each input of the batch.
    pub per_item: SimSpan,
    /// For each token of the batch.
    pub per_token: SimSpan,
}

/// Why a pool or the options of an engine are refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PoolError {
    /// Two resources share a name.
    #[error("two resources are named {name:?}, give each its own name")]
    SameName {
        /// The name.
        name: String,
    },
    /// A resource can do nothing.
    #[error("resource {name:?} has no skills, give it at least one")]
    NoSkills {
        /// Its name.
        name: String,
    },
    /// A skill is listed twice for one resource.
    #[error("resource {name:?} lists skill {skill:?} twice, keep one")]
    SameSkill {
        /// Its name.
        name: String,
        /// The skill.
        skill: Skill,
    },
    /// A number is out of range.
    #[error("{what} of resource {name:?} is {value:?}, must be {must:?}")]
    BadNumber {
        /// Its name.
        name: String,
        /// Which number.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        must: &'static str,
    },
    /// An option is out of range.
    #[error("option {what:?} is {value:?}, must be {must:?}")]
    BadOption {
        /// Which option.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        must: &'static str,
    },
}

impl ResourceSpec {
    /// Whether all numbers are in range and the skills differ.
    pub(crate) fn check(&self) -> Result<(), PoolError> {
        if self.skills.is_empty() {
            return Err(PoolError::NoSkills {
                name: self.name.clone(),
            });
        }
        for (n, (skill, _)) in self.skills.iter().enumerate() {
            if self.skills[..n].iter().any(|(earlier, _)| earlier == skill) {
                return Err(PoolError::SameSkill {
                    name: self.name.clone(),
                    skill: *skill,
                });
            }
        }
        let bad = |what, value, must| {
            Err(PoolError::BadNumber {
                name: self.name.clone(),
                what,
                value,
                must,
            })
        };
        if self.slots == 0 {
            return bad("slots", 0.0, "at least 1");
        }
        if let Some(speed) = self.bytes_per_sec
            && !(speed.is_finite() && speed > 0.0)
        {
            return bad("bytes_per_sec", speed, "positive and finite");
        }
        for (what, value) in [("price_per_sec", self.price_per_sec), ("watts", self.watts)] {
            if !(value.is_finite() && value >= 0.0) {
                return bad(what, value, "finite and not negative");
            }
        }
        if !(self.speed.is_finite() && self.speed > 0.0) {
            return bad("speed", self.speed, "positive and finite");
        }
        if self.continuous.is_some_and(|tokens| tokens.budget == 0) {
            return bad("budget", 0.0, "at least 1");
        }
        if let Some(residence) = self.residence.filter(|_| self.continuous.is_some()) {
            let must = "nothing where batches are continuous: give it memory of its own";
            return bad("residence", residence.bytes as f64, must);
        }
        for (what, fault) in [
            ("curve", self.curve.fault()),
            ("spread", self.spread.fault()),
            ("outages", self.outages.fault()),
        ] {
            if let Some((value, must)) = fault {
                return bad(what, value, must);
            }
        }
        Ok(())
    }
}

impl LatencyProfile {
    /// The same for every batch.
    pub fn fixed(span: SimSpan) -> Self {
        Self {
            fixed: span,
            ..Self::default()
        }
    }

    /// How long a batch of `items` inputs with `tokens` tokens in all takes.
    #[inline]
    pub fn span(&self, items: u64, tokens: u64) -> SimSpan {
        SimSpan(
            self.fixed
                .0
                .saturating_add(self.per_item.0.saturating_mul(items))
                .saturating_add(self.per_token.0.saturating_mul(tokens)),
        )
    }
}
