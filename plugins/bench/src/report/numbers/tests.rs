//! The numbers of the report, against numbers worked out by hand.

use super::{
    pairs::{Pair, pair},
    sample::Over,
    *,
};
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

fn of(records: Vec<Record>, best: &BestKnown) -> Numbers<'static> {
    // The numbers borrow names.
    let records: &'static [Record] = records.leak();
    Numbers::of(&Cells::of(records), best, Some(Metric::Makespan))
}

#[test]
fn each_input_counts_once() {
    let best = BestKnown::from_iter([("a".to_owned(), 10.0), ("b".to_owned(), 20.0)]);
    let numbers = of(records(), &best);
    assert_eq!((numbers.main, numbers.gap_to), (MAKESPAN, "best known"));
    assert_eq!(
        (numbers.over, &numbers.n_cells[..]),
        ("inputs", &[4, 3, 4][..])
    );
    // Means over seeds are 11 and 20: standard error 4.5, t(0.975, 1) = 12.70620.
    check(numbers.means[MAKESPAN][0], 2, 15.5, 12.706_205 * 4.5);
    // 10 and 20, although one seed is missing: standard error 5.
    check(numbers.means[MAKESPAN][1], 2, 15.0, 12.706_205 * 5.0);
    // Of one input, over its seeds.
    check(numbers.values[MAKESPAN][0][0], 2, 11.0, 12.706_205);
    // Gaps are 0 and 20 percent, then 0 and 0: 10 and 0 by input.
    check(numbers.mean_gaps[0], 2, 5.0, 12.706_205 * 5.0);
    assert!((numbers.gaps[0][0].unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(numbers.winners[MAKESPAN], [vec![1], vec![0, 1]]);
    assert_eq!(numbers.failed, [(1, 1, 2, "no")]);
    assert_eq!(
        numbers.summary,
        "3 runners on 2 inputs: 11 cells done, 1 failed. By makespan, y is best or as good as the \
         best on 2 of 2 inputs, with a mean of 15 and a mean gap of 0.00 % to the best known."
    );
}

#[test]
fn of_one_input_seeds_count() {
    let records: Vec<_> = records()
        .into_iter()
        .filter(|cell| cell.input == "a")
        .collect();
    let numbers = of(records, &BestKnown::default());
    assert_eq!(numbers.over, "seeds");
    check(numbers.means[MAKESPAN][0], 2, 11.0, 12.706_205);
    assert_eq!(
        numbers.pairs[MAKESPAN][0][1].map(|pair| (pair.0, pair.1, pair.2, pair.5)),
        Some((2, -1.0, Some(0.0), 2))
    );
}

#[test]
fn pairs_are_of_shared_cells() {
    let numbers = of(records(), &BestKnown::default());
    let of_baseline = &numbers.pairs[MAKESPAN][0];
    // -1 and -1, then 0: -1 and 0 by input, standard error 1/2.
    let Pair(n, mean, half, percent, mark, n_pairs) = of_baseline[1].unwrap();
    check(Some((n, mean, half)), 2, -0.5, 12.706_205 / 2.0);
    assert!((percent.unwrap().0 + (10.0 + 100.0 / 12.0) / 4.0).abs() < 1e-9);
    assert_eq!((mark, n_pairs), (0, 3));
    let Pair(n, mean, half, _, mark, n_pairs) = of_baseline[2].unwrap();
    assert_eq!((n, mean, half, mark, n_pairs), (2, 1.0, Some(0.0), -1, 4));
    // As good by the other metrics, which are 0: no percent can be told of them.
    let failed = &numbers.pairs[Metric::Failed as usize][0];
    assert_eq!(failed[2], Some(Pair(2, 0.0, Some(0.0), None, 0, 4)));
}

#[test]
fn what_draws_no_lots_is_paired_with_every_seed() {
    let mut records = records();
    records.push(record("a", 1, "list:heft", Some(12.0)));
    records.push(record("b", 1, "list:heft", Some(20.0)));
    let numbers = of(records, &BestKnown::default());
    assert_eq!(numbers.runners[0], "list:heft");
    assert_eq!(numbers.n_cells[0], 2);
    // Against x: -2 and 0, then 0 and 0; the other way round they are the same.
    for (baseline, other, sign) in [(0, 1, 1.0), (1, 0, -1.0)] {
        let Pair(n, mean, half, _, _, n_pairs) = numbers.pairs[MAKESPAN][baseline][other].unwrap();
        check(Some((n, mean, half)), 2, -0.5 * sign, 12.706_205 / 2.0);
        assert_eq!(n_pairs, 4);
    }
    assert_eq!(numbers.wins[MAKESPAN][1][0], [1, 1, 0]);
}

/// Against an independent computation with `SciPy` 1.17: `ttest_rel` of the means over seeds.
#[test]
fn a_larger_example_agrees_with_a_reference() {
    let values = [
        [103.0, 101.5, 99.25],
        [57.0, 58.0, 57.5],
        [212.0, 209.0, 215.5],
        [33.5, 34.25, 33.0],
        [148.0, 151.0, 150.0],
    ];
    let shifts = [
        [4.0, 2.5, -1.0],
        [0.5, 0.0, 1.0],
        [6.0, 9.5, 3.0],
        [-0.5, 1.0, 0.25],
        [5.0, 2.0, 3.5],
    ];
    let mut records = Vec::new();
    for (input, (values, shifts)) in ["a", "b", "c", "d", "e"]
        .iter()
        .zip(values.iter().zip(&shifts))
    {
        for (seed, (value, shift)) in (1..).zip(values.iter().zip(shifts)) {
            records.push(record(input, seed, "x", Some(*value)));
            records.push(record(input, seed, "y", Some(value + shift)));
        }
    }
    let numbers = of(records, &BestKnown::default());
    let pair = numbers.pairs[MAKESPAN][0][1].unwrap();
    check(Some((pair.0, pair.1, pair.2)), 5, 2.45, 3.037_569);
    check(numbers.means[MAKESPAN][1], 5, 113.283_333, 92.290_748);
    let percent = pair.3.unwrap();
    check(Some((5, percent.0, percent.1)), 5, 1.729_602, 1.168_572);
}

#[test]
fn wins_and_losses_mirror_each_other() {
    let numbers = of(records(), &BestKnown::default());
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
        pair(&[(0, 0.6, 0.5), (0, 0.6, 0.5)], column, Over::Seeds)
            .unwrap()
            .4,
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
    let numbers = of(records, &BestKnown::default());
    assert_eq!(numbers.gap_to, "lower bound");
    assert_eq!(numbers.lower_bounds, [Some(9.0), None]);
    assert!((numbers.gaps[0][1].unwrap() - 100.0 / 9.0).abs() < 1e-9);
}

#[test]
fn nothing_makes_an_empty_report() {
    let numbers = of(Vec::new(), &BestKnown::default());
    assert_eq!(
        numbers.summary,
        "0 runners on 0 inputs: 0 cells done, 0 failed."
    );
}
