//! Adds facts up to the totals of a run, one at a time and always in their order.

use std::collections::BTreeMap;

use schedule::{BatchId, EngineFact, OwnerId, ResourceId};
use sim::{Fact, SimSpan, SimTime};

use crate::{
    any_fact::AnyFact,
    fold::{RunState, TaskRecord},
    totals::{ResourceTotals, Spread, SubtaskCounts, TaskCounts, Totals},
};

/// The running sums behind [`Totals`].
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    tasks: TaskCounts,
    subtasks: SubtaskCounts,
    weighted_completion_secs: f64,
    weighted_tardiness_secs: f64,
    last_end: SimTime,
    flow: Samples,
    wait: Samples,
    run: Samples,
    slowdowns: BTreeMap<OwnerId, Mean>,
    failures: u32,
    retries: u32,
    deadline_misses: u32,
    resources: Vec<Usage>,
}

/// What a resource has done so far.
#[derive(Clone, Debug, Default)]
struct Usage {
    busy: SimSpan,
    batches: u32,
    subtasks: u32,
    running: Option<(BatchId, SimTime)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    n: u32,
}

/// Spans with how often each occurs, in order.
#[derive(Clone, Debug, Default)]
struct Samples {
    n: u64,
    sum_nanos: u128,
    counts: BTreeMap<SimSpan, u64>,
}

impl Metrics {
    /// Takes in `fact`, which `state` has taken in, without an error, just before.
    pub fn apply(&mut self, fact: &Fact<AnyFact>, state: &RunState) {
        let AnyFact::Engine(what) = &fact.what else {
            return;
        };
        match what {
            EngineFact::TaskArrived { .. } => self.tasks.arrived += 1,
            EngineFact::SubtaskAdded { .. } => self.subtasks.added += 1,
            EngineFact::SubtaskFinished { waited, ran, .. } => {
                self.last_end = fact.at;
                self.subtasks.finished += 1;
                self.wait.add(*waited);
                self.run.add(*ran);
            }
            EngineFact::SubtaskFailed { retry_at, .. } => {
                self.last_end = fact.at;
                self.failures += 1;
                match retry_at {
                    Some(_) => self.retries += 1,
                    None => self.subtasks.failed += 1,
                }
            }
            EngineFact::SubtaskCancelled { .. } => self.subtasks.cancelled += 1,
            EngineFact::TaskFinished { task, flow } => {
                self.last_end = fact.at;
                self.finish_task(fact.at, *flow, &state.tasks[task.index()]);
            }
            EngineFact::TaskFailed { .. }
            | EngineFact::TaskCancelled { .. }
            | EngineFact::TaskRefused { .. } => {
                self.last_end = fact.at;
                self.tasks.failed += 1;
            }
            EngineFact::DeadlineMissed { .. } => self.deadline_misses += 1,
            EngineFact::ResourceJoined { .. }
            | EngineFact::BatchStarted { .. }
            | EngineFact::BatchFinished { .. }
            | EngineFact::ResourceDown { .. } => self.apply_to_pool(fact.at, what),
            EngineFact::SubtaskReady { .. }
            | EngineFact::SubtaskPlaced { .. }
            | EngineFact::SubtaskPreempted { .. }
            | EngineFact::TokensEvicted { .. }
            | EngineFact::TokensReadmitted { .. }
            | EngineFact::SubtaskHedged { .. }
            | EngineFact::ResourceStarting { .. }
            | EngineFact::ModelLoaded { .. }
            | EngineFact::ResourceUp { .. } => {}
        }
    }

    fn apply_to_pool(&mut self, at: SimTime, fact: &EngineFact) {
        match fact {
            EngineFact::ResourceJoined { .. } => self.resources.push(Usage::default()),
            EngineFact::BatchStarted {
                batch,
                resource,
                subtasks,
                ..
            } => {
                let usage = &mut self.resources[resource.index()];
                usage.batches += 1;
                usage.subtasks += subtasks.len() as u32;
                usage.running = Some((*batch, at));
            }
            EngineFact::BatchFinished {
                batch,
                resource,
                span,
            } => {
                let running = &mut self.resources[resource.index()].running;
                if running.take_if(|(running, _)| running == batch).is_some() {
                    self.work(*resource, at, *span);
                }
            }
            EngineFact::ResourceDown { resource } => {
                // It worked until it failed, although that batch never comes to its end.
                if let Some((_, started)) = self.resources[resource.index()].running.take() {
                    self.work(*resource, at, at - started);
                }
            }
            _ => {}
        }
    }

    /// Counts work that a resource has done until `at`.
    fn work(&mut self, resource: ResourceId, at: SimTime, span: SimSpan) {
        self.resources[resource.index()].busy += span;
        self.last_end = at;
    }

    fn finish_task(&mut self, at: SimTime, flow: SimSpan, task: &TaskRecord) {
        self.tasks.finished += 1;
        self.flow.add(flow);
        self.weighted_completion_secs += task.weight * at.as_secs_f64();
        let late = task
            .deadline
            .map_or(SimSpan::ZERO, |deadline| at - deadline);
        self.weighted_tardiness_secs += task.weight * late.as_secs_f64();
        let mean = self.slowdowns.entry(task.owner).or_default();
        mean.sum += slowdown(flow, task.longest_chain);
        mean.n += 1;
    }

