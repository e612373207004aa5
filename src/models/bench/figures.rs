//! The figures of a measurement, for people and for programs.

use inference::quantile;
use serde_json::{Value, json};

use super::process::Memory;
use crate::report;

/// Figures by name, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<(&'static str, Value)>);

impl Figures {
    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }

    /// Quantiles of milliseconds.
    pub(super) fn latencies(&mut self, name: &'static str, millis: &[f64]) {
        let mean = millis.iter().sum::<f64>() / millis.len().max(1) as f64;
        let value = json!({
            "p50": quantile(millis, 0.5),
            "p95": quantile(millis, 0.95),
            "p99": quantile(millis, 0.99),
            "mean": mean,
            "requests": millis.len(),
        });
        self.set(name, value);
    }

    /// Memory before the model was loaded, when it had answered once, and at the end.
    pub(super) fn memory(&mut self, weights: Option<u64>, [before, loaded, end]: [Memory; 3]) {
        let value = json!({
            "weights": weights,
            "before_loading": before.resident,
            "loaded": loaded.resident,
            "peak_after_loading": loaded.peak,
            "peak": end.peak,
        });
        self.set("memory_bytes", value);
    }

    /// All of them as one object.
    pub(super) fn json(self) -> Value {
        let figures = self.0.into_iter();
        Value::Object(
            figures
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// A table of all of them.
    pub(super) fn text(self) -> String {
        let mut rows = Vec::new();
        for (name, value) in &self.0 {
            add(&mut rows, name, value);
        }
        let head = ["figure", "value"];
        report::listing(head, rows.into_iter().map(|(name, value)| [name, value]))
    }
}

/// A figure in words; what is made of others becomes a row for each.
fn add(rows: &mut Vec<(String, String)>, name: &str, value: &Value) {
    let words = name.replace('_', " ");
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                add(rows, &format!("{name} {part}"), value);
            }
        }
        Value::Null => rows.push((words, "-".to_owned())),
        Value::String(text) => rows.push((words, text.clone())),
        Value::Number(number) if name.starts_with("memory_bytes") => {
            let mebibytes = number.as_f64().unwrap_or_default() / f64::from(1 << 20);
            rows.push((
                words.replacen("bytes ", "", 1),
                format!("{mebibytes:.1} MiB"),
            ));
        }
        Value::Number(number) if number.is_f64() => {
            rows.push((words, rounded(number.as_f64().unwrap_or_default())));
        }
        other => rows.push((words, other.to_string())),
    }
}

/// Four digits, or more before the point.
fn rounded(number: f64) -> String {
    let n_before = number.abs().max(1e-3).log10().floor() as i32;
    let n_after = (3 - n_before).clamp(0, 6) as usize;
    format!("{number:.n_after$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_with_four_digits() {
        for (number, expected) in [
            (1234.56, "1235"),
            (12.3456, "12.35"),
            (0.012_345_6, "0.01235"),
            (0.0, "0.000000"),
        ] {
            assert_eq!(rounded(number), expected);
        }
    }

    #[test]
    fn parts_become_rows() {
        let mut figures = Figures::default();
        figures.latencies("latency_ms", &[1.0, 3.0]);
        let memory = Memory {
            resident: Some(1 << 20),
            peak: None,
        };
        figures.memory(None, [memory; 3]);
        figures.set("model", json!("m@1"));
        let text = figures.text();
        for words in [
            "m@1",
            "latency ms p50",
            "2.000",
            "memory loaded",
            "1.0 MiB",
            "-",
        ] {
            assert!(text.contains(words), "{words:?} is missing in {text}");
        }
    }
}
