//! The seam of choice: a policy sees the ready subtasks and the pool, and says who goes where.

mod batch_fifo;
mod batch_sjf;
mod batching;
mod board;
mod bound;
mod contract_net;
mod cpop;
mod dls;
mod edf;
mod fifo;
mod greedy;
mod heft;
mod join_shortest_queue;
mod least;
mod least_loaded;
mod least_slack;
mod lifo;
mod listed;
mod lookahead;
mod mapped;
mod max_min;
mod min_min;
mod name;
mod peft;
mod planned;
mod power_of_two;
mod queues;
mod random;
mod round_robin;
mod sjf;
mod srpt;
mod sufferage;
mod travel;
mod upward;
mod weighted_fair;

use sim::{SimSpan, SimTime};

pub use self::{
    name::{PolicyName, UnknownPolicy},
    planned::rolling_horizon,
};
use crate::{
    demand::Demands,
    engine::{Extras, Graph, Resource, Subtask, Task, Transfers},
    fact::{Candidate, WaitReason},
    lane::{Lane, LaneId, Load, Pool},
    network::Network,
    pool::{LatencyProfile, ResourceId},
    workload::{SubtaskId, SubtaskState, TaskId},
};

/// Decides online which ready subtask goes to which resource now.
///
/// A policy returns decisions and performs nothing. It is asked only while something is ready and
/// some resource is free, unless it [binds on arrival](Policy::binds_on_arrival).
pub trait Policy: Send + Sync {
    /// Writes where subtasks go, best first, into `decisions`, which come empty.
    ///
    /// The engine goes through the placements in order. All that name the same free resource and
    /// the same lane form its next batch, up to its slots. A placement on a resource that cannot
    /// take it now is passed over, and the subtask stays ready.
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions);

    /// Why a ready subtask waits, where the policy has a reason of its own. Asked only when somebody
    /// wants to know, about what it saw when it last decided.
    fn why_waits(&self, _subtask: SubtaskId) -> Option<WaitReason> {
        None
    }

    /// Whether it wants to be asked whenever something becomes ready, though nobody is free.
    fn binds_on_arrival(&self) -> bool {
        false
    }

    /// What its numbers measure.
    fn criteria(&self) -> Criteria;
}

/// What a policy's numbers measure; the smallest wins in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// Of [`Placement::rank`]: which subtask goes first.
    pub rank: &'static str,
    /// Of [`Candidate::score`]: which resource it goes to.
    pub score: &'static str,
}

/// What a policy decided in one call; the engine keeps the buffers from call to call.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// Who goes where, best first.
    pub placements: Vec<Placement>,
    /// When the policy wants to be asked again though nothing else may happen.
    pub wake_at: Option<SimTime>,
}

impl Decisions {
    /// Forgets everything but the buffers.
    pub fn clear(&mut self) {
        self.placements.clear();
        self.wake_at = None;
    }
}

/// A policy's decision about one subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Which.
    pub subtask: SubtaskId,
    /// Where it goes.
    pub resource: ResourceId,
    /// The policy's rank of the subtask: the smallest goes first, ties by id.
    pub rank: i64,
    /// The resources it could have gone to, with their scores; empty unless [`View::explains`].
    pub candidates: Vec<Candidate>,
}

/// What a policy may know: the graph so far, the pool, and expectations instead of real durations.
pub struct View<'a> {
    pub(crate) now: SimTime,
    pub(crate) tasks: &'a [Task],
    pub(crate) subtasks: &'a [Subtask],
    pub(crate) graph: &'a Graph,
    pub(crate) extras: &'a [Extras],
    pub(crate) demands: &'a Demands,
    pub(crate) network: &'a Network,
    pub(crate) pool: &'a Pool,
    pub(crate) readiness_changes: &'a [SubtaskId],
    pub(crate) n_ready: usize,
    pub(crate) explains: bool,
}

