//! Says what came of a what-if: in sentences, as a table, as files, as JSON.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use bench::{
    Record, csv_head, csv_line,
    whatif::{Answer, Findings, Planned, Point, Row, Study, Table, write_study},
};
use serde_json::{Value, json};

use crate::{cli::WhatIfArgs, error::AppError, report};

/// Rows of the table on a terminal; the page has all.
const SHOWN: usize = 24;

/// Says on standard error how much there is to do.
pub(super) fn plan(study: &Study) {
    let Planned { first, most_more } = study.planned();
    let n_seeds = study.matrix.seeds.len();
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let pairs = format!(
        "{} under {}",
        count(study.configurations.len(), "configuration"),
        if study.matrix.runners.len() == 1 {
            "1 policy".to_owned()
        } else {
            format!("{} policies", study.matrix.runners.len())
        }
    );
    report::note(&if most_more == 0 {
        format!(
            "{pairs} with {}: {}",
            count(n_seeds, "seed"),
            count(first, "run")
        )
    } else {
        format!(
            "{pairs}: {} with one seed, then at most {most_more} more with the other {}",
            count(first, "run"),
            n_seeds - 1
        )
    });
}

/// What is known when all was run, or it was interrupted.
pub(super) struct Known<'a> {
    pub(super) title: String,
    pub(super) study: &'a Study,
    pub(super) findings: Findings,
    pub(super) records: Vec<Record>,
    pub(super) notes: Vec<String>,
}

impl Known<'_> {
    /// Writes the files and prints the answer; inside, whether the goal is met.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn conclude(
        &self,
        args: &WhatIfArgs,
        is_whole: bool,
    ) -> Result<Result<(), AppError>, AppError> {
        let answer = self.study.answer(&self.findings);
        let mut notes = self.notes.clone();
        notes.extend(self.study.notes(&self.findings, &answer));
        let write = |path: &Path, cause| AppError::Io {
            path: path.to_owned(),
            doing: "write",
            cause,
        };
        let (page, csv) = (args.out.join("whatif.html"), args.out.join("results.csv"));
        fs::write(&csv, self.csv()).map_err(|cause| write(&csv, cause))?;
        let title = format!("What if: {}", self.title);
        write_study(&page, &title, self.study, &self.findings, &notes)
            .map_err(|cause| write(&page, cause))?;
        // Half an answer would be taken for a whole one.
        if is_whole {
            let files = (page, csv);
            report::print(&if args.json {
                format!("{:#}\n", self.json(&answer, &notes, files))
            } else {
                self.text(&answer, &notes, files)
            });
        }
        Ok(match answer.best {
            Some(_) => Ok(()),
            None => Err(AppError::GoalNotMet(self.study.goals_text())),
        })
    }

    fn text(&self, answer: &Answer<'_>, notes: &[String], files: (PathBuf, PathBuf)) -> String {
        let mut text = format!("{}\n", self.study.sentence(answer));
        for note in notes {
            writeln!(text, "* {note}").expect("text takes all");
        }
        let table = self.study.table(answer);
        let (rows, n_left_out) = shown(&table);
        let cells = rows.iter().map(|row| row.cells.clone());
        write!(text, "\n{}", report::sheet(&table.head, cells)).expect("text takes all");
        if n_left_out > 0 {
            writeln!(text, "… and {n_left_out} more on the page").expect("text takes all");
        }
        let method = self.study.method(&self.findings);
        writeln!(
            text,
            "\n{method}\n\npage   {}\ntable  {}",
            files.0.display(),
            files.1.display()
        )
        .expect("text takes all");
        text
    }

    /// All runs, with the values of the knobs in columns of their own.
    fn csv(&self) -> String {
        let study = self.study;
        let knobs = study.knobs.iter().map(|vary| quoted(&vary.name()) + ",");
        let mut csv = knobs.collect::<String>() + &csv_head();
        let inputs = study.matrix.inputs.iter().zip(&study.configurations);
        let settings: std::collections::BTreeMap<&str, String> = inputs
            .map(|(input, configuration)| {
                let values = configuration.settings.iter();
                let values = values.map(|setting| format!("{},", setting.value));
                (input.name.as_str(), values.collect())
            })
            .collect();
        for record in &self.records {
            let values = settings.get(record.input.as_str());
            csv.push_str(values.map_or("", String::as_str));
            csv.push_str(&csv_line(record));
        }
        csv
    }

    fn json(&self, answer: &Answer<'_>, notes: &[String], files: (PathBuf, PathBuf)) -> Value {
        let point = |point: &Point| self.point_json(point);
        json!({
            "met": answer.best.is_some(),
            "answer": self.study.sentence(answer),
            "notes": notes,
            "best": answer.best.map(point),
            "nearest": answer.nearest.map(point),
            "fewer_replicas": answer.fewer.map(point),
            "front": answer.front.iter().map(|it| point(it)).collect::<Vec<_>>(),
            "configurations": answer.rows.iter().map(|it| point(it)).collect::<Vec<_>>(),
            "runs": self.records.len(),
            "failed_runs": self.findings.failures.len(),
            "page": files.0,
            "table": files.1,
        })
    }

    fn point_json(&self, point: &Point) -> Value {
        let study = self.study;
        let settings = &study.configurations[point.configuration].settings;
        let settings: serde_json::Map<String, Value> = settings
            .iter()
            .map(|setting| (setting.name(), setting.value.into()))
            .collect();
        let goals = study.question.goals.iter().zip(&point.goals);
        let goals: Vec<_> = goals
            .map(|(goal, interval)| {
                json!({
                    "goal": goal.to_string(),
                    "bound": goal.bound,
                    "mean": interval.mean,
                    "half_width": interval.half_width,
                })
            })
            .collect();
        json!({
            "settings": settings,
            "policy": point.policy.name(),
            "replicas": point.n_replicas,
            "runs": point.n_runs,
            "met": point.met,
            "goals": goals,
            "minimised": {
                "what": study.question.minimise.label(),
                "mean": point.objective.mean,
                "half_width": point.objective.half_width,
            },
        })
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// The rows for a terminal, and how many are left out: of many, those on the front and the answer,
/// then those that meet the goal.
fn shown(table: &Table) -> (Vec<&Row>, usize) {
    let mut rows: Vec<(usize, &Row)> = table.rows.iter().enumerate().collect();
    rows.sort_by_key(|(n, row)| {
        (
            !row.is_chosen,
            !row.is_on_front,
            std::cmp::Reverse(row.met),
            *n,
        )
    });
    let n_left_out = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    rows.sort_by_key(|(n, _)| *n);
    (rows.into_iter().map(|(_, row)| row).collect(), n_left_out)
}
