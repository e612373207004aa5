//! What is wanted: `p95 < 2s`, `failed <= 0`, `missed < 5%`, `throughput >= 30/min`.

use std::fmt;

use serde::Serialize;

use crate::{
    metric::{Metric, Quantity, rounded},
    stats::{Interval, mean_interval},
};

/// How sure it must be that a goal is met.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// Something that a configuration has a number for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A metric of its runs.
    Metric(Metric),
    /// How many replicas it has.
    Replicas,
}

/// On which side of the bound it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Less than the bound.
    Below,
    /// At most the bound.
    AtMost,
    /// More than the bound.
    Above,
    /// At least the bound.
    AtLeast,
}

/// A goal: a measure and the bound that it must keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Of what.
    pub measure: Measure,
    /// Which side is good.
    pub comparison: Comparison,
    /// In seconds, shares, or whatever the measure counts.
    pub bound: f64,
}

/// Whether goals are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// No.
    No,
    /// On average, but too little is known to be sure.
    Unsure,
    /// With 95 % confidence; of a single run, that one does.
    Yes,
}

/// Why a goal or an aim cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoalError {
    /// There is nothing to compare with.
    #[error("{text:?} compares nothing; write for example \"p95 < 2s\", with <, <=, > or >=")]
    NoComparison {
        /// What was given.
        text: String,
    },
    /// Nothing that is measured has this name.
    #[error("nothing that is measured is called {name:?}; there are {}", known())]
    UnknownMeasure {
        /// The name.
        name: String,
    },
    /// The bound is no number with a unit of its measure.
    #[error("{name} cannot be compared with {text:?}; give {must}")]
    BadBound {
        /// The measure.
        name: String,
        /// The bound.
        text: String,
        /// What it may be.
        must: &'static str,
    },
}

const TIMES: [(&str, f64); 6] = [
    ("ms", 0.001),
    ("s", 1.0),
    ("min", 60.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("", 1.0),
];
const SHARES: [(&str, f64); 2] = [("%", 0.01), ("", 1.0)];
const RATES: [(&str, f64); 4] = [
    ("/s", 1.0),
    ("/min", 1.0 / 60.0),
    ("/h", 1.0 / 3600.0),
    ("", 1.0),
];
const PLAIN: [(&str, f64); 1] = [("", 1.0)];

fn known() -> String {
    let short = "p50, p90, p95, p99, mean, max (latency of tasks), replicas, cost (of having the \
                 resources), work_cost, missed, failed";
    let shown = [
        Metric::Makespan,
        Metric::Throughput,
        Metric::Energy,
        Metric::WaitMean,
        Metric::WaitP95,
        Metric::Utilisation,
        Metric::Unfairness,
        Metric::WeightedCompletion,
        Metric::WeightedTardiness,
    ];
    format!("{short}, {}", shown.map(Metric::name).join(", "))
}

impl Measure {
    /// Reads the name of something that is measured; `cost` is that of having all resources.
    ///
    /// # Errors
    /// If nothing has this name.
    pub fn parse(text: &str) -> Result<Self, GoalError> {
        let metric = match text.trim().to_lowercase().as_str() {
            "replicas" => return Ok(Self::Replicas),
            "cost" => Some(Metric::HoldingCost),
            "work_cost" => Some(Metric::Cost),
            _ => Metric::parse(text),
        };
        metric
            .map(Self::Metric)
            .ok_or_else(|| GoalError::UnknownMeasure {
                name: text.trim().to_owned(),
            })
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Metric(Metric::HoldingCost) => "cost",
            Self::Metric(Metric::Cost) => "cost of work",
            Self::Metric(metric) => metric.label(),
            Self::Replicas => "replicas",
        }
    }

    /// Whether more of it is better.
    pub fn is_more_better(self) -> bool {
        matches!(self, Self::Metric(metric) if metric.is_more_better())
    }

    /// What a number of it is multiplied with, and the unit that follows, to be read by people.
    pub(crate) fn scale(self) -> (f64, &'static str) {
        match self {
            Self::Metric(Metric::Throughput) => (1.0, "/s"),
            Self::Metric(Metric::Energy) => (1.0, "J"),
            Self::Metric(metric) => match metric.quantity() {
                Quantity::Time => (1.0, "s"),
                Quantity::Share => (100.0, "%"),
                Quantity::Count | Quantity::Amount => (1.0, ""),
            },
            Self::Replicas => (1.0, ""),
        }
    }

    /// A number of it for people: `1.62 s`.
    pub fn text(self, value: f64) -> String {
        let (factor, unit) = self.scale();
        with_unit(&rounded(value * factor), unit)
    }

    /// A mean and how sure it is, for people: `1.62 ± 0.05 s`.
    pub fn interval_text(self, interval: &Interval) -> String {
        let (factor, unit) = self.scale();
        let (mean, half) = (interval.mean * factor, interval.half_width.unwrap_or(0.0));
        let (half, digits) = (half * factor, self.digits(interval));
        if half < 0.5 * 10_f64.powi(-(digits as i32)) {
            return with_unit(&rounded(mean), unit);
        }
        with_unit(&format!("{mean:.digits$} ± {half:.digits$}"), unit)
    }

    /// A number of it for people, with as many digits as the mean of `interval` deserves.
    pub(crate) fn text_as_exact(self, value: f64, interval: &Interval) -> String {
        let (factor, unit) = self.scale();
        let digits = self.digits(interval);
        with_unit(&format!("{:.digits$}", value * factor), unit)
    }

    /// The mean is as exact as two digits of its uncertainty, and four of its own at most.
    fn digits(self, interval: &Interval) -> usize {
        let factor = self.scale().0;
        let half = interval.half_width.unwrap_or(0.0) * factor;
        digits_of(half, 2).min(digits_of(interval.mean * factor, 4))
    }

    /// The units that a bound of it may have.
    fn units(self) -> (&'static [(&'static str, f64)], &'static str) {
        match self {
            Self::Metric(Metric::Throughput) => (&RATES, "tasks by time, as in 2/s, 30/min or 5/h"),
            Self::Metric(metric) => match metric.quantity() {
                Quantity::Time => (&TIMES, "a time, as in 500ms, 2s, 3min or 1h"),
                Quantity::Share => (&SHARES, "a share, as in 5% or 0.05"),
                Quantity::Count => (&PLAIN, "a number, as in 3, or a share, as in 5%"),
                Quantity::Amount => (&PLAIN, "a number without a unit, as in 0.5"),
            },
            Self::Replicas => (&PLAIN, "a number, as in 4"),
        }
    }
}

