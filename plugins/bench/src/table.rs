//! Finished cells as lines of CSV (RFC 4180).

use crate::{
    metric::Metric,
    store::{Outcome, Record},
};

/// The line that names the columns.
pub fn csv_head() -> String {
    let mut head = "input,runner,options,seed,error,wall_secs,lower_bound".to_owned();
    for metric in Metric::ALL {
        head.push(',');
        head.push_str(metric.name());
    }
    head.push('\n');
    head
}

/// The line of a cell; what it does not have is empty.
pub fn csv_line(record: &Record) -> String {
    let mut fields = vec![
        quoted(&record.input),
        quoted(&record.runner),
        quoted(&record.options),
        record.seed.to_string(),
    ];
    match &record.outcome {
        Outcome::Failed(why) => {
            fields.push(quoted(why));
            fields.resize(7 + Metric::ALL.len(), String::new());
        }
        Outcome::Done(done) => {
            fields.extend([String::new(), done.wall_secs.to_string()]);
            fields.push(
                done.lower_bound
                    .map_or_else(String::new, |bound| bound.to_string()),
            );
            let metrics = Metric::ALL.iter();
            fields.extend(metrics.map(|metric| done.metrics.get(*metric).to_string()));
        }
    }
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
    fn a_failed_cell_has_all_columns() {
        let record = Record {
            key: String::new(),
            input: "a,\"b\"".to_owned(),
            runner: "list:heft".to_owned(),
            options: String::new(),
            seed: 3,
            build: String::new(),
            outcome: Outcome::Failed("why".to_owned()),
        };
        let line = csv_line(&record);
        assert!(
            line.starts_with("\"a,\"\"b\"\"\",list:heft,,3,why,,"),
            "{line}"
        );
        let after_input = line.rsplit_once("\"\"\"").unwrap().1;
        let columns = after_input.matches(',').count();
        assert_eq!(columns, csv_head().matches(',').count());
    }
}
