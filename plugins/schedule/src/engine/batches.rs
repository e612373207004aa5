//! How placed subtasks become batches, and how batches end.

use std::mem;

use rand::Rng as _;
use rand_distr::StandardNormal;
use sim::{SimSpan, SimTime};

use super::{
    Engine,
    events::Event,
    state::{Batch, BatchRecord},
};
use crate::{
    draws::{Draws, Purpose},
    fact::{EngineFact, FailureCause},
    lane::Load,
    options::Charge,
    policy::Placement,
    pool::{ResourceId, ResourceKind},
    workload::{BatchId, SubtaskId, SubtaskState},
};

impl Engine {
    /// Tells how long a running batch takes, at least 1 ns; ignored if it has ended meanwhile.
    pub fn set_span(&mut self, batch: BatchId, span: SimSpan) {
        let record = &mut self.batches[batch.index()];
        if record.is_running {
            record.batch.ends = Some(record.batch.started + SimSpan(span.0.max(1)));
            self.drop_stale_events();
        }
    }

    /// Ends a batch with one result for each of its subtasks, in their order; ignored if it has
    /// ended meanwhile. A failed subtask is tried again or fails for good, and with it its task.
    ///
    /// # Panics
    /// If there are more or fewer results than subtasks in the batch.
    pub fn finish(&mut self, now: SimTime, batch: BatchId, results: &[Result<(), String>]) {
        let record = &self.batches[batch.index()];
        if !record.is_running {
            return;
        }
        let n_subtasks = record.batch.subtasks.len();
        assert_eq!(
            results.len(),
            n_subtasks,
            "results and subtasks of {batch:?} must pair up"
        );
        let subtasks = self.end_batch(now, batch);
        // What was done stays done, even if another subtask of the batch fails the task of both.
        for (&subtask, result) in subtasks.iter().zip(results) {
            if result.is_ok() && self.is_running_in(subtask, batch) {
                self.finish_subtask(now, subtask);
            }
        }
        for (&subtask, result) in subtasks.iter().zip(results) {
            if let Err(reason) = result
                && self.is_running_in(subtask, batch)
            {
                self.fail_attempt(now, subtask, FailureCause::Performer(reason.clone()));
            }
        }
        self.drop_stale_events();
    }

    /// Starts a batch on each free resource that was given subtasks; the others wait.
    pub(super) fn perform(&mut self, now: SimTime) -> Vec<Batch> {
        let mut forming: Vec<Batch> = Vec::new();
        // By resource: the place of its batch in `forming`.
        let mut places: Vec<Option<usize>> = vec![None; self.pool.resources.len()];
        let mut placements = mem::take(&mut self.decisions.placements);
        for placement in placements.drain(..) {
            let Placement {
                subtask, resource, ..
            } = placement;
            if self.subtasks[subtask.index()].state != SubtaskState::Ready {
                continue;
            }
            let place = places[resource.index()];
            if !self.fits(subtask, resource, place.map(|place| &forming[place])) {
                continue;
            }
            let place = *places[resource.index()].get_or_insert_with(|| {
                let id = BatchId((self.batches.len() + forming.len()) as u32);
                let subtasks = Vec::new();
                forming.push(Batch {
                    id,
                    resource,
                    subtasks,
                    started: now,
                    ends: None,
                });
                forming.len() - 1
            });
            forming[place].subtasks.push(subtask);
            self.start_subtask(now, placement, forming[place].id);
        }
        self.decisions.placements = placements;
        forming
            .into_iter()
            .map(|batch| self.start_batch(batch))
            .collect()
    }

    fn fits(&self, subtask: SubtaskId, resource: ResourceId, forming: Option<&Batch>) -> bool {
        let resource = &self.pool.resources[resource.index()];
        let lane = self.subtasks[subtask.index()].lane;
        let may_join = forming.is_none_or(|batch| {
            batch.subtasks.len() < resource.spec.slots as usize
                && self.subtasks[batch.subtasks[0].index()].lane == lane
        });
        resource.is_free()
            && may_join
            && self.pool.span(resource.id, lane, Load::default()).is_some()
    }

    fn start_subtask(&mut self, now: SimTime, placement: Placement, batch: BatchId) {
        let Placement {
            subtask,
            resource,
            rank,
            candidates,
        } = placement;
        self.set_state(subtask, SubtaskState::Running { resource, batch });
        let state = &mut self.subtasks[subtask.index()];
        state.attempts += 1;
        state.started_at = Some(now);
        self.facts.push(EngineFact::SubtaskPlaced {
            subtask,
            resource,
            rank,
            candidates,
        });
    }

