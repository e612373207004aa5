//! The instruction set that kernels use, chosen at run time.

use std::any::TypeId;

use pulp::{Arch, Scalar256b, Simd, WithSimd};

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level(Way);

#[derive(Clone, Copy, Debug)]
enum Way {
    /// Whatever the compiler makes of plain code.
    Portable,
    /// AVX-512, AVX2 with FMA, NEON or the like.
    Native(Arch),
}

impl Level {
    /// The best one that this machine has.
    pub(crate) fn best() -> Self {
        match Arch::new() {
            Arch::Scalar => Self(Way::Portable),
            native => Self(Way::Native(native)),
        }
    }

    /// Every one that this machine has, the best one first.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::best()];
        #[cfg(target_arch = "x86_64")]
        if let Arch::V4(_) = Arch::new()
            && let Some(v3) = pulp::x86::V3::try_new()
        {
            all.push(Self(Way::Native(Arch::V3(v3))));
        }
        all.push(Self(Way::Portable));
        all
    }

    /// Computes `op` with this instruction set.
    pub(crate) fn run<O: WithSimd>(self, op: O) -> O::Output {
        match self.0 {
            Way::Portable => op.with_simd(Scalar256b),
            Way::Native(arch) => arch.dispatch(op),
        }
    }

    /// How many f32 a vector holds.
    pub(crate) fn lanes(self) -> usize {
        self.run(Lanes)
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// `a × b + c`, rounded once where the machine can and twice where once would need a function call.
#[inline(always)]
pub(super) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if TypeId::of::<S>() == TypeId::of::<Scalar256b>() {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_e_f32s(a, b, c)
    }
}

/// A polynomial at `x`, by Horner; the highest coefficient comes first.
#[inline(always)]
pub(super) fn polynomial<S: Simd, const N: usize>(
    simd: S,
    x: S::f32s,
    coefficients: [f32; N],
) -> S::f32s {
    let mut value = simd.splat_f32s(coefficients[0]);
    for coefficient in &coefficients[1..] {
        value = mul_add(simd, value, x, simd.splat_f32s(*coefficient));
    }
    value
}

/// `e` to the power of `x`, to about two units in the last place; NaN stays NaN.
///
/// Splits `x` into a whole number of `ln 2` and a rest, as Cephes does (Moshier, 1992).
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let splat = |value| simd.splat_f32s(value);
    // The second argument is what comes out where one of them is NaN.
    let x = simd.max_f32s(splat(-87.33), simd.min_f32s(splat(88.37), x));
    let rounded = mul_add(simd, x, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(rounded, splat(ROUND));
    // ln 2 in two parts, so that the product with the first is exact.
    let rest = mul_add(simd, n, splat(-0.693_359_4), x);
    let rest = mul_add(simd, n, splat(2.121_944_4e-4), rest);
    let tail = polynomial(
        simd,
        rest,
        [
            1.987_569_1e-4,
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ],
    );
    let square = simd.mul_f32s(rest, rest);
    let near = mul_add(simd, tail, square, simd.add_f32s(rest, splat(1.0)));
    let exponent = simd.wrapping_dyn_shl_u32s(
        simd.transmute_u32s_f32s(rounded),
        simd.splat_u32s(f32::MANTISSA_DIGITS - 1),
    );
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(near), exponent))
}

/// A function of one number, on vectors of them.
pub(super) trait Function {
    fn of<S: Simd>(&self, simd: S, x: S::f32s) -> S::f32s;
}

/// Replaces each number of `x` by the function's value.
///
/// A closure would not do: called at two places, it is not made part of its caller, and then every
/// instruction becomes a call.
#[inline(always)]
pub(super) fn map<S: Simd>(simd: S, x: &mut [f32], function: &impl Function) {
    let (vectors, tail) = S::as_mut_simd_f32s(x);
    for vector in vectors {
        *vector = function.of(simd, *vector);
    }
    if !tail.is_empty() {
        let value = function.of(simd, simd.partial_load_f32s(tail));
        simd.partial_store_f32s(tail, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::check;

    struct Exp<'a>(&'a mut [f32]);
    struct Power;

    impl Function for Power {
        #[inline(always)]
        fn of<S: Simd>(&self, simd: S, x: S::f32s) -> S::f32s {
            exp(simd, x)
        }
    }

    impl WithSimd for Exp<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            map(simd, self.0, &Power);
        }
    }

    #[test]
    fn exp_is_near_the_true_one() {
        let x: Vec<f32> = (-8700..8800).map(|nth| nth as f32 / 100.0).collect();
        for level in Level::all() {
            let mut y = x.clone();
            level.run(Exp(&mut y));
            for (x, y) in x.iter().zip(y) {
                let truth = f64::from(*x).exp();
                check(level, &format!("exp {x}"), f64::from(y) / truth, 1.0, 3e-7);
            }
        }
    }
}
