//! The directions in which a set of vectors spreads most: principal components.
//!
//! Jacobi's method turns one pair of axes after the other until the covariance is diagonal:
//! Golub, Van Loan (2013), "Matrix Computations", 8.5. For the few hundred dimensions of an
//! embedding that takes seconds and needs no library.

/// Sweeps over all pairs of axes; ten are plenty for any matrix of this size.
const MAX_SWEEPS: usize = 30;
/// What is left beside the diagonal, of what is on it, when it is done.
const TOLERANCE: f64 = 1e-20;

/// A symmetric matrix of sums of products, `width × width`, of vectors that come one by one.
#[derive(Clone, Debug)]
pub(crate) struct Scatter {
    width: usize,
    products: Vec<f64>,
}

impl Scatter {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            products: vec![0.0; width * width],
        }
    }

    /// Takes a vector in.
    pub(crate) fn add(&mut self, vector: &[f32]) {
        for (row, &a) in self.products.chunks_exact_mut(self.width).zip(vector) {
            let a = f64::from(a);
            for (sum, &b) in row.iter_mut().zip(vector) {
                *sum += a * f64::from(b);
            }
        }
    }

    /// The axes of largest scatter first, each `width` long and of length 1, and the scatter along each.
    pub(crate) fn axes(&self) -> (Vec<Vec<f64>>, Vec<f64>) {
        let n = self.width;
        let mut matrix = self.products.clone();
        // Row k is axis k, so that turning two of them runs along memory.
        let mut axes: Vec<Vec<f64>> = (0..n)
            .map(|at| (0..n).map(|i| f64::from(u8::from(i == at))).collect())
            .collect();
        for _ in 0..MAX_SWEEPS {
            let (mut beside, mut on) = (0.0, 0.0);
            for row in 0..n {
                for column in 0..n {
                    let square = matrix[row * n + column].powi(2);
                    if row == column {
                        on += square;
                    } else {
                        beside += square;
                    }
                }
            }
            if beside <= TOLERANCE * on {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    turn(&mut matrix, &mut axes, n, p, q);
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| matrix[b * n + b].total_cmp(&matrix[a * n + a]));
        let spread = order.iter().map(|&at| matrix[at * n + at]).collect();
        let axes = order
            .iter()
            .map(|&at| pointing_up(std::mem::take(&mut axes[at])))
            .collect();
        (axes, spread)
    }
}

/// Turns axes `p` and `q` so that the matrix has 0 where they cross.
fn turn(matrix: &mut [f64], axes: &mut [Vec<f64>], n: usize, p: usize, q: usize) {
    let cross = matrix[p * n + q];
    if cross == 0.0 {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * cross);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    let turned = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
    // Both rows, then both columns; the matrix stays symmetric.
    let (upper, lower) = matrix.split_at_mut(q * n);
    let (row_p, row_q) = (&mut upper[p * n..(p + 1) * n], &mut lower[..n]);
    for (a, b) in row_p.iter_mut().zip(row_q.iter_mut()) {
        (*a, *b) = turned(*a, *b);
    }
    for row in matrix.chunks_exact_mut(n) {
        (row[p], row[q]) = turned(row[p], row[q]);
    }
    let (upper, lower) = axes.split_at_mut(q);
    for (a, b) in upper[p].iter_mut().zip(lower[0].iter_mut()) {
        (*a, *b) = turned(*a, *b);
    }
}

/// An axis has two ends; the one whose largest number is positive is taken, so that all machines
/// take the same.
fn pointing_up(mut axis: Vec<f64>) -> Vec<f64> {
    let largest = axis.iter().copied().fold(
        0.0_f64,
        |most, x| if x.abs() > most.abs() { x } else { most },
    );
    if largest < 0.0 {
        axis.iter_mut().for_each(|x| *x = -*x);
    }
    axis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_upright_and_explain_the_scatter() {
        let width = 24;
        let mut scatter = Scatter::new(width);
        let mut state = 7_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        for _ in 0..200 {
            let vector: Vec<f32> = (0..width).map(|i| random() * (1.0 + i as f32)).collect();
            scatter.add(&vector);
        }
        let (axes, spread) = scatter.axes();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (i, a) in axes.iter().enumerate() {
            for (j, b) in axes.iter().enumerate() {
                assert!((dot(a, b) - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
            // The matrix only stretches its own axis, by the spread along it.
            for (row, x) in scatter.products.chunks(width).zip(a) {
                assert!((dot(row, a) - spread[i] * x).abs() < 1e-6 * spread[0]);
            }
        }
        assert!(spread.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn what_does_not_spread_is_no_trouble() {
        let (axes, spread) = Scatter::new(3).axes();
        assert_eq!((axes.len(), spread), (3, vec![0.0; 3]));
    }
}
