//! How actual durations differ from expected ones.

use serde::{Deserialize, Serialize};

use crate::draws::Draws;

/// A distribution of the factor by which the actual duration differs from the expected one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Always as expected.
    #[default]
    Exact,
    /// Log-normal with mean 1.
    LogNormal {
        /// The standard deviation of its logarithm.
        sigma: f64,
    },
    /// Exponential with mean 1.
    Exponential,
    /// The sum of `k` exponential parts, with mean 1: Erlang's distribution.
    Erlang {
        /// How many parts; at least 1.
        k: u32,
    },
    /// Anything between two factors alike.
    Uniform {
        /// The smallest factor.
        low: f64,
        /// The largest factor.
        high: f64,
    },
    /// One of these factors, each as likely as the others: what was measured.
    Empirical {
        /// The factors; at least one.
        factors: Vec<f64>,
    },
}

impl Spread {
    /// Whether it changes nothing.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact)
    }

    /// Its mean.
    pub fn mean(&self) -> f64 {
        match self {
            Self::Exact | Self::LogNormal { .. } | Self::Exponential | Self::Erlang { .. } => 1.0,
            Self::Uniform { low, high } => f64::midpoint(*low, *high),
            Self::Empirical { factors } => factors.iter().sum::<f64>() / factors.len() as f64,
        }
    }

    pub(crate) fn factor(&self, draws: &mut Draws) -> f64 {
        match self {
            Self::Exact => 1.0,
            Self::LogNormal { sigma } => (sigma * draws.normal() - sigma * sigma / 2.0).exp(),
            Self::Exponential => draws.exponential(),
            Self::Erlang { k } => {
                let sum: f64 = (0..*k).map(|_| draws.exponential()).sum();
                sum / f64::from(*k)
            }
            Self::Uniform { low, high } => low + (high - low) * draws.unit(),
            Self::Empirical { factors } => {
                let at = (u128::from(draws.bits()) * factors.len() as u128) >> 64;
                factors[at as usize]
            }
        }
    }

    /// What is wrong with its numbers: what it is, and what it must be.
    pub(crate) fn fault(&self) -> Option<(f64, &'static str)> {
        let is_factor = |value: f64| value.is_finite() && value >= 0.0;
        match self {
            Self::LogNormal { sigma } if !is_factor(*sigma) => {
                Some((*sigma, "finite and not negative"))
            }
            Self::Erlang { k: 0 } => Some((0.0, "at least 1")),
            Self::Uniform { low, high } if !(is_factor(*low) && is_factor(*high)) => Some((
                if is_factor(*low) { *high } else { *low },
                "finite and not negative",
            )),
            Self::Uniform { low, high } if low > high => Some((*low, "at most the largest factor")),
            Self::Empirical { factors } if factors.is_empty() => {
                Some((0.0, "a list of at least 1"))
            }
            Self::Empirical { factors } => {
                let bad = factors.iter().find(|factor| !is_factor(**factor))?;
                Some((*bad, "finite and not negative"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Purpose;

    #[test]
    fn factors_have_the_stated_mean() {
        for spread in [
            Spread::Exact,
            Spread::LogNormal { sigma: 0.5 },
            Spread::Exponential,
            Spread::Erlang { k: 3 },
            Spread::Uniform {
                low: 0.5,
                high: 2.5,
            },
            Spread::Empirical {
                factors: vec![1.0, 2.0, 6.0],
            },
        ] {
            assert_eq!(spread.fault(), None);
            let n = 100_000;
            let factor = |id| spread.factor(&mut Draws::new(1, Purpose::Work, id, 1));
            let mean = (0..n).map(factor).sum::<f64>() / f64::from(n);
            assert!(
                (mean / spread.mean() - 1.0).abs() < 0.02,
                "{spread:?} {mean}"
            );
        }
    }

    #[test]
    fn senseless_numbers_have_a_fault() {
        for spread in [
            Spread::LogNormal { sigma: f64::NAN },
            Spread::Erlang { k: 0 },
            Spread::Uniform {
                low: 2.0,
                high: 1.0,
            },
            Spread::Uniform {
                low: -1.0,
                high: 1.0,
            },
            Spread::Empirical {
                factors: Vec::new(),
            },
            Spread::Empirical {
                factors: vec![1.0, f64::INFINITY],
            },
        ] {
            assert!(spread.fault().is_some(), "{spread:?}");
        }
    }
}
