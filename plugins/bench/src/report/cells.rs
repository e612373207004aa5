//! The cells of a report, by input, runner and seed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    runner::ignores_seed,
    store::{Done, Outcome, Record},
};

/// Where a cell stands in the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// A position in [`Cells::inputs`].
    pub(super) input: usize,
    /// A position in [`Cells::runners`].
    pub(super) runner: usize,
    pub(super) seed: u64,
}

/// The cells, each once.
#[derive(Debug, Default)]
pub(super) struct Cells<'a> {
    /// The inputs, in the order of their names.
    pub(super) inputs: Vec<&'a str>,
    /// The runners, in the order of their names; with their options where one has several.
    pub(super) runners: Vec<String>,
    /// Which of them draw no lots.
    pub(super) ignores_seed: Vec<bool>,
    pub(super) done: BTreeMap<Place, &'a Done>,
    pub(super) failed: BTreeMap<Place, &'a str>,
}

impl<'a> Cells<'a> {
    pub(super) fn of(records: &'a [Record]) -> Self {
        let names = runner_names(records);
        let inputs: BTreeSet<_> = records.iter().map(|record| record.input.as_str()).collect();
        let runners: BTreeSet<_> = names.values().cloned().collect();
        let mut cells = Self {
            inputs: inputs.into_iter().collect(),
            ignores_seed: vec![false; runners.len()],
            runners: runners.into_iter().collect(),
            ..Self::default()
        };
        for record in records {
            let name = &names[&(record.runner.as_str(), record.options.as_str())];
            let place = Place {
                input: position(&cells.inputs, &record.input.as_str()),
                runner: position(&cells.runners, name),
                seed: record.seed,
            };
            cells.ignores_seed[place.runner] = ignores_seed(&record.runner);
            cells.done.remove(&place);
            cells.failed.remove(&place);
            match &record.outcome {
                Outcome::Done(done) => drop(cells.done.insert(place, done)),
                Outcome::Failed(why) => drop(cells.failed.insert(place, why)),
            }
        }
        cells
    }

    /// The done cells of one input and one runner, by seed.
    pub(super) fn seeds(
        &self,
        input: usize,
        runner: usize,
    ) -> impl Iterator<Item = (u64, &'a Done)> {
        let place = |seed| Place {
            input,
            runner,
            seed,
        };
        let range = self.done.range(place(0)..=place(u64::MAX));
        range.map(|(place, done)| (place.seed, *done))
    }
}

/// Where a name stands among the sorted ones, one of which it is.
fn position<T: Ord>(sorted: &[T], name: &T) -> usize {
    sorted.binary_search(name).unwrap_or_default()
}

/// What to call each runner with each of its options.
fn runner_names(records: &[Record]) -> BTreeMap<(&str, &str), String> {
    let mut options = BTreeMap::<&str, BTreeSet<&str>>::new();
    for record in records {
        options
            .entry(&record.runner)
            .or_default()
            .insert(&record.options);
    }
    let mut names = BTreeMap::new();
    for (runner, options) in options {
        for option in &options {
            let name = match options.len() {
                1 => runner.to_owned(),
                _ => format!("{runner} {option}").trim_end().to_owned(),
            };
            names.insert((runner, *option), name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(runner: &str, options: &str, build: &str, outcome: Outcome) -> Record {
        Record {
            key: String::new(),
            input: "mk01".to_owned(),
            runner: runner.to_owned(),
            options: options.to_owned(),
            seed: 1,
            build: build.to_owned(),
            outcome,
        }
    }

    #[test]
    fn the_last_of_several_counts() {
        let done = || Outcome::Done(Box::default());
        let failed = || Outcome::Failed("no".to_owned());
        let records = [
            record("fifo", "", "1", failed()),
            record("tabu", "1s", "1", done()),
            record("tabu", "2s", "1", done()),
            record("fifo", "", "2", done()),
            record("tabu", "2s", "2", failed()),
        ];
        let cells = Cells::of(&records);
        assert_eq!(cells.runners, ["fifo", "tabu 1s", "tabu 2s"]);
        let runners = |places: Vec<&Place>| places.iter().map(|p| p.runner).collect::<Vec<_>>();
        assert_eq!(runners(cells.done.keys().collect()), [0, 1]);
        assert_eq!(runners(cells.failed.keys().collect()), [2]);
    }
}