/// Digits after the point of so many significant ones.
fn digits_of(value: f64, n_significant: i32) -> usize {
    if value == 0.0 {
        return 9;
    }
    (n_significant - 1 - value.abs().log10().floor() as i32).clamp(0, 9) as usize
}

fn with_unit(number: &str, unit: &str) -> String {
    match unit {
        "" => number.to_owned(),
        "/s" => format!("{number}/s"),
        unit => format!("{number} {unit}"),
    }
}

impl Comparison {
    /// Longer signs first, so that they are found.
    const SIGNS: [(&'static str, Self); 6] = [
        ("<=", Self::AtMost),
        ("≤", Self::AtMost),
        (">=", Self::AtLeast),
        ("≥", Self::AtLeast),
        ("<", Self::Below),
        (">", Self::Above),
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::AtMost => "at most",
            Self::Above => "above",
            Self::AtLeast => "at least",
        }
    }

    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
        }
    }

    /// Whether small values are good.
    pub fn wants_less(self) -> bool {
        matches!(self, Self::Below | Self::AtMost)
    }
}

impl Goal {
    /// Reads a list of goals with commas between.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, GoalError> {
        text.split(',').map(Self::parse).collect()
    }

    /// Reads a goal such as `p95 < 2s`. A number of misses or failures with `%` is a share of all.
    ///
    /// # Errors
    /// If it compares nothing that is measured with a bound of its kind.
    pub fn parse(text: &str) -> Result<Self, GoalError> {
        let mut signs = Comparison::SIGNS.iter();
        let split = signs.find_map(|(sign, comparison)| {
            let (left, right) = text.split_once(sign)?;
            Some((left.trim(), *comparison, right.trim()))
        });
        let (name, comparison, bound) = split.ok_or_else(|| GoalError::NoComparison {
            text: text.trim().to_owned(),
        })?;
        let mut measure = Measure::parse(name)?;
        let must = measure.units().1;
        if bound.ends_with('%') {
            measure = match measure {
                Measure::Metric(Metric::DeadlineMisses) => Measure::Metric(Metric::MissedShare),
                Measure::Metric(Metric::Failed) => Measure::Metric(Metric::FailedShare),
                other => other,
            };
        }
        let at = bound
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(bound.len());
        let (digits, unit) = (&bound[..at], bound[at..].trim());
        let mut units = measure.units().0.iter();
        let factor = units.find(|(name, _)| *name == unit);
        let value = digits
            .parse::<f64>()
            .ok()
            .zip(factor)
            .map(|(number, (_, factor))| number * factor);
        let bound = value.ok_or_else(|| GoalError::BadBound {
            name: name.to_owned(),
            text: bound.to_owned(),
            must,
        })?;
        Ok(Self {
            measure,
            comparison,
            bound,
        })
    }

    /// Whether runs with these values meet it, and how sure that is. Without values, they do not.
    pub fn judge(&self, values: &[f64]) -> (Interval, Met) {
        let Some(interval) = mean_interval(values, CONFIDENCE) else {
            return (Interval::default(), Met::No);
        };
        let half = interval.half_width.unwrap_or(0.0);
        let worst = if self.comparison.wants_less() {
            interval.mean + half
        } else {
            interval.mean - half
        };
        let met = if self.comparison.holds(worst, self.bound) {
            Met::Yes
        } else if self.comparison.holds(interval.mean, self.bound) {
            Met::Unsure
        } else {
            Met::No
        };
        (interval, met)
    }

    /// By how much of the bound a value misses it; not above 0 if it does not. 1 is twice the bound,
    /// or half of it where more is wanted.
    pub fn miss(&self, value: f64) -> f64 {
        let by = if self.comparison.wants_less() {
            (value - self.bound, self.bound)
        } else {
            (self.bound - value, value)
        };
        if by.1 == 0.0 { by.0 } else { by.0 / by.1.abs() }
    }
}

