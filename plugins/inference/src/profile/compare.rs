//! Compares a run in modelled time with one in measured time.

use serde::{Deserialize, Serialize};

use super::outliers::{median, quantile};

/// The same figure of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// What it is.
    pub what: String,
    /// In measured time, in seconds: the median over repetitions.
    pub measured: f64,
    /// In modelled time, in seconds.
    pub modelled: f64,
    /// How far apart the repetitions of the measured one are: the widest from their median, as a share
    /// of it.
    pub scatter: f64,
}

impl Compared {
    /// By how much the modelled figure is off, as a share of the measured one; 0 if both are 0.
    pub fn error(&self) -> f64 {
        match (self.measured, self.modelled) {
            (measured, modelled) if measured == modelled => 0.0,
            (measured, modelled) => (modelled - measured) / measured,
        }
    }
}

/// The quantiles that are compared, with their names.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// p50, p95 and p99 of durations, each as the median over repetitions.
pub fn compare_quantiles(
    what: &str,
    measured: &[Vec<f64>],
    modelled: &[Vec<f64>],
) -> Vec<Compared> {
    let compare = |(name, share): (&str, f64)| {
        let of = |runs: &[Vec<f64>]| -> Vec<f64> {
            runs.iter().map(|run| quantile(run, share)).collect()
        };
        compare(&format!("{name} of {what}"), &of(measured), &of(modelled))
    };
    QUANTILES.into_iter().map(compare).collect()
}

/// One figure, of all repetitions of both.
pub fn compare(what: &str, measured: &[f64], modelled: &[f64]) -> Compared {
    let middle = median(measured);
    let away = measured.iter().map(|value| (value - middle).abs());
    Compared {
        what: what.to_owned(),
        measured: middle,
        modelled: median(modelled),
        scatter: if middle == 0.0 {
            0.0
        } else {
            away.fold(0.0, f64::max) / middle
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_what_was_measured() {
        for (measured, modelled, error) in [(2.0, 2.1, 0.05), (2.0, 1.0, -0.5), (0.0, 0.0, 0.0)] {
            let compared = compare("makespan", &[measured; 3], &[modelled]);
            assert!((compared.error() - error).abs() < 1e-12, "{compared:?}");
        }
        let compared = compare("makespan", &[1.0, 2.0, 4.0], &[2.0]);
        assert_eq!((compared.measured, compared.scatter), (2.0, 1.0));
    }

    #[test]
    fn quantiles_are_those_of_each_repetition() {
        let runs = [
            vec![1.0, 2.0, 3.0],
            vec![3.0, 4.0, 5.0],
            vec![2.0, 3.0, 4.0],
        ];
        let compared = compare_quantiles("latency", &runs, &runs[..1]);
        assert_eq!(compared[0].what, "p50 of latency");
        assert_eq!((compared[0].measured, compared[0].modelled), (3.0, 2.0));
        assert_eq!(compared.len(), 3);
    }
}
