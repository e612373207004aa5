//! Finished cells as rows of a table, and as lines of CSV (RFC 4180).

use crate::{
    metric::Metric,
    store::{Outcome, Record},
};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text in each row.
    Text,
    /// Text or nothing.
    MaybeText,
    /// A whole number in each row.
    Whole,
    /// A number or nothing.
    MaybeNumber,
}

/// What a row has in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Whole(u64),
    Number(f64),
    Nothing,
}

/// The columns, with their names; metrics come last.
pub(crate) fn columns() -> Vec<(&'static str, Kind)> {
    let mut columns = vec![
        ("input", Kind::Text),
        ("runner", Kind::Text),
        ("options", Kind::Text),
        ("seed", Kind::Whole),
        ("error", Kind::MaybeText),
        ("wall_secs", Kind::MaybeNumber),
        ("lower_bound", Kind::MaybeNumber),
    ];
    columns.extend(
        Metric::ALL
            .iter()
            .map(|metric| (metric.name(), Kind::MaybeNumber)),
    );
    columns
}

/// The row of a cell, in the order of [`columns`].
pub(crate) fn row(record: &Record) -> Vec<Value<'_>> {
    let mut row = vec![
        Value::Text(&record.input),
        Value::Text(&record.runner),
        Value::Text(&record.options),
        Value::Whole(record.seed),
    ];
    match &record.outcome {
        Outcome::Failed(why) => {
            row.push(Value::Text(why));
            row.resize(row.len() + 2 + Metric::ALL.len(), Value::Nothing);
        }
        Outcome::Done(done) => {
            let bound = done.lower_bound.map_or(Value::Nothing, Value::Number);
            row.extend([Value::Nothing, Value::Number(done.wall_secs), bound]);
            let metrics = Metric::ALL.iter();
            row.extend(metrics.map(|metric| Value::Number(done.metrics.get(*metric))));
        }
    }
    row
}

/// The line that names the columns.
pub fn csv_head() -> String {
    let names: Vec<_> = columns().into_iter().map(|(name, _)| name).collect();
    names.join(",") + "\n"
}

/// The line of a cell; what it does not have is empty.
pub fn csv_line(record: &Record) -> String {
    let field = |value: &Value<'_>| match value {
        Value::Text(text) => quoted(text),
        Value::Whole(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Nothing => String::new(),
    };
    let fields: Vec<_> = row(record).iter().map(field).collect();
    fields.join(",") + "\n"
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_has_all_columns() {
        for outcome in [
            Outcome::Failed("why".to_owned()),
            Outcome::Done(Box::default()),
        ] {
            let record = Record {
                key: String::new(),
                input: "a,\"b\"".to_owned(),
                runner: "list:heft".to_owned(),
                options: String::new(),
                seed: 3,
                build: String::new(),
                outcome,
            };
            for ((name, kind), value) in columns().into_iter().zip(row(&record)) {
                let fits = match value {
                    Value::Text(_) => matches!(kind, Kind::Text | Kind::MaybeText),
                    Value::Whole(_) => kind == Kind::Whole,
                    Value::Number(_) => kind == Kind::MaybeNumber,
                    Value::Nothing => matches!(kind, Kind::MaybeText | Kind::MaybeNumber),
                };
                assert!(fits, "{name}: {value:?} in a column of {kind:?}");
            }
            assert_eq!(columns().len(), row(&record).len());
            let line = csv_line(&record);
            let after_input = line.strip_prefix("\"a,\"\"b\"\"\",list:heft,,3,").unwrap();
            assert_eq!(after_input.matches(',').count(), columns().len() - 5);
        }
    }
}