    /// What the facts add up to so far. `state` has taken in the same facts.
    pub fn totals(&self, state: &RunState) -> Totals {
        let (mut tasks, mut subtasks) = (self.tasks, self.subtasks);
        tasks.unfinished = tasks.arrived - tasks.finished - tasks.failed;
        subtasks.unfinished =
            subtasks.added - subtasks.finished - subtasks.failed - subtasks.cancelled;
        let makespan = self.last_end - SimTime::ZERO;
        let resources: Vec<_> = self
            .resources
            .iter()
            .zip(&state.resources)
            .map(|(usage, record)| {
                let busy_secs = usage.busy.as_secs_f64();
                ResourceTotals {
                    name: record.name.clone(),
                    busy: usage.busy,
                    utilisation: ratio(busy_secs, makespan.as_secs_f64()),
                    batches: usage.batches,
                    subtasks: usage.subtasks,
                    mean_batch: ratio(f64::from(usage.subtasks), f64::from(usage.batches)),
                    cost: busy_secs * record.price_per_sec,
                    energy_joules: busy_secs * record.watts,
                }
            })
            .collect();
        let slowdowns: Vec<_> = self
            .slowdowns
            .values()
            .map(|mean| mean.sum / f64::from(mean.n))
            .collect();
        Totals {
            tasks,
            subtasks,
            weighted_completion_secs: self.weighted_completion_secs,
            makespan,
            weighted_tardiness_secs: self.weighted_tardiness_secs,
            flow: self.flow.spread(),
            wait: self.wait.spread(),
            run: self.run.spread(),
            fairness: jain_index(&slowdowns),
            // Not `sum`, which makes -0.0 of nothing.
            cost: resources
                .iter()
                .fold(0.0, |sum, resource| sum + resource.cost),
            energy_joules: resources
                .iter()
                .fold(0.0, |sum, resource| sum + resource.energy_joules),
            failures: self.failures,
            retries: self.retries,
            deadline_misses: self.deadline_misses,
            resources,
        }
    }
}

impl Samples {
    fn add(&mut self, span: SimSpan) {
        self.n += 1;
        self.sum_nanos += u128::from(span.0);
        *self.counts.entry(span).or_default() += 1;
    }

    fn spread(&self) -> Spread {
        let Some(mean) = self.sum_nanos.checked_div(u128::from(self.n)) else {
            return Spread::default();
        };
        let ranks = [50, 95, 99].map(|percent| (self.n * percent).div_ceil(100));
        let mut found = [SimSpan::ZERO; 3];
        let mut n_below = 0;
        for (span, count) in &self.counts {
            for (rank, value) in ranks.iter().zip(&mut found) {
                if (n_below + 1..=n_below + count).contains(rank) {
                    *value = *span;
                }
            }
            n_below += count;
        }
        let [p50, p95, p99] = found;
        Spread {
            n: self.n,
            mean: SimSpan(mean as u64),
            p50,
            p95,
            p99,
        }
    }
}

/// How many times longer a task took than its longest chain of subtasks ran.
fn slowdown(flow: SimSpan, longest_chain: SimSpan) -> f64 {
    if longest_chain == SimSpan::ZERO {
        return 1.0;
    }
    flow.as_secs_f64() / longest_chain.as_secs_f64()
}

/// Jain, Chiu, Hawe (1984), "A quantitative measure of fairness": (Σx)² / (n·Σx²).
fn jain_index(values: &[f64]) -> Option<f64> {
    let sum = values.iter().fold(0.0, |sum, x| sum + x);
    let squares = values.iter().fold(0.0, |sum, x| sum + x * x);
    (squares > 0.0).then(|| sum * sum / (values.len() as f64 * squares))
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        // The worked example of the definition: 15, 20, 35, 40, 50.
        for (values, expected) in [
            (vec![], [0, 0, 0]),
            (vec![7], [7, 7, 7]),
            (vec![50, 15, 40, 20, 35], [35, 50, 50]),
            ((1..=100).collect(), [50, 95, 99]),
            ((1..=200).rev().collect(), [100, 190, 198]),
            (vec![3; 1000], [3, 3, 3]),
        ] {
            let mut samples = Samples::default();
            values.iter().for_each(|value| samples.add(SimSpan(*value)));
            let Spread {
                n, p50, p95, p99, ..
            } = samples.spread();
            assert_eq!((n, [p50.0, p95.0, p99.0]), (values.len() as u64, expected));
        }
    }

    #[test]
    fn percentiles_agree_with_a_sorted_list() {
        let mut samples = Samples::default();
        let mut values: Vec<u64> = (0..997_u64).map(|i| i * i * 7919 % 613).collect();
        values.iter().for_each(|value| samples.add(SimSpan(*value)));
        values.sort_unstable();
        let at = |percent: f64| values[(percent / 100.0 * 997.0).ceil() as usize - 1];
        let spread = samples.spread();
        assert_eq!(
            [spread.p50.0, spread.p95.0, spread.p99.0],
            [at(50.0), at(95.0), at(99.0)]
        );
        assert_eq!(spread.mean.0, values.iter().sum::<u64>() / 997);
    }

    #[test]
    fn jain_index_has_its_known_values() {
        for (values, expected) in [
            (vec![], None),
            (vec![4.0], Some(1.0)),
            (vec![2.0, 2.0, 2.0, 2.0], Some(1.0)),
            (vec![5.0, 0.0, 0.0, 0.0], Some(0.25)),
            (vec![1.0, 3.0], Some(0.8)),
        ] {
            assert_eq!(jain_index(&values), expected);
        }
    }
}
