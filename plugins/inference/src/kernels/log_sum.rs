//! The logarithm of a sum of powers of e, as softmax needs it.

use pulp::{Simd, WithSimd};

use super::level::{Level, exp};

/// `ln Σ eˣ`; what is minus infinity adds nothing, and of nothing else it is minus infinity.
pub(crate) fn log_sum_exp(level: Level, x: &[f32]) -> f32 {
    let most = level.run(Most(x));
    if most == f32::NEG_INFINITY {
        return most;
    }
    most + level.run(SumExp(x, most)).ln()
}

/// The highest number; minus infinity of none.
pub(crate) fn highest(level: Level, x: &[f32]) -> f32 {
    level.run(Most(x))
}

struct Most<'a>(&'a [f32]);

impl WithSimd for Most<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (vectors, tail) = S::as_simd_f32s(self.0);
        let mut most = [simd.splat_f32s(f32::NEG_INFINITY); 4];
        for (nth, x) in vectors.iter().enumerate() {
            most[nth % 4] = simd.max_f32s(most[nth % 4], *x);
        }
        let [a, b, c, d] = most;
        let most = simd.max_f32s(simd.max_f32s(a, b), simd.max_f32s(c, d));
        tail.iter()
            .fold(simd.reduce_max_f32s(most), |most, x| most.max(*x))
    }
}

struct SumExp<'a>(&'a [f32], f32);

impl WithSimd for SumExp<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let Self(x, most) = self;
        let (vectors, tail) = S::as_simd_f32s(x);
        let minus = simd.splat_f32s(-most);
        let mut sum = simd.splat_f32s(0.0);
        for x in vectors {
            sum = simd.add_f32s(sum, exp(simd, simd.add_f32s(*x, minus)));
        }
        let rest: f32 = tail.iter().map(|x| (x - most).exp()).sum();
        simd.reduce_sum_f32s(sum) + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::{check, drawn};

    #[test]
    fn it_is_near_the_true_one() {
        for level in Level::all() {
            for n in [1, 3, 16, 100, 1000] {
                let mut x: Vec<f32> = drawn(6, n).iter().map(|x| x * 20.0).collect();
                let sum: f64 = x.iter().map(|&x| f64::from(x).exp()).sum();
                let truth = sum.ln();
                check(
                    level,
                    "ln Σ eˣ",
                    f64::from(log_sum_exp(level, &x)),
                    truth,
                    1e-5,
                );
                x.push(f32::NEG_INFINITY);
                check(
                    level,
                    "ln Σ eˣ",
                    f64::from(log_sum_exp(level, &x)),
                    truth,
                    1e-5,
                );
                let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                assert_eq!(highest(level, &x), most);
            }
            assert_eq!(
                log_sum_exp(level, &[f32::NEG_INFINITY; 20]),
                f32::NEG_INFINITY
            );
            assert_eq!(log_sum_exp(level, &[]), f32::NEG_INFINITY);
        }
    }
}
