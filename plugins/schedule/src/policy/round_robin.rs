//! Round robin: each subtask goes to the next resource in turn that can do it, busy or not.
//! Kleinrock (1964), "Analysis of a time-shared processor", for the name; as a way to spread load:
//! Mitzenmacher (2001), "The power of two choices in randomized load balancing", section 1.

use super::{
    View,
    bound::{Dispatch, Queues},
};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Takes turns, on each lane by itself.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    /// By lane: who comes next.
    turns: Vec<u32>,
    n_resources: u32,
}

impl Dispatch for RoundRobin {
    const SCORE: &'static str = "how many turns away it is";

    fn look(&mut self, view: &View<'_>, _: SubtaskId, _: &[ResourceId]) {
        self.turns.resize(view.lanes().len(), 0);
        self.n_resources = view.resources().len() as u32;
    }

    fn score(&self, view: &View<'_>, _: &Queues, id: SubtaskId, on: ResourceId) -> i64 {
        let turn = self.turns[view.lane(id).index()];
        let away = (on.0 + self.n_resources - turn) % self.n_resources;
        i64::from(away)
    }

    fn bound(&mut self, view: &View<'_>, id: SubtaskId, to: ResourceId) {
        self.turns[view.lane(id).index()] = (to.0 + 1) % self.n_resources;
    }
}
