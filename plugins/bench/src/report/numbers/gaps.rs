//! How far values are above the best known ones, or above lower bounds.

use super::{
    Short,
    sample::{OfRunner, Over, short},
};
use crate::{best::BestKnown, metric::Metric, report::cells::Cells};

/// What gaps are measured from, by input.
pub(super) struct References {
    pub(super) lower_bounds: Vec<Option<f64>>,
    pub(super) best_known: Vec<Option<f64>>,
}

impl References {
    pub(super) fn of(cells: &Cells<'_>, best: &BestKnown) -> Self {
        Self {
            lower_bounds: lower_bounds(cells),
            best_known: cells.inputs.iter().map(|name| best.of(name)).collect(),
        }
    }

    /// What they are called and what they are; best known values if there are any.
    pub(super) fn chosen(&self) -> (&'static str, &[Option<f64>]) {
        if self.best_known.iter().any(Option::is_some) {
            ("best known", &self.best_known)
        } else if self.lower_bounds.iter().any(Option::is_some) {
            ("lower bound", &self.lower_bounds)
        } else {
            ("", &self.lower_bounds)
        }
    }
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

/// In percent, of the cells of one runner, with their input.
pub(super) struct Gaps(Vec<(usize, f64)>);

impl Gaps {
    pub(super) fn of(cells: &OfRunner<'_>, main: Metric, reference: &[Option<f64>]) -> Self {
        let gap = |(input, value): (usize, f64)| {
            let reference = reference[input].filter(|value| *value > 0.0)?;
            Some((input, 100.0 * (value / reference - 1.0)))
        };
        Self(
            cells
                .values(move |done| done.metrics.get(main))
                .filter_map(gap)
                .collect(),
        )
    }

    pub(super) fn mean(&self, over: Over) -> Option<Short> {
        over.interval(self.0.iter().copied())
    }

    pub(super) fn of_input(&self, input: usize) -> Option<f64> {
        let gaps = self.0.iter().filter(|(of, _)| *of == input);
        let gaps: Vec<f64> = gaps.map(|(_, gap)| *gap).collect();
        Some(short(&gaps)?.1)
    }
}