    fn start_batch(&mut self, mut batch: Batch) -> Batch {
        let load = batch.subtasks.iter().fold(Load::default(), |load, id| {
            load.plus(self.subtasks[id.index()].load())
        });
        let lane = self.subtasks[batch.subtasks[0].index()].lane;
        let expected = self
            .pool
            .span(batch.resource, lane, load)
            .unwrap_or(SimSpan(1));
        let span = self.charged_span(&batch, expected);
        batch.ends = span.map(|span| batch.started + span);
        let resource = &mut self.pool.resources[batch.resource.index()];
        resource.running = Some(batch.id);
        resource.expected_end = Some(batch.started + expected);
        if let Some(timeout) = self.options.timeout {
            self.events
                .push(batch.started + timeout, Event::Timeout(batch.id));
        }
        self.facts.push(EngineFact::BatchStarted {
            batch: batch.id,
            resource: batch.resource,
            subtasks: batch.subtasks.clone(),
            span,
        });
        self.batches.push(BatchRecord {
            batch: batch.clone(),
            is_running: true,
        });
        batch
    }

    /// What a batch is charged, where that is known beforehand.
    fn charged_span(&self, batch: &Batch, expected: SimSpan) -> Option<SimSpan> {
        let spec = &self.pool.resources[batch.resource.index()].spec;
        let is_agent = matches!(spec.kind, ResourceKind::Agent { .. });
        let Charge::Modelled { noise } = self.options.charge else {
            return is_agent.then_some(expected);
        };
        let mut factor = self.work_factor(&batch.subtasks);
        if !spec.spread.is_exact() {
            let seed = self.options.streams.seed();
            factor *= spec
                .spread
                .factor(&mut Draws::new(seed, Purpose::Batch, batch.id.0, 0));
        }
        if noise > 0.0 {
            let mut stream = self.options.streams.stream("duration", batch.id.0.into());
            let z: f64 = stream.sample(StandardNormal);
            factor *= (noise * z - noise * noise / 2.0).exp();
        }
        if factor == 1.0 {
            return Some(expected);
        }
        Some(SimSpan(
            ((expected.0 as f64 * factor).round() as u64).max(1),
        ))
    }

    /// How much more or less work there is in `subtasks` than expected: the mean of their factors,
    /// each counted by its expected span.
    fn work_factor(&self, subtasks: &[SubtaskId]) -> f64 {
        let members = || subtasks.iter().map(|id| &self.subtasks[id.index()]);
        if members().all(|subtask| subtask.spec.spread.is_exact()) {
            return 1.0;
        }
        let seed = self.options.streams.seed();
        let (mut actual, mut expected) = (0.0, 0.0);
        for subtask in members() {
            let mut draws = Draws::new(seed, Purpose::Work, subtask.id.0, subtask.attempts);
            let span = subtask.mean_span.0 as f64;
            actual += subtask.spec.spread.factor(&mut draws) * span;
            expected += span;
        }
        actual / expected
    }

    /// Frees the resource of a running batch and hands out what was in the batch.
    pub(super) fn end_batch(&mut self, now: SimTime, id: BatchId) -> Vec<SubtaskId> {
        let record = &mut self.batches[id.index()];
        record.is_running = false;
        let Batch {
            resource, started, ..
        } = record.batch;
        let subtasks = record.batch.subtasks.clone();
        let state = &mut self.pool.resources[resource.index()];
        state.running = None;
        state.expected_end = None;
        self.facts.push(EngineFact::BatchFinished {
            batch: id,
            resource,
            span: now - started,
        });
        self.changed(now);
        subtasks
    }

    pub(super) fn is_running_in(&self, subtask: SubtaskId, in_batch: BatchId) -> bool {
        matches!(
            self.subtasks[subtask.index()].state,
            SubtaskState::Running { batch, .. } if batch == in_batch
        )
    }

    fn finish_subtask(&mut self, now: SimTime, id: SubtaskId) {
        let subtask = &mut self.subtasks[id.index()];
        let started = subtask.started_at.unwrap_or(now);
        let waited = started - subtask.ready_at.unwrap_or(started);
        subtask.ended_at = Some(now);
        if let SubtaskState::Running { resource, .. } = subtask.state {
            self.pool.resources[resource.index()].finished += 1;
        }
        let task = subtask.spec.task;
        let successors = subtask.successors.clone();
        self.set_state(id, SubtaskState::Done);
        self.facts.push(EngineFact::SubtaskFinished {
            subtask: id,
            waited,
            ran: now - started,
        });
        for next in successors {
            let waiting = &mut self.subtasks[next.index()];
            waiting.n_missing -= 1;
            if waiting.n_missing == 0 && waiting.state == SubtaskState::Blocked {
                self.make_ready(now, next);
            }
        }
        self.finish_if_done(now, task);
    }
}
