//! Subtasks of higher priority that take the place of running ones.

use std::{cmp::Reverse, collections::BTreeSet};

use sim::SimTime;

use super::{Engine, Resource};
use crate::{
    fact::EngineFact,
    options::Preemption,
    policy::Placement,
    pool::ResourceId,
    workload::{SubtaskId, SubtaskState},
};

/// Ready subtasks by priority, kept only where they may preempt.
#[derive(Debug, Default)]
pub(super) struct Urgent(BTreeSet<(Reverse<i32>, SubtaskId)>);

impl Urgent {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn note(&mut self, id: SubtaskId, priority: i32, is_ready: bool) {
        let entry = (Reverse(priority), id);
        if is_ready {
            self.0.insert(entry);
        } else {
            self.0.remove(&entry);
        }
    }
}

impl Engine {
    /// Gives ready subtasks that nobody is free for the place of those with lower priority.
    pub(super) fn preempt(&mut self, now: SimTime) {
        if self.urgent.is_empty() {
            return;
        }
        let mut after = None;
        while let Some((id, victim)) = self.next_preemption(&mut after) {
            self.stop(now, victim);
            let first = self.started.len();
            self.start_subtask(
                now,
                Placement {
                    subtask: id,
                    resource: victim,
                    rank: 0,
                    candidates: vec![crate::fact::Candidate {
                        resource: victim,
                        score: 0,
                    }],
                },
            );
            self.start_batches(now, first);
        }
    }

    /// The most urgent subtask after the one before that can take somebody's place, and whose.
    fn next_preemption(
        &self,
        after: &mut Option<(Reverse<i32>, SubtaskId)>,
    ) -> Option<(SubtaskId, ResourceId)> {
        let lowest = self
            .pool
            .resources
            .iter()
            .filter_map(|on| self.priority_of(on))
            .min()?;
        for &entry in &self.urgent.0 {
            let (Reverse(priority), id) = entry;
            if priority <= lowest {
                return None;
            }
            if after.is_some_and(|after| entry <= after) {
                continue;
            }
            *after = Some(entry);
            if let Some(victim) = self.victim_of(id, priority) {
                return Some((id, victim));
            }
        }
        None
    }

    /// The priority of the batch that runs on a resource: the highest in it.
    fn priority_of(&self, on: &Resource) -> Option<i32> {
        let members = on.running.map(|_| on.members.iter())?;
        members.map(|id| self.priority(*id)).max()
    }

    /// Whose place a subtask takes: the lowest priority, then what was started last.
    fn victim_of(&self, id: SubtaskId, priority: i32) -> Option<ResourceId> {
        let lane = &self.pool.lanes[self.lane_of(id).index()];
        let members = || {
            lane.members
                .iter()
                .map(|(m, _)| &self.pool.resources[m.index()])
        };
        if members().any(Resource::is_free) {
            return None;
        }
        let lower = members().filter(|on| self.priority_of(on).is_some_and(|p| p < priority));
        let victim = lower.min_by_key(|on| (self.priority_of(on), Reverse(on.started), on.id))?;
        Some(victim.id)
    }

    /// Stops what runs on a resource; it becomes ready again.
    fn stop(&mut self, now: SimTime, resource: ResourceId) {
        let on = &self.pool.resources[resource.index()];
        let Some(batch) = on.running else {
            return;
        };
        let whole = on.ends.map(|end| end - on.started);
        let done = self.span_so_far(now, resource);
        let left = whole.map_or(1.0, |whole| 1.0 - done.0 as f64 / whole.0.max(1) as f64);
        let subtasks = self.end_batch(now, resource, batch);
        for &id in &subtasks {
            let runs = matches!(self.subtasks[id.index()].state, SubtaskState::Running { batch: b, .. } if b == batch);
            if !runs || self.go_on_in_copy(id) {
                continue;
            }
            self.subtasks[id.index()].attempts -= 1;
            if self.options.preemption == Preemption::Resume {
                self.keep_rest(id, left);
            }
            self.counts.preempted += 1;
            self.state(|_| EngineFact::SubtaskPreempted {
                subtask: id,
                resource,
            });
            self.make_ready(now, id);
        }
        self.hedges.forget(batch);
        self.keep_buffer(resource, subtasks);
    }

    /// Notes how much of the work of a preempted subtask is left.
    fn keep_rest(&mut self, id: SubtaskId, left: f64) {
        let subtask = &mut self.subtasks[id.index()];
        if !subtask.has_extras() {
            subtask.extras = self.extras.len() as u32;
            self.extras.push(super::Extras::default());
        }
        let rest = &mut self.extras[subtask.extras as usize].left;
        *rest = Some(rest.unwrap_or(1.0) * left);
    }
}
