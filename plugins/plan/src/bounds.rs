//! Lower bounds: what no schedule can be better than.
//!
//! All of them leave out that data takes time, which only ever delays. Those for the makespan treat
//! each operation by its chains (what must come before and after it at least) and each group of
//! resources by its work. None costs more than a planner can spend before it starts.

mod chains;
mod completion;
mod groups;
mod interval;
mod jackson;
mod load;
mod machines;

use self::chains::Chains;
use crate::{instance::Instance, objective::Objective};

/// A value that no schedule of `instance` is better than; 0 if nothing is known.
///
/// Takes milliseconds for hundreds of operations, and no more than 100 ms for ten thousand on 64
/// resources.
pub fn lower_bound(instance: &Instance, objective: Objective) -> f64 {
    match objective {
        Objective::Makespan => makespan(instance),
        Objective::WeightedCompletion => completion::weighted(instance),
        Objective::WeightedTardiness
        | Objective::LatencyP50
        | Objective::LatencyP95
        | Objective::LatencyP99 => {
            objective.of_completions(instance, &chains::completions(instance))
        }
        Objective::Cost => cheapest(instance, |resource| resource.price),
        Objective::Energy => cheapest(instance, |resource| resource.watts),
        Objective::Unfairness => 0.0,
    }
}

fn makespan(instance: &Instance) -> f64 {
    let chains = Chains::of(instance);
    let mut bound = chains.longest();
    bound = bound.max(honest(instance, load::bound(instance, &chains)));
    let groups = groups::of(instance, &chains);
    for group in &groups {
        bound = bound.max(honest(instance, machines::bound(group)));
        if group.n_resources == 1 {
            bound = bound.max(honest(instance, jackson::bound(group)));
        }
    }
    let mut effort = interval::EFFORT;
    // A bound that rises narrows the windows of all groups.
    loop {
        let before = bound;
        for group in &groups {
            let raised = interval::bound(group, bound, &mut effort);
            bound = bound.max(honest(instance, raised));
        }
        if bound <= before || effort == 0 {
            return bound;
        }
    }
}

/// What a sum that may be off by rounding proves: the next whole number if all times are whole.
fn honest(instance: &Instance, value: f64) -> f64 {
    let safe = value - 1e-9 * value.abs();
    if instance.is_whole() {
        (safe - 1e-6).ceil().max(0.0)
    } else {
        safe
    }
}

/// Each operation where it costs least.
fn cheapest(instance: &Instance, rate: impl Fn(&crate::instance::Resource) -> f64) -> f64 {
    let costs = instance.ops().map(|op| {
        let modes = instance.modes(op).iter();
        modes
            .map(|mode| mode.duration * rate(&instance.resources()[mode.resource.index()]))
            .fold(f64::INFINITY, f64::min)
    });
    let sum: f64 = costs.sum();
    sum - 1e-9 * sum
}
