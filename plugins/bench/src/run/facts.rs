//! The run that the facts of an engine tell of.

use std::collections::BTreeMap;

use schedule::{BatchId, EngineFact};
use sim::SimTime;

use super::{Decision, Piece, Run, RunResource, RunTask, Unit};

/// What is known of a subtask so far.
struct Subtask {
    task: u32,
    agent: u32,
    name: Box<str>,
    after: Vec<u32>,
    ready: f64,
    /// The longest chain of run times within its task, up to its end.
    chain: f64,
    /// How long it ran in this attempt before it lost its tokens.
    ran: f64,
    /// Its last stretch of work that ended: what became of it follows.
    last_piece: Option<usize>,
    decision: Option<Decision>,
}

/// Work that was started and has not ended.
struct Batch {
    resource: u32,
    /// `None` while its tokens have no memory.
    start: Option<f64>,
    subtasks: Vec<u32>,
}

/// Folds facts, one at a time and in their order, into the run that they tell of.
pub struct RunBuilder<N> {
    /// Names agents and tenants.
    name_of: N,
    run: Run,
    subtasks: Vec<Subtask>,
    batches: BTreeMap<BatchId, Batch>,
    owners: BTreeMap<u32, u32>,
}

impl Run {
    /// The run that `facts`, in their order, tell of; `name_of` names agents and tenants.
    pub fn of_facts<'a>(
        facts: impl IntoIterator<Item = (SimTime, &'a EngineFact)>,
        name_of: impl Fn(u32) -> Option<String>,
    ) -> Self {
        let mut builder = RunBuilder::new(name_of);
        for (at, fact) in facts {
            builder.take(at, fact);
        }
        builder.finish()
    }
}

impl<N: Fn(u32) -> Option<String>> RunBuilder<N> {
    /// A run of which nothing is known; `name_of` names agents and tenants.
    pub fn new(name_of: N) -> Self {
        Self {
            name_of,
            run: Run::default(),
            subtasks: Vec::new(),
            batches: BTreeMap::new(),
            owners: BTreeMap::new(),
        }
    }

    /// The run, when all its facts have been taken in.
    pub fn finish(mut self) -> Run {
        self.run.unit = Unit::Seconds;
        self.run.arcs = (0..)
            .zip(&self.subtasks)
            .flat_map(|(to, subtask)| subtask.after.iter().map(move |from| (*from, to)))
            .collect();
        self.run.sort_pieces();
        self.run
    }

