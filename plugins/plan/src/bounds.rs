//! Lower bounds: what no schedule can be better than.

use crate::{instance::Instance, objective::Objective};

/// A value that no schedule of `instance` is better than; 0 if nothing is known.
pub fn lower_bound(instance: &Instance, objective: Objective) -> f64 {
    match objective {
        Objective::Makespan => critical_path(instance),
        _ => 0.0,
    }
}

/// The longest chain of fastest modes, releases included, data at once.
fn critical_path(instance: &Instance) -> f64 {
    let mut ends = vec![0.0_f64; instance.n_ops()];
    for &op in instance.topological() {
        let release = instance.jobs()[instance.job(op).index()].release;
        let start = instance
            .preds(op)
            .iter()
            .map(|arc| ends[arc.op.index()])
            .fold(release, f64::max);
        let fastest = instance.modes(op).iter().map(|mode| mode.duration);
        ends[op.index()] = start + fastest.fold(f64::INFINITY, f64::min);
    }
    ends.into_iter().fold(0.0, f64::max)
}
