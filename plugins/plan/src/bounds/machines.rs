//! Each resource of a group waits for a first operation, and something follows its last one: the
//! stage bound of Santos, Hunsucker, Deal (1995), "Global lower bounds for flow shops with multiple
//! processors", for any group.

use super::groups::Group;

/// The work, the smallest heads and the smallest tails, one of each for each resource, shared out.
pub(super) fn bound(group: &Group) -> f64 {
    let n = group.n_resources;
    // With fewer tasks than resources some would never work.
    if group.tasks.len() < n {
        return 0.0;
    }
    let work: f64 = group.tasks.iter().map(|task| task.duration).sum();
    let heads = smallest(group.tasks.iter().map(|task| task.head).collect(), n);
    let tails = smallest(group.tasks.iter().map(|task| task.tail).collect(), n);
    (heads + work + tails) / n as f64
}

/// The sum of the `n` smallest.
fn smallest(mut values: Vec<f64>, n: usize) -> f64 {
    if n < values.len() {
        values.select_nth_unstable_by(n - 1, f64::total_cmp);
    }
    values[..n].iter().sum()
}
