//! Weighted completion: what the jobs' chains and the shares of the resources allow at least.

use super::chains::{self, Chains};
use crate::{instance::Instance, objective::Objective};

/// The larger of the bound by chains and the bounds by work.
pub(super) fn weighted(instance: &Instance) -> f64 {
    let ends = chains::completions(instance);
    let alone = Objective::WeightedCompletion.of_completions(instance, &ends);
    let chains = Chains::of(instance);
    let shared = shared(instance, &chains);
    alone.max(shared - 1e-9 * shared)
}

/// All resources as one that is as fast as all together: the jobs in the order of weight over work.
/// Eastman, Even, Isaacs (1964), "Bounds for the optimal scheduling of n jobs on m processors".
fn shared(instance: &Instance, chains: &Chains) -> f64 {
    let n = instance.resources().len() as f64;
    let mut work = vec![0.0; instance.jobs().len()];
    for op in instance.ops() {
        work[instance.job(op).index()] += chains.fastest[op.index()];
    }
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_by(|&a, &b| {
        let weight = |job: usize| instance.jobs()[job].weight;
        (work[a] * weight(b)).total_cmp(&(work[b] * weight(a)))
    });
    let mut now = 0.0;
    let mut sum = 0.0;
    for job in order {
        now += work[job] / n;
        sum += instance.jobs()[job].weight * now;
    }
    sum
}
