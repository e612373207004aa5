//! Folds facts into the state of a run at a time: who is there, what runs where, what was said.

mod records;

use agents::AgentFact;
use schedule::{EngineFact, OwnerId, ResourceId, SubtaskId, SubtaskState, TaskId, TaskState};
use sim::{Fact, SimSpan, SimTime};

pub use self::records::{
    AgentRecord, LineRecord, PlacedRecord, ResourceRecord, RunningBatch, SubtaskRecord, TaskRecord,
    TurnRecord,
};
use crate::{any_fact::AnyFact, error::RecordError};

/// The state of a run after some of its facts. Everything is indexed by its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunState {
    /// The instant of the last fact.
    pub at: SimTime,
    /// How many facts were folded.
    pub n_facts: u64,
    /// The pool.
    pub resources: Vec<ResourceRecord>,
    /// The tasks in the order of arrival.
    pub tasks: Vec<TaskRecord>,
    /// The subtasks of all tasks.
    pub subtasks: Vec<SubtaskRecord>,
    /// Who is in the scene.
    pub agents: Vec<AgentRecord>,
    /// What was said in the meeting.
    pub turns: Vec<TurnRecord>,
    /// The scripted lines.
    pub lines: Vec<LineRecord>,
    /// How often somebody did something to a replica: a run without that can be repeated.
    pub interventions: u32,
}

impl RunState {
    /// Takes in the next fact.
    ///
    /// # Errors
    /// If it contradicts those before it: names something that does not exist, or counts wrongly.
    pub fn apply(&mut self, fact: &Fact<AnyFact>) -> Result<(), RecordError> {
        let (seq, at) = (fact.seq, fact.at);
        self.at = at;
        self.n_facts += 1;
        let applied = match &fact.what {
            AnyFact::Engine(what) => self.apply_engine(at, what),
            AnyFact::Agent(what) => self.apply_agent(at, what),
        };
        applied.map_err(|why| RecordError::Contradiction { seq, at, why })
    }

    /// The name of an agent, or its number if it has not joined.
    pub fn agent_name(&self, agent: OwnerId) -> String {
        self.agents
            .iter()
            .find(|record| record.agent == agent)
            .map_or_else(
                || format!("agent {}", agent.0),
                |record| record.name.clone(),
            )
    }

    fn apply_engine(&mut self, at: SimTime, fact: &EngineFact) -> Result<(), String> {
        match fact {
            EngineFact::ResourceJoined { .. }
            | EngineFact::TaskArrived { .. }
            | EngineFact::SubtaskAdded { .. } => self.add(at, fact)?,
            EngineFact::SubtaskReady { subtask } => {
                let record = self.subtask(*subtask)?;
                record.state = SubtaskState::Ready;
                record.ready = Some(at);
            }
            EngineFact::SubtaskPlaced {
                subtask,
                resource,
                rank,
                candidates,
            } => {
                self.resource(*resource)?;
                let (resource, rank, candidates) = (*resource, *rank, candidates.clone());
                self.subtask(*subtask)?.placed = Some(PlacedRecord {
                    resource,
                    rank,
                    candidates,
                });
            }
            EngineFact::BatchStarted {
                batch,
                resource,
                subtasks,
                span,
                ..
            } => {
                let (batch, subtasks) = (*batch, subtasks.clone());
                let running = RunningBatch {
                    batch,
                    subtasks,
                    started: at,
                    span: *span,
                };
                self.start_batch(*resource, running)?;
            }
            EngineFact::BatchFinished {
                batch, resource, ..
            } => self.resource(*resource)?.end_batch(*batch),
            EngineFact::SubtaskFinished { .. }
            | EngineFact::SubtaskFailed { .. }
            | EngineFact::SubtaskCancelled { .. } => self.end_subtask(at, fact)?,
            EngineFact::TaskFinished { .. }
            | EngineFact::TaskFailed { .. }
            | EngineFact::TaskRefused { .. }
            | EngineFact::TaskCancelled { .. } => self.end_task(at, fact)?,
            EngineFact::SubtaskPreempted { subtask, .. }
            | EngineFact::TokensEvicted { subtask, .. }
            | EngineFact::TokensReadmitted { subtask, .. }
            | EngineFact::SubtaskHedged { subtask, .. } => drop(self.subtask(*subtask)?),
            EngineFact::ResourceStarting { resource, .. } => drop(self.resource(*resource)?),
            EngineFact::ModelLoaded { .. } => {}
            EngineFact::DeadlineMissed { task } => drop(self.task(*task)?),
            EngineFact::ResourceDown { resource } => self.resource(*resource)?.go_down(),
            EngineFact::ResourceUp { resource } => self.resource(*resource)?.is_up = true,
        }
        Ok(())
    }

