//! Writes the page of a what-if: its answer, the chart of the trade-off, the table of configurations.

use std::{io, path::Path};

use schedule::PolicyName;
use serde::Serialize;

use super::{
    goal::{Measure, Met},
    point::{Findings, Point},
    study::{Answer, Study},
};
use crate::{
    report::{BASE_SCRIPT, html, write_page},
    stats::Interval,
};

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

/// The best policy of each configuration, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What the columns are called.
    pub head: Vec<String>,
    /// By configuration.
    pub rows: Vec<Row>,
    /// The column that says whether the goals are met.
    pub met_column: usize,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The configuration, the policy, and what came of it.
    pub cells: Vec<String>,
    /// Whether the goals are met: 0 no, 1 on average, 2 yes.
    pub met: u8,
    /// Whether it is on the Pareto front.
    pub is_on_front: bool,
    /// Whether it is the answer.
    pub is_chosen: bool,
}

fn met_number(met: Met) -> u8 {
    match met {
        Met::No => 0,
        Met::Unsure => 1,
        Met::Yes => 2,
    }
}

impl Study {
    /// The best policy of each configuration.
    pub fn table(&self, answer: &Answer<'_>) -> Table {
        let measures = self.measures();
        let mut head = vec!["configuration".to_owned(), "policy".to_owned()];
        head.extend(measures.iter().map(|measure| measure.label().to_owned()));
        let met_column = head.len();
        head.extend(["goal", "front", "runs"].map(str::to_owned));
        let chosen = answer.best.or(answer.nearest);
        let is = |a: &Point, b: &Point| (a.configuration, a.policy) == (b.configuration, b.policy);
        let rows = answer.rows.iter().map(|point| {
            let is_on_front = answer.front.iter().any(|other| is(other, point));
            let mut cells = vec![self.matrix.inputs[point.configuration].name.clone()];
            cells.push(point.policy.to_string());
            let of = |measure: &Measure| measure.interval_text(&self.interval(point, *measure));
            cells.extend(measures.iter().map(of));
            cells.push(["missed", "unsure", "met"][usize::from(met_number(point.met))].to_owned());
            cells.push(if is_on_front { "•" } else { "" }.to_owned());
            cells.push(point.n_runs.to_string());
            Row {
                cells,
                met: met_number(point.met),
                is_on_front,
                is_chosen: chosen.is_some_and(|chosen| is(chosen, point)),
            }
        });
        Table {
            rows: rows.collect(),
            head,
            met_column,
        }
    }

    /// What the goals are about and what is to be small, each once.
    fn measures(&self) -> Vec<Measure> {
        let mut measures: Vec<Measure> = Vec::new();
        let goals = self.question.goals.iter().map(|goal| goal.measure);
        for measure in goals.chain([self.question.minimise]) {
            if !measures.contains(&measure) {
                measures.push(measure);
            }
        }
        measures
    }

    fn interval(&self, point: &Point, measure: Measure) -> Interval {
        let goals = self.question.goals.iter().zip(&point.goals);
        let of_goal = goals.filter(|(goal, _)| goal.measure == measure);
        let of_goal = of_goal.map(|(_, interval)| *interval).next();
        of_goal.unwrap_or(point.objective)
    }

    /// How it was searched, in sentences.
    pub fn method(&self, findings: &Findings) -> String {
        let n_seeds = self.question.n_seeds;
        let pairs = findings.points.len();
        let well = findings.points.iter().filter(|it| it.n_runs >= n_seeds);
        let well = well.count();
        let runs: u32 = findings.points.iter().map(|point| point.n_runs).sum();
        let what = format!(
            "{} configurations under {} policies",
            self.configurations.len(),
            self.matrix.runners.len()
        );
        if self.planned().most_more == 0 {
            return format!("{what} with {n_seeds} seeds each: {runs} runs.");
        }
        format!(
            "{what}: each of these {pairs} pairs was run once. With all {n_seeds} seeds were run: in \
             each configuration that comes within twice the goal under some policy, the three \
             policies nearest to it and the three best that meet it; and the three nearest of all. \
             These are {well} pairs; {runs} runs in all. The answer is one of them; what was run once \
             only is a hint."
        )
    }

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
    let minimise = study.question.minimise;
    let page = Page {
        sentence: study.sentence(&answer),
        is_met: answer.best.is_some(),
        notes: notes.to_vec(),
        chart_note: chart_note(study),
        method: study.method(findings),
        x: Axis {
            label: minimise.label(),
            unit: minimise.scale().1,
            bound: None,
            goal: String::new(),
        },
        y: Axis {
            label: first.map_or("", |goal| goal.measure.label()),
            unit: first.map_or("", |goal| goal.measure.scale().1),
            bound: first.map(|goal| goal.bound * goal.measure.scale().0),
            goal: first.map_or_else(String::new, |goal| format!("goal: {goal}")),
        },
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
            format!(
                "{}, {}",
                study.matrix.inputs[point.configuration].name, point.policy
            )
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
