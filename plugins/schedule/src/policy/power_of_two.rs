//! Power of two choices: each subtask goes to the less loaded of two resources drawn by lot.
//! Mitzenmacher (2001), "The power of two choices in randomized load balancing"; Vvedenskaya,
//! Dobrushin, Karpelevich (1996), "Queueing system with selection of the shortest of two queues".

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sim::Streams;

use super::{
    View,
    bound::{Dispatch, Queues},
};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Draws two and counts their subtasks.
#[derive(Debug)]
pub(super) struct PowerOfTwo {
    lots: ChaCha8Rng,
    drawn: [Option<ResourceId>; 2],
}

impl PowerOfTwo {
    pub(super) fn new(streams: Streams) -> Self {
        Self {
            lots: streams.stream("power of two", 0),
            drawn: [None; 2],
        }
    }
}

impl Dispatch for PowerOfTwo {
    const SCORE: &'static str = "the subtasks that it has; the most there can be, if not drawn";

    fn look(&mut self, _: &View<'_>, _: SubtaskId, open: &[ResourceId]) {
        self.drawn = [None; 2];
        if open.is_empty() {
            return;
        }
        let first = self.lots.random_range(0..open.len());
        self.drawn[0] = Some(open[first]);
        if open.len() > 1 {
            // Any of the others.
            let second = (first + self.lots.random_range(1..open.len())) % open.len();
            self.drawn[1] = Some(open[second]);
        }
    }

    fn score(&self, view: &View<'_>, queues: &Queues, _: SubtaskId, on: ResourceId) -> i64 {
        if self.drawn.contains(&Some(on)) {
            queues.length(view, on).into()
        } else {
            i64::MAX
        }
    }
}
