//! The queue of future events in simulated time; events that no longer apply are dropped late.

use std::{cmp::Reverse, collections::BinaryHeap};

use sim::{SimSpan, SimTime};

use super::Engine;
use crate::{
    fact::{EngineFact, FailureCause},
    workload::{BatchId, SubtaskId, SubtaskState, TaskId},
};

/// Something that happens by itself. Events of one instant come in this order, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A batch has taken as long as it may.
    Timeout(BatchId),
    /// A failed subtask may be tried again.
    BackoffOver(SubtaskId),
    /// A deadline has passed.
    Deadline(TaskId),
}

/// Future events, soonest first.
#[derive(Debug, Default)]
pub(super) struct Events(BinaryHeap<Reverse<(SimTime, Event)>>);

impl Events {
    pub(super) fn push(&mut self, at: SimTime, event: Event) {
        self.0.push(Reverse((at, event)));
    }

    pub(super) fn next(&self) -> Option<SimTime> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    fn pop_if(&mut self, wanted: impl FnOnce(SimTime, Event) -> bool) -> Option<(SimTime, Event)> {
        let Reverse((at, event)) = *self.0.peek()?;
        if !wanted(at, event) {
            return None;
        }
        self.0.pop();
        Some((at, event))
    }
}

impl Engine {
    /// Asks for the event after which `deadline` has passed.
    pub(super) fn watch_deadline(&mut self, task: TaskId, deadline: SimTime) {
        // What ends at its deadline is in time.
        self.events
            .push(deadline + SimSpan(1), Event::Deadline(task));
    }

    pub(super) fn take_due_events(&mut self, now: SimTime) {
        while let Some((at, event)) = self.events.pop_if(|at, _| at <= now) {
            if !self.applies(at, event) {
                continue;
            }
            match event {
                Event::Timeout(batch) => self.break_off(now, batch, &FailureCause::TimedOut),
                Event::BackoffOver(subtask) => self.make_ready(now, subtask),
                Event::Deadline(task) => {
                    self.tasks[task.index()].missed_deadline = true;
                    self.facts.push(EngineFact::DeadlineMissed { task });
                    self.changed(now);
                }
            }
        }
    }

    /// Drops events that have lost their meaning from the front, so that nobody wakes up for them.
    pub(super) fn drop_stale_events(&mut self) {
        while let Some(Reverse((at, event))) = self.events.0.peek().copied() {
            if self.applies(at, event) {
                return;
            }
            self.events.0.pop();
        }
    }

    fn applies(&self, at: SimTime, event: Event) -> bool {
        match event {
            Event::Timeout(id) => {
                let record = &self.batches[id.index()];
                record.is_running && record.batch.ends.is_none_or(|end| end > at)
            }
            Event::BackoffOver(id) => {
                self.subtasks[id.index()].state == SubtaskState::Backoff { until: at }
            }
            Event::Deadline(id) => !self.tasks[id.index()].state.is_ended(),
        }
    }
}
