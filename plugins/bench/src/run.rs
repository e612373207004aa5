//! What happened in one cell, whoever ran it: a planner, the engine, or a scene.

mod busy;
mod facts;
mod schedule;

pub(crate) use self::busy::{busy_spans, merged};
pub use self::facts::RunBuilder;

/// What its times are measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    #[default]
    Seconds,
    /// The unit of a benchmark instance, which has no name.
    Own,
}

/// A resource that took part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResource {
    /// What people call it.
    pub name: String,
    /// What a unit of its working time costs.
    pub price: f64,
    /// What it draws while it works.
    pub watts: f64,
}

/// A task of the run; a job of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTask {
    /// What people call it.
    pub name: String,
    /// Whose it is, for fairness.
    pub owner: u32,
    /// How much its completion counts.
    pub weight: f64,
    /// When it arrived.
    pub release: f64,
    /// When it should be done.
    pub due: Option<f64>,
    /// When it was done; `None` if it failed or never ended.
    pub end: Option<f64>,
    /// The longest chain of its pieces, had nothing been in their way.
    pub ideal: f64,
}

/// What a policy thought when it placed a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its rank among those that waited: the smallest went first.
    pub rank: i64,
    /// The score of the resource that it went to, by the policy's criterion: the smallest won.
    pub score: Option<i64>,
    /// How many resources it could have gone to.
    pub candidates: u32,
}

/// One stretch of work on one subtask; one that failed and was tried again has several.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The number of the subtask or operation.
    pub id: u32,
    /// The task it belongs to.
    pub task: u32,
    /// The agent (or job) that it is drawn for: a position in [`Run::agents`].
    pub agent: u32,
    /// Who did it.
    pub resource: u32,
    /// When it could have started.
    pub ready: f64,
    /// When it started.
    pub start: f64,
    /// When it ended.
    pub end: f64,
    /// Whether it did what it should.
    pub is_done: bool,
    /// What people call it.
    pub name: Box<str>,
    /// Why it is there, where the facts tell.
    pub decision: Option<Decision>,
}

/// What happened in one cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// What its times are measured in.
    pub unit: Unit,
    /// Who worked.
    pub resources: Vec<RunResource>,
    /// For whom: agents or tenants, or the jobs of an instance.
    pub agents: Vec<String>,
    /// What was to be done.
    pub tasks: Vec<RunTask>,
    /// What was done, in the order of the starts.
    pub pieces: Vec<Piece>,
    /// Precedences between subtasks.
    pub arcs: Vec<(u32, u32)>,
    /// How many tasks failed, were cancelled or were refused.
    pub failed: u32,
    /// How many deadlines passed with their task unfinished.
    pub deadline_misses: u32,
}

impl Run {
    /// The end of the last piece or task; 0 if there is none.
    pub fn makespan(&self) -> f64 {
        let pieces = self.pieces.iter().map(|piece| piece.end);
        let tasks = self.tasks.iter().filter_map(|task| task.end);
        pieces.chain(tasks).fold(0.0, f64::max)
    }

    fn sort_pieces(&mut self) {
        self.pieces.sort_by(|a, b| {
            a.start
                .total_cmp(&b.start)
                .then(a.resource.cmp(&b.resource))
                .then(a.id.cmp(&b.id))
        });
    }
}
