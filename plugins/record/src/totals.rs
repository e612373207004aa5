//! What a run adds up to: each number with its formula and unit, and as rows of a table.

use std::fmt;

use serde::{Deserialize, Serialize};
use sim::SimSpan;

/// The objectives of a run. All follow from its facts alone; see each field for the formula.
///
/// C is the instant at which a task finished, measured from the beginning of the run; r its
/// arrival, d its deadline, w its weight. A resource is busy from the start to the end of a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// How the tasks ended.
    pub tasks: TaskCounts,
    /// How the subtasks ended.
    pub subtasks: SubtaskCounts,
    /// Σ w·C over the finished tasks, in weighted seconds.
    pub weighted_completion_secs: f64,
    /// The instant of the last end of a batch, subtask or task, since the beginning.
    pub makespan: SimSpan,
    /// Σ w·max(0, C − d) over the finished tasks with a deadline, in weighted seconds.
    pub weighted_tardiness_secs: f64,
    /// C − r of the finished tasks: the latency of tasks.
    pub flow: Spread,
    /// From ready to start, of the last attempt of each finished subtask.
    pub wait: Spread,
    /// From start to end, of the last attempt of each finished subtask.
    pub run: Spread,
    /// Jain index (Σx)² / (n·Σx²) over the owners with a finished task, where x is the owner's
    /// mean slowdown. The slowdown of a task is its flow divided by the run times along its
    /// longest chain of subtasks; at least 1 is possible, and 1 if it has no run time. The index
    /// is 1 if all owners are slowed down alike and 1/n if one bears it all.
    pub fairness: Option<f64>,
    /// Σ busy seconds × price per second, in the scene's currency.
    pub cost: f64,
    /// Σ busy seconds × watts, in joules.
    pub energy_joules: f64,
    /// Failed attempts at subtasks.
    pub failures: u32,
    /// Failed attempts that were followed, or are to be followed, by another.
    pub retries: u32,
    /// Deadlines that passed with their task unfinished.
    pub deadline_misses: u32,
    /// Each resource, in the order of the pool.
    pub resources: Vec<ResourceTotals>,
}

/// How many tasks there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskCounts {
    /// Handed in.
    pub arrived: u32,
    /// Done.
    pub finished: u32,
    /// Cannot be finished.
    pub failed: u32,
    /// Neither.
    pub unfinished: u32,
}

/// How many subtasks there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubtaskCounts {
    /// Handed in.
    pub added: u32,
    /// Done.
    pub finished: u32,
    /// Failed for good.
    pub failed: u32,
    /// No longer wanted.
    pub cancelled: u32,
    /// None of these.
    pub unfinished: u32,
}

/// How some spans are spread. Percentiles are by nearest rank: the smallest value that at least so
/// many percent of the values do not exceed. All are zero where there are no values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// How many values there are.
    pub n: u64,
    /// Their mean, rounded down to the nanosecond.
    pub mean: SimSpan,
    /// The median.
    pub p50: SimSpan,
    /// The 95th percentile.
    pub p95: SimSpan,
    /// The 99th percentile.
    pub p99: SimSpan,
}

/// What one resource adds up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceTotals {
    /// Its name.
    pub name: String,
    /// How long it worked; batches that still run are not counted.
    pub busy: SimSpan,
    /// Busy time / makespan, from 0 to 1.
    pub utilisation: f64,
    /// Batches it started.
    pub batches: u32,
    /// Subtasks in them.
    pub subtasks: u32,
    /// Subtasks / batches; 0 if there were none.
    pub mean_batch: f64,
    /// Busy seconds × price per second, in the scene's currency.
    pub cost: f64,
    /// Busy seconds × watts, in joules.
    pub energy_joules: f64,
}

/// A line of a table for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// What it is.
    pub label: &'static str,
    /// How much, with its unit.
    pub value: String,
}

