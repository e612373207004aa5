//! The event engine: the only owner of the state of tasks, subtasks, batches and resources.
//!
//! A driver repeats: go to [`Engine::next_event`]; call [`Engine::schedule`]; hand each batch that
//! is [`Engine::due`] back with [`Engine::finish`]. What happened comes out as facts.

mod arrivals;
mod batches;
mod events;
mod failures;
mod reasons;
mod state;

use sim::SimTime;

pub use self::{
    arrivals::SubtaskError,
    state::{Batch, Resource, Subtask, Task},
};
use self::{events::Events, state::BatchRecord};
use crate::{
    fact::EngineFact,
    lane::Pool,
    options::{Charge, EngineOptions, FactLevel},
    policy::{Decisions, Policy, View},
    pool::{PoolError, ResourceId, ResourceSpec},
    workload::{BatchId, SubtaskId, SubtaskState, TaskId, TaskState},
};

/// Queues subtasks, has a policy place them, and runs them through to their end.
///
/// Ids index dense arrays: views panic when given an id that this engine did not hand out.
pub struct Engine {
    options: EngineOptions,
    policy: Box<dyn Policy>,
    pool: Pool,
    tasks: Vec<Task>,
    subtasks: Vec<Subtask>,
    batches: Vec<BatchRecord>,
    events: Events,
    facts: Vec<EngineFact>,
    readiness_changes: Vec<SubtaskId>,
    /// What the policy decided last.
    decisions: Decisions,
    n_ready: usize,
    n_unfinished: usize,
    now: SimTime,
    wants_step: bool,
}

impl Engine {
    /// An engine with nothing to do yet; states that the resources joined.
    ///
    /// # Errors
    /// A resource or an option that makes no sense, named.
    pub fn new(resources: Vec<ResourceSpec>, options: EngineOptions) -> Result<Self, PoolError> {
        let policy = options.policy.make(options.streams);
        Self::with_policy(resources, options, policy)
    }

