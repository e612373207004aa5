//! Anything that is ready goes to anyone who is free, by lot: the yardstick that a policy must beat.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sim::Streams;

use super::{Criteria, View, greedy::Order};
use crate::workload::SubtaskId;

/// Draws a lot for each subtask and each resource.
#[derive(Debug)]
pub(super) struct Random {
    lots: ChaCha8Rng,
}

impl Random {
    pub(super) fn new(streams: Streams) -> Self {
        Self {
            lots: streams.stream("random policy", 0),
        }
    }
}

impl Order for Random {
    const CRITERIA: Criteria = Criteria {
        rank: "a lot",
        score: "a lot",
    };

    fn rank(&mut self, _: &View<'_>, _: SubtaskId) -> i64 {
        self.lots.random_range(0..i64::MAX)
    }

    fn score(&mut self, _: u64) -> u64 {
        self.lots.random_range(0..i64::MAX as u64)
    }
}
