//! Iterations of a token server that follow each other and do the same, planned in one go.

use sim::{SimSpan, SimTime};

/// Iterations that all do the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) from: SimTime,
    /// Of each iteration.
    pub(super) span: SimSpan,
    pub(super) n_iterations: u64,
    /// Tokens of prompts that each iteration takes in.
    pub(super) prefill: u64,
}

impl Phase {
    /// Iterations that are over when the one under way at `now` is.
    pub(super) fn done_by(&self, now: SimTime) -> u64 {
        (now - self.from)
            .0
            .div_ceil(self.span.0)
            .min(self.n_iterations)
    }
}
