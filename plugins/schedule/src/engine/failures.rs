//! What goes wrong: failed attempts and their retries, resources that go down, tasks that fail.

use sim::{SimSpan, SimTime};

use super::{Engine, events::Event};
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
        let state = &mut self.pool.resources[resource.index()];
        if state.up == up {
            return;
        }
        state.up = up;
        let running = state.running;
        self.changed(now);
        if up {
            self.facts.push(EngineFact::ResourceUp { resource });
            return;
        }
        self.facts.push(EngineFact::ResourceDown { resource });
        if let Some(batch) = running {
            self.break_off(now, batch, &FailureCause::ResourceDown);
        }
        self.drop_stale_events();
    }

    /// Ends a running batch before its time: all attempts in it have failed.
    pub(super) fn break_off(&mut self, now: SimTime, batch: BatchId, cause: &FailureCause) {
        for subtask in self.end_batch(now, batch) {
            if self.is_running_in(subtask, batch) {
                self.fail_attempt(now, subtask, cause.clone());
            }
        }
    }

    /// Puts a running subtask into backoff, or fails it for good and its task with it.
    pub(super) fn fail_attempt(&mut self, now: SimTime, id: SubtaskId, cause: FailureCause) {
        let attempt = self.subtasks[id.index()].attempts;
        let retry_at = (attempt < self.options.max_attempts)
            .then(|| now + backoff(self.options.retry_delay, attempt));
        self.facts.push(EngineFact::SubtaskFailed {
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
            self.subtasks[id.index()].ended_at = Some(now);
            self.fail_task(now, self.subtasks[id.index()].spec.task);
        }
        self.changed(now);
    }

    /// Fails a task and all tasks that depend on what it leaves undone; cancels their subtasks.
    fn fail_task(&mut self, now: SimTime, task: TaskId) {
        let mut doomed = vec![task];
        while let Some(task) = doomed.pop() {
            let state = &mut self.tasks[task.index()];
            if state.state.is_ended() {
                continue;
            }
            state.state = TaskState::Failed;
            state.ended_at = Some(now);
            self.facts.push(EngineFact::TaskFailed { task });
            for id in self.tasks[task.index()].subtasks.clone() {
                let subtask = &mut self.subtasks[id.index()];
                if subtask.state == SubtaskState::Done {
                    continue;
                }
                let ended = subtask.state.is_ended();
                doomed.extend(
                    subtask
                        .successors
                        .clone()
                        .iter()
                        .map(|next| self.subtasks[next.index()].spec.task),
                );
                if !ended {
                    self.subtasks[id.index()].ended_at = Some(now);
                    self.set_state(id, SubtaskState::Cancelled);
                    self.facts
                        .push(EngineFact::SubtaskCancelled { subtask: id });
                }
            }
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
