//! The iterated greedy itself: jobs leave an order and come back where they cost least.

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    planner::iterated_greedy::{flow::Flow, permutation::Permutation},
    search::Search,
};

/// How many jobs leave at once; few are enough, as Ruiz and Stützle found.
const N_OUT: usize = 3;

/// The temperature, in mean durations: their 0.4 tenths.
const TEMPERATURE: f64 = 0.04;

/// An order of jobs that ends early in all stages alike, after so much of the budget or until
/// `is_over` says so. Starts as Nawaz, Enscore, Ham (1983) do: long jobs first, each to its best
/// place.
pub(super) fn order(
    flow: &Flow,
    search: &Search<'_>,
    is_over: impl Fn(u64) -> bool,
    rng: &mut SmallRng,
) -> (Vec<u32>, u64) {
    let mut permutation = Permutation::new(flow);
    let mut end = 0.0;
    for job in longest_first(flow) {
        let (at, value) = permutation.best_place(job, rng);
        permutation.insert(at, job);
        end = value;
    }
    let temperature = TEMPERATURE * flow.mean_duration();
    let mut current = permutation.jobs.clone();
    let (mut best, mut best_end) = (current.clone(), end);
    let mut current_end = end;
    let mut out = Vec::with_capacity(N_OUT);
    let mut n_iterations = 0;
    while !is_over(n_iterations) && best_end > search.lower_bound() {
        n_iterations += 1;
        for _ in 0..N_OUT.min(permutation.jobs.len()) {
            let at = rng.random_range(0..permutation.jobs.len());
            out.push(permutation.remove(at));
        }
        for job in out.drain(..) {
            let (at, value) = permutation.best_place(job, rng);
            permutation.insert(at, job);
            end = value;
        }
        let worse = end - current_end;
        if worse <= 0.0 || rng.random::<f64>() < (-worse / temperature).exp() {
            current.clone_from(&permutation.jobs);
            current_end = end;
            if end < best_end {
                best.clone_from(&current);
                best_end = end;
            }
        } else {
            permutation.set(&current);
        }
    }
    (best, n_iterations)
}

fn longest_first(flow: &Flow) -> Vec<u32> {
    let total = |job: &u32| {
        let ops = (0..flow.n_stages).map(|stage| stage * flow.n_jobs + *job as usize);
        ops.map(|op| flow.durations[op]).sum::<f64>()
    };
    let mut jobs: Vec<u32> = (0..flow.n_jobs as u32).collect();
    jobs.sort_by(|a, b| total(b).total_cmp(&total(a)));
    jobs
}
