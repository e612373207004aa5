//! Heterogeneous earliest finish time: the operation with the most work behind it goes first, to the
//! resource that ends it soonest, into a gap if one is long enough. Topcuoglu, Hariri, Wu (2002),
//! "Performance-effective and low-complexity task scheduling for heterogeneous computing".

use crate::{
    instance::{Instance, OpId},
    schedule::{Assignment, Schedule},
};

/// The schedule of the paper.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    let ranks = upward_ranks(instance);
    let mut order: Vec<OpId> = instance.topological().to_vec();
    // Stable: operations of equal rank stay in topological order.
    order.sort_by(|a, b| ranks[b.index()].total_cmp(&ranks[a.index()]));
    let mut busy: Vec<Vec<(f64, f64)>> = vec![Vec::new(); instance.resources().len()];
    let mut placed: Vec<Option<Assignment>> = vec![None; instance.n_ops()];
    for op in order {
        let release = instance.jobs()[instance.job(op).index()].release;
        let best = instance
            .modes(op)
            .iter()
            .map(|mode| {
                let there = instance.preds(op).iter().map(|arc| {
                    let before = placed[arc.op.index()]
                        .expect("ranks fall along precedences. This is a bug.");
                    before.end + instance.delay(arc.data, before.resource, mode.resource)
                });
                let ready = there.fold(release, f64::max);
                let start = first_gap(&busy[mode.resource.index()], ready, mode.duration);
                Assignment {
                    resource: mode.resource,
                    start,
                    end: start + mode.duration,
                }
            })
            .min_by(|a, b| a.end.total_cmp(&b.end))
            .expect("each operation has a mode. This is a bug.");
        let intervals = &mut busy[best.resource.index()];
        let at = intervals.partition_point(|(start, _)| *start <= best.start);
        intervals.insert(at, (best.start, best.end));
        placed[op.index()] = Some(best);
    }
    Schedule {
        assignments: placed.into_iter().flatten().collect(),
    }
}

/// When a gap of `length` first begins, at or after `ready`.
fn first_gap(busy: &[(f64, f64)], ready: f64, length: f64) -> f64 {
    let mut start = ready;
    for &(from, to) in &busy[busy.partition_point(|(_, to)| *to <= ready)..] {
        if start + length <= from {
            break;
        }
        start = start.max(to);
    }
    start
}

/// Mean duration plus the largest rank (and mean travel) behind, by operation.
fn upward_ranks(instance: &Instance) -> Vec<f64> {
    let mut ranks = vec![0.0; instance.n_ops()];
    for &op in instance.topological().iter().rev() {
        let modes = instance.modes(op);
        let mean = modes.iter().map(|mode| mode.duration).sum::<f64>() / modes.len() as f64;
        let behind = instance
            .succs(op)
            .iter()
            .map(|arc| ranks[arc.op.index()])
            .fold(0.0, f64::max);
        ranks[op.index()] = mean + behind;
    }
    ranks
}
