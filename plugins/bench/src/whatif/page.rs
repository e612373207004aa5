//! Writes the page of a what-if: its answer, the chart of the trade-off, the table of configurations.

use std::{io, path::Path};

use schedule::PolicyName;
use serde::Serialize;

use super::{
    goal::{Goal, Measure},
    point::{Findings, Point},
    study::Study,
    table::{Table, met_number},
};
use crate::report::{BASE_SCRIPT, html, write_page};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
/// Beyond this, only what was run with all seeds is drawn.
const MOST_POINTS: usize = 6000;

/// What the page's script reads.
#[derive(Serialize)]
struct Page<'a> {
    sentence: String,
    is_met: bool,
    notes: Vec<String>,
    chart_note: String,
    method: String,
    x: Axis,
    y: Axis,
    n_seeds: u32,
    knobs: Vec<KnobText>,
    /// The values of the knobs, by configuration.
    configurations: Vec<Vec<f64>>,
    policies: Vec<&'static str>,
    points: Vec<Dot>,
    /// Numbers of points.
    front: Vec<usize>,
    chosen: Option<usize>,
    chosen_text: String,
    table: &'a Table,
}

#[derive(Serialize)]
struct KnobText {
    name: String,
    values: Vec<f64>,
}

#[derive(Serialize)]
struct Axis {
    label: &'static str,
    unit: &'static str,
    bound: Option<f64>,
    goal: String,
}

impl Axis {
    fn of(measure: Measure, goal: Option<&Goal>) -> Self {
        let (factor, unit) = measure.scale();
        Self {
            label: measure.label(),
            unit,
            bound: goal.map(|goal| goal.bound * factor),
            goal: goal.map_or_else(String::new, |goal| format!("goal: {goal}")),
        }
    }
}

#[derive(Serialize)]
struct Dot {
    configuration: usize,
    policy: usize,
    x: f64,
    y: f64,
    y_half: Option<f64>,
    met: u8,
    runs: u32,
    tip: String,
}

impl Study {
    fn dots(&self, points: &[&Point]) -> Vec<Dot> {
        let policies: Vec<_> = self.policies().collect();
        let (x_factor, y) = (
            self.question.minimise.scale().0,
            self.question.goals.first(),
        );
        let y_factor = y.map_or(1.0, |goal| goal.measure.scale().0);
        let dots = points.iter().map(|point| {
            let goal = point.goals.first().copied().unwrap_or_default();
            let policy = policies.iter().position(|policy| *policy == point.policy);
            let values = self.measures().into_iter().map(|measure| {
                let text = measure.interval_text(&self.interval(point, measure));
                format!("\n{}: {text}", measure.label())
            });
            Dot {
                configuration: point.configuration,
                policy: policy.unwrap_or_default(),
                x: point.objective.mean * x_factor,
                y: goal.mean * y_factor,
                y_half: goal.half_width.map(|half| half * y_factor),
                met: met_number(point.met),
                runs: point.n_runs,
                tip: format!(
                    "{}\n{}{}\nruns: {}",
                    self.matrix.inputs[point.configuration].name,
                    point.policy,
                    values.collect::<String>(),
                    point.n_runs
                ),
            }
        });
        dots.collect()
    }
}

/// Writes the page that answers a study to the file `path`.
///
/// # Errors
/// If the file cannot be written.
pub fn write_study(
    path: &Path,
    title: &str,
    study: &Study,
    findings: &Findings,
    notes: &[String],
) -> io::Result<()> {
    let answer = study.answer(findings);
    let is_drawn = |point: &&Point| {
        findings.points.len() <= MOST_POINTS || point.n_runs >= study.question.n_seeds
    };
    let points: Vec<&Point> = findings.points.iter().filter(is_drawn).collect();
    let number = |point: &Point| points.iter().position(|other| std::ptr::eq(*other, point));
    let chosen = answer.best.or(answer.nearest);
    let first = study.question.goals.first();
    let page = Page {
        sentence: study.sentence(&answer),
        is_met: answer.best.is_some(),
        notes: notes.to_vec(),
        chart_note: chart_note(study),
        method: study.method(findings),
        x: Axis::of(study.question.minimise, None),
        y: Axis::of(
            first.map_or(study.question.minimise, |goal| goal.measure),
            first,
        ),
        n_seeds: study.question.n_seeds,
        knobs: study
            .knobs
            .iter()
            .map(|vary| KnobText {
                name: vary.name(),
                values: vary.values.clone(),
            })
            .collect(),
        configurations: study
            .configurations
            .iter()
            .map(|it| it.settings.iter().map(|setting| setting.value).collect())
            .collect(),
        policies: study.policies().map(PolicyName::name).collect(),
        points: study.dots(&points),
        front: answer
            .front
            .iter()
            .filter_map(|point| number(point))
            .collect(),
        chosen: chosen.and_then(number),
        chosen_text: chosen.map_or_else(String::new, |point| {
            let name = &study.matrix.inputs[point.configuration].name;
            let nearest = if answer.best.is_some() {
                ""
            } else {
                "nearest: "
            };
            format!("{nearest}{name}, {}", point.policy)
        }),
        table: &study.table(&answer),
    };
    let data = serde_json::to_string(&page)?;
    write_page(path, &html(PAGE, title, &data, &[BASE_SCRIPT, SCRIPT]))
}

fn chart_note(study: &Study) -> String {
    let mut note = "Each point is a configuration under a policy.".to_owned();
    if study.planned().most_more > 0 {
        note.push_str(" Filled points were run with all seeds, hollow ones once.");
    }
    note.push_str(
        " The line is the Pareto front of the filled points: what no other beats in both. Bars on it \
         are 95 % confidence intervals. The ring is the answer.",
    );
    if study.planned().most_more == 0 {
        note = note.replace(" of the filled points", "");
    }
    if study.question.goals.len() > 1 {
        note.push_str(" The chart shows the first of the goals; whether all are met, the colour by goal says.");
    }
    note
}
