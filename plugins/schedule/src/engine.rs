//! The event engine: the only owner of the state of tasks, subtasks, batches and resources.
//!
//! A driver repeats: go to [`Engine::next_event`]; call [`Engine::schedule`]; hand each batch that
//! is [`Engine::due`] back with [`Engine::finish`]. What happened comes out as facts.
//! [`Engine::run`] is such a driver, for work that always succeeds when its time is over.

mod arrivals;
mod batches;
mod counts;
mod events;
mod failures;
mod finish;
mod graph;
mod growth;
mod hedges;
mod memory;
mod outages;
mod preemption;
mod reasons;
mod run;
mod scaling;
mod state;
mod tokens;
mod views;

use sim::{EventQueue, SimTime};

pub use self::{
    arrivals::SubtaskError,
    counts::Counts,
    state::{Batch, Resource, Subtask, SubtaskTerms, Task, TaskTerms},
};
pub(crate) use self::{
    batches::Transfers,
    graph::Graph,
    memory::hosted,
    state::Extras,
    tokens::{TokenServer, capacity, iteration_share},
};
use self::{
    events::Events, graph::Names, hedges::Hedges, preemption::Urgent, scaling::Scaling,
    state::Moment, tokens::Generated,
};
use crate::{
    demand::Demands,
    fact::EngineFact,
    lane::Pool,
    options::{Charge, EngineOptions, FactLevel, HedgeAfter, Preemption},
    policy::{Decisions, Policy, View},
    pool::{PoolError, ResourceId, ResourceSpec},
    residence::shelves,
    workload::{BatchId, SubtaskId, SubtaskState},
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
    graph: Graph,
    task_names: Names,
    subtask_names: Names,
    extras: Vec<Extras>,
    demands: Demands,
    events: Events,
    /// When batches end; some entries are out of date.
    ends: EventQueue<(BatchId, ResourceId)>,
    facts: Vec<EngineFact>,
    counts: Counts,
    readiness_changes: Vec<SubtaskId>,
    /// What the policy decided last.
    decisions: Decisions,
    /// Started by the current call of `schedule`.
    started: Vec<(ResourceId, BatchId, SubtaskId)>,
    /// Sequences that have all their tokens and were not handed back.
    generated: Vec<(ResourceId, Generated)>,
    generated_here: Vec<Generated>,
    /// Of the sequence that is being handed back.
    first_token: Option<SimTime>,
    /// Resources whose next iterations are to be planned.
    to_plan: Vec<ResourceId>,
    hedges: Hedges,
    urgent: Urgent,
    scaling: Scaling,
    n_batches: u32,
    n_ready: usize,
    n_unfinished: usize,
    n_open_tasks: usize,
    /// Of these, those that are released.
    n_released: u32,
    now: SimTime,
    wants_step: bool,
    /// Whether its policy is the one that the options name.
    has_named_policy: bool,
}

impl Engine {
    /// An engine with nothing to do yet; states that the resources joined.
    ///
    /// # Errors
    /// A resource or an option that makes no sense, named.
    pub fn new(resources: Vec<ResourceSpec>, options: EngineOptions) -> Result<Self, PoolError> {
        let policy = options.policy.make(options.streams);
        let mut engine = Self::with_policy(resources, options, policy)?;
        engine.has_named_policy = true;
        Ok(engine)
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
        check_options(&options, resources.len())?;
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
        let mut resources: Vec<_> = resources
            .into_iter()
            .enumerate()
            .map(|(n, spec)| Resource::new(ResourceId(n as u32), spec))
            .collect();
        let shelves = shelves(&options.device_memory, &mut resources)?;
        let mut engine = Self {
            scaling: Scaling::new(&options.scaling),
            options,
            policy,
            pool: Pool::new(resources, shelves),
            tasks: Vec::new(),
            subtasks: Vec::new(),
            graph: Graph::default(),
            task_names: Names::default(),
            subtask_names: Names::default(),
            extras: Vec::new(),
            demands: Demands::default(),
            events: Events::default(),
            ends: EventQueue::default(),
            facts: Vec::new(),
            counts: Counts::default(),
            readiness_changes: Vec::new(),
            decisions: Decisions::default(),
            started: Vec::new(),
            generated: Vec::new(),
            generated_here: Vec::new(),
            first_token: None,
            to_plan: Vec::new(),
            hedges: Hedges::default(),
            urgent: Urgent::default(),
            n_batches: 0,
            n_ready: 0,
            n_unfinished: 0,
            n_open_tasks: 0,
            n_released: 0,
            now: SimTime::ZERO,
            wants_step: false,
            has_named_policy: false,
        };
        engine.begin();
        Ok(engine)
    }

    /// States who is there, and sees to it that resources fail and start when they should.
    fn begin(&mut self) {
        for n in 0..self.pool.resources.len() {
            let id = ResourceId(n as u32);
            self.state(|engine| engine.joined(id));
            self.load_first_model(id);
            self.pool.refresh(id);
            self.await_outage(SimTime::ZERO, id);
        }
        self.switch_off_spares();
    }