    /// Takes in the next fact.
    pub fn take(&mut self, at: SimTime, fact: &EngineFact) {
        let at = at.as_secs_f64();
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
                release,
                ..
            } => self.run.tasks.push(RunTask {
                name: name.clone(),
                owner: owner.0,
                weight: *weight,
                release: release.map_or(at, |release| at.max(release.as_secs_f64())),
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
                let agent = self.agent(owner.0);
                self.subtasks.push(Subtask {
                    task: task.0,
                    agent,
                    name: name.as_str().into(),
                    after: after.iter().map(|id| id.0).collect(),
                    ready: at,
                    chain: 0.0,
                    ran: 0.0,
                    last_piece: None,
                    decision: None,
                });
            }
            EngineFact::SubtaskReady { subtask } => self.subtasks[subtask.index()].ready = at,
            EngineFact::TaskFinished { task, .. } => {
                self.run.tasks[task.index()].end = Some(at);
            }
            EngineFact::TaskFailed { .. }
            | EngineFact::TaskCancelled { .. }
            | EngineFact::TaskRefused { .. } => self.run.failed += 1,
            EngineFact::DeadlineMissed { .. } => self.run.deadline_misses += 1,
            _ => self.take_work(at, fact),
        }
    }

    fn take_work(&mut self, at: f64, fact: &EngineFact) {
        match fact {
            EngineFact::SubtaskPlaced {
                subtask,
                resource,
                rank,
                candidates,
            } => {
                let chosen = candidates.iter().find(|it| it.resource == *resource);
                self.subtasks[subtask.index()].decision = Some(Decision {
                    rank: *rank,
                    score: chosen.map(|chosen| chosen.score),
                    candidates: candidates.len() as u32,
                });
            }
            EngineFact::BatchStarted {
                batch,
                resource,
                subtasks,
                ..
            } => {
                let batch_of = Batch {
                    resource: resource.0,
                    start: Some(at),
                    subtasks: subtasks.iter().map(|id| id.0).collect(),
                };
                for id in subtasks {
                    self.subtasks[id.index()].ran = 0.0;
                }
                self.batches.insert(*batch, batch_of);
            }
            EngineFact::BatchFinished { batch, .. } => {
                if let Some(batch) = self.batches.remove(batch) {
                    self.end(&batch, at);
                }
            }
            EngineFact::SubtaskFinished { subtask, .. } => self.done(subtask.index()),
            EngineFact::SubtaskPreempted { subtask, resource } => {
                self.take_out(subtask.0, resource.0, at);
            }
            EngineFact::TokensEvicted { subtask, resource } => {
                self.pause(subtask.0, resource.0, at);
            }
            EngineFact::TokensReadmitted { subtask, resource } => {
                if let Some(batch) = self.batch_with(subtask.0, resource.0) {
                    batch.start = Some(at);
                }
            }
            EngineFact::ResourceDown { resource } => {
                let on = |batch: &Batch| batch.resource == resource.0;
                for (_, batch) in self
                    .batches
                    .extract_if(.., |_, batch| on(batch))
                    .collect::<Vec<_>>()
                {
                    self.end(&batch, at);
                }
            }
            _ => {}
        }
    }

    /// Ends the stretch of work on what is in a batch, well or not: that is said afterwards.
    fn end(&mut self, batch: &Batch, at: f64) {
        let Some(start) = batch.start else { return };
        for id in &batch.subtasks {
            let subtask = &mut self.subtasks[*id as usize];
            subtask.last_piece = Some(self.run.pieces.len());
            self.run.pieces.push(Piece {
                id: *id,
                task: subtask.task,
                agent: subtask.agent,
                resource: batch.resource,
                ready: subtask.ready.min(start),
                start,
                end: at,
                is_done: false,
                name: subtask.name.clone(),
                decision: subtask.decision,
            });
        }
    }

    /// Takes a subtask that is preempted out of what runs on a resource.
    fn take_out(&mut self, id: u32, resource: u32, at: f64) {
        if let Some(batch) = self.batch_with(id, resource) {
            batch.subtasks.retain(|other| *other != id);
            let piece = Batch {
                subtasks: vec![id],
                ..*batch
            };
            self.end(&piece, at);
        }
        self.subtasks[id as usize].ready = at;
    }

    /// Ends the stretch of work on a subtask that loses its tokens and goes on later.
    fn pause(&mut self, id: u32, resource: u32, at: f64) {
        let Some(batch) = self.batch_with(id, resource) else {
            return;
        };
        let stretch = Batch {
            resource,
            start: batch.start.take(),
            subtasks: vec![id],
        };
        self.end(&stretch, at);
        let subtask = &mut self.subtasks[id as usize];
        subtask.ran += stretch.start.map_or(0.0, |start| at - start);
        subtask.ready = at;
    }

    /// What runs on a resource with this subtask in it.
    fn batch_with(&mut self, id: u32, resource: u32) -> Option<&mut Batch> {
        let holds = |batch: &&mut Batch| batch.resource == resource && batch.subtasks.contains(&id);
        self.batches.values_mut().find(holds)
    }

    /// Notes that the last stretch of work on a subtask did what it should.
    fn done(&mut self, id: usize) {
        let Some(piece) = self.subtasks[id].last_piece.take() else {
            return;
        };
        let piece = &mut self.run.pieces[piece];
        piece.is_done = true;
        let (task, span) = (piece.task, piece.end - piece.start + self.subtasks[id].ran);
        let before = self.subtasks[id].after.iter();
        let longest = before
            .map(|id| &self.subtasks[*id as usize])
            .filter(|before| before.task == task)
            .map(|before| before.chain)
            .fold(0.0, f64::max);
        let chain = longest + span;
        self.subtasks[id].chain = chain;
        let ideal = &mut self.run.tasks[task as usize].ideal;
        *ideal = ideal.max(chain);
    }

    /// Gives agents positions in the order in which they turn up.
    fn agent(&mut self, owner: u32) -> u32 {
        let (agents, name_of) = (&mut self.run.agents, &self.name_of);
        *self.owners.entry(owner).or_insert_with(|| {
            agents.push(name_of(owner).unwrap_or_else(|| format!("agent {owner}")));
            agents.len() as u32 - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use schedule::{OwnerId, ResourceId, Skill, SubtaskId, TaskId};
    use sim::SimSpan;

    use super::*;

    const SEC: u64 = 1_000_000_000;

    fn subtask_of_a_task() -> Vec<(u64, EngineFact)> {
        let arrived = EngineFact::TaskArrived {
            task: TaskId(0),
            name: "t".to_owned(),
            owner: OwnerId(0),
            weight: 1.0,
            deadline: None,
            release: Some(SimTime(2 * SEC)),
            priority: 0,
        };
        let added = EngineFact::SubtaskAdded {
            subtask: SubtaskId(0),
            task: TaskId(0),
            name: "s".to_owned(),
            skill: Skill::Embed,
            owner: OwnerId(0),
            after: Vec::new(),
            items: 1,
            tokens: 1,
            bytes: 0,
            memory_bytes: 0,
            timeout: None,
        };
        vec![(0, arrived), (0, added), (2, ready())]
    }

    fn ready() -> EngineFact {
        EngineFact::SubtaskReady {
            subtask: SubtaskId(0),
        }
    }

    fn started(batch: u32, resource: u32) -> EngineFact {
        EngineFact::BatchStarted {
            batch: BatchId(batch),
            resource: ResourceId(resource),
            subtasks: vec![SubtaskId(0)],
            span: None,
            setup: SimSpan::ZERO,
        }
    }

    fn ended(batch: u32, resource: u32) -> EngineFact {
        EngineFact::BatchFinished {
            batch: BatchId(batch),
            resource: ResourceId(resource),
            span: SimSpan::ZERO,
        }
    }

    fn done() -> EngineFact {
        EngineFact::SubtaskFinished {
            subtask: SubtaskId(0),
            waited: SimSpan::ZERO,
            ran: SimSpan::ZERO,
            first_token: None,
        }
    }

    /// Resource, ready, start, end and success of each piece of work that the facts tell of.
    fn check(facts: Vec<(u64, EngineFact)>, expected: &[(u32, f64, f64, f64, bool)]) {
        let all = [subtask_of_a_task(), facts].concat();
        let run = Run::of_facts(
            all.iter().map(|(at, fact)| (SimTime(at * SEC), fact)),
            |_| None,
        );
        assert_eq!(run.tasks[0].release, 2.0);
        let pieces = run.pieces.iter();
        let found: Vec<_> = pieces
            .map(|p| (p.resource, p.ready, p.start, p.end, p.is_done))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn preempted_work_is_a_piece_of_its_own() {
        let preempted = EngineFact::SubtaskPreempted {
            subtask: SubtaskId(0),
            resource: ResourceId(0),
        };
        let facts = vec![
            (3, started(0, 0)),
            (5, preempted),
            (5, ready()),
            (7, started(1, 0)),
            (9, ended(1, 0)),
            (9, done()),
        ];
        check(
            facts,
            &[(0, 2.0, 3.0, 5.0, false), (0, 5.0, 7.0, 9.0, true)],
        );
    }

    #[test]
    fn both_copies_of_a_hedged_subtask_count_and_one_is_done() {
        let facts = vec![
            (2, started(0, 0)),
            (4, started(1, 1)),
            (6, ended(1, 1)),
            (6, done()),
            (6, ended(0, 0)),
        ];
        check(
            facts,
            &[(0, 2.0, 2.0, 6.0, false), (1, 2.0, 4.0, 6.0, true)],
        );
    }

    #[test]
    fn a_subtask_without_memory_for_its_tokens_does_not_run() {
        let (subtask, resource) = (SubtaskId(0), ResourceId(0));
        let facts = vec![
            (2, started(0, 0)),
            (4, EngineFact::TokensEvicted { subtask, resource }),
            (7, EngineFact::TokensReadmitted { subtask, resource }),
            (10, ended(0, 0)),
            (10, done()),
        ];
        check(
            facts.clone(),
            &[(0, 2.0, 2.0, 4.0, false), (0, 4.0, 7.0, 10.0, true)],
        );
        let all = [subtask_of_a_task(), facts].concat();
        let facts = all.iter().map(|(at, fact)| (SimTime(at * SEC), fact));
        let run = Run::of_facts(facts, |_| None);
        assert_eq!(run.tasks[0].ideal, 5.0, "two seconds and three");
        // One that ends without memory did nothing more.
        let facts = vec![
            (2, started(0, 0)),
            (4, EngineFact::TokensEvicted { subtask, resource }),
            (9, ended(0, 0)),
        ];
        check(facts, &[(0, 2.0, 2.0, 4.0, false)]);
    }

    #[test]
    fn a_resource_that_goes_down_ends_what_it_works_on() {
        let down = EngineFact::ResourceDown {
            resource: ResourceId(0),
        };
        let facts = vec![(2, started(0, 0)), (5, down), (5, ended(0, 0))];
        check(facts, &[(0, 2.0, 2.0, 5.0, false)]);
    }
}
