//! The queue of future events in simulated time; events that no longer apply are dropped late.

use sim::{EventQueue, SimSpan, SimTime};

use super::Engine;
use crate::{
    fact::{EngineFact, FailureCause},
    pool::ResourceId,
    workload::{BatchId, SubtaskId, SubtaskState, TaskId},
};

/// Something that happens by itself. Events of one instant come in this order, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A batch has taken as long as it may.
    Timeout(BatchId, ResourceId),
    /// A failed subtask may be tried again.
    BackoffOver(SubtaskId),
    /// A deadline has passed.
    Deadline(TaskId),
    /// The subtasks of a task may start.
    Release(TaskId),
    /// A resource has generated the tokens that it planned; the number tells plans apart.
    Tokens(ResourceId, u32),
    /// A subtask has run so long that a second copy is wanted; the number is that of its attempt.
    Hedge(SubtaskId, u32),
    /// A resource fails or is mended; the number is that of the outage.
    Outage(ResourceId, u32),
    /// A resource has started up.
    StartedUp(ResourceId),
    /// The load of a scaling rule is to be looked at.
    Scale(u32),
}

impl Event {
    /// Whether it alone is a reason to go on when nothing is left to do.
    fn is_essential(self) -> bool {
        !matches!(self, Self::Outage(..) | Self::StartedUp(_) | Self::Scale(_))
    }
}

/// Future events, soonest first. Releases, which are many and mostly come in order of time, have a
/// queue of their own.
#[derive(Debug, Default)]
pub(super) struct Events {
    releases: EventQueue<TaskId>,
    others: EventQueue<Event>,
    n_essential: usize,
}

impl Events {
    pub(super) fn push(&mut self, at: SimTime, event: Event) {
        self.n_essential += usize::from(event.is_essential());
        match event {
            Event::Release(task) => self.releases.push_in_order(at, task),
            _ => self.others.push(at, event),
        }
    }

    pub(super) fn reserve(&mut self, n_releases: usize) {
        self.releases.reserve_in_order(n_releases);
    }

    #[inline]
    pub(super) fn next_at(&self) -> Option<SimTime> {
        match (self.releases.next_at(), self.others.next_at()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    #[inline]
    pub(super) fn is_due(&self, now: SimTime) -> bool {
        self.next_at().is_some_and(|at| at <= now)
    }

    #[inline]
    pub(super) fn has_essential(&self) -> bool {
        self.n_essential > 0
    }

    /// The task whose release comes next, if it comes before all other events.
    #[inline]
    fn next_release(&self) -> Option<TaskId> {
        let (at, task) = self.releases.peek()?;
        let is_late = |other: (SimTime, Event)| other < (at, Event::Release(task));
        (!self.others.peek().is_some_and(is_late)).then_some(task)
    }

    fn pop_release(&mut self) {
        self.n_essential -= usize::from(self.releases.pop().is_some());
    }

    fn pop_other(&mut self) {
        let popped = self.others.pop();
        self.n_essential -= usize::from(popped.is_some_and(|(_, event)| event.is_essential()));
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
        while self.events.is_due(now) {
            if let Some(task) = self.events.next_release() {
                self.events.pop_release();
                if self.awaits_release(task) {
                    self.counts.timers += 1;
                    self.release(now, task);
                }
            } else if let Some((at, event)) = self.events.others.peek() {
                self.events.pop_other();
                if self.applies(at, event) {
                    self.counts.timers += 1;
                    self.take_event(now, at, event);
                }
            }
        }
    }

    fn take_event(&mut self, now: SimTime, at: SimTime, event: Event) {
        match event {
            Event::Timeout(batch, resource) => {
                self.break_off(now, resource, batch, &FailureCause::TimedOut);
            }
            Event::BackoffOver(subtask) => self.make_ready(now, subtask),
            Event::Deadline(task) => {
                self.tasks[task.index()].missed_deadline = true;
                self.state(|_| EngineFact::DeadlineMissed { task });
                self.changed(now);
            }
            Event::Release(task) => self.release(now, task),
            Event::Tokens(resource, _) => self.end_phase(now, resource),
            Event::Hedge(subtask, _) => self.hedges.wanted.push(subtask),
            Event::Outage(resource, _) => self.take_outage(now, at, resource),
            Event::StartedUp(resource) => self.started_up(now, resource),
            Event::Scale(_) => self.scaling.look = true,
        }
    }

    /// Drops events that have lost their meaning from the front, so that nobody wakes up for them.
    pub(super) fn drop_stale_events(&mut self) {
        loop {
            if let Some(task) = self.events.next_release() {
                if self.awaits_release(task) {
                    break;
                }
                self.events.pop_release();
            } else if let Some((at, event)) = self.events.others.peek() {
                if self.applies(at, event) {
                    break;
                }
                self.events.pop_other();
            } else {
                break;
            }
        }
        while let Some((end, (batch, resource))) = self.ends.peek() {
            let on = &self.pool.resources[resource.index()];
            if on.running == Some(batch) && on.ends == Some(end) {
                break;
            }
            self.ends.pop();
        }
    }

    fn awaits_release(&self, id: TaskId) -> bool {
        let task = &self.tasks[id.index()];
        !task.released && !task.state.is_ended()
    }

    fn applies(&self, at: SimTime, event: Event) -> bool {
        match event {
            Event::Timeout(batch, resource) => {
                let on = &self.pool.resources[resource.index()];
                match &on.tokens {
                    Some(tokens) => tokens.subtask_of(batch).is_some(),
                    None => on.running == Some(batch) && on.ends.is_none_or(|end| end > at),
                }
            }
            Event::BackoffOver(id) => {
                self.subtasks[id.index()].state == SubtaskState::Backoff { until: at }
            }
            Event::Deadline(id) => !self.tasks[id.index()].state.is_ended(),
            Event::Release(id) => self.awaits_release(id),
            Event::Tokens(resource, plan) => {
                let on = &self.pool.resources[resource.index()];
                on.tokens.as_ref().is_some_and(|tokens| tokens.plan == plan)
            }
            Event::Hedge(id, attempt) => {
                let subtask = &self.subtasks[id.index()];
                subtask.attempts == attempt && matches!(subtask.state, SubtaskState::Running { .. })
            }
            Event::Outage(resource, n) => self.pool.resources[resource.index()].n_outages == n,
            Event::StartedUp(resource) => {
                self.pool.resources[resource.index()].starting_until == Some(at)
            }
            Event::Scale(_) => true,
        }
    }
}
