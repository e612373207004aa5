//! Cheap random numbers that depend on seed, purpose and id alone, never on the order of drawing.
//!
//! A counter goes through the finaliser of `SplitMix64`: Steele, Lea, Flood (2014), "Fast splittable
//! pseudorandom number generators". There is no state to set up, so a draw costs some nanoseconds.

/// What a number is drawn for: two purposes never see the same numbers.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// How much a subtask's actual work differs from the expected.
    Work = 1,
    /// How much a batch of a resource takes longer or shorter than expected.
    Batch = 2,
    /// When a resource fails and is mended.
    Outage = 3,
}

/// Numbers of one purpose and id.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    state: u64,
}

/// 2⁶⁴ over the golden ratio: steps that cover all states.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Draws {
    /// The numbers number `n` of `id` within `purpose`.
    pub(crate) fn new(seed: u64, purpose: Purpose, id: u32, n: u32) -> Self {
        let what = mix(seed.wrapping_add(STEP.wrapping_mul(purpose as u64)));
        let state = mix(what ^ (u64::from(id) << 32 | u64::from(n)));
        Self { state }
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// Between 0 and 1, never 0.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }

    /// Standard normal, after Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_seed_purpose_and_ids() {
        let first = |seed, purpose, id, n| Draws::new(seed, purpose, id, n).bits();
        let base = first(1, Purpose::Work, 7, 1);
        assert_eq!(base, first(1, Purpose::Work, 7, 1));
        for other in [
            first(2, Purpose::Work, 7, 1),
            first(1, Purpose::Batch, 7, 1),
            first(1, Purpose::Work, 8, 1),
            first(1, Purpose::Work, 7, 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn moments_are_right() {
        let n = 200_000;
        let (mut unit, mut exponential, mut normal, mut square) = (0.0, 0.0, 0.0, 0.0);
        for id in 0..n {
            let mut draws = Draws::new(3, Purpose::Batch, id, 0);
            unit += draws.unit();
            exponential += draws.exponential();
            let z = draws.normal();
            normal += z;
            square += z * z;
        }
        let mean = |sum: f64| sum / f64::from(n);
        for (sum, expected) in [
            (unit, 0.5),
            (exponential, 1.0),
            (normal, 0.0),
            (square, 1.0),
        ] {
            assert!((mean(sum) - expected).abs() < 0.01, "{sum} {expected}");
        }
    }
}
