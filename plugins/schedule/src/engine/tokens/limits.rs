//! What the hardware of a resource that generates tokens lets it do: how many it keeps, and what one
//! costs when all slots are taken.

use crate::{
    hardware::TokenBatching,
    pool::{LatencyProfile, ResourceSpec},
};

/// What memory keeps that is not limited: far from overflow when tokens are added up.
pub(super) const BOUNDLESS: u64 = u64::MAX / 4;

/// Tokens that fit beside the model.
pub(crate) fn capacity(batching: TokenBatching, spec: &ResourceSpec) -> u64 {
    match (&spec.memory, batching.kv_bytes_per_token) {
        (Some(memory), per_token) if per_token > 0 => {
            let models: u64 = memory.models.iter().map(|model| model.bytes).sum();
            memory.bytes.saturating_sub(models) / per_token
        }
        _ => BOUNDLESS,
    }
}

/// The part of an iteration with all `slots` taken that one token takes, in nanoseconds.
pub(crate) fn iteration_share(profile: &LatencyProfile, slots: u32) -> u64 {
    profile.per_item.0 + profile.fixed.0 / u64::from(slots.max(1))
}
