//! First in, first out: what became ready first goes first, to the free resource that ends it
//! soonest. The list scheduling of Graham (1966), "Bounds for certain multiprocessing anomalies".

use super::{
    Criteria, Decisions, Policy, View,
    board::{Reach, fill},
    ready::{ReadyQueues, nanos},
};

/// Ranks by the instant of becoming ready.
#[derive(Debug, Default)]
pub(super) struct Fifo {
    queues: ReadyQueues,
}

impl Policy for Fifo {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.queues.update(view, |id| {
            nanos(view.subtask(id).ready_at.unwrap_or_default().0)
        });
        fill(view, &self.queues, Reach::Free, decisions);
    }

    fn criteria(&self) -> Criteria {
        Criteria {
            rank: "the instant of becoming ready, in ns",
            score: "the expected end, in ns",
        }
    }
}
