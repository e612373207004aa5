//! Sufferage: of all operations that are ready, the one that would lose most if it did not get its
//! best resource goes first. Maheswaran, Ali, Siegel, Hensgen, Freund (1999), "Dynamic mapping of a
//! class of independent tasks onto heterogeneous computing systems".

use super::frontier::{self, Key, Rules, Wave};
use crate::{
    instance::{Instance, Mode},
    schedule::Schedule,
};

/// The schedule of the paper. What only one resource can do loses nothing by waiting.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    let rules = Rules {
        wave: Wave::Each,
        key: |_, mode: Mode, start: f64| [start + mode.duration, 0.0],
        priority: |_, end: Key, next: Key| {
            let loss = if next[0].is_finite() {
                next[0] - end[0]
            } else {
                0.0
            };
            [-loss, 0.0]
        },
    };
    frontier::schedule(instance, &rules)
}
