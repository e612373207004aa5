//! Heterogeneous earliest finish time: the operation with the most work behind it goes first, to the
//! resource that ends it soonest, into a gap if one is long enough. Topcuoglu, Hariri, Wu (2002),
//! "Performance-effective and low-complexity task scheduling for heterogeneous computing".

use super::{
    placer::Placer,
    ranks::{Links, Travel, mean_duration, upward},
};
use crate::{
    instance::{Instance, OpId},
    schedule::Schedule,
};

/// The schedule of the paper, with this average of travel in its ranks.
pub(super) fn schedule(instance: &Instance, links: Links) -> Schedule {
    let mut placer = Placer::new(instance);
    for op in order(instance, links) {
        let at = placer.earliest_finish(op);
        placer.place(op, at);
    }
    placer.into_schedule()
}

/// By falling upward rank; ties stay in topological order.
pub(super) fn order(instance: &Instance, links: Links) -> Vec<OpId> {
    let travel = Travel::mean(instance, links);
    let ranks = upward(instance, travel, mean_duration);
    let mut order: Vec<OpId> = instance.topological().to_vec();
    order.sort_by(|a, b| ranks[b.index()].total_cmp(&ranks[a.index()]));
    order
}
