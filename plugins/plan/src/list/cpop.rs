//! Critical path on a processor: all operations of the critical path go to the one resource that is
//! fastest for them together, all others to the one that ends them soonest. Topcuoglu, Hariri, Wu
//! (2002), "Performance-effective and low-complexity task scheduling for heterogeneous computing".

use super::{
    placer::Placer,
    ranks::{Links, Travel, downward, downward_at_mean_speed, mean_duration, upward},
    ready::Ready,
};
use crate::{
    instance::{Instance, ResourceId},
    schedule::Schedule,
};

/// The schedule of the paper. With [`Links::All`], the ranks before an operation are SAGA's too.
pub(super) fn schedule(instance: &Instance, links: Links) -> Schedule {
    let travel = Travel::mean(instance, links);
    let mut ranks = upward(instance, travel, mean_duration);
    let before = match links {
        Links::All => downward_at_mean_speed(instance, travel),
        Links::Between => downward(instance, travel),
    };
    for (rank, before) in ranks.iter_mut().zip(before) {
        *rank += before;
    }
    let path = critical_path(instance, &ranks);
    let processor = processor_of(instance, &path);
    let mut placer = Placer::new(instance);
    let mut ready = Ready::new(instance, &ranks);
    while let Some(op) = ready.pop() {
        let kept = path[op.index()].then(|| placer.on(op, processor)).flatten();
        let at = kept.unwrap_or_else(|| placer.earliest_finish(op));
        placer.place(op, at);
    }
    placer.into_schedule()
}

/// Whether an operation is as urgent as the most urgent of those that begin, up to a part in 10⁵;
/// by operation.
fn critical_path(instance: &Instance, ranks: &[f64]) -> Vec<bool> {
    let length = instance
        .ops()
        .filter(|op| instance.preds(*op).is_empty())
        .map(|op| ranks[op.index()])
        .fold(0.0, f64::max);
    let slack = 1e-8 + 1e-5 * length;
    ranks
        .iter()
        .map(|rank| (rank - length).abs() <= slack)
        .collect()
}

/// The resource that can do most of the path, then that does it fastest.
fn processor_of(instance: &Instance, path: &[bool]) -> ResourceId {
    let mut able = vec![(0_usize, 0.0); instance.resources().len()];
    for op in instance.ops().filter(|op| path[op.index()]) {
        for mode in instance.modes(op) {
            let (count, time) = &mut able[mode.resource.index()];
            *count += 1;
            *time += mode.duration;
        }
    }
    let mut best = 0;
    for (at, &(count, time)) in able.iter().enumerate() {
        let (best_count, best_time) = able[best];
        if count > best_count || (count == best_count && time < best_time) {
            best = at;
        }
    }
    ResourceId(best as u32)
}