    /// Like [`Engine::new`], with a policy of the caller's own instead of the named one.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_policy(
        resources: Vec<ResourceSpec>,
        options: EngineOptions,
        policy: Box<dyn Policy>,
    ) -> Result<Self, PoolError> {
        check_options(&options)?;
        for (n, spec) in resources.iter().enumerate() {
            spec.check()?;
            if resources[..n]
                .iter()
                .any(|earlier| earlier.name == spec.name)
            {
                return Err(PoolError::SameName {
                    name: spec.name.clone(),
                });
            }
        }
        let resources: Vec<_> = resources
            .into_iter()
            .enumerate()
            .map(|(n, spec)| Resource::new(ResourceId(n as u32), spec))
            .collect();
        let facts = resources.iter().map(Resource::joined).collect();
        Ok(Self {
            options,
            policy,
            pool: Pool::new(resources),
            tasks: Vec::new(),
            subtasks: Vec::new(),
            batches: Vec::new(),
            events: Events::default(),
            facts,
            readiness_changes: Vec::new(),
            decisions: Decisions::default(),
            n_ready: 0,
            n_unfinished: 0,
            now: SimTime::ZERO,
            wants_step: false,
        })
    }

    /// Handles what is due (ends of backoffs, deadlines, timeouts), lets the policy place ready
    /// subtasks, and starts one batch on each resource that got any. May be called repeatedly at
    /// one instant.
    pub fn schedule(&mut self, now: SimTime) -> Vec<Batch> {
        self.now = now;
        self.wants_step = false;
        self.take_due_events(now);
        let started = if self.wants_decisions() {
            self.decisions.clear();
            self.policy.place(
                &View {
                    now,
                    tasks: &self.tasks,
                    subtasks: &self.subtasks,
                    pool: &self.pool,
                    readiness_changes: &self.readiness_changes,
                    explains: self.options.facts == FactLevel::All,
                },
                &mut self.decisions,
            );
            self.readiness_changes.clear();
            self.perform(now)
        } else {
            Vec::new()
        };
        self.drop_stale_events();
        started
    }

    fn wants_decisions(&self) -> bool {
        let someone_free = || self.pool.resources.iter().any(Resource::is_free);
        let binds = || self.policy.binds_on_arrival() && !self.readiness_changes.is_empty();
        self.n_ready > 0 && (someone_free() || binds())
    }

    /// When something happens next: the end of a batch with known span, the end of a backoff,
    /// a deadline, a timeout, an instant at which the policy wants to be asked; or the last instant told to the engine, if something changed since
    /// the last [`Engine::schedule`] that may let more be done.
    pub fn next_event(&self) -> Option<SimTime> {
        if self.wants_step {
            return Some(self.now);
        }
        let ends = self.running().filter_map(|batch| batch.ends);
        let wake_at = self.decisions.wake_at.filter(|at| *at > self.now);
        ends.chain(self.events.next()).chain(wake_at).min()
    }

    /// Running batches that end at or before `now`, by end and id.
    pub fn due(&self, now: SimTime) -> Vec<Batch> {
        let mut due: Vec<_> = self
            .running()
            .filter(|batch| batch.ends.is_some_and(|end| end <= now))
            .cloned()
            .collect();
        due.sort_by_key(|batch| (batch.ends, batch.id));
        due
    }

    /// Takes out what has happened since the last call, in order.
    pub fn drain_facts(&mut self) -> impl Iterator<Item = EngineFact> + '_ {
        self.facts.drain(..)
    }

    /// How the engine runs.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// One task.
    pub fn task(&self, id: TaskId) -> &Task {
        &self.tasks[id.index()]
    }

    /// All tasks, by id.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// One subtask.
    pub fn subtask(&self, id: SubtaskId) -> &Subtask {
        &self.subtasks[id.index()]
    }

    /// All subtasks, by id.
    pub fn subtasks(&self) -> &[Subtask] {
        &self.subtasks
    }

    /// One resource.
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.pool.resources[id.index()]
    }

    /// All resources, by id.
    pub fn resources(&self) -> &[Resource] {
        &self.pool.resources
    }

    /// One batch, running or ended.
    pub fn batch(&self, id: BatchId) -> &Batch {
        &self.batches[id.index()].batch
    }

    /// The batches that run now, by resource.
    pub fn running(&self) -> impl Iterator<Item = &Batch> {
        self.pool
            .resources
            .iter()
            .filter_map(|resource| Some(self.batch(resource.running?)))
    }

    /// How many subtasks are not ended (done, failed or cancelled).
    pub fn n_unfinished(&self) -> usize {
        self.n_unfinished
    }

    /// How many tasks are not ended (done or failed).
    pub fn n_unfinished_tasks(&self) -> usize {
        self.tasks
            .iter()
            .filter(|task| !task.state.is_ended())
            .count()
    }

    /// Notes that something changed at `now` that others may want to act on in another step.
    fn changed(&mut self, now: SimTime) {
        self.now = self.now.max(now);
        self.wants_step = true;
    }

    fn set_state(&mut self, id: SubtaskId, state: SubtaskState) {
        let subtask = &mut self.subtasks[id.index()];
        let (was, is) = (subtask.state, state);
        subtask.state = state;
        let (was_ready, is_ready) = (was == SubtaskState::Ready, is == SubtaskState::Ready);
        if was_ready != is_ready {
            self.readiness_changes.push(id);
        }
        self.n_ready = self.n_ready + usize::from(is_ready) - usize::from(was_ready);
        if is.is_ended() && !was.is_ended() {
            self.n_unfinished -= 1;
            let task = subtask.spec.task;
            self.tasks[task.index()].n_unfinished -= 1;
        }
    }

    fn make_ready(&mut self, now: SimTime, id: SubtaskId) {
        self.set_state(id, SubtaskState::Ready);
        self.subtasks[id.index()].ready_at = Some(now);
        self.facts.push(EngineFact::SubtaskReady { subtask: id });
    }

    /// Finishes a task that is closed and has nothing left.
    fn finish_if_done(&mut self, now: SimTime, id: TaskId) {
        let task = &mut self.tasks[id.index()];
        if task.state == TaskState::Closed && task.n_unfinished == 0 {
            task.state = TaskState::Done;
            task.ended_at = Some(now);
            let flow = now - task.arrived_at;
            self.facts.push(EngineFact::TaskFinished { task: id, flow });
            self.changed(now);
        }
    }
}

fn check_options(options: &EngineOptions) -> Result<(), PoolError> {
    let bad = |what, value, must| Err(PoolError::BadOption { what, value, must });
    if let Charge::Modelled { noise } = options.charge
        && !(noise.is_finite() && noise >= 0.0)
    {
        return bad("noise", noise, "finite and not negative");
    }
    if options.max_attempts == 0 {
        return bad("max_attempts", 0.0, "at least 1");
    }
    if options.timeout.is_some_and(|span| span.0 == 0) {
        return bad("timeout", 0.0, "longer than nothing");
    }
    if let Some((value, must)) = options.network.fault() {
        return bad("bytes_per_sec", value, must);
    }
    Ok(())
}
