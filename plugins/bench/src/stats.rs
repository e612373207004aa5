//! Means with confidence intervals, by Student's t.
//!
//! The distribution function follows from the regularised incomplete beta function, which is
//! evaluated by its continued fraction (Lentz's method): Press, Teukolsky, Vetterling, Flannery
//! (2007), "Numerical recipes", 6.4 and 6.14; the logarithm of the gamma function is Lanczos's.

use serde::{Deserialize, Serialize};

/// A mean and how sure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// How many values there are.
    pub n: u32,
    /// Their mean.
    pub mean: f64,
    /// Half the width of the confidence interval; `None` for fewer than two values.
    pub half_width: Option<f64>,
}

impl Interval {
    /// Whether the whole interval lies on one side of 0; never for fewer than two values.
    pub fn excludes_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

/// The mean of `values` with the interval that holds the true mean of their (normal) distribution
/// with probability `confidence`, such as 0.95. `None` if there are no values.
pub fn mean_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let half_width = (values.len() >= 2).then(|| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        // Without spread there is nothing to multiply, and rounding would make some.
        if error <= mean.abs() * 1e-15 {
            0.0
        } else {
            error * t_quantile(0.5 + confidence / 2.0, n - 1.0)
        }
    });
    Some(Interval {
        n: values.len() as u32,
        mean,
        half_width,
    })
}

/// The value that a variable of Student's t distribution with `freedom` degrees of freedom (at
/// least 1) stays below with probability `p`, which is between 0 and 1.
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -t_quantile(1.0 - p, freedom);
    }
    let mut high = 1.0;
    while t_below(high, freedom) < p && high < 1e300 {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if t_below(middle, freedom) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The probability that a t-distributed variable stays below `t`, which is not negative.
fn t_below(t: f64, freedom: f64) -> f64 {
    1.0 - 0.5 * beta_share(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// The regularised incomplete beta function.
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..400 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            fraction *= d * c;
        }
        if (fraction / before - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

fn ln_gamma(x: f64) -> f64 {
    const LANCZOS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let t = x + 7.5;
    let series = LANCZOS[1..]
        .iter()
        .zip(1..)
        .fold(LANCZOS[0], |sum, (factor, n)| {
            sum + factor / (x + f64::from(n))
        });
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + series.ln()
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

    use super::*;

    /// Quantiles as the tables of textbooks give them.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, freedom, expected) in [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.975, 4.0, 2.776_445_105),
            (0.975, 9.0, 2.262_157_163),
            (0.975, 29.0, 2.045_229_642),
            (0.975, 1e6, 1.959_966_358),
            (0.95, 5.0, 2.015_048_373),
            (0.995, 10.0, 3.169_272_673),
            (0.9995, 3.0, 12.923_978_636),
            (0.025, 9.0, -2.262_157_163),
            (0.5, 7.0, 0.0),
        ] {
            let found = t_quantile(p, freedom);
            assert!(
                (found - expected).abs() < 1e-6,
                "t({p}, {freedom}) = {found}, not {expected}"
            );
        }
    }

    #[test]
    fn an_interval_by_hand() {
        // Mean 3, standard deviation sqrt(2.5), t(0.975, 4) = 2.7764.
        let interval = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
        assert_eq!((interval.n, interval.mean), (5, 3.0));
        assert!((interval.half_width.unwrap() - 1.963_243_1).abs() < 1e-6);
        assert!(interval.excludes_zero());
        assert_eq!(mean_interval(&[], 0.95), None);
        assert_eq!(mean_interval(&[2.0], 0.95).unwrap().half_width, None);
        assert_eq!(
            mean_interval(&[0.1; 7], 0.95).unwrap().half_width,
            Some(0.0)
        );
    }

    /// Of 4000 samples of five normal values, so many intervals hold the true mean as they promise:
    /// within four standard errors.
    #[test]
    fn intervals_cover_what_they_promise() {
        let mut rng = SmallRng::seed_from_u64(7);
        for confidence in [0.8, 0.95] {
            let n = 4000;
            let hits = (0..n)
                .filter(|_| {
                    let sample: [f64; 5] = std::array::from_fn(|_| 10.0 + 3.0 * normal(&mut rng));
                    let interval = mean_interval(&sample, confidence).unwrap();
                    (interval.mean - 10.0).abs() <= interval.half_width.unwrap()
                })
                .count();
            let error = (confidence * (1.0 - confidence) / f64::from(n)).sqrt();
            let share = hits as f64 / f64::from(n);
            assert!(
                (share - confidence).abs() < 4.0 * error,
                "{share} of the intervals hold the mean, not {confidence}"
            );
        }
    }

    /// Box and Muller (1958).
    fn normal(rng: &mut SmallRng) -> f64 {
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
        radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
    }
}
