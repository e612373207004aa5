//! The best policy of each configuration as a table of texts, and how it was found.

use serde::Serialize;

use super::{
    goal::{Measure, Met},
    point::{Findings, Point},
    study::{Answer, Study},
};
use crate::stats::Interval;

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

pub(crate) fn met_number(met: Met) -> u8 {
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
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let mut measures: Vec<Measure> = Vec::new();
        let goals = self.question.goals.iter().map(|goal| goal.measure);
        for measure in goals.chain([self.question.minimise]) {
            if !measures.contains(&measure) {
                measures.push(measure);
            }
        }
        measures
    }

    pub(crate) fn interval(&self, point: &Point, measure: Measure) -> Interval {
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
            "{what}: each of these {pairs} pairs was run once. With all {n_seeds} seeds were run, of each \
             configuration: the policy nearest to the goal, and of those within twice the goal the three \
             nearest and the three best that meet it. These are {well} pairs; {runs} runs in all. The \
             answer is one of them; what was run once only is a hint."
        )
    }
}
