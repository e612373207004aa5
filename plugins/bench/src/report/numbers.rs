//! The statistics of the report: means, paired differences, gaps, winners.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{cells::Cells, drawings::unit_text};
use crate::{
    metric::{Metric, Quantity, metric_text},
    run::Unit,
    stats::{Interval, mean_interval},
    store::Done,
};

const CONFIDENCE: f64 = 0.95;
/// Values that differ by less, relative to the larger, are the same: sums are added up differently.
const SAME: f64 = 1e-9;

/// Something that each cell has a number for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Metric(Metric),
    /// Seconds that the cell took on this machine.
    Wall,
}

/// What the page says of a column.
#[derive(Debug, Serialize)]
struct ColumnText {
    label: &'static str,
    kind: &'static str,
    unit: &'static str,
    more_is_better: bool,
}

/// An interval as a short JSON array: n, mean, half width.
type Short = (u32, f64, Option<f64>);

/// A paired difference: n, mean, half width, the same in percent of the baseline (if that is above
/// 0 in each pair), and 1 if the other is better than the baseline, -1 if worse, 0 if 0 is not
/// excluded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Pair(u32, f64, Option<f64>, Option<(f64, Option<f64>)>, i8);

/// All numbers of the report. Lists are by column, input, runner, in this order.
#[derive(Debug, Serialize)]
pub(super) struct Numbers<'a> {
    summary: String,
    inputs: Vec<&'a str>,
    runners: Vec<String>,
    columns: Vec<ColumnText>,
    /// The position of the main metric among the columns.
    main: usize,
    /// Over the (input, seed) cells of a runner.
    means: Vec<Vec<Option<Short>>>,
    /// By column, baseline and other.
    pairs: Vec<Vec<Vec<Option<Pair>>>>,
    /// Over the seeds of an input.
    values: Vec<Vec<Vec<Option<Short>>>>,
    /// The runners that are best, by column and input.
    winners: Vec<Vec<Vec<usize>>>,
    /// Inputs on which the one is better than the other, as good, worse; by mean over shared seeds.
    wins: Vec<Vec<Vec<[u32; 3]>>>,
    lower_bounds: Vec<Option<f64>>,
    best_known: Vec<Option<f64>>,
    /// What gaps are measured from; empty if from nothing.
    gap_to: &'static str,
    /// In percent, by input and runner, of the main metric.
    gaps: Vec<Vec<Option<f64>>>,
    /// Over the (input, seed) cells of a runner that have one.
    mean_gaps: Vec<Option<Short>>,
    /// Input, runner, seed and reason.
    failed: Vec<(usize, usize, u64, &'a str)>,
}

impl Column {
    fn all() -> Vec<Self> {
        let metrics = Metric::ALL.iter().copied().map(Self::Metric);
        metrics.chain([Self::Wall]).collect()
    }

    fn of(self, done: &Done) -> f64 {
        match self {
            Self::Metric(metric) => done.metrics.get(metric),
            Self::Wall => done.wall_secs,
        }
    }

    fn is_more_better(self) -> bool {
        matches!(self, Self::Metric(metric) if metric.is_more_better())
    }

    fn text(self, unit: Unit) -> ColumnText {
        let (label, kind, unit) = match self {
            Self::Wall => ("wall time", "amount", "s"),
            Self::Metric(metric) => match metric.quantity() {
                Quantity::Share => (metric.label(), "share", "%"),
                Quantity::Time => (metric.label(), "amount", unit_text(unit)),
                Quantity::Count | Quantity::Amount => (metric.label(), "amount", ""),
            },
        };
        let more_is_better = self.is_more_better();
        ColumnText {
            label,
            kind,
            unit,
            more_is_better,
        }
    }

    /// 1 if `a` is better than `b`, -1 if worse, 0 if as good.
    fn compare(self, a: f64, b: f64) -> i8 {
        if (a - b).abs() <= SAME * a.abs().max(b.abs()) {
            0
        } else if (a > b) == self.is_more_better() {
            1
        } else {
            -1
        }
    }
}

fn short(values: &[f64]) -> Option<Short> {
    let interval = mean_interval(values, CONFIDENCE)?;
    Some((interval.n, interval.mean, interval.half_width))
}

