//! Shortest job first: what is expected to take the least time goes first, to the free resource
//! that ends it soonest. Smith (1956), "Various optimizers for single-stage production".

use super::{
    Placement, Policy, View,
    board::{Reach, fill},
    ready::{ReadyQueues, nanos},
};

/// Ranks by the expected span, alone and on average over those who could do it.
#[derive(Debug, Default)]
pub(super) struct Sjf {
    queues: ReadyQueues,
}

impl Policy for Sjf {
    fn place(&mut self, view: &View<'_>) -> Vec<Placement> {
        self.queues
            .update(view, |id| nanos(view.subtask(id).mean_span.0));
        fill(view, &self.queues, Reach::Free)
    }
}
