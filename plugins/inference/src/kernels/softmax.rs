//! Softmax, row by row.

use pulp::{Simd, WithSimd};

use super::level::{Level, exp, mul_add};

/// Turns each row of `width` scores into shares that add up to 1; scores are multiplied by `scale`
/// (above 0) first.
pub(crate) fn softmax(level: Level, x: &mut [f32], width: usize, scale: f32) {
    level.run(Softmax { x, width, scale });
}

struct Softmax<'a> {
    x: &'a mut [f32],
    width: usize,
    scale: f32,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.x.chunks_exact_mut(self.width) {
            softmax_row(simd, row, self.scale);
        }
    }
}

/// Turns one row of scores into shares.
#[inline(always)]
pub(super) fn softmax_row<S: Simd>(simd: S, row: &mut [f32], scale: f32) {
    let (x, tail) = S::as_mut_simd_f32s(row);
    let mut most = simd.splat_f32s(f32::NEG_INFINITY);
    for x in &*x {
        most = simd.max_f32s(most, *x);
    }
    let most = tail
        .iter()
        .fold(simd.reduce_max_f32s(most), |most, x| most.max(*x));
    let (scale, offset) = (simd.splat_f32s(scale), simd.splat_f32s(-most * scale));
    let mut sum = simd.splat_f32s(0.0);
    for x in &mut *x {
        *x = power(simd, *x, scale, offset);
        sum = simd.add_f32s(sum, *x);
    }
    let mut sum = simd.reduce_sum_f32s(sum);
    if !tail.is_empty() {
        let shares = power(simd, simd.partial_load_f32s(tail), scale, offset);
        simd.partial_store_f32s(tail, shares);
        sum += tail.iter().sum::<f32>();
    }
    let whole = 1.0 / sum;
    for x in x {
        *x = simd.mul_f32s(*x, simd.splat_f32s(whole));
    }
    for x in tail {
        *x *= whole;
    }
}

/// `e` to the power of `x × scale + offset`. A function, for a closure called twice is not made part
/// of its caller, and then every instruction becomes a call.
#[inline(always)]
fn power<S: Simd>(simd: S, x: S::f32s, scale: S::f32s, offset: S::f32s) -> S::f32s {
    exp(simd, mul_add(simd, x, scale, offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::{check, drawn};

    #[test]
    fn it_is_near_the_true_one() {
        for level in Level::all() {
            for width in [1, 3, 8, 31, 64, 129] {
                let x: Vec<f32> = drawn(4, 3 * width).iter().map(|x| x * 60.0).collect();
                let mut y = x.clone();
                softmax(level, &mut y, width, 0.3);
                for (x, y) in x.chunks(width).zip(y.chunks(width)) {
                    let powers: Vec<f64> = x.iter().map(|&x| (f64::from(x) * 0.3).exp()).collect();
                    let whole: f64 = powers.iter().sum();
                    for (power, y) in powers.iter().zip(y) {
                        check(level, "a share", f64::from(*y), power / whole, 2e-6);
                    }
                }
            }
        }
    }
}
