//! How placed subtasks become batches, and what these are charged.

use std::mem;

use rand_distr::{Distribution as _, StandardNormal};
use sim::{SimSpan, SimTime};

use super::{Engine, events::Event, state::Moment};
use crate::{
    draws::{Draws, Purpose},
    fact::EngineFact,
    lane::Load,
    options::Charge,
    policy::Placement,
    pool::{ResourceId, ResourceKind},
    workload::{BatchId, SubtaskId, SubtaskState},
};

impl Engine {
    /// Tells how long a running batch takes, at least 1 ns; ignored if it has ended meanwhile.
    pub fn set_span(&mut self, batch: BatchId, span: SimSpan) {
        let runs = |on: &&mut super::Resource| on.running == Some(batch);
        if let Some(on) = self.pool.resources.iter_mut().find(runs) {
            let end = on.started + SimSpan(span.0.max(1));
            on.ends = Some(end);
            self.ends.push(end, (batch, on.id));
            self.drop_stale_events();
        }
    }

    /// Starts a batch on each free resource that was given subtasks; the others wait.
    pub(super) fn perform(&mut self, now: SimTime) {
        let first = self.started.len();
        let mut placements = mem::take(&mut self.decisions.placements);
        for placement in placements.drain(..) {
            let Placement {
                subtask, resource, ..
            } = placement;
            if self.subtasks[subtask.index()].state == SubtaskState::Ready
                && self.fits(now, subtask, resource)
            {
                self.start_subtask(now, placement);
            }
        }
        self.decisions.placements = placements;
        self.start_batches(now, first);
    }

    /// Starts the batches that were formed since `started` had `first` entries.
    pub(super) fn start_batches(&mut self, now: SimTime, first: usize) {
        for at in first..self.started.len() {
            let (resource, batch, subtask) = self.started[at];
            if self.pool.resources[resource.index()].tokens.is_some() {
                self.start_sequence(now, resource, batch, subtask);
            } else {
                self.start_batch(now, resource, batch);
            }
            self.pool.refresh(resource);
        }
    }

    /// Whether a resource can take a subtask into the batch that it forms now.
    fn fits(&mut self, now: SimTime, subtask: SubtaskId, resource: ResourceId) -> bool {
        let lane = self.lane_of(subtask);
        let on = &self.pool.resources[resource.index()];
        if on.room() == 0 || !self.pool.is_member(resource, lane) {
            return false;
        }
        if on.tokens.is_some() {
            let prompt = self.load(subtask).tokens;
            let n_joining = self.started.iter().filter(|(r, ..)| *r == resource).count();
            let on = &mut self.pool.resources[resource.index()];
            let has_room = on.room() as usize > 0 || n_joining == 0;
            let tokens = on.tokens.as_mut();
            let fits = has_room && tokens.is_some_and(|tokens| tokens.lets_in(now, prompt));
            self.pool.refresh(resource);
            return fits;
        }
        let may_join = on.members.first().is_none_or(|first| {
            on.members.len() < on.spec.slots as usize && self.lane_of(*first) == lane
        });
        may_join && (on.spec.memory.is_none() || self.memory_fits(subtask, resource))
    }

    /// Moves a subtask into the batch that its resource forms, or lets it join the sequences there.
    pub(super) fn start_subtask(&mut self, now: SimTime, placement: Placement) {
        let Placement {
            subtask,
            resource,
            rank,
            candidates,
        } = placement;
        let batch = self.place_in_batch(subtask, resource);
        self.set_state(subtask, SubtaskState::Running { resource, batch });
        let state = &mut self.subtasks[subtask.index()];
        state.attempts += 1;
        state.started = Moment::at(now);
        state.on = resource.0;
        self.counts.started += 1;
        if self.pool.resources[resource.index()].tokens.is_some() {
            self.join(now, resource, subtask, batch);
        }
        self.state(|_| EngineFact::SubtaskPlaced {
            subtask,
            resource,
            rank,
            candidates,
        });
    }

