//! What came of a configuration under a policy, over the seeds that it was run with.

use std::collections::BTreeMap;

use schedule::PolicyName;

use super::{
    goal::{CONFIDENCE, Goal, Measure, Met},
    knob::Setting,
};
use crate::{
    metric::Metric,
    runner::Runner,
    stats::{Interval, mean_interval},
    store::{Done, Outcome, Record},
};

/// Misses that differ by less of the bound are the same to people.
const NOTICEABLE: f64 = 0.01;

/// One way to set the knobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Where each knob stands.
    pub settings: Vec<Setting>,
    /// How many replicas it has in all.
    pub n_replicas: u32,
}

/// What came of a configuration under a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which configuration, by number.
    pub configuration: usize,
    /// Who decided.
    pub policy: PolicyName,
    /// How many replicas there are.
    pub n_replicas: u32,
    /// How many seeds it was run with.
    pub n_runs: u32,
    /// What each goal is about.
    pub goals: Vec<Interval>,
    /// Whether all goals are met.
    pub met: Met,
    /// By how much the worst goal is missed on average; see [`Goal::miss`].
    pub miss: f64,
    /// The same of each run, in the order of the seeds.
    pub misses: Vec<f64>,
    /// What is to be small, or large.
    pub objective: Interval,
    /// The mean share of tasks that failed.
    pub failed_share: f64,
}

/// A cell that could not be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which configuration, by number.
    pub configuration: usize,
    /// Who was to decide.
    pub runner: String,
    /// Why not.
    pub why: String,
}

/// Everything that was found out so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// By configuration and policy, in this order.
    pub points: Vec<Point>,
    /// What could not be run; it has no point.
    pub failures: Vec<Failure>,
}

/// What is asked of points.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What they must keep.
    pub goals: Vec<Goal>,
    /// What is to be small, or large if more of it is better.
    pub minimise: Measure,
    /// How many seeds there are.
    pub n_seeds: u32,
}

impl Findings {
    /// What `records` tell of `configurations`, which are their inputs by these names.
    pub(crate) fn of(
        records: &[Record],
        names: &[&str],
        configurations: &[Configuration],
        question: &Question,
    ) -> Self {
        let numbers: BTreeMap<&str, usize> = names.iter().copied().zip(0..).collect();
        let mut runs = BTreeMap::<(usize, PolicyName), Vec<&Done>>::new();
        let mut findings = Self::default();
        for record in records {
            let (Some(&configuration), Some(policy)) = (
                numbers.get(record.input.as_str()),
                Runner::policy_of(&record.runner),
            ) else {
                continue;
            };
            match &record.outcome {
                Outcome::Done(done) => {
                    runs.entry((configuration, policy)).or_default().push(done);
                }
                Outcome::Failed(why) => findings.failures.push(Failure {
                    configuration,
                    runner: record.runner.clone(),
                    why: why.clone(),
                }),
            }
        }
        let points = runs.into_iter().map(|((number, policy), runs)| {
            let n_replicas = configurations[number].n_replicas;
            question.point((number, n_replicas), policy, &runs)
        });
        findings.points = points.collect();
        findings
    }
}

impl Point {
    /// Whether it misses the goals by more than another, by the runs with the same seeds: for sure, if
    /// there are at least two, and noticeably.
    pub(crate) fn is_farther_than(&self, other: &Self) -> bool {
        let pairs = self.misses.iter().zip(&other.misses);
        let more: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
        let Some(more) = mean_interval(&more, CONFIDENCE) else {
            return false;
        };
        let surely = more.mean - more.half_width.unwrap_or(0.0);
        surely > 0.0 && more.mean > NOTICEABLE * (1.0 + other.miss.abs())
    }
}

impl Question {
    fn point(
        &self,
        (configuration, n_replicas): (usize, u32),
        policy: PolicyName,
        runs: &[&Done],
    ) -> Point {
        let values = |measure| -> Vec<f64> {
            let values = runs.iter().map(|done| match measure {
                Measure::Metric(metric) => done.metrics.get(metric),
                Measure::Replicas => f64::from(n_replicas),
            });
            values.collect()
        };
        let judged: Vec<_> = self
            .goals
            .iter()
            .map(|goal| goal.judge(&values(goal.measure)))
            .collect();
        let misses = self.goals.iter().zip(&judged);
        let miss = misses
            .map(|(goal, (interval, _))| goal.miss(interval.mean))
            .fold(f64::NEG_INFINITY, f64::max);
        let misses = (0..runs.len()).map(|run| {
            let goals = self.goals.iter();
            goals
                .map(|goal| goal.miss(values(goal.measure)[run]))
                .fold(f64::NEG_INFINITY, f64::max)
        });
        let interval = |measure| mean_interval(&values(measure), CONFIDENCE).unwrap_or_default();
        Point {
            configuration,
            policy,
            n_replicas,
            n_runs: runs.len() as u32,
            met: judged.iter().map(|(_, met)| *met).min().unwrap_or(Met::Yes),
            miss,
            misses: misses.collect(),
            goals: judged.into_iter().map(|(interval, _)| interval).collect(),
            objective: interval(self.minimise),
            failed_share: interval(Measure::Metric(Metric::FailedShare)).mean,
        }
    }

    /// The objective of a point, turned so that less is better.
    pub(crate) fn price(&self, point: &Point) -> f64 {
        if self.minimise.is_more_better() {
            -point.objective.mean
        } else {
            point.objective.mean
        }
    }
}
