//! Groups of resources and the operations that nobody outside of the group can do.

use super::chains::Chains;
use crate::instance::{Instance, OpId};

/// More groups are not looked at.
const MOST_GROUPS: usize = 256;
/// Unions of eligible sets are formed if there are no more sets than this.
const MOST_SETS: usize = 64;
/// Nor for more operations than this.
const MOST_OPS: usize = 2000;

/// An operation, seen by its group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// The earliest start.
    pub(super) head: f64,
    /// The shortest duration.
    pub(super) duration: f64,
    /// The least time from its end to the end of the schedule.
    pub(super) tail: f64,
}

/// Resources, and what only they can do.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// How many resources there are.
    pub(super) n_resources: usize,
    /// What takes time and must be done by one of them.
    pub(super) tasks: Vec<Task>,
}

/// The groups of an instance: each set of resources that some operation can choose from, all
/// resources together, and for small instances the unions of two.
pub(super) fn of(instance: &Instance, chains: &Chains) -> Vec<Group> {
    let sets: Vec<Vec<u64>> = instance.ops().map(|op| eligible(instance, op)).collect();
    let mut candidates = sets.clone();
    candidates.sort_unstable();
    candidates.dedup();
    if candidates.len() <= MOST_SETS && instance.n_ops() <= MOST_OPS {
        for a in 0..candidates.len() {
            for b in 0..a {
                let pairs = candidates[a].iter().zip(&candidates[b]);
                let union: Vec<u64> = pairs.map(|(a, b)| a | b).collect();
                // Sets that share nothing bind each other no more than each alone.
                let is_joint = candidates[a]
                    .iter()
                    .zip(&candidates[b])
                    .any(|(a, b)| a & b != 0);
                if is_joint {
                    candidates.push(union);
                }
            }
        }
    }
    let mut all = vec![0; instance.resources().len().div_ceil(64)];
    for resource in 0..instance.resources().len() {
        all[resource / 64] |= 1 << (resource % 64);
    }
    candidates.push(all);
    candidates.sort_unstable();
    candidates.dedup();
    // The fewer resources, the tighter.
    candidates.sort_by_key(|set| count(set));
    candidates.truncate(MOST_GROUPS);
    let effort = candidates.len() * instance.n_ops();
    if effort > MOST_GROUPS * MOST_OPS {
        candidates.truncate((MOST_GROUPS * MOST_OPS / instance.n_ops()).max(1));
    }
    let groups = candidates.iter().map(|set| {
        let inside = instance.ops().filter(|op| {
            let is_inside = sets[op.index()]
                .iter()
                .zip(set)
                .all(|(own, set)| own & !set == 0);
            is_inside && chains.fastest[op.index()] > 0.0
        });
        let tasks = inside.map(|op| Task {
            head: chains.heads[op.index()],
            duration: chains.fastest[op.index()],
            tail: chains.tails[op.index()],
        });
        Group {
            n_resources: count(set),
            tasks: tasks.collect(),
        }
    });
    groups.filter(|group| !group.tasks.is_empty()).collect()
}

fn count(set: &[u64]) -> usize {
    set.iter().map(|word| word.count_ones() as usize).sum()
}

/// The resources that can do an operation, a bit for each.
fn eligible(instance: &Instance, op: OpId) -> Vec<u64> {
    let mut set = vec![0; instance.resources().len().div_ceil(64)];
    for mode in instance.modes(op) {
        set[mode.resource.index() / 64] |= 1 << (mode.resource.index() % 64);
    }
    set
}
