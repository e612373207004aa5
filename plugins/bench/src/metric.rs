//! What is measured of a run: each number with its formula.

use serde::{Deserialize, Serialize};

use crate::run::{Run, RunTask, Unit, busy_spans};

/// What a number counts, which says how to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Time, in seconds or in an instance's own unit.
    Time,
    /// A share from 0 to 1.
    Share,
    /// A number of things.
    Count,
    /// A plain number: money, joules, weighted time.
    Amount,
}

/// Defines the metrics once: variant, name, label, quantity, documentation.
macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $label:literal, $quantity:ident;)*) => {
        /// A number that every run has.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Metric {
            $($(#[$doc])* $variant,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name used in files and goals.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What people call it.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// What it counts.
            pub fn quantity(self) -> Quantity {
                match self { $(Self::$variant => Quantity::$quantity,)* }
            }
        }
    };
}

metrics! {
    /// Σ w·C over the tasks that were done, where C is the instant at which a task is done.
    WeightedCompletion = "weighted_completion", "total weighted completion time", Amount;
    /// The end of the last piece of work or task.
    Makespan = "makespan", "makespan", Time;
    /// Σ w·max(0, C − d) over the tasks that were done and had a due time d.
    WeightedTardiness = "weighted_tardiness", "weighted tardiness", Amount;
    /// The mean of C − r, where r is the arrival.
    LatencyMean = "latency_mean", "mean latency", Time;
    /// The median of C − r (nearest rank, as for all percentiles).
    LatencyP50 = "latency_p50", "p50 latency", Time;
    /// The 90th percentile of C − r.
    LatencyP90 = "latency_p90", "p90 latency", Time;
    /// The 95th percentile of C − r.
    LatencyP95 = "latency_p95", "p95 latency", Time;
    /// The 99th percentile of C − r.
    LatencyP99 = "latency_p99", "p99 latency", Time;
    /// The largest C − r.
    LatencyMax = "latency_max", "largest latency", Time;
    /// The mean time from ready to start, over pieces of work.
    WaitMean = "wait_mean", "mean wait", Time;
    /// The 95th percentile of that time.
    WaitP95 = "wait_p95", "p95 wait", Time;
    /// One minus the Jain index of the owners' mean slowdowns: 0 is fair.
    Unfairness = "unfairness", "unfairness", Share;
    /// Working time × price, over the resources.
    Cost = "cost", "cost", Amount;
    /// Makespan × price, over the resources: having them, whether they work or not.
    HoldingCost = "holding_cost", "cost of having all resources", Amount;
    /// Working time × watts, over the resources.
    Energy = "energy", "energy", Amount;
    /// Working time over the makespan, on average over the resources.
    Utilisation = "utilisation", "utilisation", Share;
    /// Deadlines that passed with their task unfinished.
    DeadlineMisses = "deadline_misses", "deadlines missed", Count;
    /// That over the number of deadlines; 0 if there are none.
    MissedShare = "missed_share", "share of deadlines missed", Share;
    /// Tasks that failed, were cancelled or were refused.
    Failed = "failed", "tasks failed", Count;
    /// That over the number of tasks.
    FailedShare = "failed_share", "share of tasks failed", Share;
    /// Tasks that were done over the makespan: so many in a unit of time.
    Throughput = "throughput", "throughput", Amount;
}

impl Metric {
    /// Whether more of it is better; of all others, less is.
    pub fn is_more_better(self) -> bool {
        matches!(self, Self::Utilisation | Self::Throughput)
    }

    /// The metric that an objective of `plan` is.
    pub fn of_objective(objective: plan::Objective) -> Self {
        use plan::Objective as O;
        match objective {
            O::WeightedCompletion => Self::WeightedCompletion,
            O::Makespan => Self::Makespan,
            O::WeightedTardiness => Self::WeightedTardiness,
            O::LatencyP50 => Self::LatencyP50,
            O::LatencyP95 => Self::LatencyP95,
            O::LatencyP99 => Self::LatencyP99,
            O::Unfairness => Self::Unfairness,
            O::Cost => Self::Cost,
            O::Energy => Self::Energy,
        }
    }

