//! How batches end, and what becomes of what was in them.

use std::mem;

use sim::{SimSpan, SimTime};

use super::{Batch, Engine, Subtask, graph::NONE, state::Moment};
use crate::{
    fact::{EngineFact, FailureCause},
    pool::ResourceId,
    workload::{BatchId, SubtaskId, SubtaskState, TaskId, TaskState},
};

impl Engine {
    /// Running batches that end at or before `now`, by end and id.
    pub fn due(&self, now: SimTime) -> Vec<Batch> {
        let whole = self
            .running()
            .filter(|batch| batch.ends.is_some_and(|end| end <= now));
        let generated = self.generated.iter().map(|(resource, generated)| Batch {
            id: generated.batch,
            resource: *resource,
            subtasks: vec![generated.subtask],
            started: self.subtask(generated.subtask).started_at().unwrap_or(now),
            ends: Some(self.now),
        });
        let mut due: Vec<_> = whole.chain(generated).collect();
        due.sort_by_key(|batch| (batch.ends, batch.id));
        due
    }

    /// Ends a batch with one result for each of its subtasks, in their order; ignored if it has
    /// ended meanwhile. A failed subtask is tried again or fails for good, and with it its task.
    ///
    /// # Panics
    /// If there are more or fewer results than subtasks in the batch.
    pub fn finish(&mut self, now: SimTime, batch: BatchId, results: &[Result<(), String>]) {
        let running = |on: &&super::Resource| on.running == Some(batch);
        let on = self.pool.resources.iter().find(running);
        let whole = on.map(|on| (on.id, on.members.len()));
        let generated = self
            .generated
            .iter()
            .find(|(_, generated)| generated.batch == batch);
        let found = whole.or(generated.map(|(resource, _)| (*resource, 1)));
        let Some((resource, n_subtasks)) = found else {
            return;
        };
        assert_eq!(
            results.len(),
            n_subtasks,
            "results and subtasks of {batch:?} must pair up"
        );
        let subtasks = self.end_batch(now, resource, batch);
        // What was done stays done, even if another subtask of the batch fails the task of both.
        for (&subtask, result) in subtasks.iter().zip(results) {
            if result.is_ok() && self.works_on(subtask, batch) {
                self.finish_subtask(now, subtask, resource, batch);
            }
        }
        for (&subtask, result) in subtasks.iter().zip(results) {
            if let Err(reason) = result {
                let cause = FailureCause::Performer(reason.clone());
                self.lose(now, subtask, batch, cause);
            }
        }
        self.hedges.forget(batch);
        self.keep_buffer(resource, subtasks);
        self.drop_stale_events();
    }

    /// Ends a batch with success for all that is in it.
    pub(super) fn succeed(&mut self, now: SimTime, resource: ResourceId, batch: BatchId) {
        let on = &self.pool.resources[resource.index()];
        if on.tokens.is_none() && on.running != Some(batch) {
            return;
        }
        let subtasks = self.end_batch(now, resource, batch);
        for &subtask in &subtasks {
            if self.works_on(subtask, batch) {
                self.finish_subtask(now, subtask, resource, batch);
            }
        }
        self.hedges.forget(batch);
        self.keep_buffer(resource, subtasks);
    }

    /// Frees the resource of a batch and hands out what was in the batch.
    pub(super) fn end_batch(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        batch: BatchId,
    ) -> Vec<SubtaskId> {
        let on = &mut self.pool.resources[resource.index()];
        on.idle_since = now;
        let (subtasks, started) = if on.running == Some(batch) {
            on.running = None;
            on.expected_end = None;
            on.ends = None;
            (mem::take(&mut on.members), on.started)
        } else {
            self.end_sequence(now, resource, batch)
        };
        self.pool.refresh(resource);
        self.counts.batches_ended += 1;
        self.state(|_| EngineFact::BatchFinished {
            batch,
            resource,
            span: now - started,
        });
        self.changed(now);
        subtasks
    }

    /// Takes a sequence from those that have all their tokens, or out of its server.
    fn end_sequence(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        batch: BatchId,
    ) -> (Vec<SubtaskId>, SimTime) {
        let on = &self.pool.resources[resource.index()];
        let at = self
            .generated
            .iter()
            .position(|(_, generated)| generated.batch == batch);
        let subtask = match at {
            Some(at) => {
                let (_, generated) = self.generated.remove(at);
                self.first_token = generated.first_token;
                Some(generated.subtask)
            }
            None => {
                let subtask = on
                    .tokens
                    .as_ref()
                    .and_then(|tokens| tokens.subtask_of(batch));
                self.drop_sequence(now, resource, batch);
                subtask
            }
        };
        let started = subtask.and_then(|id| self.subtasks[id.index()].started_at());
        (subtask.into_iter().collect(), started.unwrap_or(now))
    }

