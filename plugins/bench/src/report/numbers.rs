//! The statistics of the report: means, paired differences, gaps, winners.

mod gaps;
mod pairs;
mod sample;

use serde::Serialize;

use self::{
    gaps::{Gaps, References},
    pairs::{Pair, pairs, wins},
    sample::{OfRunner, Over, short},
};
use super::{cells::Cells, drawings::unit_text};
use crate::{
    best::BestKnown,
    metric::{Metric, Quantity, metric_text},
    run::Unit,
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

/// All numbers of the report. Lists are by column, input, runner, in this order.
#[derive(Debug, Serialize)]
pub(super) struct Numbers<'a> {
    summary: String,
    inputs: Vec<&'a str>,
    runners: Vec<String>,
    columns: Vec<ColumnText>,
    /// The position of the main metric among the columns.
    main: usize,
    /// What means and paired differences are taken over: "inputs" or "seeds".
    over: &'static str,
    /// What is to be known of the units; may be empty.
    caution: &'static str,
    /// How many cells of each runner are done.
    n_cells: Vec<usize>,
    /// By column and runner.
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
    /// Of the inputs that have a reference.
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

impl<'a> Numbers<'a> {
    /// `main` leads; without it, makespan does if an input is an instance or has a best known value,
    /// and mean latency otherwise.
    pub(super) fn of(cells: &Cells<'a>, best: &BestKnown, main: Option<Metric>) -> Self {
        let columns = Column::all();
        let main = main.unwrap_or_else(|| main_metric(cells, best));
        let (unit, over) = (unit(cells), Over::of(cells.inputs.len()));
        let runners = 0..cells.runners.len();
        let by_runner: Vec<_> = runners.map(|runner| OfRunner::of(cells, runner)).collect();
        let references = References::of(cells, best);
        let (gap_to, reference) = references.chosen();
        let gaps: Vec<_> = by_runner
            .iter()
            .map(|cells| Gaps::of(cells, main, reference))
            .collect();
        let values = by_column(&columns, |column| values(cells, column));
        let mut numbers = Self {
            summary: String::new(),
            inputs: cells.inputs.clone(),
            runners: cells.runners.clone(),
            columns: columns.iter().map(|column| column.text(unit)).collect(),
            main: main as usize,
            over: over.name(),
            caution: caution(cells),
            n_cells: by_runner.iter().map(|cells| cells.cells.len()).collect(),
            means: by_column(&columns, |column| means(&by_runner, column, over)),
            pairs: by_column(&columns, |column| pairs(&by_runner, column, over)),
            winners: columns
                .iter()
                .zip(&values)
                .map(|(column, values)| winners(*column, values))
                .collect(),
            wins: by_column(&columns, |column| wins(&by_runner, column)),
            gaps: by_both(cells.inputs.len(), by_runner.len(), |input, runner| {
                gaps[runner].of_input(input)
            }),
            values,
            gap_to,
            mean_gaps: gaps.iter().map(|gaps| gaps.mean(over)).collect(),
            failed: failed(cells),
            lower_bounds: references.lower_bounds,
            best_known: references.best_known,
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
            let is_one_unit = self.caution.is_empty();
            if let Some((_, mean, _)) = self.means[self.main][first].filter(|_| is_one_unit) {
                text += &format!(", with a mean of {}", metric_text(main, mean, unit));
            }
            if let Some((_, gap, _)) = self.mean_gaps[first] {
                let link = if is_one_unit { " and" } else { ", with" };
                text += &format!("{link} a mean gap of {gap:.2} % to the {}", self.gap_to);
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

fn main_metric(cells: &Cells<'_>, best: &BestKnown) -> Metric {
    let is_instance = cells.done.values().any(|done| done.unit == Unit::Own);
    if is_instance || cells.inputs.iter().any(|name| best.of(name).is_some()) {
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

fn caution(cells: &Cells<'_>) -> &'static str {
    let units = || cells.done.values().map(|done| done.unit);
    if units().any(|unit| unit == Unit::Own) && units().any(|unit| unit == Unit::Seconds) {
        "Some inputs count in seconds and others in a unit of their own: of means over all of them, \
         only differences in percent, shares and counts tell something."
    } else {
        ""
    }
}

fn failed<'a>(cells: &Cells<'a>) -> Vec<(usize, usize, u64, &'a str)> {
    let failed = cells.failed.iter();
    failed
        .map(|(place, why)| (place.input, place.runner, place.seed, *why))
        .collect()
}

fn by_column<T>(columns: &[Column], of: impl Fn(Column) -> T) -> Vec<T> {
    columns.iter().map(|column| of(*column)).collect()
}

/// A table of so many rows and columns.
fn by_both<T>(n_rows: usize, n_columns: usize, of: impl Fn(usize, usize) -> T) -> Vec<Vec<T>> {
    let row = |row| (0..n_columns).map(|column| of(row, column)).collect();
    (0..n_rows).map(row).collect()
}

fn means(by_runner: &[OfRunner<'_>], column: Column, over: Over) -> Vec<Option<Short>> {
    let of = |cells: &OfRunner<'_>| over.interval(cells.values(|done| column.of(done)));
    by_runner.iter().map(of).collect()
}

fn values(cells: &Cells<'_>, column: Column) -> Vec<Vec<Option<Short>>> {
    by_both(cells.inputs.len(), cells.runners.len(), |input, runner| {
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

#[cfg(test)]
mod tests;