    /// The metric that people mean by a word: its name, its label, or `p95`, `mean`, `misses`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase().replace(['-', ' '], "_");
        let short = match text.as_str() {
            "mean" | "latency" | "mean_latency" => Some(Self::LatencyMean),
            "p50" | "median" | "p50_latency" => Some(Self::LatencyP50),
            "p90" | "p90_latency" => Some(Self::LatencyP90),
            "p95" | "p95_latency" => Some(Self::LatencyP95),
            "p99" | "p99_latency" => Some(Self::LatencyP99),
            "max" | "max_latency" | "largest_latency" => Some(Self::LatencyMax),
            "wait" | "mean_wait" => Some(Self::WaitMean),
            "misses" | "missed" | "deadlines_missed" => Some(Self::DeadlineMisses),
            "util" | "utilization" => Some(Self::Utilisation),
            "tardiness" => Some(Self::WeightedTardiness),
            "failures" | "tasks_failed" => Some(Self::Failed),
            _ => None,
        };
        short.or_else(|| {
            Self::ALL
                .iter()
                .copied()
                .find(|metric| metric.name() == text)
        })
    }
}

/// All metrics of one run, in the order of [`Metric::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(Vec<f64>);

impl Metrics {
    /// What a run adds up to.
    pub fn of(run: &Run) -> Self {
        let sums = Sums::of(run);
        Self(
            Metric::ALL
                .iter()
                .map(|metric| sums.metric(*metric))
                .collect(),
        )
    }

    /// One of them.
    pub fn get(&self, metric: Metric) -> f64 {
        self.0.get(metric as usize).copied().unwrap_or(f64::NAN)
    }

    /// Whether there is one number for each metric, as there must be in a file.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.len() == Metric::ALL.len()
    }
}

/// What several metrics are made of.
struct Sums<'a> {
    run: &'a Run,
    makespan: f64,
    /// C − r, sorted.
    latencies: Vec<f64>,
    /// Ready to start, sorted.
    waits: Vec<f64>,
    busy: Vec<f64>,
}

impl<'a> Sums<'a> {
    fn of(run: &'a Run) -> Self {
        let sorted = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values
        };
        let pieces = run.pieces.iter();
        Self {
            run,
            makespan: run.makespan(),
            latencies: sorted(latencies(run).collect()),
            waits: sorted(pieces.map(|piece| piece.start - piece.ready).collect()),
            busy: busy_spans(run),
        }
    }

    fn metric(&self, metric: Metric) -> f64 {
        let working = |rate: fn(&crate::RunResource) -> f64| -> f64 {
            let resources = self.run.resources.iter().zip(&self.busy);
            resources
                .map(|(resource, busy)| busy * rate(resource))
                .sum()
        };
        let done = self
            .run
            .tasks
            .iter()
            .filter_map(|task| Some((task, task.end?)));
        match metric {
            Metric::WeightedCompletion => done.map(|(task, end)| task.weight * end).sum(),
            Metric::Makespan => self.makespan,
            Metric::WeightedTardiness => done
                .filter_map(|(task, end)| Some(task.weight * (end - task.due?).max(0.0)))
                // A sum of nothing is −0.
                .fold(0.0, |sum, late| sum + late),
            Metric::LatencyMean => mean(&self.latencies),
            Metric::LatencyP50 => percentile(&self.latencies, 0.50),
            Metric::LatencyP90 => percentile(&self.latencies, 0.90),
            Metric::LatencyP95 => percentile(&self.latencies, 0.95),
            Metric::LatencyP99 => percentile(&self.latencies, 0.99),
            Metric::LatencyMax => self.latencies.last().copied().unwrap_or(0.0),
            Metric::WaitMean => mean(&self.waits),
            Metric::WaitP95 => percentile(&self.waits, 0.95),
            Metric::Unfairness => unfairness(&self.run.tasks),
            Metric::Cost => working(|resource| resource.price),
            Metric::HoldingCost => self
                .run
                .resources
                .iter()
                .fold(0.0, |sum, resource| sum + resource.price * self.makespan),
            Metric::Energy => working(|resource| resource.watts),
            Metric::Utilisation if self.makespan > 0.0 => mean(&self.busy) / self.makespan,
            Metric::Utilisation => 0.0,
            Metric::DeadlineMisses => f64::from(self.run.deadline_misses),
            Metric::MissedShare => {
                let tasks = self.run.tasks.iter();
                share(
                    f64::from(self.run.deadline_misses),
                    tasks.filter(|task| task.due.is_some()).count() as f64,
                )
            }
            Metric::Failed => f64::from(self.run.failed),
            Metric::FailedShare => share(f64::from(self.run.failed), self.run.tasks.len() as f64),
            Metric::Throughput => share(done.count() as f64, self.makespan),
        }
    }
}

/// C − r of the tasks that were done.
pub(crate) fn latencies(run: &Run) -> impl Iterator<Item = f64> + '_ {
    let tasks = run.tasks.iter();
    tasks.filter_map(|task| Some(task.end? - task.release))
}

