//! Writes the tables of cells and reads them back.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{
    fs::{self, File},
    path::Path,
};

use bench::{Done, Metric, Metrics, Outcome, Record, Results};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};

/// Cells of all kinds; every third failed, and names are as odd as can be.
fn record(n: u64) -> Record {
    let values: Vec<f64> = (0..Metric::ALL.len())
        .map(|column| column as f64 / 3.0 + n as f64)
        .collect();
    let metrics: Metrics = serde_json::from_value(values.into()).unwrap();
    let outcome = if n % 3 == 2 {
        Outcome::Failed(format!("no \"{n}\",\nalas"))
    } else {
        Outcome::Done(Box::new(Done {
            metrics,
            lower_bound: n.is_multiple_of(2).then_some(0.1 + n as f64),
            wall_secs: 1e-7 * n as f64,
            ..Done::default()
        }))
    };
    Record {
        key: n.to_string(),
        input: ["mk01", "a,\"b\"", "größer\n→", ""][(n % 4) as usize].to_owned(),
        runner: "online:fifo".to_owned(),
        options: "10 s, 2 threads".to_owned(),
        seed: u64::MAX - n,
        build: String::new(),
        outcome,
    }
}

/// The fields of CSV, by line.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            letter => field.push(letter),
        }
    }
    rows
}

/// The fields of a Parquet file as CSV has them, by row, after the names of the columns.
fn parquet(path: &Path) -> Vec<Vec<String>> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let text = |field: &Field| match field {
        Field::Str(text) => text.clone(),
        Field::ULong(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Null => String::new(),
        other => panic!("{other:?}"),
    };
    let schema = reader.metadata().file_metadata().schema_descr();
    let names = schema
        .columns()
        .iter()
        .map(|column| column.name().to_owned());
    let mut rows = vec![names.collect::<Vec<_>>()];
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        rows.push(
            row.get_column_iter()
                .map(|(_, field)| text(field))
                .collect(),
        );
    }
    rows
}

#[test]
fn both_tables_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let n = 2500;
    let known: Vec<_> = (0..700).map(record).collect();
    let mut results = Results::begin(dir.path(), &known).unwrap();
    for n in 700..n {
        results.push(&record(n)).unwrap();
    }
    results.finish().unwrap();
    let of_csv = csv(&fs::read_to_string(Results::csv_path(dir.path())).unwrap());
    let of_parquet = parquet(&Results::parquet_path(dir.path()));
    assert_eq!(of_csv.len() as u64, n + 1);
    for (a, b) in of_csv.iter().zip(&of_parquet) {
        assert_eq!(a, b);
    }
    assert_eq!(of_csv.len(), of_parquet.len());
    let seed = of_csv[0].iter().position(|name| name == "seed").unwrap();
    assert_eq!(of_csv[1][seed], u64::MAX.to_string());
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "a part is left"
    );
}

#[test]
fn what_was_never_closed_hides_nothing_that_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = Results::parquet_path(dir.path());
    let all: Vec<_> = (0..3).map(record).collect();
    Results::begin(dir.path(), &all[..1])
        .unwrap()
        .finish()
        .unwrap();
    let before = fs::read(&path).unwrap();
    let mut results = Results::begin(dir.path(), &all[..1]).unwrap();
    results.push(&all[1]).unwrap();
    // As if the process had died.
    drop(results);
    assert_eq!(fs::read(&path).unwrap(), before);
    Results::begin(dir.path(), &all).unwrap().finish().unwrap();
    assert_eq!(parquet(&path).len(), 4);
    // Nothing is a table too.
    Results::begin(dir.path(), &[]).unwrap().finish().unwrap();
    assert_eq!(parquet(&path).len(), 1);
}