impl<'a> Numbers<'a> {
    pub(super) fn of(cells: &Cells<'a>, best: &BTreeMap<String, f64>) -> Self {
        let columns = Column::all();
        let (main, unit) = (main_metric(cells, best), unit(cells));
        let by_runner: Vec<_> = (0..cells.runners.len())
            .map(|n| cells.of_runner(n))
            .collect();
        let best_known: Vec<_> = cells
            .inputs
            .iter()
            .map(|name| best.get(*name).copied())
            .collect();
        let lower_bounds = lower_bounds(cells);
        let (gap_to, reference) = match best_known.iter().any(Option::is_some) {
            true => ("best known", &best_known),
            false if lower_bounds.iter().any(Option::is_some) => ("lower bound", &lower_bounds),
            false => ("", &lower_bounds),
        };
        let gaps: Vec<_> = by_runner
            .iter()
            .map(|cells| Gaps::of(cells, main, reference))
            .collect();
        let values: Vec<_> = columns
            .iter()
            .map(|column| values(cells, *column))
            .collect();
        let mut numbers = Self {
            summary: String::new(),
            inputs: cells.inputs.clone(),
            runners: cells.runners.clone(),
            columns: columns.iter().map(|column| column.text(unit)).collect(),
            main: main as usize,
            means: columns
                .iter()
                .map(|column| means(&by_runner, *column))
                .collect(),
            pairs: columns
                .iter()
                .map(|column| pairs(&by_runner, *column))
                .collect(),
            winners: columns
                .iter()
                .zip(&values)
                .map(|(c, v)| winners(*c, v))
                .collect(),
            wins: columns
                .iter()
                .map(|column| wins(&by_runner, *column))
                .collect(),
            gaps: by_input(cells.inputs.len(), by_runner.len(), |input, runner| {
                gaps[runner].of_input(input)
            }),
            values,
            lower_bounds,
            best_known,
            gap_to,
            mean_gaps: gaps.iter().map(Gaps::mean).collect(),
            failed: failed(cells),
        };
        numbers.summary = numbers.summary(cells, main, unit);
        numbers
    }

    fn summary(&self, cells: &Cells<'_>, main: Metric, unit: Unit) -> String {
        let (n_done, n_failed) = (cells.done.len(), cells.failed.len());
        let mut text = format!(
            "{} on {}: {} done, {n_failed} failed.",
            counted(self.runners.len(), "runner"),
            counted(self.inputs.len(), "input"),
            counted(n_done, "cell"),
        );
        let winners = &self.winners[self.main];
        let n_best = |runner: usize| winners.iter().filter(|best| best.contains(&runner)).count();
        // The first of those that are best on most inputs.
        let first = (0..self.runners.len())
            .rev()
            .max_by_key(|runner| n_best(*runner));
        if let Some(first) = first.filter(|runner| n_best(*runner) > 0) {
            text += &format!(
                " By {}, {} is best or as good as the best on {} of {}",
                main.label(),
                self.runners[first],
                n_best(first),
                counted(self.inputs.len(), "input"),
            );
            if let Some((_, mean, _)) = self.means[self.main][first] {
                text += &format!(", with a mean of {}", metric_text(main, mean, unit));
            }
            if let Some((_, gap, _)) = self.mean_gaps[first] {
                text += &format!(" and a mean gap of {gap:.2} % to the {}", self.gap_to);
            }
            text.push('.');
        }
        text
    }
}

/// `1 input`, `2 inputs`.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn main_metric(cells: &Cells<'_>, best: &BTreeMap<String, f64>) -> Metric {
    let is_instance = cells.done.values().any(|done| done.unit == Unit::Own);
    if is_instance || cells.inputs.iter().any(|name| best.contains_key(*name)) {
        Metric::Makespan
    } else {
        Metric::LatencyMean
    }
}

/// Seconds only if all cells are in seconds.
fn unit(cells: &Cells<'_>) -> Unit {
    let mut units = cells.done.values().map(|done| done.unit);
    units.find(|unit| *unit == Unit::Own).unwrap_or_default()
}

/// The tightest that any cell found, by input.
fn lower_bounds(cells: &Cells<'_>) -> Vec<Option<f64>> {
    let mut bounds = vec![None; cells.inputs.len()];
    for (place, done) in &cells.done {
        let bound: &mut Option<f64> = &mut bounds[place.input];
        if let Some(found) = done.lower_bound {
            *bound = Some(bound.map_or(found, |bound| bound.max(found)));
        }
    }
    bounds
}

fn failed<'a>(cells: &Cells<'a>) -> Vec<(usize, usize, u64, &'a str)> {
    let failed = cells.failed.iter();
    failed
        .map(|(place, why)| (place.input, place.runner, place.seed, *why))
        .collect()
}

type OfRunner<'a> = BTreeMap<(usize, u64), &'a Done>;

fn means(by_runner: &[OfRunner<'_>], column: Column) -> Vec<Option<Short>> {
    let of = |cells: &OfRunner<'_>| {
        let values: Vec<f64> = cells.values().map(|done| column.of(done)).collect();
        short(&values)
    };
    by_runner.iter().map(of).collect()
}