impl<'a> View<'a> {
    /// The current instant.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Whether candidates are to be written; if not, they cost nothing.
    pub fn explains(&self) -> bool {
        self.explains
    }

    /// All subtasks known so far, by id.
    pub fn subtasks(&self) -> &'a [Subtask] {
        self.subtasks
    }

    /// One subtask.
    pub fn subtask(&self, id: SubtaskId) -> &'a Subtask {
        &self.subtasks[id.index()]
    }

    /// One task.
    pub fn task(&self, id: TaskId) -> &'a Task {
        &self.tasks[id.index()]
    }

    /// What must be done before a subtask, each named once.
    pub fn predecessors(&self, id: SubtaskId) -> impl Iterator<Item = SubtaskId> + use<'a> {
        self.graph.before(self.subtask(id)).iter().copied()
    }

    /// What waits for a subtask, so far.
    pub fn successors(&self, id: SubtaskId) -> impl Iterator<Item = SubtaskId> + use<'a> {
        self.graph.after(self.subtask(id))
    }

    /// Whether a subtask may start.
    pub fn is_ready(&self, id: SubtaskId) -> bool {
        self.subtask(id).state == SubtaskState::Ready
    }

    /// Subtasks that became ready or ceased to be since the policy was last asked; some may be
    /// named twice or be back where they were.
    pub fn readiness_changes(&self) -> &'a [SubtaskId] {
        self.readiness_changes
    }

    /// All resources, by id.
    pub fn resources(&self) -> &'a [Resource] {
        &self.pool.resources
    }

    /// Those who could start something now, by id.
    pub fn free(&self) -> &'a [ResourceId] {
        &self.pool.free
    }

    /// All lanes asked for so far, by id.
    pub fn lanes(&self) -> &'a [Lane] {
        &self.pool.lanes
    }

    /// How many subtasks are known so far.
    pub fn n_subtasks(&self) -> usize {
        self.subtasks.len()
    }

    /// How often a subtask was started.
    pub fn attempts(&self, id: SubtaskId) -> u32 {
        self.subtask(id).attempts
    }

    /// Where a subtask is.
    pub fn state(&self, id: SubtaskId) -> SubtaskState {
        self.subtask(id).state
    }

    /// The lane of a subtask.
    pub fn lane(&self, id: SubtaskId) -> LaneId {
        self.demands.get(self.subtask(id).demand).lane
    }

    /// How much work is in a subtask.
    pub fn load(&self, id: SubtaskId) -> Load {
        self.demands.get(self.subtask(id).demand).load
    }

    /// When a subtask became ready.
    pub fn ready_at(&self, id: SubtaskId) -> SimTime {
        self.subtask(id).ready_at().unwrap_or_default()
    }

    /// The expected span of a subtask alone, on average over those who could do it.
    pub fn mean_span(&self, id: SubtaskId) -> SimSpan {
        self.demands.get(self.subtask(id).demand).mean_span
    }

    /// Who can do a subtask, with the expected span of it alone, were nothing else there.
    pub fn spans(&self, id: SubtaskId) -> impl Iterator<Item = (ResourceId, SimSpan)> + use<'a> {
        let (lane, load, pool) = (self.lane(id), self.load(id), self.pool);
        let members = pool.lanes[lane.index()].members.iter();
        members.filter_map(move |(on, _)| Some((*on, pool.span_by_itself(*on, lane, &load)?)))
    }

    /// The expected span of a subtask alone with whoever is fastest, were nothing else there.
    pub fn least_span(&self, id: SubtaskId) -> SimSpan {
        let spans = self.spans(id).map(|(_, span)| span);
        spans.min().unwrap_or(SimSpan::ZERO)
    }

    /// The number of the task of a subtask.
    pub fn task_id(&self, id: SubtaskId) -> TaskId {
        self.subtask(id).spec.task
    }

    /// The task of a subtask.
    pub fn task_of(&self, id: SubtaskId) -> &'a Task {
        self.task(self.task_id(id))
    }

    /// Who is served by a subtask.
    pub fn tenant(&self, id: SubtaskId) -> u32 {
        self.task_of(id).spec.tenant.0
    }

    /// Larger goes first, whatever the policy's rank.
    pub fn priority(&self, id: SubtaskId) -> i32 {
        self.task_of(id).spec.priority
    }

    /// Who can do the subtasks of a lane, by id.
    pub fn members(&self, lane: LaneId) -> &'a [(ResourceId, LatencyProfile)] {
        &self.pool.lanes[lane.index()].members
    }

    /// Whether a resource can do the subtasks of a lane.
    pub fn is_member(&self, resource: ResourceId, lane: LaneId) -> bool {
        self.pool.is_member(resource, lane)
    }

    /// How many subtasks a resource can start together; of one that batches continuously, how many
    /// more it has room for, at least 1.
    pub fn slots(&self, resource: ResourceId) -> u32 {
        let on = &self.pool.resources[resource.index()];
        match on.spec.continuous {
            Some(_) => on.room().max(1),
            None => on.spec.slots,
        }
    }

    /// Whether a resource that is free starts one subtask alone, and nobody asks what else it could.
    pub(crate) fn takes_one(&self, resource: ResourceId) -> bool {
        let spec = &self.pool.resources[resource.index()].spec;
        !self.explains && spec.slots == 1 && spec.continuous.is_none()
    }

    /// How long the data of a subtask's predecessors takes to come to a resource, before it can
    /// begin to work; spans do not count it.
    pub fn transfer(&self, id: SubtaskId, resource: ResourceId) -> SimSpan {
        let transfers = Transfers {
            graph: self.graph,
            extras: self.extras,
            subtasks: self.subtasks,
            network: self.network,
            pool: self.pool,
        };
        transfers.span(self.subtask(id), resource)
    }

    /// The data that a subtask gets from one of its predecessors, in bytes.
    pub fn received(&self, id: SubtaskId, before: SubtaskId) -> u64 {
        let subtask = self.subtask(id);
        let Some(extras) = self.extras.get(subtask.extras as usize) else {
            return 0;
        };
        if extras.received.is_empty() {
            return 0;
        }
        // Where data is received, predecessors are in order.
        let at = self.graph.before(subtask).binary_search(&before);
        at.map_or(0, |at| extras.received[at])
    }

    /// How long data takes from one resource to another.
    pub fn travel(&self, from: ResourceId, to: ResourceId, bytes: u64) -> SimSpan {
        if bytes == 0 {
            return SimSpan::ZERO;
        }
        let device = |on: ResourceId| self.pool.resources[on.index()].spec.device;
        self.network.span(device(from), device(to), bytes)
    }

    /// When a resource is expected to be free: now if it is.
    pub fn free_at(&self, resource: ResourceId) -> SimTime {
        self.pool.free_at(resource, self.now)
    }

    /// The work in the sequences of a resource that batches continuously: what they keep it from doing
    /// for others; `None` for all others.
    pub fn work_running(&self, resource: ResourceId) -> Option<SimSpan> {
        let on = &self.pool.resources[resource.index()];
        Some(on.tokens.as_deref()?.work(on.spec.slots))
    }

    /// How long a batch of `load` on `lane` is expected to take; `None` if the resource cannot.
    ///
    /// A resource that batches continuously takes the longer the more it has already: each iteration
    /// counts the sequences that run there, as the engine charges it, and prompts wait for those that
    /// came before.
    pub fn span(&self, resource: ResourceId, lane: LaneId, load: Load) -> Option<SimSpan> {
        self.pool.span(resource, lane, &load)
    }

    /// How long a subtask alone is expected to take; `None` if the resource cannot.
    #[inline]
    pub(crate) fn span_alone(&self, resource: ResourceId, id: SubtaskId) -> Option<SimSpan> {
        let demand = self.demands.get(self.subtask(id).demand);
        self.pool.span(resource, demand.lane, &demand.load)
    }
}
