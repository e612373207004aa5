//! What is known of each thing of a run.

use schedule::{
    BatchId, Candidate, FailureCause, OwnerId, ResourceId, ResourceKind, Skill, SubtaskId,
    SubtaskState, TaskId, TaskState,
};
use sim::{SimSpan, SimTime};

/// What is known of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceRecord {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ResourceKind,
    /// How many subtasks it can start together.
    pub slots: u32,
    /// What a second of its work costs.
    pub price_per_sec: f64,
    /// What it draws while it works.
    pub watts: f64,
    /// Whether its batches are sequences that come and go one by one.
    pub continuous: bool,
    /// Whether it works at all.
    pub is_up: bool,
    /// The batch it works on; of one with sequences, the last that came and has not ended.
    pub batch: Option<RunningBatch>,
}

/// A batch that was started and has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningBatch {
    /// Its number.
    pub batch: BatchId,
    /// What is in it.
    pub subtasks: Vec<SubtaskId>,
    /// When it was started.
    pub started: SimTime,
    /// The time it is charged, where that is known.
    pub span: Option<SimSpan>,
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRecord {
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: OwnerId,
    /// How much its completion time counts.
    pub weight: f64,
    /// When it should be done.
    pub deadline: Option<SimTime>,
    /// When it arrived.
    pub arrived: SimTime,
    /// Open until it is done or failed: no fact says that it was closed.
    pub state: TaskState,
    /// When it was done or failed.
    pub ended: Option<SimTime>,
    /// Its subtasks.
    pub subtasks: Vec<SubtaskId>,
    /// How many of them are done.
    pub n_done: u32,
    /// The run times along that chain of its subtasks for which they add up to most.
    pub longest_chain: SimSpan,
}

/// What is known of a subtask.
#[derive(Clone, Debug, PartialEq)]
pub struct SubtaskRecord {
    /// The task it is a piece of.
    pub task: TaskId,
    /// Its name.
    pub name: String,
    /// What it needs done.
    pub skill: Skill,
    /// The agent responsible.
    pub owner: OwnerId,
    /// What must be done before.
    pub after: Vec<SubtaskId>,
    /// Independent inputs in it.
    pub items: u32,
    /// Tokens over all inputs.
    pub tokens: u32,
    /// Where it is on its way.
    pub state: SubtaskState,
    /// When it was added.
    pub added: SimTime,
    /// When it last became ready.
    pub ready: Option<SimTime>,
    /// When and where it last was started.
    pub started: Option<(SimTime, ResourceId)>,
    /// When it was done, failed for good or cancelled.
    pub ended: Option<SimTime>,
    /// The policy's last decision about it.
    pub placed: Option<PlacedRecord>,
    /// Failed attempts, and why the last one failed.
    pub failures: u32,
    /// Why the last failed attempt failed.
    pub cause: Option<FailureCause>,
    /// The run times along the longest chain within its task that ends with it; zero until done.
    pub chain: SimSpan,
}

/// Why a subtask went where it went.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedRecord {
    /// Where.
    pub resource: ResourceId,
    /// The policy's rank: the smallest went first.
    pub rank: i64,
    /// Where it could have gone, with scores by the policy's criterion: the smallest won.
    pub candidates: Vec<Candidate>,
}

/// Who is in the scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRecord {
    /// The number of the agent.
    pub agent: OwnerId,
    /// Its name.
    pub name: String,
    /// What it is there for.
    pub role: String,
}

/// What somebody said in the meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRecord {
    /// When.
    pub at: SimTime,
    /// Who.
    pub speaker: String,
    /// What.
    pub text: String,
}

/// A scripted line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRecord {
    /// When.
    pub at: SimTime,
    /// Which agent said it.
    pub agent: OwnerId,
    /// What.
    pub text: String,
}

impl ResourceRecord {
    pub(super) fn end_batch(&mut self, batch: BatchId) {
        self.batch.take_if(|running| running.batch == batch);
    }

    pub(super) fn go_down(&mut self) {
        self.is_up = false;
        self.batch = None;
    }
}
