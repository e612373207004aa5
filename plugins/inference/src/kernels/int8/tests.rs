//! Checks products in 8 bits against plain sums, on every instruction set of the machine.

use super::*;
use crate::kernels::{
    Activation,
    gemm::Write,
    reference::{check, drawn, product},
};

type Ways = (Level, Way);

fn best() -> Ways {
    (Level::best(), Way::best())
}

fn multiply(ways: Ways, x: &[f32], weights: &[f32], exact: &[usize], n_in: usize) -> Vec<f32> {
    let (n_rows, n_out) = (x.len() / n_in, weights.len() / n_in);
    let columns = IntColumns::pack_for(ways, weights, exact, n_in, n_out);
    let mut rows = IntRows::default();
    rows.pack(x, &columns);
    let mut y = vec![f32::NAN; n_rows * n_out];
    let product = IntProduct {
        rows: &rows,
        columns: &columns,
        panels: 0..columns.n_panels(),
        finish: Finish {
            bias: None,
            activation: Activation::None,
            write: Write::Set,
        },
        out: &mut y.chunks_exact_mut(n_out).collect::<Vec<_>>(),
    };
    product.run();
    y
}

#[test]
fn products_are_near_the_true_ones_and_have_the_same_bits_on_all_levels() {
    for (n_rows, n_in, n_out, exact) in [
        (1, 4, 1, vec![]),
        (3, 7, 33, vec![6]),
        (15, 64, 64, vec![]),
        (29, 385, 97, vec![384, 0, 17, 200]),
    ] {
        let (x, weights) = (drawn(1, n_rows * n_in), drawn(2, n_in * n_out));
        let truth = product(&x, &weights, None, n_in);
        let first = multiply(best(), &x, &weights, &exact, n_in);
        for ways in Level::all()
            .into_iter()
            .flat_map(|level| Way::all().into_iter().map(move |way| (level, way)))
        {
            let y = multiply(ways, &x, &weights, &exact, n_in);
            assert_eq!(y, first, "{ways:?}");
        }
        for (y, truth) in first.iter().zip(&truth) {
            let margin = 0.01 * (n_in as f64).sqrt();
            check(Level::best(), "product", f64::from(*y), *truth, margin);
        }
    }
}

#[test]
fn inputs_that_stay_do_not_coarsen_the_others() {
    let (n_in, n_out, large) = (64, 40, [3, 40]);
    let (mut x, mut weights) = (drawn(1, 20 * n_in), drawn(2, n_in * n_out));
    for (row, column) in x.chunks_mut(n_in).zip(weights.chunks_mut(n_in)) {
        for input in large {
            row[input] *= 1000.0;
            column[input] *= 100.0;
        }
    }
    let truth = product(&x, &weights, None, n_in);
    let worst = |exact: &[usize]| {
        let y = multiply(best(), &x, &weights, exact, n_in);
        let off = y
            .iter()
            .zip(&truth)
            .map(|(y, truth)| (f64::from(*y) - truth).abs());
        off.fold(0.0, f64::max)
    };
    assert!(worst(&large) < 0.1, "{}", worst(&large));
    assert!(worst(&[]) > 10.0, "{}", worst(&[]));
}

#[test]
fn the_largest_sums_are_exact() {
    let n_in = 1536;
    // Rows from -1 to 1 use all 256 steps; weights are at their ends.
    let x: Vec<f32> = (0..n_in)
        .map(|nth| if nth == 0 { -1.0 } else { 1.0 })
        .collect();
    let weights: Vec<f32> = [1.0, -1.0].iter().flat_map(|&w| vec![w; n_in]).collect();
    for way in Way::all() {
        let y = multiply((Level::best(), way), &x, &weights, &[], n_in);
        assert!(
            (y[0] - 1534.0).abs() < 0.01 && (y[1] + 1534.0).abs() < 0.01,
            "{way:?} {y:?}"
        );
    }
}

#[test]
fn what_is_no_number_is_not_hidden() {
    let weights = drawn(2, 8 * 3);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut x = drawn(1, 16);
        x[3] = bad;
        let y = multiply(best(), &x, &weights, &[], 8);
        assert!(
            y[..3].iter().all(|y| y.is_nan()),
            "{bad} spoils its row: {y:?}"
        );
        assert!(y[3..].iter().all(|y| y.is_finite()), "and no other");
    }
}
