//! Min-min: of all operations that are ready, the one that can end soonest goes first, to where it
//! does. Ibarra, Kim (1977), "Heuristic algorithms for scheduling independent tasks on nonidentical
//! processors"; Braun et al. (2001) for the name.

use super::frontier::{self, Key, Rules, Wave};
use crate::{
    instance::{Instance, Mode},
    schedule::Schedule,
};

/// The schedule of the paper, wave by wave: what becomes ready waits until all are placed that were
/// ready before.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    let rules = Rules {
        wave: Wave::All,
        key: |_, mode: Mode, start: f64| [start + mode.duration, 0.0],
        priority: |_, end: Key, _| end,
    };
    frontier::schedule(instance, &rules)
}
