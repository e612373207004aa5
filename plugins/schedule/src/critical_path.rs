//! The critical path of a finished run: the chain of subtasks that the end was waiting for, each with
//! the reason why it did not start sooner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sim::SimTime;

use crate::{engine::Engine, pool::ResourceId, workload::SubtaskId};

/// A subtask of the critical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriticalStep {
    /// Which.
    pub subtask: SubtaskId,
    /// Where it ran.
    pub resource: ResourceId,
    /// When its last attempt started.
    pub started: SimTime,
    /// When it was done.
    pub ended: SimTime,
    /// What it was waiting for before.
    pub held_by: HeldBy,
}

/// Why a subtask of the critical path did not start sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "held_by")]
pub enum HeldBy {
    /// It started as soon as it was there and released.
    Arrival,
    /// It started as soon as this predecessor was done.
    Predecessor {
        /// Which.
        subtask: SubtaskId,
    },
    /// It was ready, and this one had its resource.
    Resource {
        /// Which had it.
        subtask: SubtaskId,
    },
    /// It was ready, and neither of these held it: its resource was down, the policy waited, or an
    /// attempt had failed.
    Other,
}

impl Engine {
    /// The chain that ends with the subtask that was done last, in the order of time; empty if
    /// nothing is done. Goes back until something started on arrival or was held by something else.
    pub fn critical_path(&self) -> Vec<CriticalStep> {
        let done = self.subtasks().iter().filter_map(|subtask| {
            let ended = subtask.ended_at()?;
            Some((ended, subtask.ran_on()?, subtask.id))
        });
        let done = done.filter(|(.., id)| self.step_of(*id).is_some());
        let mut by_end: BTreeMap<(ResourceId, SimTime), SubtaskId> = BTreeMap::new();
        let mut last = None;
        for (ended, resource, id) in done {
            by_end.entry((resource, ended)).or_insert(id);
            last = last.max(Some((ended, std::cmp::Reverse(id))));
        }
        let mut path = Vec::new();
        let mut next = last.map(|(_, std::cmp::Reverse(id))| id);
        while let Some(mut step) = next.and_then(|id| self.step_of(id)) {
            step.held_by = self.held_by(&step, &by_end);
            next = match step.held_by {
                HeldBy::Predecessor { subtask } | HeldBy::Resource { subtask } => Some(subtask),
                HeldBy::Arrival | HeldBy::Other => None,
            };
            path.push(step);
        }
        path.reverse();
        path
    }

    fn step_of(&self, id: SubtaskId) -> Option<CriticalStep> {
        let subtask = self.subtask(id);
        let is_done = subtask.state == crate::workload::SubtaskState::Done;
        Some(CriticalStep {
            subtask: id,
            resource: subtask.ran_on()?,
            started: subtask.started_at()?,
            ended: subtask.ended_at().filter(|_| is_done)?,
            held_by: HeldBy::Other,
        })
    }

    fn held_by(
        &self,
        step: &CriticalStep,
        by_end: &BTreeMap<(ResourceId, SimTime), SubtaskId>,
    ) -> HeldBy {
        let subtask = self.subtask(step.subtask);
        if subtask.ready_at() != Some(step.started) {
            return match by_end.get(&(step.resource, step.started)) {
                Some(&before) if before != step.subtask => HeldBy::Resource { subtask: before },
                _ => HeldBy::Other,
            };
        }
        let mut before = self.predecessors(step.subtask).iter();
        let last = before.find(|id| self.subtask(**id).ended_at() == subtask.ready_at());
        match last {
            Some(&subtask) => HeldBy::Predecessor { subtask },
            None if subtask.attempts > 1 => HeldBy::Other,
            None => HeldBy::Arrival,
        }
    }
}