    fn start_batch(&mut self, resource: ResourceId, running: RunningBatch) -> Result<(), String> {
        for subtask in &running.subtasks {
            let record = self.subtask(*subtask)?;
            // A second copy changes nothing: the first one runs.
            if matches!(record.state, SubtaskState::Running { .. }) {
                continue;
            }
            record.state = SubtaskState::Running {
                resource,
                batch: running.batch,
            };
            record.started = Some((running.started, resource));
        }
        let on = self.resource(resource)?;
        match on.batch.replace(running) {
            Some(other) if !on.continuous => {
                Err(format!("batch {} still runs there", other.batch.0))
            }
            _ => Ok(()),
        }
    }

    /// Takes in what did not exist before.
    fn add(&mut self, at: SimTime, fact: &EngineFact) -> Result<(), String> {
        match fact.clone() {
            EngineFact::ResourceJoined {
                resource,
                name,
                kind,
                slots,
                price_per_sec,
                watts,
                continuous,
                ..
            } => {
                check_next("resource", resource.index(), self.resources.len())?;
                let (is_up, batch) = (true, None);
                self.resources.push(ResourceRecord {
                    name,
                    kind,
                    slots,
                    price_per_sec,
                    watts,
                    continuous,
                    is_up,
                    batch,
                });
            }
            EngineFact::TaskArrived {
                task,
                name,
                owner,
                weight,
                deadline,
                ..
            } => {
                check_next("task", task.index(), self.tasks.len())?;
                self.tasks.push(TaskRecord {
                    name,
                    owner,
                    weight,
                    deadline,
                    arrived: at,
                    state: TaskState::Open,
                    ended: None,
                    subtasks: Vec::new(),
                    n_done: 0,
                    longest_chain: SimSpan::ZERO,
                });
            }
            fact => self.add_subtask(at, fact)?,
        }
        Ok(())
    }

    fn add_subtask(&mut self, at: SimTime, fact: EngineFact) -> Result<(), String> {
        let EngineFact::SubtaskAdded {
            subtask,
            task,
            name,
            skill,
            owner,
            after,
            items,
            tokens,
            ..
        } = fact
        else {
            return Ok(());
        };
        check_next("subtask", subtask.index(), self.subtasks.len())?;
        if let Some(later) = after.iter().find(|before| **before >= subtask) {
            return Err(format!(
                "subtask {} follows the later subtask {}",
                subtask.0, later.0
            ));
        }
        self.task(task)?.subtasks.push(subtask);
        self.subtasks.push(SubtaskRecord {
            task,
            name,
            skill,
            owner,
            after,
            items,
            tokens,
            state: SubtaskState::Blocked,
            added: at,
            ready: None,
            started: None,
            ended: None,
            placed: None,
            failures: 0,
            cause: None,
            chain: SimSpan::ZERO,
        });
        Ok(())
    }

