//! What a resource is made of beyond its skills: batch curve, memory, models, room on its device,
//! outages, token batching.

use serde::{Deserialize, Serialize};
use sim::{SimSpan, SimTime};

use crate::{spread::Spread, workload::index};

index! {
    /// A place in the network: resources on one device exchange data at no cost.
    DeviceId
}

/// How the span of a batch grows with the number of its subtasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchCurve {
    /// As the latency profile says for all inputs and tokens together.
    #[default]
    Profile,
    /// Factor number n (from 1) times what the mean subtask of a batch of n takes alone; beyond the
    /// end of the table, the last step goes on.
    Factors(Vec<f64>),
}

/// The memory of a resource and the models that it can load into it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// How much there is; models, running subtasks and the tokens they keep share it.
    pub bytes: u64,
    /// Models that it can load, beside or instead of the one it was born with.
    pub models: Vec<HostedModel>,
}

/// A model that a resource can load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostedModel {
    /// Its name.
    pub name: String,
    /// What it takes of the memory while it is loaded.
    pub bytes: u64,
    /// How long loading it takes: the set-up on a model switch.
    pub load: SimSpan,
}

/// What the model of a resource takes of the memory of its device, where resources with the same model
/// share it: see [`EngineOptions::device_memory`](crate::EngineOptions::device_memory).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residence {
    /// How much it takes.
    pub bytes: u64,
    /// How long loading it takes, which is charged to the batch that needs it.
    pub load: SimSpan,
}

/// The memory of a device, which the models of the resources there share. Where it is short, those go
/// that nobody works with, the least recently used first, and are loaded again when they are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMemory {
    /// Which device.
    pub device: DeviceId,
    /// How much there is.
    pub bytes: u64,
}

/// When a resource fails and is mended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outages {
    /// Only when told so from outside.
    #[default]
    Never,
    /// From each first instant to each second one; in order, without overlap.
    Scripted(Vec<(SimTime, SimTime)>),
    /// Again and again.
    Random {
        /// Mean time from being mended to the next failure.
        up: SimSpan,
        /// How that time is spread.
        up_spread: Spread,
        /// Mean time to be mended.
        down: SimSpan,
        /// How that time is spread.
        down_spread: Spread,
    },
}

/// Continuous batching of token generation: subtasks join and leave between any two iterations.
///
/// The latency profile is read for one iteration: `fixed` for each, `per_item` for each sequence
/// that gets its next token, `per_token` for each token of a prompt that is taken in. Slots bound the
/// sequences, the memory bounds the tokens they keep. Yu and others (2022), "Orca"; Kwon and others
/// (2023), "Efficient memory management for large language model serving with `PagedAttention`".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBatching {
    /// Tokens that one iteration takes in or generates at most; at least 1. Sequences that generate
    /// go first, prompts get the rest in chunks.
    pub budget: u32,
    /// Memory that each token of a sequence takes until the sequence ends.
    pub kv_bytes_per_token: u64,
}

impl BatchCurve {
    /// By how much a batch of `n` takes longer than its mean subtask alone; `None`: the profile
    /// says it.
    pub(crate) fn factor(&self, n: u32) -> Option<f64> {
        let Self::Factors(factors) = self else {
            return None;
        };
        let n = n.max(1) as usize;
        if let Some(factor) = factors.get(n - 1) {
            return Some(*factor);
        }
        let last = factors[factors.len() - 1];
        let before = factors.len().checked_sub(2).map_or(0.0, |at| factors[at]);
        Some(last + (last - before).max(0.0) * (n - factors.len()) as f64)
    }

    pub(crate) fn fault(&self) -> Option<(f64, &'static str)> {
        let Self::Factors(factors) = self else {
            return None;
        };
        if factors.is_empty() {
            return Some((0.0, "a table of at least 1 factor"));
        }
        let bad = factors.iter().find(|f| !(f.is_finite() && **f > 0.0))?;
        Some((*bad, "positive and finite"))
    }
}

impl Outages {
    pub(crate) fn fault(&self) -> Option<(f64, &'static str)> {
        match self {
            Self::Never => None,
            Self::Scripted(spans) => {
                let ends = spans.iter().flat_map(|(from, to)| [*from, *to]);
                let bad = ends.clone().zip(ends.skip(1)).find(|(a, b)| a >= b)?;
                Some((bad.1.as_secs_f64(), "later than the instant before it"))
            }
            Self::Random {
                up,
                up_spread,
                down,
                down_spread,
            } => {
                if up.0 == 0 || down.0 == 0 {
                    return Some((0.0, "longer than nothing"));
                }
                up_spread.fault().or_else(|| down_spread.fault())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_go_on_beyond_their_table() {
        let curve = BatchCurve::Factors(vec![1.0, 1.5, 1.75]);
        let factors = [1, 2, 3, 4, 7].map(|n| curve.factor(n).unwrap());
        assert_eq!(factors, [1.0, 1.5, 1.75, 2.0, 2.75]);
        assert_eq!(BatchCurve::Factors(vec![1.0]).factor(3), Some(3.0));
        assert_eq!(BatchCurve::Profile.factor(3), None);
    }
}
