//! What an interval is taken over: inputs, each counted once, or the seeds of the only input.
//!
//! Seeds of one input resemble each other more than inputs do. Taken for independent cells, they
//! would make intervals over many inputs look surer than they are.

use std::collections::BTreeMap;

use super::{CONFIDENCE, Short};
use crate::{report::cells::Cells, stats::mean_interval, store::Done};

/// What an interval is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Inputs: a value for each, the mean over its seeds.
    Inputs,
    /// Seeds of the only input.
    Seeds,
}

impl Over {
    pub(super) fn of(n_inputs: usize) -> Self {
        if n_inputs > 1 {
            Self::Inputs
        } else {
            Self::Seeds
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Seeds => "seeds",
        }
    }

    /// The values that count as independent, of values of (input, seed) cells, given with the input.
    pub(super) fn sample(self, cells: impl IntoIterator<Item = (usize, f64)>) -> Vec<f64> {
        if self == Self::Seeds {
            return cells.into_iter().map(|(_, value)| value).collect();
        }
        let mut sums = BTreeMap::<usize, (f64, f64)>::new();
        for (input, value) in cells {
            let sum = sums.entry(input).or_default();
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
        sums.into_values().map(|(sum, n)| sum / n).collect()
    }

    /// The interval over these cells.
    pub(super) fn interval(self, cells: impl IntoIterator<Item = (usize, f64)>) -> Option<Short> {
        short(&self.sample(cells))
    }
}

pub(super) fn short(values: &[f64]) -> Option<Short> {
    let interval = mean_interval(values, CONFIDENCE)?;
    Some((interval.n, interval.mean, interval.half_width))
}

/// The done cells of one runner.
#[derive(Debug)]
pub(super) struct OfRunner<'a> {
    /// By input and seed.
    pub(super) cells: BTreeMap<(usize, u64), &'a Done>,
    /// Whether it draws no lots, so that what it did with one seed holds for each.
    pub(super) ignores_seed: bool,
}

impl<'a> OfRunner<'a> {
    pub(super) fn of(cells: &Cells<'a>, runner: usize) -> Self {
        let done = cells
            .done
            .iter()
            .filter(|(place, _)| place.runner == runner);
        Self {
            cells: done
                .map(|(place, done)| ((place.input, place.seed), *done))
                .collect(),
            ignores_seed: cells.ignores_seed[runner],
        }
    }

    /// A value of each cell, with its input.
    pub(super) fn values<'b>(
        &'b self,
        of: impl Fn(&Done) -> f64 + 'b,
    ) -> impl Iterator<Item = (usize, f64)> + 'b {
        self.cells
            .iter()
            .map(move |(place, done)| (place.0, of(done)))
    }

    fn at(&self, place: (usize, u64)) -> Option<&'a Done> {
        if self.ignores_seed {
            let mut of_input = self.cells.range((place.0, 0)..=(place.0, u64::MAX));
            of_input.next().map(|(_, done)| *done)
        } else {
            self.cells.get(&place).copied()
        }
    }

    /// The input and both cells of each (input, seed) that this one and the other ran.
    pub(super) fn shared<'b>(
        &'b self,
        other: &'b Self,
    ) -> impl Iterator<Item = (usize, &'a Done, &'a Done)> + 'b {
        let places = if self.ignores_seed { other } else { self };
        let places = places.cells.keys();
        places.filter_map(|place| Some((place.0, self.at(*place)?, other.at(*place)?)))
    }
}