/// `p95 latency below 2 s`.
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, unit) = self.measure.scale();
        // As it was given, without what the unit adds in rounding.
        let bound = (self.bound * factor * 1e9).round() / 1e9;
        let bound = with_unit(&bound.to_string(), unit);
        write!(
            f,
            "{} {} {bound}",
            self.measure.label(),
            self.comparison.word()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read() {
        for (text, expected, bound) in [
            ("p95 < 2s", "p95 latency below 2 s", 2.0),
            ("p90<=500ms", "p90 latency at most 0.5 s", 0.5),
            ("mean < 2 min", "mean latency below 120 s", 120.0),
            ("max < 3", "largest latency below 3 s", 3.0),
            ("missed < 5%", "share of deadlines missed below 5 %", 0.05),
            ("missed <= 3", "deadlines missed at most 3", 3.0),
            ("failed <= 0", "tasks failed at most 0", 0.0),
            ("throughput >= 30/min", "throughput at least 0.5/s", 0.5),
            ("utilisation > 0.6", "utilisation above 60 %", 0.6),
            ("cost ≤ 0.5", "cost at most 0.5", 0.5),
            ("replicas <= 4", "replicas at most 4", 4.0),
        ] {
            let goal = Goal::parse(text).unwrap();
            assert_eq!((goal.to_string().as_str(), goal.bound), (expected, bound));
        }
        assert_eq!(Goal::parse_list("p95 < 2s, failed <= 0").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_goal_is_refused() {
        for (text, words) in [
            ("", "compares nothing"),
            ("p95", "\"p95\" compares nothing"),
            ("p95 = 2s", "with <, <=, > or >="),
            (
                "p42 < 2s",
                "nothing that is measured is called \"p42\"; there are p50, p90",
            ),
            ("p95 < 2", ""),
            (
                "p95 < two",
                "p95 cannot be compared with \"two\"; give a time",
            ),
            ("p95 < -1s", "cannot be compared"),
            ("p95 < 5%", "give a time"),
            ("p95 < 2 d", "give a time, as in 500ms"),
            ("missed < 5s", "give a number, as in 3, or a share"),
            ("cost < 2s", "a number without a unit"),
            ("throughput > 3 s", "tasks by time"),
            ("p95 < 1..2s", "cannot be compared"),
        ] {
            match Goal::parse(text) {
                Ok(_) => assert_eq!(words, "", "{text}"),
                Err(error) => assert!(error.to_string().contains(words), "{text}: {error}"),
            }
        }
    }

    #[test]
    fn goals_are_met_with_confidence() {
        let goal = Goal::parse("p95 < 2s").unwrap();
        for (values, expected) in [
            (&[1.9][..], Met::Yes),
            (&[2.0], Met::No),
            (&[1.0, 1.1, 0.9], Met::Yes),
            (&[1.0, 2.9, 1.0], Met::Unsure),
            (&[1.0, 3.1, 2.0], Met::No),
            (&[], Met::No),
        ] {
            assert_eq!(goal.judge(values).1, expected, "{values:?}");
        }
        let more = Goal::parse("throughput >= 2").unwrap();
        assert_eq!(more.judge(&[2.0, 2.0]).1, Met::Yes);
        assert_eq!(more.judge(&[1.0, 4.0]).1, Met::Unsure);
    }

    #[test]
    fn misses_are_shares_of_the_bound() {
        for (text, value, expected) in [
            ("p95 < 2s", 4.0, 1.0),
            ("p95 < 2s", 1.0, -0.5),
            ("throughput > 4", 2.0, 1.0),
            ("failed <= 0", 3.0, 3.0),
            ("throughput > 4", 0.0, 4.0),
        ] {
            assert_eq!(Goal::parse(text).unwrap().miss(value), expected, "{text}");
        }
    }

    #[test]
    fn means_are_as_exact_as_their_uncertainty() {
        let p95 = Measure::parse("p95").unwrap();
        for (mean, half, expected) in [
            (1.62345, Some(0.0512), "1.623 ± 0.051 s"),
            (123.456, Some(12.3), "123 ± 12 s"),
            (0.5, None, "0.5000 s"),
            (1.0, Some(1e-12), "1 s"),
            (0.0, Some(0.0), "0 s"),
            (0.020_063_6, Some(0.000_004_8), "0.02006 s"),
            (4.87, Some(5.31), "4.9 ± 5.3 s"),
        ] {
            let interval = Interval {
                n: 5,
                mean,
                half_width: half,
            };
            assert_eq!(p95.interval_text(&interval), expected);
        }
    }
}
