//! The rule about priorities that some policies promise: nothing starts on a resource while something
//! of higher priority waits that could start there.
//!
//! Who could do a subtask is known from the candidates of its placement, so the rule is checked when
//! a subtask is placed, for all that started while it waited.

use std::collections::BTreeMap;

use sim::SimTime;

use super::Violation;
use crate::{
    fact::EngineFact,
    pool::ResourceId,
    workload::{SubtaskId, TaskId},
};

/// A batch that started.
#[derive(Debug)]
struct Start {
    at: SimTime,
    n_fact: usize,
    /// Which fact placed the first of its subtasks.
    placed: usize,
    /// The highest priority in it.
    priority: i32,
}

/// All instants at which something started on a resource that a subtask of higher priority waited
/// for, ready and able to start there.
///
/// Not every policy promises that there are none: some wait for a better resource or for more in a
/// batch, and some bind a subtask to one resource. Those that give whatever is ready to any free
/// resource do: `fifo`, `lifo`, `random`, `sjf`, `srpt`, `edf`, `least-slack` and `weighted-fair`,
/// where no memory is limited. Candidates must have been stated
/// ([`FactLevel::All`](crate::FactLevel)). Resources that batch continuously are left out.
pub fn validate_priorities<'a>(
    facts: impl IntoIterator<Item = (SimTime, &'a EngineFact)>,
) -> Vec<Violation> {
    let mut check = Check::default();
    for (n, (at, fact)) in facts.into_iter().enumerate() {
        check.take(n, at, fact);
    }
    check.violations
}

#[derive(Debug, Default)]
struct Check {
    priorities: BTreeMap<TaskId, i32>,
    /// By subtask: its priority.
    subtasks: BTreeMap<SubtaskId, i32>,
    /// What waits, since which fact and instant.
    waits: BTreeMap<SubtaskId, (usize, SimTime)>,
    /// By what was placed: which fact said so.
    placed: BTreeMap<SubtaskId, usize>,
    starts: BTreeMap<ResourceId, Vec<Start>>,
    violations: Vec<Violation>,
}

impl Check {
    fn take(&mut self, n: usize, at: SimTime, fact: &EngineFact) {
        match fact {
            EngineFact::ResourceJoined {
                resource,
                continuous: false,
                ..
            } => {
                self.starts.insert(*resource, Vec::new());
            }
            EngineFact::TaskArrived { task, priority, .. } => {
                self.priorities.insert(*task, *priority);
            }
            EngineFact::SubtaskAdded { subtask, task, .. } => {
                let priority = self.priorities.get(task).copied().unwrap_or(0);
                self.subtasks.insert(*subtask, priority);
            }
            EngineFact::SubtaskReady { subtask } => {
                self.waits.insert(*subtask, (n, at));
            }
            EngineFact::SubtaskCancelled { subtask } => {
                self.waits.remove(subtask);
            }
            EngineFact::SubtaskPlaced {
                subtask,
                candidates,
                ..
            } => {
                self.placed.insert(*subtask, n);
                if let Some((since, _)) = self.waits.remove(subtask) {
                    let able = candidates.iter().map(|candidate| candidate.resource);
                    self.look_back(*subtask, since, at, able);
                }
            }
            EngineFact::BatchStarted {
                resource, subtasks, ..
            } => self.started(n, at, *resource, subtasks),
            _ => {}
        }
    }

    fn started(&mut self, n: usize, at: SimTime, on: ResourceId, subtasks: &[SubtaskId]) {
        // Second copies are placed by nobody.
        let placed = subtasks.iter().filter_map(|id| self.placed.remove(id));
        let Some(placed) = placed.min() else { return };
        let priorities = subtasks.iter().filter_map(|id| self.subtasks.get(id));
        let priority = priorities.max().copied().unwrap_or(0);
        if let Some(starts) = self.starts.get_mut(&on) {
            starts.push(Start {
                at,
                n_fact: n,
                placed,
                priority,
            });
        }
    }

    /// Objects to what started on those who are `able` after fact `since` and before `now`.
    fn look_back(
        &mut self,
        id: SubtaskId,
        since: usize,
        now: SimTime,
        able: impl Iterator<Item = ResourceId>,
    ) {
        let own = self.subtasks.get(&id).copied().unwrap_or(0);
        for on in able {
            let starts = self.starts.get(&on).map_or(&[][..], Vec::as_slice);
            let while_it_waited = starts.iter().rev().take_while(|start| start.placed > since);
            let passed_over =
                while_it_waited.filter(|start| start.at < now && start.priority < own);
            self.violations.extend(passed_over.map(|start| Violation {
                at: start.at,
                n_fact: start.n_fact,
                text: format!(
                    "a batch of priority {} starts on {on:?}, while {id:?} of priority {own} waits \
                     for it",
                    start.priority
                ),
            }));
        }
    }
}
