//! Which schedule is better: the objectives, all to be made small.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    instance::{Instance, Mode},
    schedule::Schedule,
};

/// What is to be made small.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Σ wᵢ Cᵢ: the weighted completion times of the jobs.
    #[default]
    WeightedCompletion,
    /// The end of the last operation.
    Makespan,
    /// Σ wᵢ max(0, Cᵢ − dᵢ) over the jobs with a due time.
    WeightedTardiness,
    /// The median of Cᵢ − rᵢ (nearest rank).
    LatencyP50,
    /// The 95th percentile of Cᵢ − rᵢ (nearest rank).
    LatencyP95,
    /// The 99th percentile of Cᵢ − rᵢ (nearest rank).
    LatencyP99,
    /// One minus the Jain index of the owners' mean slowdowns: 0 is fair. The slowdown of a job is
    /// its latency over the longest chain of its fastest modes. Jain, Chiu, Hawe (1984).
    Unfairness,
    /// Working time × price, over the resources.
    Cost,
    /// Working time × watts, over the resources.
    Energy,
}

impl Objective {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::WeightedCompletion,
        Self::Makespan,
        Self::WeightedTardiness,
        Self::LatencyP50,
        Self::LatencyP95,
        Self::LatencyP99,
        Self::Unfairness,
        Self::Cost,
        Self::Energy,
    ];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::WeightedCompletion => "weighted-completion",
            Self::Makespan => "makespan",
            Self::WeightedTardiness => "weighted-tardiness",
            Self::LatencyP50 => "latency-p50",
            Self::LatencyP95 => "latency-p95",
            Self::LatencyP99 => "latency-p99",
            Self::Unfairness => "unfairness",
            Self::Cost => "cost",
            Self::Energy => "energy",
        }
    }

    /// The value of a schedule; smaller is better.
    pub fn of(self, instance: &Instance, schedule: &Schedule) -> f64 {
        match self {
            Self::Makespan => schedule.makespan(),
            Self::Cost => working(instance, schedule, |resource| resource.price),
            Self::Energy => working(instance, schedule, |resource| resource.watts),
            Self::WeightedCompletion
            | Self::WeightedTardiness
            | Self::LatencyP50
            | Self::LatencyP95
            | Self::LatencyP99
            | Self::Unfairness => self.of_completions(instance, &schedule.completions(instance)),
        }
    }

    /// The value that follows from the completion times of the jobs, for objectives that depend on
    /// nothing else (all but cost and energy, which are 0 here).
    pub fn of_completions(self, instance: &Instance, completions: &[f64]) -> f64 {
        let jobs = instance.jobs().iter().zip(completions);
        match self {
            Self::WeightedCompletion => jobs.map(|(job, end)| job.weight * end).sum(),
            Self::Makespan => completions.iter().copied().fold(0.0, f64::max),
            Self::WeightedTardiness => jobs
                .filter_map(|(job, end)| Some(job.weight * (end - job.due?).max(0.0)))
                .sum(),
            Self::LatencyP50 => latency_percentile(jobs, 0.50, &mut Vec::new()),
            Self::LatencyP95 => latency_percentile(jobs, 0.95, &mut Vec::new()),
            Self::LatencyP99 => latency_percentile(jobs, 0.99, &mut Vec::new()),
            Self::Unfairness => unfairness(instance, &ideal_spans(instance), completions),
            Self::Cost | Self::Energy => 0.0,
        }
    }
}

/// Values many schedules of one instance: what depends on the instance alone is kept.
pub(crate) struct Valuer {
    /// By job, for [`Objective::Unfairness`]; made when first needed.
    ideal: Option<Vec<f64>>,
    latencies: Vec<f64>,
}

impl Valuer {
    /// For this instance.
    pub(crate) fn new(instance: &Instance) -> Self {
        Self {
            ideal: None,
            latencies: Vec::with_capacity(instance.jobs().len()),
        }
    }

