//! Layer norm and root mean square norm, row by row.
//!
//! Ba, Kiros, Hinton (2016), "Layer Normalization"; Zhang, Sennrich (2019), "Root Mean Square Layer
//! Normalization".

use pulp::{Simd, WithSimd};

use super::level::{Level, mul_add};

/// Brings each row of `x` to mean 0 and variance 1, then multiplies by `gain` and adds `bias`.
///
/// A row is as long as `gain`, `bias` as well; `eps` is added to the variance.
pub(crate) fn layer_norm(level: Level, x: &mut [f32], gain: &[f32], bias: &[f32], eps: f32) {
    level.run(LayerNorm { x, gain, bias, eps });
}

/// Divides each row of `x` by its root mean square, then multiplies by `gain`.
///
/// A row is as long as `gain`; `eps` is added to the mean square.
pub(crate) fn rms_norm(level: Level, x: &mut [f32], gain: &[f32], eps: f32) {
    level.run(RmsNorm { x, gain, eps });
}

struct LayerNorm<'a> {
    x: &'a mut [f32],
    gain: &'a [f32],
    bias: &'a [f32],
    eps: f32,
}

impl WithSimd for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.gain.len();
        for row in self.x.chunks_exact_mut(width) {
            let mean = sum(simd, row, |x| x, |x| x) / width as f32;
            let minus = simd.splat_f32s(-mean);
            let square = |x| {
                let apart = simd.add_f32s(x, minus);
                simd.mul_f32s(apart, apart)
            };
            let square_one = |x: f32| (x - mean) * (x - mean);
            let variance = sum(simd, row, square, square_one) / width as f32;
            let scale = 1.0 / (variance + self.eps).sqrt();
            write_layer_norm(simd, row, (self.gain, self.bias), (-mean, scale));
        }
    }
}

#[inline(always)]
fn write_layer_norm<S: Simd>(
    simd: S,
    row: &mut [f32],
    (gain, bias): (&[f32], &[f32]),
    (minus, scale): (f32, f32),
) {
    let (x, x_tail) = S::as_mut_simd_f32s(row);
    let (gain, gain_tail) = S::as_simd_f32s(gain);
    let (bias, bias_tail) = S::as_simd_f32s(bias);
    let (minus_all, scale_all) = (simd.splat_f32s(minus), simd.splat_f32s(scale));
    for ((x, gain), bias) in x.iter_mut().zip(gain).zip(bias) {
        let unit = simd.mul_f32s(simd.add_f32s(*x, minus_all), scale_all);
        *x = mul_add(simd, unit, *gain, *bias);
    }
    for ((x, gain), bias) in x_tail.iter_mut().zip(gain_tail).zip(bias_tail) {
        *x = (*x + minus) * scale * gain + bias;
    }
}

struct RmsNorm<'a> {
    x: &'a mut [f32],
    gain: &'a [f32],
    eps: f32,
}

impl WithSimd for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.gain.len();
        for row in self.x.chunks_exact_mut(width) {
            let squares = sum(simd, row, |x| simd.mul_f32s(x, x), |x| x * x);
            let scale = 1.0 / (squares / width as f32 + self.eps).sqrt();
            let scale_all = simd.splat_f32s(scale);
            let (x, x_tail) = S::as_mut_simd_f32s(row);
            let (gain, gain_tail) = S::as_simd_f32s(self.gain);
            for (x, gain) in x.iter_mut().zip(gain) {
                *x = simd.mul_f32s(simd.mul_f32s(*x, scale_all), *gain);
            }
            for (x, gain) in x_tail.iter_mut().zip(gain_tail) {
                *x *= scale * gain;
            }
        }
    }
}

/// The sum of what becomes of each number: `many` says it for a vector, `one` for a number.
#[inline(always)]
fn sum<S: Simd>(
    simd: S,
    row: &[f32],
    many: impl Fn(S::f32s) -> S::f32s,
    one: impl Fn(f32) -> f32,
) -> f32 {
    let (vectors, tail) = S::as_simd_f32s(row);
    // Four sums side by side, for one alone would wait for each addition.
    let mut sums = [simd.splat_f32s(0.0); 4];
    let mut groups = vectors.chunks_exact(4);
    for group in &mut groups {
        for (sum, x) in sums.iter_mut().zip(group) {
            *sum = simd.add_f32s(*sum, many(*x));
        }
    }
    for (sum, x) in sums.iter_mut().zip(groups.remainder()) {
        *sum = simd.add_f32s(*sum, many(*x));
    }
    let [a, b, c, d] = sums;
    let all = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
    tail.iter()
        .fold(simd.reduce_sum_f32s(all), |sum, x| sum + one(*x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::{check, drawn};

    const WIDTHS: [usize; 7] = [1, 3, 16, 33, 64, 100, 384];

    #[test]
    fn layer_norm_is_near_the_true_one() {
        for (level, width) in Level::all()
            .into_iter()
            .flat_map(|l| WIDTHS.map(|w| (l, w)))
        {
            let x: Vec<f32> = drawn(1, 3 * width).iter().map(|x| x * 5.0 + 2.0).collect();
            let (gain, bias) = (drawn(2, width), drawn(3, width));
            let mut y = x.clone();
            layer_norm(level, &mut y, &gain, &bias, 1e-5);
            for (x, y) in x.chunks(width).zip(y.chunks(width)) {
                let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / width as f64;
                let apart = x.iter().map(|&x| (f64::from(x) - mean).powi(2));
                let variance = apart.sum::<f64>() / width as f64 + 1e-5;
                for (nth, (x, y)) in x.iter().zip(y).enumerate() {
                    let unit = (f64::from(*x) - mean) / variance.sqrt();
                    let truth = unit * f64::from(gain[nth]) + f64::from(bias[nth]);
                    check(
                        level,
                        &format!("{nth} of {width}"),
                        f64::from(*y),
                        truth,
                        1e-5,
                    );
                }
            }
        }
    }

    #[test]
    fn rms_norm_is_near_the_true_one() {
        for (level, width) in Level::all()
            .into_iter()
            .flat_map(|l| WIDTHS.map(|w| (l, w)))
        {
            let (x, gain) = (drawn(1, 3 * width), drawn(2, width));
            let mut y = x.clone();
            rms_norm(level, &mut y, &gain, 1e-5);
            for (x, y) in x.chunks(width).zip(y.chunks(width)) {
                let squares = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
                let root = (squares / width as f64 + 1e-5).sqrt();
                for (nth, (x, y)) in x.iter().zip(y).enumerate() {
                    let truth = f64::from(*x) / root * f64::from(gain[nth]);
                    check(
                        level,
                        &format!("{nth} of {width}"),
                        f64::from(*y),
                        truth,
                        1e-5,
                    );
                }
            }
        }
    }
}
