//! Earliest task first: the pair of a ready operation and a resource goes first that can start
//! soonest; ties go to the one with more work behind it. Hwang, Chow, Anger, Lee (1989), "Scheduling
//! precedence graphs in systems with interprocessor communication times".

use super::{
    frontier::{self, Key, Rules, Wave},
    ranks::{Travel, mean_duration, upward},
};
use crate::{
    instance::{Instance, Mode, OpId},
    schedule::Schedule,
};

/// The schedule of the paper. Where resources differ, equal starts go to the shorter duration.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    let levels = upward(instance, Travel::default(), mean_duration);
    let rules = Rules {
        wave: Wave::Each,
        key: |_: OpId, mode: Mode, start: f64| [start, mode.duration],
        priority: |op: OpId, best: Key, _| [best[0], -levels[op.index()]],
    };
    frontier::schedule(instance, &rules)
}