    /// Handles what is due (releases, ends of backoffs, deadlines, timeouts, outages), lets the
    /// policy place ready subtasks, and starts one batch on each resource that got any. May be
    /// called repeatedly at one instant.
    pub fn schedule(&mut self, now: SimTime) -> Vec<Batch> {
        self.step(now);
        self.drop_stale_events();
        let started = std::mem::take(&mut self.started);
        let batches = started.iter().map(|(resource, batch, subtask)| {
            let on = &self.pool.resources[resource.index()];
            let alone = on.tokens.is_some();
            Batch {
                id: *batch,
                resource: *resource,
                subtasks: if alone {
                    vec![*subtask]
                } else {
                    on.members.clone()
                },
                started: now,
                ends: if alone { Some(SimTime::MAX) } else { on.ends },
            }
        });
        let batches = batches.collect();
        self.started = started;
        batches
    }

    /// What [`Engine::schedule`] does; what was started is left in `started`.
    fn step(&mut self, now: SimTime) {
        self.now = now;
        self.wants_step = false;
        self.started.clear();
        self.take_due_events(now);
        self.hedge(now);
        if self.wants_decisions() {
            self.decide(now);
            self.perform(now);
        }
        self.preempt(now);
        self.plan_tokens(now);
        self.scale(now);
    }

    /// Whether a step would do nothing but take due events.
    fn is_settled(&self) -> bool {
        !self.wants_decisions()
            && self.to_plan.is_empty()
            && self.hedges.wanted.is_empty()
            && self.urgent.is_empty()
            && self.options.scaling.is_empty()
    }

    fn decide(&mut self, now: SimTime) {
        self.counts.decisions += 1;
        self.decisions.clear();
        self.policy.place(
            &View {
                now,
                tasks: &self.tasks,
                subtasks: &self.subtasks,
                graph: &self.graph,
                extras: &self.extras,
                demands: &self.demands,
                network: &self.options.network,
                pool: &self.pool,
                readiness_changes: &self.readiness_changes,
                n_ready: self.n_ready,
                explains: self.options.facts == FactLevel::All,
            },
            &mut self.decisions,
        );
        self.readiness_changes.clear();
    }

    #[inline]
    fn wants_decisions(&self) -> bool {
        let binds = || self.policy.binds_on_arrival() && !self.readiness_changes.is_empty();
        self.n_ready > 0 && (!self.pool.free.is_empty() || binds())
    }

    /// When something happens next: the end of a batch with known span, a release, the end of a
    /// backoff, a deadline, a timeout, an outage while anything is left to do, an instant at which
    /// the policy wants to be asked; or the last instant told to the engine, if something changed
    /// since the last [`Engine::schedule`] that may let more be done.
    pub fn next_event(&self) -> Option<SimTime> {
        if self.wants_step {
            return Some(self.now);
        }
        let end = self.ends.next_at();
        let generated = (!self.generated.is_empty()).then_some(self.now);
        let wake_at = self.decisions.wake_at.filter(|at| *at > self.now);
        let matters = self.n_unfinished > 0 || self.events.has_essential();
        let event = self.events.next_at().filter(|_| matters);
        end.into_iter()
            .chain(event)
            .chain(wake_at)
            .chain(generated)
            .min()
    }

    /// Takes out what has happened since the last call, in order.
    pub fn drain_facts(&mut self) -> impl Iterator<Item = EngineFact> + '_ {
        self.facts.drain(..)
    }

    /// States a fact, if anything is to be stated.
    fn state(&mut self, fact: impl FnOnce(&Self) -> EngineFact) {
        if self.options.facts > FactLevel::Quiet {
            let fact = fact(self);
            self.facts.push(fact);
        }
    }

    /// Notes that something changed at `now` that others may want to act on in another step.
    fn changed(&mut self, now: SimTime) {
        self.now = self.now.max(now);
        self.wants_step = true;
    }

    // Inlined, so that a state is not written in parts and then copied as a whole, which stalls.
    #[inline(always)]
    fn set_state(&mut self, id: SubtaskId, state: SubtaskState) {
        let was = &mut self.subtasks[id.index()].state;
        let was_ready = matches!(was, SubtaskState::Ready);
        let was_ended = was.is_ended();
        let is_ready = matches!(state, SubtaskState::Ready);
        let is_ended = state.is_ended();
        *was = state;
        if was_ready != is_ready {
            self.note_ready(id, is_ready);
        }
        if is_ended && !was_ended {
            self.n_unfinished -= 1;
            let task = self.subtasks[id.index()].spec.task;
            self.tasks[task.index()].n_unfinished -= 1;
        }
    }

    fn note_ready(&mut self, id: SubtaskId, is_ready: bool) {
        let lane = self.lane_of(id);
        self.readiness_changes.push(id);
        self.pool.note_ready(lane, is_ready);
        if is_ready {
            self.n_ready += 1;
        } else {
            self.n_ready -= 1;
        }
        if self.options.preemption != Preemption::Never {
            self.urgent.note(id, self.priority(id), is_ready);
        }
    }

    fn make_ready(&mut self, now: SimTime, id: SubtaskId) {
        self.set_state(id, SubtaskState::Ready);
        self.subtasks[id.index()].readied = Moment::at(now);
        self.counts.readied += 1;
        self.state(|_| EngineFact::SubtaskReady { subtask: id });
    }
}

fn check_options(options: &EngineOptions, n_resources: usize) -> Result<(), PoolError> {
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
    if let Some((value, must)) = options.hedging.and_then(HedgeAfter::fault) {
        return bad("hedging", value, must);
    }
    for rule in &options.scaling {
        if let Some((value, must)) = rule.fault(n_resources) {
            return bad("scaling", value, must);
        }
    }
    Ok(())
}