/// `3 arrived, 2 finished, 1 failed`.
impl fmt::Display for TaskCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arrived,
            finished,
            failed,
            unfinished,
        } = *self;
        write!(f, "{arrived} arrived")?;
        write_counts(
            f,
            &[
                (finished, "finished"),
                (failed, "failed"),
                (unfinished, "unfinished"),
            ],
        )
    }
}

/// `6 added, 4 finished, 1 failed, 1 cancelled`.
impl fmt::Display for SubtaskCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            added,
            finished,
            failed,
            cancelled,
            unfinished,
        } = *self;
        write!(f, "{added} added")?;
        write_counts(
            f,
            &[
                (finished, "finished"),
                (failed, "failed"),
                (cancelled, "cancelled"),
                (unfinished, "unfinished"),
            ],
        )
    }
}

/// Adds the counts that are not zero.
fn write_counts(f: &mut fmt::Formatter<'_>, counts: &[(u32, &str)]) -> fmt::Result {
    counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .try_for_each(|(n, noun)| write!(f, ", {n} {noun}"))
}

impl Totals {
    /// The head of the columns of [`resource_rows`](Self::resource_rows).
    pub const RESOURCE_HEAD: [&str; 8] = [
        "resource",
        "busy",
        "utilisation",
        "batches",
        "subtasks",
        "mean batch",
        "cost",
        "energy",
    ];

    /// The totals over all resources, as rows for people.
    pub fn table_rows(&self) -> Vec<TableRow> {
        let row = |label, value| TableRow { label, value };
        let Self {
            tasks,
            subtasks,
            flow,
            wait,
            run,
            ..
        } = self;
        vec![
            row("tasks", tasks.to_string()),
            row("subtasks", subtasks.to_string()),
            row(
                "total weighted completion time",
                format!("{:.3} s", self.weighted_completion_secs),
            ),
            row("makespan", self.makespan.to_string()),
            row(
                "weighted tardiness",
                format!("{:.3} s", self.weighted_tardiness_secs),
            ),
            row("task latency, mean", span_text(flow.n, flow.mean)),
            row(
                "task latency, p50 / p95 / p99",
                spans_text(flow.n, &[flow.p50, flow.p95, flow.p99]),
            ),
            row(
                "queue wait, mean / p95",
                spans_text(wait.n, &[wait.mean, wait.p95]),
            ),
            row(
                "run time, mean / p95",
                spans_text(run.n, &[run.mean, run.p95]),
            ),
            row(
                "fairness (Jain index)",
                self.fairness
                    .map_or_else(none, |index| format!("{index:.3}")),
            ),
            row("cost", format!("{:.4}", self.cost)),
            row("energy", energy_text(self.energy_joules)),
            row(
                "failures / retries",
                format!("{} / {}", self.failures, self.retries),
            ),
            row("deadlines missed", self.deadline_misses.to_string()),
        ]
    }

    /// One row for each resource, under [`RESOURCE_HEAD`](Self::RESOURCE_HEAD).
    pub fn resource_rows(&self) -> Vec<[String; 8]> {
        let row = |resource: &ResourceTotals| {
            [
                resource.name.clone(),
                resource.busy.to_string(),
                format!("{:.1} %", resource.utilisation * 100.0),
                resource.batches.to_string(),
                resource.subtasks.to_string(),
                format!("{:.2}", resource.mean_batch),
                format!("{:.4}", resource.cost),
                energy_text(resource.energy_joules),
            ]
        };
        self.resources.iter().map(row).collect()
    }
}

fn none() -> String {
    "–".to_owned()
}

fn span_text(n: u64, span: SimSpan) -> String {
    spans_text(n, &[span])
}

fn spans_text(n: u64, spans: &[SimSpan]) -> String {
    if n == 0 {
        return none();
    }
    spans
        .iter()
        .map(SimSpan::to_string)
        .collect::<Vec<_>>()
        .join(" / ")
}

fn energy_text(joules: f64) -> String {
    match joules {
        j if j < 1e4 => format!("{j:.1} J"),
        j if j < 3.6e6 => format!("{:.1} kJ", j / 1e3),
        j => format!("{:.3} kWh", j / 3.6e6),
    }
}
