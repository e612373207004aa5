//! Binds each subtask to a resource when it becomes ready, as a load balancer does: each resource
//! has a queue of its own, and what stands in one waits for that resource alone. Only if the resource
//! goes down is it bound anew.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{Criteria, Decisions, Placement, Policy, View};
use crate::{
    fact::{Candidate, WaitReason},
    lane::{LaneId, Load},
    pool::ResourceId,
    workload::SubtaskId,
};

/// How far a forming batch looks past subtasks of other lanes.
const MAX_SKIPPED: usize = 32;

/// Which queue a subtask joins.
pub(super) trait Dispatch: Send + Sync {
    /// What [`score`](Self::score) measures.
    const SCORE: &'static str;

    /// Gets ready to score the resources for one subtask.
    fn look(&mut self, _view: &View<'_>, _id: SubtaskId, _open: &[ResourceId]) {}

    /// What a resource is worth for the subtask: the smallest is chosen, ties by id.
    fn score(&self, view: &View<'_>, queues: &Queues, id: SubtaskId, on: ResourceId) -> i64;

    /// Hears of the choice.
    fn bound(&mut self, _view: &View<'_>, _id: SubtaskId, _to: ResourceId) {}
}

/// The queue of one resource.
#[derive(Debug, Default)]
struct Queue {
    /// Negated priority, number and id; what is not bound by that number any more is passed over.
    entries: BinaryHeap<Reverse<(i64, u64, SubtaskId)>>,
    n_waiting: u32,
    /// What those in the queue add to the work of the resource, in nanoseconds.
    backlog: u64,
    /// How many are in the batch that was placed last.
    n_placed: u32,
    /// The batch that the last in the queue would join.
    tail: Option<(LaneId, Load)>,
}

/// A subtask in a queue.
#[derive(Clone, Debug)]
struct Binding {
    to: ResourceId,
    number: u64,
    adds: u64,
    candidates: Vec<Candidate>,
}

/// All queues.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: Vec<Queue>,
    /// By subtask.
    bindings: Vec<Option<Box<Binding>>>,
    n_bound_so_far: u64,
    /// What nobody who is up can do.
    unbound: VecDeque<SubtaskId>,
    /// By resource: whether it was up at the last call.
    was_up: Vec<bool>,
    /// What was handed out by the last call: bound again if it did not start.
    taken: Vec<SubtaskId>,
}

impl Queues {
    /// How many wait for a resource or are worked on by it.
    pub(super) fn length(&self, view: &View<'_>, on: ResourceId) -> u32 {
        let queue = &self.queues[on.index()];
        let resource = &view.resources()[on.index()];
        let running = resource.running.map_or(0, |_| queue.n_placed.max(1));
        let sequences = resource.spec.continuous.map_or(0, |_| resource.n_running());
        queue.n_waiting + running + sequences as u32
    }

    /// How long a resource is expected to work on what it has, in nanoseconds.
    pub(super) fn work(&self, view: &View<'_>, on: ResourceId) -> u64 {
        match view.work_running(on) {
            Some(running) => running.0.saturating_add(self.queues[on.index()].backlog),
            None => self.wait(view, on),
        }
    }

    /// How long what joins the queue of a resource is expected to wait, in nanoseconds: other than
    /// its work if it batches continuously.
    pub(super) fn wait(&self, view: &View<'_>, on: ResourceId) -> u64 {
        let running = view.free_at(on).since(view.now()).0;
        running.saturating_add(self.queues[on.index()].backlog)
    }

    /// How much longer that takes with a subtask at the end of the queue, in nanoseconds.
    pub(super) fn addition(&self, view: &View<'_>, id: SubtaskId, on: ResourceId) -> u64 {
        let (lane, load) = (view.lane(id), view.load(id));
        let span = |load| view.span(on, lane, load).map_or(u64::MAX, |span| span.0);
        match self.queues[on.index()].tail {
            Some((tail, before)) if tail == lane && before.subtasks < view.slots(on) => {
                span(before.plus(load)).saturating_sub(span(before))
            }
            _ => span(load).saturating_add(view.transfer(id, on).0),
        }
    }

    fn insert(&mut self, view: &View<'_>, id: SubtaskId, to: ResourceId, known: Vec<Candidate>) {
        let (lane, load) = (view.lane(id), view.load(id));
        let share = view.pool.share(to, lane, &load);
        let adds = share.map_or_else(|| self.addition(view, id, to), |share| share.0);
        self.n_bound_so_far += 1;
        let queue = &mut self.queues[to.index()];
        queue.tail = Some(match queue.tail {
            Some((tail, before)) if tail == lane && before.subtasks < view.slots(to) => {
                (lane, before.plus(load))
            }
            _ => (lane, load),
        });
        queue.n_waiting += 1;
        queue.backlog = queue.backlog.saturating_add(adds);
        let urgency = -i64::from(view.priority(id));
        queue
            .entries
            .push(Reverse((urgency, self.n_bound_so_far, id)));
        self.bindings[id.index()] = Some(Box::new(Binding {
            to,
            number: self.n_bound_so_far,
            adds,
            candidates: known,
        }));
    }

    fn remove(&mut self, id: SubtaskId) -> Option<Binding> {
        let binding = self.bindings.get_mut(id.index())?.take()?;
        let queue = &mut self.queues[binding.to.index()];
        queue.n_waiting -= 1;
        queue.backlog = queue.backlog.saturating_sub(binding.adds);
        if queue.n_waiting == 0 {
            (queue.tail, queue.backlog) = (None, 0);
        }
        Some(*binding)
    }

    fn pop(&mut self, on: ResourceId) -> Option<(i64, u64, SubtaskId)> {
        loop {
            let Reverse(entry) = self.queues[on.index()].entries.pop()?;
            let bound = self.bindings[entry.2.index()].as_ref();
            if bound.is_some_and(|binding| binding.number == entry.1) {
                return Some(entry);
            }
        }
    }

    /// Hands the next batch of a free resource out.
    fn serve(&mut self, view: &View<'_>, on: ResourceId, decisions: &mut Decisions) {
        let Some(first) = self.pop(on) else {
            return;
        };
        let lane = view.lane(first.2);
        let (mut batch, mut skipped) = (vec![first], Vec::new());
        while batch.len() < view.slots(on) as usize && skipped.len() < MAX_SKIPPED {
            match self.pop(on) {
                Some(entry) if view.lane(entry.2) == lane => batch.push(entry),
                Some(entry) => skipped.push(entry),
                None => break,
            }
        }
        let queue = &mut self.queues[on.index()];
        queue.entries.extend(skipped.into_iter().map(Reverse));
        queue.n_placed = batch.len() as u32;
        for (_, number, id) in batch {
            let candidates = self.remove(id).map(|binding| binding.candidates);
            self.taken.push(id);
            decisions.placements.push(Placement {
                subtask: id,
                resource: on,
                rank: number as i64,
                candidates: candidates.unwrap_or_default(),
            });
        }
    }
}

/// Binds by a [`Dispatch`].
#[derive(Debug, Default)]
pub(super) struct Bound<D> {
    dispatch: D,
    queues: Queues,
    open: Vec<ResourceId>,
}

impl<D: Dispatch> Bound<D> {
    pub(super) fn new(dispatch: D) -> Self {
        Self {
            dispatch,
            queues: Queues::default(),
            open: Vec::new(),
        }
    }

    fn bind(&mut self, view: &View<'_>, id: SubtaskId) {
        let Self {
            dispatch,
            queues,
            open,
        } = self;
        open.clear();
        let members = view.members(view.lane(id)).iter().map(|(id, _)| *id);
        open.extend(members.filter(|on| view.resources()[on.index()].up));
        dispatch.look(view, id, open);
        let scores = open
            .iter()
            .map(|on| (dispatch.score(view, queues, id, *on), *on));
        let Some((_, to)) = scores.min() else {
            queues.unbound.push_back(id);
            return;
        };
        let mut candidates = Vec::new();
        if view.explains() {
            candidates.extend(open.iter().map(|&resource| Candidate {
                resource,
                score: dispatch.score(view, queues, id, resource),
            }));
        }
        queues.insert(view, id, to, candidates);
        dispatch.bound(view, id, to);
    }

    /// Frees what is bound to those who went down, and tries what nobody could do.
    fn rebind(&mut self, view: &View<'_>) {
        let now_up = view.resources().iter().map(|resource| resource.up);
        if self.queues.was_up.iter().copied().eq(now_up.clone()) {
            return;
        }
        self.queues.was_up = now_up.collect();
        let mut again = Vec::from(std::mem::take(&mut self.queues.unbound));
        for resource in view.resources().iter().filter(|resource| !resource.up) {
            while let Some((_, _, id)) = self.queues.pop(resource.id) {
                self.queues.remove(id);
                again.push(id);
            }
        }
        for id in again {
            if view.is_ready(id) {
                self.bind(view, id);
            }
        }
    }

    fn update(&mut self, view: &View<'_>) {
        let n_resources = view.resources().len();
        self.queues.queues.resize_with(n_resources, Queue::default);
        self.queues.bindings.resize(view.n_subtasks(), None);
        self.rebind(view);
        let taken = std::mem::take(&mut self.queues.taken);
        for &id in taken.iter().chain(view.readiness_changes()) {
            let is_bound = self.queues.bindings[id.index()].is_some();
            match (view.is_ready(id), is_bound) {
                (true, false) if !self.queues.unbound.contains(&id) => self.bind(view, id),
                (false, true) => {
                    self.queues.remove(id);
                }
                _ => {}
            }
        }
    }
}

impl<D: Dispatch> Policy for Bound<D> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.update(view);
        for resource in view.resources() {
            if resource.is_free() {
                self.queues.serve(view, resource.id, decisions);
            }
        }
    }

    fn why_waits(&self, subtask: SubtaskId) -> Option<WaitReason> {
        let binding = self.queues.bindings.get(subtask.index())?.as_ref()?;
        let resource = binding.to;
        Some(WaitReason::Queued { resource })
    }

    fn binds_on_arrival(&self) -> bool {
        true
    }

    fn criteria(&self) -> Criteria {
        Criteria {
            rank: "how many were bound up to it",
            score: D::SCORE,
        }
    }
}