/// 0 of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// The smallest value that at least this share of the sorted values does not exceed; 0 of none.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Jain, Chiu, Hawe (1984), over the owners' mean slowdowns.
fn unfairness(tasks: &[RunTask]) -> f64 {
    let mut sums = std::collections::BTreeMap::<u32, (f64, f64)>::new();
    for task in tasks {
        if let Some(end) = task.end
            && task.ideal > 0.0
        {
            let (sum, n) = sums.entry(task.owner).or_default();
            *sum += (end - task.release) / task.ideal;
            *n += 1.0;
        }
    }
    let means: Vec<f64> = sums.values().map(|(sum, n)| sum / n).collect();
    let squares: f64 = means.iter().map(|x| x * x).sum();
    if squares == 0.0 {
        return 0.0;
    }
    1.0 - means.iter().sum::<f64>().powi(2) / (means.len() as f64 * squares)
}

/// A value of a metric for people: `1.25 s`, `62.0 %`, `57`.
pub fn metric_text(metric: Metric, value: f64, unit: Unit) -> String {
    match metric.quantity() {
        Quantity::Share => format!("{:.1} %", 100.0 * value),
        Quantity::Time if unit == Unit::Seconds => format!("{} s", rounded(value)),
        Quantity::Time | Quantity::Count | Quantity::Amount => rounded(value),
    }
}

/// Four significant digits, whole numbers in full.
pub(crate) fn rounded(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 9) as usize)
}

#[cfg(test)]
mod tests {
    use plan::{InstanceBuilder, Job, ListName, Mode, Objective, ResourceId};

    use super::*;

    #[test]
    fn words_mean_metrics() {
        for (text, expected) in [
            ("p95", Some(Metric::LatencyP95)),
            ("Latency-P95", Some(Metric::LatencyP95)),
            ("deadline misses", Some(Metric::DeadlineMisses)),
            ("cost", Some(Metric::Cost)),
            ("p42", None),
        ] {
            assert_eq!(Metric::parse(text), expected, "{text}");
        }
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.name()), Some(*metric));
        }
    }

    #[test]
    fn numbers_are_rounded_for_people() {
        for (value, expected) in [
            (57.0, "57"),
            (0.012_345, "0.01235"),
            (1234.567, "1235"),
            (1.0 / 3.0, "0.3333"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(rounded(value), expected);
        }
    }

    #[test]
    fn shares_and_rates_by_hand() {
        let task = |due, end| RunTask {
            due,
            end,
            ..RunTask::default()
        };
        let run = Run {
            resources: vec![
                crate::RunResource {
                    price: 0.5,
                    ..Default::default()
                };
                2
            ],
            tasks: vec![
                task(Some(3.0), Some(2.0)),
                task(Some(3.0), Some(8.0)),
                task(None, Some(4.0)),
                task(None, None),
            ],
            failed: 1,
            deadline_misses: 1,
            ..Run::default()
        };
        let metrics = Metrics::of(&run);
        for (metric, expected) in [
            (Metric::LatencyMax, 8.0),
            (Metric::HoldingCost, 8.0),
            (Metric::MissedShare, 0.5),
            (Metric::FailedShare, 0.25),
            (Metric::Throughput, 3.0 / 8.0),
        ] {
            assert_eq!(metrics.get(metric), expected, "{metric:?}");
            assert_eq!(Metrics::of(&Run::default()).get(metric), 0.0, "{metric:?}");
        }
    }

    /// The metrics of a schedule are the objectives of `plan`, which computes them by other code.
    #[test]
    fn metrics_of_a_schedule_are_its_objectives() {
        let mut builder = InstanceBuilder::new("three jobs", 2);
        for (n, resource) in builder.resources_mut().iter_mut().enumerate() {
            resource.price = 0.5 + n as f64;
            resource.watts = 10.0;
        }
        for n in 0..5_u32 {
            let job = builder.job(Job {
                release: f64::from(n),
                weight: 1.0 + f64::from(n % 2),
                due: Some(6.0 + f64::from(n)),
                owner: n % 2,
                ..Job::default()
            });
            let modes = |duration| {
                let mode = move |n| Mode {
                    resource: ResourceId(n),
                    duration: duration + f64::from(n),
                };
                [mode(0), mode(1)]
            };
            let first = builder.operation(job, modes(2.0));
            let second = builder.operation(job, modes(3.0));
            builder.arc(first, second, 0.0);
        }
        let instance = builder.build().unwrap();
        let schedule = ListName::Heft.schedule(&instance);
        let run = Run::of_schedule(&instance, &schedule);
        let metrics = Metrics::of(&run);
        for objective in Objective::ALL {
            let expected = objective.of(&instance, &schedule);
            let found = metrics.get(Metric::of_objective(objective));
            assert!(
                (found - expected).abs() < 1e-9,
                "{objective}: {found}, not {expected}"
            );
        }
    }
}
