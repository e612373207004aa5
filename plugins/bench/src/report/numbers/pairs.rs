//! How runners compare on what both ran: paired differences, and wins and losses.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Column, by_both,
    sample::{OfRunner, Over, short},
};
use crate::stats::mean_interval;

/// A paired difference: n, mean, half width, the same in percent of the baseline (if that is above
/// 0 in each pair), 1 if the other is better than the baseline, -1 if worse, 0 if 0 is not excluded,
/// and how many (input, seed) pairs there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Pair(
    pub(super) u32,
    pub(super) f64,
    pub(super) Option<f64>,
    pub(super) Option<(f64, Option<f64>)>,
    pub(super) i8,
    pub(super) usize,
);

/// By baseline and other.
pub(super) fn pairs(
    by_runner: &[OfRunner<'_>],
    column: Column,
    over: Over,
) -> Vec<Vec<Option<Pair>>> {
    let n = by_runner.len();
    by_both(n, n, |baseline, other| {
        let shared = by_runner[other].shared(&by_runner[baseline]);
        let values = shared.map(|(input, done, base)| (input, column.of(done), column.of(base)));
        pair(&values.collect::<Vec<_>>(), column, over)
    })
}

/// Of (input, value, value of the baseline).
pub(super) fn pair(values: &[(usize, f64, f64)], column: Column, over: Over) -> Option<Pair> {
    let of = |of: fn(f64, f64) -> f64| {
        let each = values.iter();
        over.sample(each.map(|(input, value, base)| (*input, of(*value, *base))))
    };
    let interval = mean_interval(&of(|value, base| value - base), super::CONFIDENCE)?;
    let percent = values
        .iter()
        .all(|(_, _, base)| *base > 0.0)
        .then(|| short(&of(|value, base| 100.0 * (value / base - 1.0))))
        .flatten();
    let mark = match interval.excludes_zero() {
        true if (interval.mean > 0.0) == column.is_more_better() => 1,
        true => -1,
        false => 0,
    };
    Some(Pair(
        interval.n,
        interval.mean,
        interval.half_width,
        percent.map(|(_, mean, half)| (mean, half)),
        mark,
        values.len(),
    ))
}

/// Inputs on which the one is better than the other, as good, worse; by mean over shared seeds.
pub(super) fn wins(by_runner: &[OfRunner<'_>], column: Column) -> Vec<Vec<[u32; 3]>> {
    by_both(by_runner.len(), by_runner.len(), |a, b| {
        // Sums over shared seeds compare as means do.
        let mut sums = BTreeMap::<usize, (f64, f64)>::new();
        for (input, done, other) in by_runner[a].shared(&by_runner[b]) {
            let sum = sums.entry(input).or_default();
            *sum = (sum.0 + column.of(done), sum.1 + column.of(other));
        }
        let mut counts = [0; 3];
        for (value, other) in sums.into_values() {
            counts[(1 - column.compare(value, other)) as usize] += 1;
        }
        counts
    })
}