    /// The batch that a subtask goes into: the one that is being formed, or a new one.
    pub(super) fn place_in_batch(&mut self, subtask: SubtaskId, resource: ResourceId) -> BatchId {
        let on = &mut self.pool.resources[resource.index()];
        let forming = on.tokens.is_none() && !on.members.is_empty();
        if on.tokens.is_none() {
            on.members.push(subtask);
        }
        if forming {
            let here = |(r, ..): &&(ResourceId, BatchId, SubtaskId)| *r == resource;
            if let Some((_, batch, _)) = self.started.iter().rev().find(here) {
                return *batch;
            }
        }
        if !self.pool.shelves.is_empty() {
            self.use_device_memory(resource);
        }
        let batch = BatchId(self.n_batches);
        self.n_batches += 1;
        self.started.push((resource, batch, subtask));
        batch
    }

    fn start_sequence(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        batch: BatchId,
        subtask: SubtaskId,
    ) {
        self.counts.batches += 1;
        if let Some(timeout) = self.timeout_of(subtask).or(self.options.timeout) {
            self.events
                .push(now + timeout, Event::Timeout(batch, resource));
        }
        self.state(|_| EngineFact::BatchStarted {
            batch,
            resource,
            subtasks: vec![subtask],
            span: None,
            setup: SimSpan::ZERO,
        });
    }

    fn start_batch(&mut self, now: SimTime, resource: ResourceId, batch: BatchId) {
        let members = mem::take(&mut self.pool.resources[resource.index()].members);
        let load = members
            .iter()
            .fold(Load::default(), |load, id| load.plus(self.load(*id)));
        let lane = self.lane_of(members[0]);
        let work = self
            .pool
            .work_span(resource, lane, &load)
            .unwrap_or(SimSpan(1));
        let loading = mem::take(&mut self.pool.resources[resource.index()].loading);
        let setup = loading + self.take_model(resource, lane) + self.transfer(&members, resource);
        let span = self.charged_span(batch, resource, &members, work, setup);
        self.watch_batch(now, resource, batch, &members);
        let on = &mut self.pool.resources[resource.index()];
        on.members = members;
        on.running = Some(batch);
        on.started = now;
        on.ends = span.map(|span| now + span);
        on.expected_end = Some(now + work + setup);
        if let Some(end) = on.ends {
            self.ends.push(end, (batch, resource));
        }
        self.counts.batches += 1;
        self.state(|engine| EngineFact::BatchStarted {
            batch,
            resource,
            subtasks: engine.pool.resources[resource.index()].members.clone(),
            span,
            setup,
        });
    }

    /// Sees to it that a batch is broken off or hedged when it takes too long.
    fn watch_batch(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        batch: BatchId,
        members: &[SubtaskId],
    ) {
        let own = members.iter().filter_map(|id| self.timeout_of(*id));
        if let Some(timeout) = own.chain(self.options.timeout).min() {
            self.events
                .push(now + timeout, Event::Timeout(batch, resource));
        }
        if self.options.hedging.is_some() {
            for id in members {
                self.watch_hedge(now, *id);
            }
        }
    }

    /// What a batch is charged, where that is known beforehand.
    fn charged_span(
        &self,
        batch: BatchId,
        resource: ResourceId,
        members: &[SubtaskId],
        work: SimSpan,
        setup: SimSpan,
    ) -> Option<SimSpan> {
        let spec = &self.pool.resources[resource.index()].spec;
        let is_replica = matches!(spec.kind, ResourceKind::Replica { .. });
        let Charge::Modelled { noise } = self.options.charge else {
            return (!is_replica).then_some(work + setup);
        };
        let mut factor = self.work_factor(members);
        if !spec.spread.is_exact() {
            let mut draws = Draws::new(self.options.streams.seed(), Purpose::Batch, batch.0, 0);
            factor *= spec.spread.factor(&mut draws);
        }
        if noise > 0.0 {
            let mut stream = self.options.streams.stream("duration", batch.0.into());
            let z: f64 = StandardNormal.sample(&mut stream);
            factor *= (noise * z - noise * noise / 2.0).exp();
        }
        if factor == 1.0 {
            return Some(work + setup);
        }
        let work = SimSpan((work.0 as f64 * factor).round() as u64);
        Some(SimSpan((work + setup).0.max(1)))
    }