    /// Takes in how an attempt at a subtask, or the subtask itself, ended.
    fn end_subtask(&mut self, at: SimTime, fact: &EngineFact) -> Result<(), String> {
        match fact {
            EngineFact::SubtaskFinished { subtask, ran, .. } => {
                let record = self.unended(*subtask)?;
                let (task, after) = (record.task, record.after.clone());
                let before = after
                    .iter()
                    .map(|before| &self.subtasks[before.index()])
                    .filter(|before| before.task == task)
                    .map(|before| before.chain)
                    .max();
                let chain = before.unwrap_or_default() + *ran;
                let record = self.subtask(*subtask)?;
                record.state = SubtaskState::Done;
                record.ended = Some(at);
                record.chain = chain;
                let record = self.task(task)?;
                record.n_done += 1;
                record.longest_chain = record.longest_chain.max(chain);
            }
            EngineFact::SubtaskFailed {
                subtask,
                cause,
                retry_at,
                ..
            } => {
                let record = self.unended(*subtask)?;
                record.failures += 1;
                record.cause = Some(cause.clone());
                match retry_at {
                    Some(until) => record.state = SubtaskState::Backoff { until: *until },
                    None => {
                        record.state = SubtaskState::Failed;
                        record.ended = Some(at);
                    }
                }
            }
            EngineFact::SubtaskCancelled { subtask } => {
                let record = self.unended(*subtask)?;
                record.state = SubtaskState::Cancelled;
                record.ended = Some(at);
            }
            _ => {}
        }
        Ok(())
    }

    /// A subtask that may still end.
    fn unended(&mut self, id: SubtaskId) -> Result<&mut SubtaskRecord, String> {
        let record = self.subtask(id)?;
        if record.ended.is_some() {
            return Err(format!("subtask {} ended before", id.0));
        }
        Ok(record)
    }

    fn end_task(&mut self, at: SimTime, fact: &EngineFact) -> Result<(), String> {
        let (task, state) = match *fact {
            EngineFact::TaskFinished { task, .. } => (task, TaskState::Done),
            EngineFact::TaskFailed { task } | EngineFact::TaskRefused { task } => {
                (task, TaskState::Failed)
            }
            EngineFact::TaskCancelled { task } => (task, TaskState::Cancelled),
            _ => return Ok(()),
        };
        let record = self.task(task)?;
        if record.ended.is_some() {
            return Err(format!("task {} ended before", task.0));
        }
        record.state = state;
        record.ended = Some(at);
        Ok(())
    }

    fn apply_agent(&mut self, at: SimTime, fact: &AgentFact) -> Result<(), String> {
        match fact.clone() {
            AgentFact::AgentJoined { agent, name, role } => {
                self.agents.push(AgentRecord { agent, name, role });
            }
            AgentFact::TurnSpoken {
                turn,
                speaker,
                text,
            } => {
                check_next("turn", turn as usize, self.turns.len())?;
                self.turns.push(TurnRecord { at, speaker, text });
            }
            AgentFact::Said { agent, text } => self.lines.push(LineRecord { at, agent, text }),
            AgentFact::OutputGiven { subtask, .. } => drop(self.subtask(subtask)?),
            AgentFact::Intervened { resource, .. } => {
                self.resource(resource)?;
                self.interventions += 1;
            }
            AgentFact::ReplicaServes { resource, .. }
            | AgentFact::ReplicaLost { resource, .. }
            | AgentFact::LoadFailed { resource, .. } => drop(self.resource(resource)?),
            // What comes out of the meeting is folded into the minutes.
            AgentFact::StretchClosed { .. }
            | AgentFact::QuestionAsked { .. }
            | AgentFact::TopicFound { .. }
            | AgentFact::TopicSummarised { .. }
            | AgentFact::TopicNamed { .. }
            | AgentFact::QuestionAnswered { .. }
            | AgentFact::MinutesApproved { .. } => {}
        }
        Ok(())
    }

    fn resource(&mut self, id: ResourceId) -> Result<&mut ResourceRecord, String> {
        self.resources
            .get_mut(id.index())
            .ok_or_else(|| format!("there is no resource {}", id.0))
    }

    fn task(&mut self, id: TaskId) -> Result<&mut TaskRecord, String> {
        self.tasks
            .get_mut(id.index())
            .ok_or_else(|| format!("there is no task {}", id.0))
    }

    fn subtask(&mut self, id: SubtaskId) -> Result<&mut SubtaskRecord, String> {
        self.subtasks
            .get_mut(id.index())
            .ok_or_else(|| format!("there is no subtask {}", id.0))
    }
}

fn check_next(noun: &str, found: usize, expected: usize) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!(
            "{noun} {found} comes where {noun} {expected} is next"
        ))
    }
}
