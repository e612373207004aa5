//! HEFT that looks ahead: an operation goes to the resource from which the last of those that follow
//! it would end soonest. Bittencourt, Sakellariou, Madeira (2010), "DAG scheduling using a lookahead
//! variant of the heterogeneous earliest finish time algorithm".

use super::{heft::order, placer::Placer, ranks::Links};
use crate::{
    instance::{Instance, OpId},
    schedule::{Assignment, Schedule},
};

/// The schedule of the paper, with one step ahead and without changes of priority.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    let order = order(instance, Links::Between);
    let mut position = vec![0_u32; instance.n_ops()];
    for (at, op) in order.iter().enumerate() {
        position[op.index()] = at as u32;
    }
    let mut placer = Placer::new(instance);
    let mut children = Vec::new();
    let mut options = Vec::new();
    for op in order {
        children.clear();
        children.extend(instance.succs(op).iter().map(|arc| arc.op));
        children.sort_by_key(|child| position[child.index()]);
        placer.find_options(op, &mut options);
        let at = look_ahead(&mut placer, op, &options, &children);
        placer.place(op, at);
    }
    placer.into_schedule()
}

/// Tries each resource, places the children after it as HEFT would, and takes all back. Equal ends
/// go to the option that ends sooner itself, then to the first.
fn look_ahead(
    placer: &mut Placer<'_>,
    op: OpId,
    options: &[Assignment],
    children: &[OpId],
) -> Assignment {
    let mut best = options[0];
    let mut best_end = (f64::INFINITY, f64::INFINITY);
    let mut placed = Vec::with_capacity(1 + children.len());
    for at in options {
        placed.push(placer.place(op, *at));
        let mut last = at.end;
        for child in children {
            let next = placer.earliest_finish(*child);
            placed.push(placer.place(*child, next));
            last = last.max(next.end);
        }
        while let Some(last) = placed.pop() {
            placer.undo(last);
        }
        if (last, at.end) < best_end {
            (best, best_end) = (*at, (last, at.end));
        }
    }
    best
}