    /// Gives the buffer of an ended batch back to its resource, which may need it again.
    pub(super) fn keep_buffer(&mut self, resource: ResourceId, mut buffer: Vec<SubtaskId>) {
        let on = &mut self.pool.resources[resource.index()];
        if on.members.is_empty() && on.tokens.is_none() {
            buffer.clear();
            on.members = buffer;
        }
    }

    pub(super) fn is_running_in(&self, subtask: SubtaskId, in_batch: BatchId) -> bool {
        matches!(
            self.subtasks[subtask.index()].state,
            SubtaskState::Running { batch, .. } if batch == in_batch
        )
    }

    /// Whether the result of a batch counts for a subtask: it runs there, or has its copy there.
    fn works_on(&self, subtask: SubtaskId, batch: BatchId) -> bool {
        self.is_running_in(subtask, batch)
            || (self.hedges.is_copy(subtask, batch)
                && matches!(
                    self.subtasks[subtask.index()].state,
                    SubtaskState::Running { .. }
                ))
    }

    fn finish_subtask(
        &mut self,
        now: SimTime,
        id: SubtaskId,
        resource: ResourceId,
        batch: BatchId,
    ) {
        let on = &mut self.pool.resources[resource.index()];
        on.finished += 1;
        let is_whole = on.tokens.is_none();
        let begun = on.started;
        let first_token = self.first_token.take();
        let subtask = &mut self.subtasks[id.index()];
        if is_whole {
            // Its copy may have been the faster one.
            subtask.started = Moment::at(begun);
            subtask.on = resource.0;
        }
        let started = subtask.started_at().unwrap_or(now);
        let waited = started - subtask.ready_at().unwrap_or(started);
        subtask.ended = Moment::at(now);
        let Subtask { after, spec, .. } = *subtask;
        let was = subtask.state;
        self.set_state(id, SubtaskState::Done);
        self.counts.finished += 1;
        self.state(|_| EngineFact::SubtaskFinished {
            subtask: id,
            waited,
            ran: now - started,
            first_token: first_token.map(|at| at - started),
        });
        if self.options.hedging.is_some() {
            self.hedges.note_span(self.lane_of(id), now - started);
            self.stop_rival(now, id, was, batch);
        }
        let mut link = after.0;
        while link != NONE {
            let (next, rest) = self.graph.link(link);
            link = rest;
            self.predecessor_done(now, next);
        }
        self.finish_if_done(now, spec.task);
    }

    fn predecessor_done(&mut self, now: SimTime, id: SubtaskId) {
        let waiting = &mut self.subtasks[id.index()];
        waiting.n_missing -= 1;
        if waiting.n_missing == 0
            && waiting.state == SubtaskState::Blocked
            && self.tasks[waiting.spec.task.index()].released
        {
            self.make_ready(now, id);
        }
    }

    /// Finishes a task that is closed and has nothing left.
    pub(super) fn finish_if_done(&mut self, now: SimTime, id: TaskId) {
        let task = &mut self.tasks[id.index()];
        if task.state == TaskState::Closed && task.n_unfinished == 0 {
            let from = task
                .spec
                .release()
                .map_or(task.arrived_at, |at| at.max(task.arrived_at));
            self.end_task(now, id, TaskState::Done);
            let flow = now - from;
            self.state(|_| EngineFact::TaskFinished { task: id, flow });
            self.changed(now);
        }
    }

    pub(super) fn end_task(&mut self, now: SimTime, id: TaskId, state: TaskState) {
        let task = &mut self.tasks[id.index()];
        task.state = state;
        task.ended = Moment::at(now);
        self.n_released -= u32::from(task.released);
        self.n_open_tasks -= 1;
        self.counts.tasks_ended += 1;
    }

    /// Since when a batch resource has worked on what it does now.
    pub(super) fn span_so_far(&self, now: SimTime, resource: ResourceId) -> SimSpan {
        now - self.pool.resources[resource.index()].started
    }
}