fn by_input<T>(n_inputs: usize, n_runners: usize, of: impl Fn(usize, usize) -> T) -> Vec<Vec<T>> {
    let row = |input| (0..n_runners).map(|runner| of(input, runner)).collect();
    (0..n_inputs).map(row).collect()
}

fn values(cells: &Cells<'_>, column: Column) -> Vec<Vec<Option<Short>>> {
    by_input(cells.inputs.len(), cells.runners.len(), |input, runner| {
        let seeds = cells.seeds(input, runner);
        let values: Vec<f64> = seeds.map(|(_, done)| column.of(done)).collect();
        short(&values)
    })
}

fn winners(column: Column, values: &[Vec<Option<Short>>]) -> Vec<Vec<usize>> {
    let of_input = |values: &Vec<Option<Short>>| {
        let means = || {
            values
                .iter()
                .enumerate()
                .filter_map(|(n, v)| Some((n, (*v)?.1)))
        };
        let is_best = |mean| means().all(|(_, other)| column.compare(mean, other) >= 0);
        means()
            .filter(|(_, mean)| is_best(*mean))
            .map(|(n, _)| n)
            .collect()
    };
    values.iter().map(of_input).collect()
}

/// Both values of each (input, seed) that both ran.
fn shared<'a>(
    a: &'a OfRunner<'_>,
    b: &'a OfRunner<'_>,
    column: Column,
) -> impl Iterator<Item = (usize, f64, f64)> + 'a {
    a.iter().filter_map(move |(place, done)| {
        let other = b.get(place)?;
        Some((place.0, column.of(done), column.of(other)))
    })
}

fn pairs(by_runner: &[OfRunner<'_>], column: Column) -> Vec<Vec<Option<Pair>>> {
    by_input(by_runner.len(), by_runner.len(), |baseline, other| {
        pair(
            shared(&by_runner[other], &by_runner[baseline], column).collect(),
            column,
        )
    })
}

/// Of (input, value, value of the baseline).
fn pair(values: Vec<(usize, f64, f64)>, column: Column) -> Option<Pair> {
    let differences: Vec<f64> = values.iter().map(|(_, value, base)| value - base).collect();
    let interval: Interval = mean_interval(&differences, CONFIDENCE)?;
    let percent: Vec<f64> = values
        .iter()
        .filter(|(_, _, base)| *base > 0.0)
        .map(|(_, value, base)| 100.0 * (value / base - 1.0))
        .collect();
    let percent = (percent.len() == values.len())
        .then(|| short(&percent))
        .flatten();
    let mark = match interval.excludes_zero() {
        true if (interval.mean > 0.0) == column.is_more_better() => 1,
        true => -1,
        false => 0,
    };
    Some(Pair(
        interval.n,
        interval.mean,
        interval.half_width,
        percent.map(|(_, mean, half)| (mean, half)),
        mark,
    ))
}

fn wins(by_runner: &[OfRunner<'_>], column: Column) -> Vec<Vec<[u32; 3]>> {
    by_input(by_runner.len(), by_runner.len(), |a, b| {
        // Sums over shared seeds compare as means do.
        let mut sums = BTreeMap::<usize, (f64, f64)>::new();
        for (input, value, other) in shared(&by_runner[a], &by_runner[b], column) {
            let sum = sums.entry(input).or_default();
            *sum = (sum.0 + value, sum.1 + other);
        }
        let mut counts = [0; 3];
        for (value, other) in sums.into_values() {
            counts[(1 - column.compare(value, other)) as usize] += 1;
        }
        counts
    })
}

/// In percent, of the cells of one runner.
struct Gaps(Vec<(usize, f64)>);

impl Gaps {
    fn of(cells: &OfRunner<'_>, main: Metric, reference: &[Option<f64>]) -> Self {
        let gap = |(&(input, _), done): (&(usize, u64), &&Done)| {
            let reference = reference[input].filter(|value| *value > 0.0)?;
            Some((input, 100.0 * (done.metrics.get(main) / reference - 1.0)))
        };
        Self(cells.iter().filter_map(gap).collect())
    }

    fn mean(&self) -> Option<Short> {
        let gaps: Vec<f64> = self.0.iter().map(|(_, gap)| *gap).collect();
        short(&gaps)
    }

    fn of_input(&self, input: usize) -> Option<f64> {
        let gaps = self.0.iter().filter(|(of, _)| *of == input);
        let gaps: Vec<f64> = gaps.map(|(_, gap)| *gap).collect();
        Some(short(&gaps)?.1)
    }
}

#[cfg(test)]
mod tests;
