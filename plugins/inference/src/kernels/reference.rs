//! What kernels are tested against: drawn numbers and plain sums in f64.

use super::Level;

/// Drawn numbers between -1 and 1.
pub(super) fn drawn(seed: u32, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Panics unless `got` is as near to `expected` as `margin`.
pub(super) fn check(level: Level, what: &str, got: f64, expected: f64, margin: f64) {
    assert!(
        (got - expected).abs() <= margin,
        "{what} on {level:?} is {got} instead of {expected}"
    );
}

/// `x × weightsᵀ + bias`, row by row.
pub(super) fn product(x: &[f32], weights: &[f32], bias: Option<&[f32]>, n_in: usize) -> Vec<f64> {
    let mut y = Vec::new();
    for row in x.chunks_exact(n_in) {
        for (column, weights) in weights.chunks_exact(n_in).enumerate() {
            let sum: f64 = row
                .iter()
                .zip(weights)
                .map(|(&x, &w)| f64::from(x) * f64::from(w))
                .sum();
            y.push(sum + bias.map_or(0.0, |bias| f64::from(bias[column])));
        }
    }
    y
}
