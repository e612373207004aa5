//! The run that the facts of an engine tell of.

use std::collections::BTreeMap;

use schedule::{BatchId, EngineFact};
use sim::SimTime;

use super::{Piece, Run, RunResource, RunTask, Unit};

/// What is known of a subtask so far.
struct Subtask {
    task: u32,
    agent: u32,
    name: Box<str>,
    after: Vec<u32>,
    ready: f64,
    /// The longest chain of run times within its task, up to its end.
    chain: f64,
    started: Option<(u32, f64)>,
    is_cancelled: bool,
}

/// Folds facts, in order, into a run.
#[derive(Default)]
struct Folder {
    run: Run,
    subtasks: Vec<Subtask>,
    batches: BTreeMap<BatchId, Vec<u32>>,
    owners: BTreeMap<u32, u32>,
}

impl Run {
    /// The run that `facts`, in their order, tell of; `name_of` names agents and tenants.
    pub fn of_facts<'a>(
        facts: impl IntoIterator<Item = (SimTime, &'a EngineFact)>,
        name_of: impl Fn(u32) -> Option<String>,
    ) -> Self {
        let mut folder = Folder::default();
        folder.run.unit = Unit::Seconds;
        for (at, fact) in facts {
            folder.take(at.as_secs_f64(), fact, &name_of);
        }
        folder.run.arcs = (0..)
            .zip(&folder.subtasks)
            .flat_map(|(to, subtask)| subtask.after.iter().map(move |from| (*from, to)))
            .collect();
        folder.run.sort_pieces();
        folder.run
    }
}

impl Folder {
    fn take(&mut self, at: f64, fact: &EngineFact, name_of: &dyn Fn(u32) -> Option<String>) {
        match fact {
            EngineFact::ResourceJoined {
                name,
                price_per_sec,
                watts,
                ..
            } => self.run.resources.push(RunResource {
                name: name.clone(),
                price: *price_per_sec,
                watts: *watts,
            }),
            EngineFact::TaskArrived {
                name,
                owner,
                weight,
                deadline,
                ..
            } => self.run.tasks.push(RunTask {
                name: name.clone(),
                owner: owner.0,
                weight: *weight,
                release: at,
                due: deadline.map(SimTime::as_secs_f64),
                end: None,
                ideal: 0.0,
            }),
            EngineFact::SubtaskAdded {
                task,
                name,
                owner,
                after,
                ..
            } => {
                let agent = self.agent(owner.0, name_of);
                self.subtasks.push(Subtask {
                    task: task.0,
                    agent,
                    name: name.as_str().into(),
                    after: after.iter().map(|id| id.0).collect(),
                    ready: at,
                    chain: 0.0,
                    started: None,
                    is_cancelled: false,
                });
            }
            EngineFact::SubtaskReady { subtask } => self.subtasks[subtask.index()].ready = at,
            EngineFact::TaskFinished { task, .. } => {
                self.run.tasks[task.index()].end = Some(at);
            }
            EngineFact::TaskFailed { .. } => self.run.failed += 1,
            EngineFact::DeadlineMissed { .. } => self.run.deadline_misses += 1,
            _ => self.take_work(at, fact),
        }
    }

    fn take_work(&mut self, at: f64, fact: &EngineFact) {
        match fact {
            EngineFact::BatchStarted {
                batch,
                resource,
                subtasks,
                ..
            } => {
                for id in subtasks {
                    self.subtasks[id.index()].started = Some((resource.0, at));
                }
                let members = subtasks.iter().map(|id| id.0).collect();
                self.batches.insert(*batch, members);
            }
            EngineFact::SubtaskFinished { subtask, .. } => self.end(subtask.0, at, true),
            EngineFact::SubtaskFailed { subtask, .. } => self.end(subtask.0, at, false),
            EngineFact::BatchFinished { batch, .. } => {
                // What was cancelled while it ran stays in its batch until the batch ends; what
                // became of the others follows.
                for id in self.batches.remove(batch).unwrap_or_default() {
                    if self.subtasks[id as usize].is_cancelled {
                        self.end(id, at, false);
                    }
                }
            }
            EngineFact::SubtaskCancelled { subtask } => {
                self.subtasks[subtask.index()].is_cancelled = true;
            }
            _ => {}
        }
    }

    /// Ends the stretch of work on a subtask that was started.
    fn end(&mut self, id: u32, at: f64, is_done: bool) {
        let Some((resource, start)) = self.subtasks[id as usize].started.take() else {
            return;
        };
        let subtask = &self.subtasks[id as usize];
        self.run.pieces.push(Piece {
            id,
            task: subtask.task,
            agent: subtask.agent,
            resource,
            ready: subtask.ready.min(start),
            start,
            end: at,
            is_done,
            name: subtask.name.clone(),
        });
        if is_done {
            let task = subtask.task;
            let before = subtask.after.iter();
            let longest = before
                .map(|id| &self.subtasks[*id as usize])
                .filter(|before| before.task == task)
                .map(|before| before.chain)
                .fold(0.0, f64::max);
            let chain = longest + (at - start);
            self.subtasks[id as usize].chain = chain;
            let ideal = &mut self.run.tasks[task as usize].ideal;
            *ideal = ideal.max(chain);
        }
    }

    /// Gives agents positions in the order in which they turn up.
    fn agent(&mut self, owner: u32, name_of: &dyn Fn(u32) -> Option<String>) -> u32 {
        let agents = &mut self.run.agents;
        *self.owners.entry(owner).or_insert_with(|| {
            agents.push(name_of(owner).unwrap_or_else(|| format!("agent {owner}")));
            agents.len() as u32 - 1
        })
    }
}
