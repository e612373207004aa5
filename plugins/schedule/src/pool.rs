//! The resource pool: whoever can perform a skill, how many at once, and how long it takes them.

use bevy::prelude::Reflect;
use serde::{Deserialize, Serialize};
use sim::SimSpan;

use crate::workload::{OwnerId, Skill, index};

index! {
    /// A resource, counted from 0 in the order of the pool.
    ResourceId
}

/// What a resource is.
#[derive(Clone, Debug, PartialEq, Eq, Reflect, Serialize, Deserialize)]
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
}

/// How long a batch takes: `fixed + per_item × items + per_token × tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Reflect, Serialize, Deserialize)]
pub struct LatencyProfile {
    /// For each batch, whatever is in it.
    pub fixed: SimSpan,
    /// For each input of the batch.
    pub per_item: SimSpan,
    /// For each token of the batch.
    pub per_token: SimSpan,
}

impl LatencyProfile {
    /// How long a batch of `items` inputs with `tokens` tokens in all takes.
    pub fn span(&self, items: u64, tokens: u64) -> SimSpan {
        SimSpan(
            self.fixed
                .0
                .saturating_add(self.per_item.0.saturating_mul(items))
                .saturating_add(self.per_token.0.saturating_mul(tokens)),
        )
    }
}
