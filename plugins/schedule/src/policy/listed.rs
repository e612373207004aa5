//! List scheduling online: ready subtasks in the order of a rank, each to the resource with the best
//! score, be it free or busy; if it is busy, the subtask waits for it.
//!
//! What waits counts against its resource while the rest is placed. Nothing is bound: the next call
//! decides anew. The insertion of static list schedulers, which use gaps in a plan made beforehand,
//! has no counterpart online: nothing is planned ahead of a busy resource.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use super::{
    Criteria, Decisions, Placement, Policy, View,
    board::{Board, Choice, Next, Reach},
};
use crate::{
    fact::{Candidate, WaitReason},
    lane::LaneId,
    pool::ResourceId,
    workload::SubtaskId,
};

/// What is queued together: the lane, and the one resource that it may go to.
type Demand = (LaneId, Option<ResourceId>);
/// What goes first: negated priority, rank, id.
type Key = (i64, i64, SubtaskId);

/// How a list scheduler ranks subtasks and scores resources.
pub(super) trait Rule: Send + Sync {
    /// What the numbers measure.
    const CRITERIA: Criteria;

    /// How many may decide to wait in one call, which bounds its time; the rest then only counts
    /// who is free.
    const MAX_WAITERS: usize = 256;

    /// Takes in what the graph has grown by; names each older subtask whose rank or bond
    /// changes.
    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>);

    /// The rank of a subtask: the smallest goes first.
    fn rank(&self, id: SubtaskId) -> i64;

    /// The one resource that a subtask may go to; `None`: any.
    fn bound(&self, _id: SubtaskId) -> Option<ResourceId> {
        None
    }

    /// Gets ready to score the resources for one subtask.
    fn look(&mut self, _view: &View<'_>, _id: SubtaskId) {}

    /// What a resource is worth for the subtask, and what settles ties: the smallest is chosen.
    fn score(&self, _view: &View<'_>, _resource: ResourceId, next: &Next) -> (u64, u64) {
        (next.end, 0)
    }

    /// The resource with the least score.
    fn choose(
        &mut self,
        view: &View<'_>,
        board: &Board,
        id: SubtaskId,
        candidates: &mut Vec<Candidate>,
    ) -> Option<Choice> {
        self.look(view, id);
        board.choose(view, id, candidates, |on, next| self.score(view, on, next))
    }
}

/// Places by a [`Rule`].
#[derive(Debug, Default)]
pub(super) struct Listed<R> {
    rule: R,
    board: Board,
    /// Ready subtasks in order, by lane and the one resource they may go to.
    queues: BTreeMap<Demand, BTreeSet<Key>>,
    /// By subtask: where it is queued.
    places: Vec<Option<(Demand, Key)>>,
    changed: Vec<SubtaskId>,
    /// Who waits for whom, by subtask; only kept for those who ask for explanations.
    waits: Vec<(SubtaskId, ResourceId)>,
}

impl<R: Rule> Listed<R> {
    fn update(&mut self, view: &View<'_>) {
        let Self {
            rule,
            queues,
            places,
            ..
        } = self;
        places.resize(view.n_subtasks(), None);
        let mut changed = std::mem::take(&mut self.changed);
        rule.grow(view, &mut changed);
        for id in changed
            .drain(..)
            .chain(view.readiness_changes().iter().copied())
        {
            if let Some((demand, key)) = places[id.index()].take()
                && let Some(queue) = queues.get_mut(&demand)
            {
                queue.remove(&key);
                if queue.is_empty() {
                    queues.remove(&demand);
                }
            }
            if view.is_ready(id) {
                let demand = (view.lane(id), rule.bound(id));
                let key = (-i64::from(view.priority(id)), rule.rank(id), id);
                places[id.index()] = Some((demand, key));
                queues.entry(demand).or_default().insert(key);
            }
        }
        self.changed = changed;
    }

    fn fill(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        let Self {
            rule,
            board,
            queues,
            waits,
            ..
        } = self;
        let mut rests = Vec::new();
        let mut heads: BinaryHeap<Reverse<(Key, usize)>> = BinaryHeap::new();
        for (&(lane, bound), queue) in queues.iter() {
            if board.has_room(view, lane) && bound.is_none_or(|on| board.may_start(view, on)) {
                let mut rest = queue.iter();
                heads.extend(rest.next().map(|key| Reverse((*key, rests.len()))));
                rests.push((lane, bound, rest));
            }
        }
        let mut n_waiters = 0;
        while let Some(Reverse(((_, rank, subtask), at))) = heads.pop() {
            let (lane, bound, rest) = &mut rests[at];
            // Room never comes back within a call, so a queue without it is done with.
            let has_room = board.has_room(view, *lane);
            if !has_room || bound.is_some_and(|on| !board.may_start(view, on)) {
                continue;
            }
            heads.extend(rest.next().map(|key| Reverse((*key, at))));
            let mut candidates = Vec::new();
            let choice = rule.choose(view, board, subtask, &mut candidates);
            let Some(choice) = choice else {
                continue;
            };
            board.put(view, &choice);
            if choice.next.starts_now {
                decisions.placements.push(Placement {
                    subtask,
                    resource: choice.resource,
                    rank,
                    candidates,
                });
                continue;
            }
            if view.explains() {
                waits.push((subtask, choice.resource));
            }
            n_waiters += 1;
            if n_waiters == R::MAX_WAITERS {
                board.close_busy();
            }
        }
    }
}

impl<R: Rule> Policy for Listed<R> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.update(view);
        self.board.begin(view, Reach::Busy);
        self.waits.clear();
        self.fill(view, decisions);
        self.waits.sort_unstable();
    }

    fn why_waits(&self, subtask: SubtaskId) -> Option<WaitReason> {
        if let Some(resource) = self.rule.bound(subtask) {
            return Some(WaitReason::BetterResource { resource });
        }
        let at = self
            .waits
            .binary_search_by_key(&subtask, |(id, _)| *id)
            .ok()?;
        let resource = self.waits[at].1;
        Some(WaitReason::BetterResource { resource })
    }

    fn criteria(&self) -> Criteria {
        R::CRITERIA
    }
}
