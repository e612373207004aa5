//! List scheduling online: ready subtasks in the order of a rank, each to the resource with the best
//! score, be it free or busy; if it is busy, the subtask waits for it.
//!
//! What waits counts against its resource while the rest is placed. Nothing is bound: the next call
//! decides anew. The insertion of static list schedulers, which use gaps in a plan made beforehand,
//! has no counterpart online: nothing is planned ahead of a busy resource.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::{
    Criteria, Decisions, Placement, Policy, View,
    board::{Board, Next, Reach},
};
use crate::{fact::WaitReason, lane::LaneId, pool::ResourceId, workload::SubtaskId};

/// What goes first: negated priority, rank, id.
type Key = (i64, i64, SubtaskId);

/// How a list scheduler ranks subtasks and scores resources.
pub(super) trait Rule: Send + Sync {
    /// What the numbers measure.
    const CRITERIA: Criteria;

    /// How many may decide to wait in one call; bounds the time of a call while a slow resource
    /// stays free because of much faster ones.
    const MAX_WAITERS: usize = 256;

    /// Takes in what the graph has grown by; tells of each older subtask whose rank changes.
    fn grow(&mut self, view: &View<'_>, changed: &mut dyn FnMut(SubtaskId, i64));

    /// The rank of a subtask: the smallest goes first.
    fn rank(&self, id: SubtaskId) -> i64;

    /// Gets ready to score the resources for one subtask.
    fn look(&mut self, _view: &View<'_>, _board: &Board, _id: SubtaskId) {}

    /// What a resource is worth for the subtask, and what settles ties: the smallest is chosen.
    fn score(&self, _view: &View<'_>, _resource: ResourceId, next: &Next) -> (u64, u64) {
        (next.end, 0)
    }
}

/// Places by a [`Rule`].
#[derive(Debug, Default)]
pub(super) struct Listed<R> {
    rule: R,
    board: Board,
    /// Ready subtasks in order, by lane.
    lanes: Vec<BTreeSet<Key>>,
    /// Lanes that may hold something.
    active: BTreeSet<LaneId>,
    /// By subtask: its key, while it is queued.
    keys: Vec<Option<(i64, i64)>>,
    /// Who waits for whom, by subtask; only kept for those who ask for explanations.
    waits: Vec<(SubtaskId, ResourceId)>,
}

impl<R: Rule> Listed<R> {
    fn update(&mut self, view: &View<'_>) {
        let Self {
            rule,
            lanes,
            active,
            keys,
            ..
        } = self;
        lanes.resize_with(view.lanes().len(), BTreeSet::new);
        keys.resize(view.n_subtasks(), None);
        rule.grow(view, &mut |id, rank| {
            if let Some(key) = &mut keys[id.index()] {
                let lane = &mut lanes[view.lane(id).index()];
                lane.remove(&(key.0, key.1, id));
                key.1 = rank;
                lane.insert((key.0, key.1, id));
            }
        });
        for &id in view.readiness_changes() {
            let lane = &mut lanes[view.lane(id).index()];
            if let Some((urgency, rank)) = keys[id.index()].take() {
                lane.remove(&(urgency, rank, id));
            }
            if view.is_ready(id) {
                let key = (-i64::from(view.priority(id)), rule.rank(id));
                keys[id.index()] = Some(key);
                lane.insert((key.0, key.1, id));
                active.insert(view.lane(id));
            }
        }
    }

    fn fill(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        let Self {
            rule,
            board,
            lanes,
            active,
            waits,
            ..
        } = self;
        let mut rests = Vec::new();
        let mut heads: BinaryHeap<Reverse<(Key, usize)>> = BinaryHeap::new();
        active.retain(|lane| !lanes[lane.index()].is_empty());
        for &lane in active.iter().filter(|lane| board.has_room(view, **lane)) {
            let mut rest = lanes[lane.index()].iter();
            heads.extend(rest.next().map(|key| Reverse((*key, rests.len()))));
            rests.push((lane, rest));
        }
        let mut n_waiters = 0;
        while let Some(Reverse(((_, rank, subtask), at))) = heads.pop() {
            let (lane, rest) = &mut rests[at];
            // Room never comes back within a call, so a lane without it is done with.
            if !board.has_room(view, *lane) {
                continue;
            }
            heads.extend(rest.next().map(|key| Reverse((*key, at))));
            rule.look(view, board, subtask);
            let mut candidates = Vec::new();
            let choice = board.choose(view, subtask, &mut candidates, |resource, next| {
                rule.score(view, resource, next)
            });
            let Some(choice) = choice else {
                continue;
            };
            board.put(&choice);
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
                break;
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