    /// As [`Objective::of_completions`].
    pub(crate) fn of_completions(
        &mut self,
        instance: &Instance,
        objective: Objective,
        completions: &[f64],
    ) -> f64 {
        let jobs = instance.jobs().iter().zip(completions);
        match objective {
            Objective::LatencyP50 => latency_percentile(jobs, 0.50, &mut self.latencies),
            Objective::LatencyP95 => latency_percentile(jobs, 0.95, &mut self.latencies),
            Objective::LatencyP99 => latency_percentile(jobs, 0.99, &mut self.latencies),
            Objective::Unfairness => {
                let ideal = self.ideal.get_or_insert_with(|| ideal_spans(instance));
                unfairness(instance, ideal, completions)
            }
            _ => objective.of_completions(instance, completions),
        }
    }

    /// [`Objective::Cost`] or [`Objective::Energy`] of the ways that the operations are done.
    pub(crate) fn working(
        instance: &Instance,
        objective: Objective,
        modes: impl Iterator<Item = Mode>,
    ) -> f64 {
        let rate = |mode: Mode| {
            let resource = &instance.resources()[mode.resource.index()];
            match objective {
                Objective::Energy => resource.watts,
                _ => resource.price,
            }
        };
        modes.map(|mode| mode.duration * rate(mode)).sum()
    }
}

fn working(
    instance: &Instance,
    schedule: &Schedule,
    rate: impl Fn(&crate::instance::Resource) -> f64,
) -> f64 {
    schedule
        .assignments
        .iter()
        .map(|a| (a.end - a.start) * rate(&instance.resources()[a.resource.index()]))
        .sum()
}

fn latency_percentile<'a>(
    jobs: impl Iterator<Item = (&'a crate::instance::Job, &'a f64)>,
    share: f64,
    latencies: &mut Vec<f64>,
) -> f64 {
    latencies.clear();
    latencies.extend(jobs.map(|(job, end)| end - job.release));
    if latencies.is_empty() {
        return 0.0;
    }
    let rank = (share * latencies.len() as f64).ceil() as usize;
    let at = rank.clamp(1, latencies.len()) - 1;
    *latencies.select_nth_unstable_by(at, f64::total_cmp).1
}

fn unfairness(instance: &Instance, ideal: &[f64], completions: &[f64]) -> f64 {
    let n_owners = instance.jobs().iter().map(|job| job.owner).max();
    let mut sums = vec![(0.0, 0_u32); n_owners.map_or(0, |n| n as usize + 1)];
    for ((job, end), ideal) in instance.jobs().iter().zip(completions).zip(ideal) {
        if *ideal > 0.0 {
            let (sum, n) = &mut sums[job.owner as usize];
            *sum += (end - job.release) / ideal;
            *n += 1;
        }
    }
    let means: Vec<f64> = sums
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(sum, n)| sum / f64::from(*n))
        .collect();
    let squares: f64 = means.iter().map(|x| x * x).sum();
    if squares == 0.0 {
        return 0.0;
    }
    1.0 - means.iter().sum::<f64>().powi(2) / (means.len() as f64 * squares)
}

/// The longest chain of fastest modes within each job, by job.
fn ideal_spans(instance: &Instance) -> Vec<f64> {
    let mut ends = vec![0.0_f64; instance.n_ops()];
    let mut spans = vec![0.0_f64; instance.jobs().len()];
    for &op in instance.topological() {
        let job = instance.job(op);
        let start = instance
            .preds(op)
            .iter()
            .filter(|arc| instance.job(arc.op) == job)
            .map(|arc| ends[arc.op.index()])
            .fold(0.0, f64::max);
        let fastest = instance.modes(op).iter().map(|mode| mode.duration);
        ends[op.index()] = start + fastest.fold(f64::INFINITY, f64::min);
        spans[job.index()] = spans[job.index()].max(ends[op.index()]);
    }
    spans
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no objective has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown objective {0:?}, must be one of {names}", names = Objective::ALL.map(Objective::name).join(", "))]
pub struct UnknownObjective(pub String);

impl FromStr for Objective {
    type Err = UnknownObjective;

    fn from_str(text: &str) -> Result<Self, UnknownObjective> {
        Self::ALL
            .into_iter()
            .find(|objective| objective.name() == text)
            .ok_or_else(|| UnknownObjective(text.to_owned()))
    }
}
