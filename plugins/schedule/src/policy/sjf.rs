//! Shortest job first: what is expected to take the least time goes first, to the free resource
//! that ends it soonest. Smith (1956), "Various optimizers for single-stage production".

use super::{
    Criteria, Decisions, Policy, View,
    board::{Reach, fill},
    ready::{ReadyQueues, nanos},
};

/// Ranks by the expected span, alone and on average over those who could do it.
#[derive(Debug, Default)]
pub(super) struct Sjf {
    queues: ReadyQueues,
}

impl Policy for Sjf {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.queues
            .update(view, |id| nanos(view.subtask(id).mean_span.0));
        fill(view, &self.queues, Reach::Free, decisions);
    }

    fn criteria(&self) -> Criteria {
        Criteria {
            rank: "the expected span, mean over those who could do it, in ns",
            score: "the expected end, in ns",
        }
    }
}
