//! Dynamic level scheduling: the pair of a ready operation and a resource goes first whose level is
//! highest: the work behind, less the start there, plus how much faster than usual it is there. Sih,
//! Lee (1993), "A compile-time scheduling heuristic for interconnection-constrained heterogeneous
//! processor architectures".

use super::{
    frontier::{self, Key, Rules, Wave},
    ranks::{Travel, median_duration, upward},
};
use crate::{
    instance::{Instance, Mode, OpId},
    schedule::Schedule,
};

/// The schedule of the paper, with DL₁.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    // Static levels know no travel.
    let levels = upward(instance, Travel::default(), median_duration);
    let usual: Vec<f64> = instance
        .ops()
        .map(|op| median_duration(instance.modes(op)))
        .collect();
    let rules = Rules {
        wave: Wave::Each,
        key: |op: OpId, mode: Mode, start: f64| {
            let faster = usual[op.index()] - mode.duration;
            [start - levels[op.index()] - faster, 0.0]
        },
        priority: |_, best: Key, _| best,
    };
    frontier::schedule(instance, &rules)
}
