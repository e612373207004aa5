//! The numbers of the report, against numbers worked out by hand.

use super::*;
use crate::{
    metric::Metrics,
    store::{Outcome, Record},
};

/// Of a cell with this makespan; half of the time is used.
fn done(makespan: f64) -> Done {
    let value = |metric: &Metric| match metric {
        Metric::Makespan => makespan,
        Metric::Utilisation => 0.5,
        _ => 0.0,
    };
    let values: Vec<f64> = Metric::ALL.iter().map(value).collect();
    let metrics: Metrics = serde_json::from_value(values.into()).unwrap();
    Done {
        unit: Unit::Own,
        metrics,
        ..Done::default()
    }
}

fn record(input: &str, seed: u64, runner: &str, makespan: Option<f64>) -> Record {
    Record {
        key: String::new(),
        input: input.to_owned(),
        runner: runner.to_owned(),
        options: String::new(),
        seed,
        build: String::new(),
        outcome: match makespan {
            Some(makespan) => Outcome::Done(Box::new(done(makespan))),
            None => Outcome::Failed("no".to_owned()),
        },
    }
}

fn records() -> Vec<Record> {
    let mut records = Vec::new();
    let cells = [("a", 1, 10.0, Some(9.0)), ("a", 2, 12.0, Some(11.0))];
    for (input, seed, x, y) in cells
        .into_iter()
        .chain([("b", 1, 20.0, Some(20.0)), ("b", 2, 20.0, None)])
    {
        records.push(record(input, seed, "x", Some(x)));
        records.push(record(input, seed, "y", y));
        records.push(record(input, seed, "z", Some(x + 1.0)));
    }
    records
}

const MAKESPAN: usize = Metric::Makespan as usize;

fn check(found: Option<Short>, n: u32, mean: f64, half: f64) {
    let (found_n, found_mean, found_half) = found.unwrap();
    assert_eq!(found_n, n);
    assert!(
        (found_mean - mean).abs() < 1e-4,
        "mean {found_mean}, not {mean}"
    );
    let found_half = found_half.unwrap();
    assert!(
        (found_half - half).abs() < 1e-4,
        "half width {found_half}, not {half}"
    );
}

#[test]
fn means_gaps_and_winners() {
    let records = records();
    let best = BTreeMap::from([("a".to_owned(), 10.0), ("b".to_owned(), 20.0)]);
    let numbers = Numbers::of(&Cells::of(&records), &best);
    assert_eq!((numbers.main, numbers.gap_to), (MAKESPAN, "best known"));
    // Squares add up to 83; t(0.975, 3) = 3.18245.
    check(
        numbers.means[MAKESPAN][0],
        4,
        15.5,
        3.182_446 * (83.0_f64 / 3.0 / 4.0).sqrt(),
    );
    // Squares add up to 206 / 3; t(0.975, 2) = 4.30265.
    check(
        numbers.means[MAKESPAN][1],
        3,
        40.0 / 3.0,
        4.302_653 * (206.0_f64 / 18.0).sqrt(),
    );
    check(numbers.values[MAKESPAN][0][0], 2, 11.0, 12.706_205);
    // Gaps are 0, 20, 0 and 0 percent; squares add up to 300.
    check(numbers.mean_gaps[0], 4, 5.0, 3.182_446 * 5.0);
    assert!((numbers.gaps[0][0].unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(numbers.winners[MAKESPAN], [vec![1], vec![0, 1]]);
    assert_eq!(numbers.failed, [(1, 1, 2, "no")]);
    assert_eq!(
        numbers.summary,
        "3 runners on 2 inputs: 11 cells done, 1 failed. By makespan, y is best or as good as the \
         best on 2 of 2 inputs, with a mean of 13.33 and a mean gap of 0.00 % to the best known."
    );
}

#[test]
fn pairs_are_of_shared_cells() {
    let records = records();
    let numbers = Numbers::of(&Cells::of(&records), &BTreeMap::new());
    let of_baseline = &numbers.pairs[MAKESPAN][0];
    // -1, -1, 0: standard error 1/3, t(0.975, 2) = 4.30265.
    let Pair(n, mean, half, percent, mark) = of_baseline[1].unwrap();
    check(Some((n, mean, half)), 3, -2.0 / 3.0, 4.302_653 / 3.0);
    assert!((percent.unwrap().0 + (10.0 + 100.0 / 12.0) / 3.0).abs() < 1e-9);
    assert_eq!(mark, 0);
    let Pair(n, mean, half, _, mark) = of_baseline[2].unwrap();
    assert_eq!((n, mean, half, mark), (4, 1.0, Some(0.0), -1));
    // As good by the other metrics, which are 0: no percent can be told of them.
    let failed = &numbers.pairs[Metric::Failed as usize][0];
    assert_eq!(failed[2], Some(Pair(4, 0.0, Some(0.0), None, 0)));
}

#[test]
fn wins_and_losses_mirror_each_other() {
    let records = records();
    let numbers = Numbers::of(&Cells::of(&records), &BTreeMap::new());
    let wins = &numbers.wins[MAKESPAN];
    // On b both ran seed 1 alone, and are as good.
    assert_eq!((wins[0][1], wins[0][2]), ([0, 1, 1], [2, 0, 0]));
    for (a, row) in wins.iter().enumerate() {
        for (b, counts) in row.iter().enumerate() {
            let mirrored = wins[b][a];
            assert_eq!(*counts, [mirrored[2], mirrored[1], mirrored[0]]);
        }
    }
}

#[test]
fn more_can_be_better() {
    let column = Column::Metric(Metric::Utilisation);
    assert_eq!(column.compare(0.6, 0.5), 1);
    assert_eq!(
        pair(vec![(0, 0.6, 0.5), (0, 0.6, 0.5)], column).unwrap().4,
        1
    );
    assert_eq!(Column::Wall.compare(0.6, 0.5), -1);
    assert_eq!(Column::Wall.compare(0.1 + 0.2, 0.3), 0);
}

#[test]
fn without_best_known_values_gaps_are_to_bounds() {
    let mut records = records();
    for (record, bound) in records.iter_mut().zip([8.0, 9.0, 7.0]) {
        if let Outcome::Done(done) = &mut record.outcome {
            done.lower_bound = Some(bound);
        }
    }
    let numbers = Numbers::of(&Cells::of(&records), &BTreeMap::new());
    assert_eq!(numbers.gap_to, "lower bound");
    assert_eq!(numbers.lower_bounds, [Some(9.0), None]);
    assert!((numbers.gaps[0][1].unwrap() - 100.0 / 9.0).abs() < 1e-9);
}

#[test]
fn nothing_makes_an_empty_report() {
    let numbers = Numbers::of(&Cells::of(&[]), &BTreeMap::new());
    assert_eq!(
        numbers.summary,
        "0 runners on 0 inputs: 0 cells done, 0 failed."
    );
}
