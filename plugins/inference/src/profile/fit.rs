//! Fits durations to a sum of terms, none of which may be negative, and lets no few points pull it off.
//!
//! Least squares of relative errors with weights that fall for points far off (Huber (1964), "Robust
//! estimation of a location parameter"). Coefficients are bounded by 0; with so few of them, the best
//! of all sets that may be free is found by trying each, which is exact (the problem of Lawson and
//! Hanson (1974), "Solving least squares problems").

use super::outliers::{quantile, scatter};

/// How many terms there are.
pub(super) const N_TERMS: usize = 5;
/// How many standard deviations a point may be off and count fully.
const HUBER: f64 = 1.345;
/// How often weights are found anew.
const N_ROUNDS: usize = 30;
/// The least standard deviation of relative errors that is believed.
const LEAST_SCATTER: f64 = 1e-6;

/// How many of everything a batch has, in the order of coefficients.
pub(super) type Terms = [f64; N_TERMS];

/// A duration and what was done in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) terms: Terms,
    pub(super) secs: f64,
}

/// How far a fit is from what it was made of: relative errors without sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FitErrors {
    /// Of the middle one.
    pub median: f64,
    /// Below which 95 % lie.
    pub p95: f64,
    /// Of the worst.
    pub max: f64,
}

/// Seconds for one of each term; `None` if there is no point.
pub(super) fn fit(points: &[Point]) -> Option<Terms> {
    let points: Vec<Point> = points.iter().copied().filter(|p| p.secs > 0.0).collect();
    let mut weights = vec![1.0; points.len()];
    let mut best = fit_weighted(&points, &weights)?;
    for _ in 0..N_ROUNDS {
        let errors: Vec<f64> = points.iter().map(|point| error(&best, point)).collect();
        let scale = scatter(&errors).max(LEAST_SCATTER);
        for (weight, error) in weights.iter_mut().zip(&errors) {
            *weight = (HUBER * scale / error.abs().max(LEAST_SCATTER)).min(1.0);
        }
        let next = fit_weighted(&points, &weights)?;
        if next == best {
            break;
        }
        best = next;
    }
    Some(best)
}

/// How far a fit is from points.
pub(super) fn errors(of: &Terms, points: &[Point]) -> FitErrors {
    let errors: Vec<f64> = points.iter().map(|point| error(of, point).abs()).collect();
    FitErrors {
        median: quantile(&errors, 0.5),
        p95: quantile(&errors, 0.95),
        max: quantile(&errors, 1.0),
    }
}

/// What a fit says of a batch, in seconds.
pub(super) fn predicted(of: &Terms, terms: &Terms) -> f64 {
    of.iter().zip(terms).map(|(one, n)| one * n).sum()
}

fn error(of: &Terms, point: &Point) -> f64 {
    predicted(of, &point.terms) / point.secs - 1.0
}

/// The least weighted sum of squares over all sets of terms that may be other than 0.
fn fit_weighted(points: &[Point], weights: &[f64]) -> Option<Terms> {
    let mut best: Option<(f64, Terms)> = None;
    for set in 1_u32..1 << N_TERMS {
        let is_in = |term: usize| set & (1 << term) != 0;
        let Some(found) = solve(points, weights, is_in) else {
            continue;
        };
        if found.iter().any(|one| *one < 0.0) {
            continue;
        }
        let squares = points.iter().zip(weights);
        let squares = squares.map(|(point, weight)| weight * error(&found, point).powi(2));
        let sum: f64 = squares.sum();
        if best.is_none_or(|(least, _)| sum < least) {
            best = Some((sum, found));
        }
    }
    best.map(|(_, found)| found)
}

