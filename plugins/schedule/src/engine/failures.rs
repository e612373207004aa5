//! What goes wrong: failed attempts and their retries, resources that go down, tasks that fail or
//! are called off.

use sim::{SimSpan, SimTime};

use super::{Engine, events::Event, state::Moment};
use crate::{
    fact::{EngineFact, FailureCause},
    pool::ResourceId,
    workload::{BatchId, SubtaskId, SubtaskState, TaskId, TaskState},
};

impl Engine {
    /// Says that a resource fails or works again; nothing happens if it already does. What it
    /// works on when it fails counts as a failed attempt and is tried again, elsewhere if someone
    /// else can.
    pub fn set_up(&mut self, now: SimTime, resource: ResourceId, up: bool) {
        let on = &mut self.pool.resources[resource.index()];
        if on.up == up {
            return;
        }
        on.up = up;
        on.idle_since = now;
        on.starting_until = None;
        let running = on.running;
        self.counts.switched += 1;
        self.changed(now);
        self.pool.refresh(resource);
        if up {
            self.state(|_| EngineFact::ResourceUp { resource });
            return;
        }
        self.state(|_| EngineFact::ResourceDown { resource });
        if let Some(batch) = running {
            self.break_off(now, resource, batch, &FailureCause::ResourceDown);
        }
        let on = &self.pool.resources[resource.index()];
        let sequences = on.tokens.iter().flat_map(|tokens| tokens.all());
        for (batch, _) in sequences.collect::<Vec<_>>() {
            self.break_off(now, resource, batch, &FailureCause::ResourceDown);
        }
        let on = &mut self.pool.resources[resource.index()];
        on.loaded.clear();
        if let Some(tokens) = &mut on.tokens {
            tokens.clear();
        }
        self.pool.unload(resource);
        self.drop_stale_events();
    }

    /// Ends a running batch before its time: all attempts in it have failed.
    pub(super) fn break_off(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        batch: BatchId,
        cause: &FailureCause,
    ) {
        let subtasks = self.end_batch(now, resource, batch);
        for &subtask in &subtasks {
            self.lose(now, subtask, batch, cause.clone());
        }
        self.hedges.forget(batch);
        self.keep_buffer(resource, subtasks);
    }

    /// A batch failed a subtask: its attempt goes on in its other copy, or has failed.
    pub(super) fn lose(
        &mut self,
        now: SimTime,
        id: SubtaskId,
        batch: BatchId,
        cause: FailureCause,
    ) {
        if self.is_running_in(id, batch) && !self.go_on_in_copy(id) {
            self.fail_attempt(now, id, cause);
        }
    }

    /// Puts a running subtask into backoff, or fails it for good and its task with it.
    fn fail_attempt(&mut self, now: SimTime, id: SubtaskId, cause: FailureCause) {
        let subtask = &self.subtasks[id.index()];
        let (attempt, task) = (subtask.attempts, subtask.spec.task);
        let own = self
            .extras
            .get(subtask.extras as usize)
            .and_then(|extras| extras.max_attempts);
        let retry_at = (attempt < own.unwrap_or(self.options.max_attempts))
            .then(|| now + backoff(self.options.retry_delay, attempt));
        if let Some(extras) = self.extras.get_mut(subtask.extras as usize) {
            extras.left = None;
        }
        self.counts.failed += 1;
        self.state(|_| EngineFact::SubtaskFailed {
            subtask: id,
            attempt,
            cause,
            retry_at,
        });
        if let Some(until) = retry_at {
            self.set_state(id, SubtaskState::Backoff { until });
            self.events.push(until, Event::BackoffOver(id));
        } else {
            self.set_state(id, SubtaskState::Failed);
            self.subtasks[id.index()].ended = Moment::at(now);
            self.fail_tasks(now, vec![task]);
        }
        self.changed(now);
    }

    /// Calls a task off: what it has not done is cancelled, and every task that depends on it fails.
    /// Does nothing if it has ended.
    pub fn cancel_task(&mut self, now: SimTime, task: TaskId) {
        if self.tasks[task.index()].state.is_ended() {
            return;
        }
        self.end_task(now, task, TaskState::Cancelled);
        self.state(|_| EngineFact::TaskCancelled { task });
        let mut doomed = Vec::new();
        self.cancel_subtasks(now, task, &mut doomed);
        self.fail_tasks(now, doomed);
        self.stop_vain_work(now);
        self.changed(now);
        self.drop_stale_events();
    }

    /// Refuses a task that comes while too many are open.
    pub(super) fn refuse_task(&mut self, now: SimTime, task: TaskId) {
        self.end_task(now, task, TaskState::Failed);
        self.state(|_| EngineFact::TaskRefused { task });
        let mut doomed = Vec::new();
        self.cancel_subtasks(now, task, &mut doomed);
        self.fail_tasks(now, doomed);
        self.changed(now);
    }

    /// Fails tasks and all tasks that depend on what they leave undone; cancels their subtasks.
    fn fail_tasks(&mut self, now: SimTime, mut doomed: Vec<TaskId>) {
        while let Some(task) = doomed.pop() {
            if self.tasks[task.index()].state.is_ended() {
                continue;
            }
            self.end_task(now, task, TaskState::Failed);
            self.state(|_| EngineFact::TaskFailed { task });
            self.cancel_subtasks(now, task, &mut doomed);
        }
    }

    /// Cancels what is left of a task; names the tasks that come after something undone.
    fn cancel_subtasks(&mut self, now: SimTime, task: TaskId, doomed: &mut Vec<TaskId>) {
        let mut next = self.tasks[task.index()].first;
        while let Some(subtask) = self.subtasks.get(next as usize) {
            next = subtask.next_in_task;
            if subtask.state == SubtaskState::Done {
                continue;
            }
            let (id, ended) = (subtask.id, subtask.state.is_ended());
            let after = self.graph.after(subtask);
            doomed.extend(after.map(|next| self.subtasks[next.index()].spec.task));
            if !ended {
                self.subtasks[id.index()].ended = Moment::at(now);
                self.set_state(id, SubtaskState::Cancelled);
                self.counts.cancelled += 1;
                self.state(|_| EngineFact::SubtaskCancelled { subtask: id });
            }
        }
    }

    /// Ends batches that hold nothing but what is cancelled.
    fn stop_vain_work(&mut self, now: SimTime) {
        let is_vain = |id: &SubtaskId| self.subtasks[id.index()].state.is_ended();
        let vain: Vec<_> = self
            .running()
            .filter(|batch| batch.subtasks.iter().all(is_vain))
            .map(|batch| (batch.resource, batch.id))
            .collect();
        for (resource, batch) in vain {
            let subtasks = self.end_batch(now, resource, batch);
            self.keep_buffer(resource, subtasks);
        }
    }
}

/// The wait after failed attempt number `attempt`: `first`, doubled for each attempt before it.
fn backoff(first: SimSpan, attempt: u32) -> SimSpan {
    let factor = 1_u64
        .checked_shl(attempt.saturating_sub(1))
        .unwrap_or(u64::MAX);
    SimSpan(first.0.saturating_mul(factor))
}
