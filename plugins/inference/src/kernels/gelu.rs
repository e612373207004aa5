//! The bends between two products: GELU, in its true form, and `SiLU`.
//!
//! Hendrycks, Gimpel (2016), "Gaussian Error Linear Units (GELUs)".

use pulp::{Simd, WithSimd};

use super::level::{Function, Level, exp, map, mul_add, polynomial};

/// `x × (1 + erf(x / √2)) / 2` of every number; models have it computed while products are written.
#[cfg(test)]
pub(super) fn gelu(level: Level, x: &mut [f32]) {
    level.run(Bend(x, Gelu));
}

/// `x / (1 + e⁻ˣ)` of every number.
pub(crate) fn silu(level: Level, x: &mut [f32]) {
    level.run(Bend(x, Silu));
}

#[cfg(test)]
struct Gelu;
struct Silu;

#[cfg(test)]
impl Function for Gelu {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, x: S::f32s) -> S::f32s {
        gelu_of(simd, x)
    }
}

impl Function for Silu {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, x: S::f32s) -> S::f32s {
        silu_of(simd, x)
    }
}

struct Bend<'a, F>(&'a mut [f32], F);

impl<F: Function> WithSimd for Bend<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        map(simd, self.0, &self.1);
    }
}

#[inline(always)]
pub(super) fn gelu_of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let inner = simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2));
    let half = simd.mul_f32s(x, simd.splat_f32s(0.5));
    mul_add(simd, half, erf(simd, inner), half)
}

/// The error function, as an odd polynomial over an even one; beyond ±4 it is ±1.
#[inline(always)]
fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // The second argument is what comes out where one of them is NaN.
    let x = simd.max_f32s(
        simd.splat_f32s(-4.0),
        simd.min_f32s(simd.splat_f32s(4.0), x),
    );
    let square = simd.mul_f32s(x, x);
    let odd = polynomial(
        simd,
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let even = polynomial(
        simd,
        square,
        [
            -1.456_607_2e-5,
            -2.133_740_6e-4,
            -1.682_827e-3,
            -7.373_329e-3,
            -1.426_474e-2,
        ],
    );
    simd.div_f32s(simd.mul_f32s(x, odd), even)
}

#[inline(always)]
fn silu_of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let minus = simd.sub_f32s(simd.splat_f32s(0.0), x);
    let below = simd.add_f32s(exp(simd, minus), simd.splat_f32s(1.0));
    simd.div_f32s(x, below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::check;

    /// The error function by its series, summed to the end.
    fn true_erf(x: f64) -> f64 {
        if x.abs() > 4.0 {
            return x.signum();
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    fn check_all(of: fn(Level, &mut [f32]), truth: fn(f64) -> f64) {
        let x: Vec<f32> = (-1001..1001).map(|nth| nth as f32 / 100.0).collect();
        for level in Level::all() {
            let mut y = x.clone();
            of(level, &mut y);
            for (x, y) in x.iter().zip(y) {
                let truth = truth(f64::from(*x));
                let margin = 1e-6 * f64::from(x.abs()).max(0.5);
                check(level, &format!("at {x}"), f64::from(y), truth, margin);
            }
        }
    }

    #[test]
    fn gelu_is_near_the_true_one() {
        check_all(gelu, |x| {
            x * (1.0 + true_erf(x / std::f64::consts::SQRT_2)) / 2.0
        });
    }

    #[test]
    fn silu_is_near_the_true_one() {
        check_all(silu, |x| x / (1.0 + (-x).exp()));
    }
}