/// Least squares over the terms that are in; `None` if these cannot be told apart.
fn solve(points: &[Point], weights: &[f64], is_in: impl Fn(usize) -> bool) -> Option<Terms> {
    let free: Vec<usize> = (0..N_TERMS).filter(|term| is_in(*term)).collect();
    let n = free.len();
    // Normal equations with the right side as the last column; rows are relative to their duration.
    let mut rows = vec![vec![0.0; n + 1]; n];
    for (point, weight) in points.iter().zip(weights) {
        for (row, of) in rows.iter_mut().zip(&free) {
            let left = weight * point.terms[*of] / point.secs;
            for (cell, other) in row.iter_mut().zip(&free) {
                *cell += left * point.terms[*other] / point.secs;
            }
            row[n] += left;
        }
    }
    let sizes: Vec<f64> = (0..n).map(|at| rows[at][at].sqrt()).collect();
    for (row, own) in rows.iter_mut().zip(&sizes) {
        for (cell, other) in row.iter_mut().zip(sizes.iter().chain([&1.0])) {
            *cell /= own * other;
        }
    }
    let found = eliminate(rows)?;
    let mut terms = [0.0; N_TERMS];
    for ((of, value), size) in free.iter().zip(found).zip(&sizes) {
        terms[*of] = value / size;
    }
    Some(terms)
}

/// Gauss's elimination with the largest pivot of each column.
fn eliminate(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for at in 0..n {
        let pivot = (at..n).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, pivot);
        // Of scaled equations, so that this tells what cannot be told apart.
        if !rows[at][at].is_finite() || rows[at][at].abs() < 1e-9 {
            return None;
        }
        let row = rows[at].clone();
        for other in (0..n).filter(|other| *other != at) {
            let factor = rows[other][at] / row[at];
            for (cell, own) in rows[other].iter_mut().zip(&row) {
                *cell -= factor * own;
            }
        }
    }
    Some((0..n).map(|at| rows[at][n] / rows[at][at]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: Terms) -> Vec<Point> {
        let mut points = Vec::new();
        for items in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0] {
            for length in [8.0, 16.0, 32.0, 64.0, 128.0] {
                for out in [0.0, 4.0, 16.0] {
                    let terms = [1.0, items, items * length, out, items * out];
                    let secs = predicted(&of, &terms);
                    points.push(Point { terms, secs });
                }
            }
        }
        points
    }

    fn check(found: Terms, expected: Terms, within: f64) {
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() <= within * expected.max(1e-6),
                "{found:?} for {expected:?}"
            );
        }
    }

    #[test]
    fn what_is_a_sum_of_terms_is_found() {
        for of in [
            [2e-3, 3e-4, 1e-4, 5e-3, 2e-4],
            [0.0, 3e-4, 1e-4, 0.0, 0.0],
            [2e-3, 0.0, 1e-4, 5e-3, 0.0],
        ] {
            let points = points(of);
            let found = fit(&points).unwrap();
            check(found, of, 1e-6);
            assert!(errors(&found, &points).max < 1e-6);
        }
    }

    #[test]
    fn a_few_points_far_off_change_little() {
        let of = [2e-3, 3e-4, 1e-4, 5e-3, 2e-4];
        let mut points = points(of);
        for (n, point) in points.iter_mut().enumerate() {
            // Scatter of 1 %, and one in 15 took three times as long.
            point.secs *= 1.0 + 0.01 * ((n * 37 % 21) as f64 - 10.0) / 10.0;
            if n % 15 == 7 {
                point.secs *= 3.0;
            }
        }
        check(fit(&points).unwrap(), of, 0.12);
    }

    #[test]
    fn no_term_is_negative_and_what_is_not_there_counts_nothing() {
        let mut points = points([0.0, 0.0, 1e-4, 0.0, 0.0]);
        points.retain(|point| point.terms[3] == 0.0);
        for point in &mut points {
            point.secs -= 5e-4;
        }
        points.retain(|point| point.secs > 0.0);
        let found = fit(&points).unwrap();
        assert!(found.iter().all(|one| *one >= 0.0), "{found:?}");
        assert_eq!(found[3..], [0.0, 0.0]);
        assert!(fit(&[]).is_none());
    }
}