    /// How much more or less work there is in `subtasks` than expected: the mean of their factors,
    /// each counted by its expected span; what was done before a preemption is left out.
    fn work_factor(&self, subtasks: &[SubtaskId]) -> f64 {
        if self.extras.is_empty() && self.demands.are_exact() {
            return 1.0;
        }
        let members = || subtasks.iter().map(|id| &self.subtasks[id.index()]);
        let demand = |subtask: &super::Subtask| self.demands.get(subtask.demand);
        if members().all(|subtask| demand(subtask).spread == 0 && !subtask.has_extras()) {
            return 1.0;
        }
        let seed = self.options.streams.seed();
        let (mut actual, mut expected) = (0.0, 0.0);
        for subtask in members() {
            let mut draws = Draws::new(seed, Purpose::Work, subtask.id.0, subtask.attempts);
            let span = demand(subtask).mean_span.0 as f64;
            let factor = self.demands.spread(demand(subtask)).factor(&mut draws);
            let left = self.extras.get(subtask.extras as usize);
            let left = left.and_then(|extras| extras.left).unwrap_or(1.0);
            actual += factor * left * span;
            expected += span;
        }
        if actual == expected {
            1.0
        } else {
            actual / expected
        }
    }

    /// How long the data of predecessors takes to come, all at the same time.
    fn transfer(&self, members: &[SubtaskId], resource: ResourceId) -> SimSpan {
        if self.extras.is_empty() {
            return SimSpan::ZERO;
        }
        let spans = members.iter().map(|id| {
            let subtask = &self.subtasks[id.index()];
            let transfers = Transfers {
                graph: &self.graph,
                extras: &self.extras,
                subtasks: &self.subtasks,
                network: &self.options.network,
                pool: &self.pool,
            };
            transfers.span(subtask, resource)
        });
        spans.max().unwrap_or(SimSpan::ZERO)
    }

    /// How long an attempt of a subtask may take, if it says so itself.
    pub(super) fn timeout_of(&self, id: SubtaskId) -> Option<SimSpan> {
        self.extras
            .get(self.subtasks[id.index()].extras as usize)?
            .timeout
    }
}

/// What it takes to know how long data takes to come.
#[derive(Clone, Copy)]
pub(crate) struct Transfers<'a> {
    pub(crate) graph: &'a super::Graph,
    pub(crate) extras: &'a [super::Extras],
    pub(crate) subtasks: &'a [super::Subtask],
    pub(crate) network: &'a crate::network::Network,
    pub(crate) pool: &'a crate::lane::Pool,
}

impl Transfers<'_> {
    /// Until all that `subtask` gets from predecessors that ran elsewhere is at `resource`.
    pub(crate) fn span(self, subtask: &super::Subtask, resource: ResourceId) -> SimSpan {
        let Some(extras) = self.extras.get(subtask.extras as usize) else {
            return SimSpan::ZERO;
        };
        let device = |id: ResourceId| self.pool.resources[id.index()].spec.device;
        let before = self.graph.before(subtask).iter().zip(&extras.received);
        let spans = before
            .filter(|(_, bytes)| **bytes > 0)
            .filter_map(|(id, bytes)| {
                let from = self.subtasks[id.index()].ran_on()?;
                Some(self.network.span(device(from), device(resource), *bytes))
            });
        spans.max().unwrap_or(SimSpan::ZERO)
    }
}
