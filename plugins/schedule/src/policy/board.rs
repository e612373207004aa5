//! Fills batches: goes through ready subtasks by rank and gives each to the resource that would end
//! it soonest, counting those already given to it.
//!
//! Work spreads by itself: with two free replicas, the second subtask ends sooner in a batch of its
//! own than as a second one in the first batch, unless the model takes no longer for two.

use std::collections::{BTreeSet, btree_set};

use sim::SimTime;

use super::{
    Decisions, Placement, View,
    ready::{ReadyQueues, nanos},
};
use crate::{
    fact::Candidate,
    lane::{Lane, LaneId, Load},
    pool::ResourceId,
    workload::SubtaskId,
};

/// How many subtasks of a lane may decide to wait in one call; bounds the time of a call while
/// a slow resource stays free because of a much faster one.
const WAITERS_PER_LANE: usize = 256;

/// Which resources count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that are free.
    Free,
    /// Busy ones too: a subtask may wait for one that would end it sooner.
    Busy,
}

/// The batch that a resource would run next.
#[derive(Clone, Copy, Debug)]
struct Next {
    /// When it starts.
    from: SimTime,
    /// When it ends.
    end: SimTime,
    /// Whose subtasks it takes; `None`: nobody's so far.
    lane: Option<LaneId>,
    n_subtasks: u32,
    load: Load,
    /// Whether it starts now.
    starts_now: bool,
}

/// What would become of a subtask on one resource.
struct Choice {
    resource: ResourceId,
    next: Next,
}

struct Board<'a> {
    view: &'a View<'a>,
    reach: Reach,
    /// By resource; `None`: not to be had.
    nexts: Vec<Option<Next>>,
}

impl<'a> Board<'a> {
    fn new(view: &'a View<'a>, reach: Reach) -> Self {
        let nexts = view.resources().iter().map(|resource| {
            let starts_now = resource.running.is_none();
            if !resource.up || (!starts_now && reach == Reach::Free) {
                return None;
            }
            let from = view.free_at(resource.id);
            let load = Load::default();
            Some(Next {
                from,
                end: from,
                lane: None,
                n_subtasks: 0,
                load,
                starts_now,
            })
        });
        Self {
            view,
            reach,
            nexts: nexts.collect(),
        }
    }

    /// Whether some resource could start one more subtask of the lane now.
    fn has_room(&self, id: LaneId, lane: &Lane) -> bool {
        lane.members.iter().any(|(resource, _)| {
            self.nexts[resource.index()]
                .is_some_and(|next| next.starts_now && self.takes(*resource, &next, id))
        })
    }

    fn takes(&self, resource: ResourceId, next: &Next, lane: LaneId) -> bool {
        next.lane.is_none_or(|taken| taken == lane)
            && next.n_subtasks < self.view.resources()[resource.index()].spec.slots
    }

    /// The batch of `resource` with `load` added; a further one after it if that is full.
    fn with(&self, resource: ResourceId, lane: LaneId, load: Load) -> Option<Next> {
        let mut next = self.nexts[resource.index()]?;
        if self.takes(resource, &next, lane) {
            next.load = next.load.plus(load);
            next.n_subtasks += 1;
        } else if self.reach == Reach::Busy {
            next = Next {
                from: next.end,
                load,
                n_subtasks: 1,
                starts_now: false,
                ..next
            };
        } else {
            return None;
        }
        next.lane = Some(lane);
        next.end = next.from + self.view.span(resource, lane, next.load)?;
        Some(next)
    }

    /// The soonest end, then a start now, then a batch that is begun, then the smallest id.
    fn best(&self, lane_id: LaneId, load: Load) -> Option<(Choice, Vec<Candidate>)> {
        let lane = &self.view.lanes()[lane_id.index()];
        let mut candidates = Vec::new();
        let mut best: Option<Choice> = None;
        let key = |next: &Next| (next.end, !next.starts_now, next.n_subtasks == 1);
        for &(resource, _) in &lane.members {
            let Some(next) = self.with(resource, lane_id, load) else {
                continue;
            };
            if self.view.explains() {
                candidates.push(Candidate {
                    resource,
                    score: nanos(next.end.0),
                });
            }
            if best
                .as_ref()
                .is_none_or(|best| key(&next) < key(&best.next))
            {
                best = Some(Choice { resource, next });
            }
        }
        best.map(|choice| (choice, candidates))
    }
}

/// What is left of the queue of a lane.
struct Rest<'a> {
    id: LaneId,
    lane: &'a Lane,
    first: Option<(i64, SubtaskId)>,
    others: btree_set::Iter<'a, (i64, SubtaskId)>,
    n_waiters: usize,
}

impl<'a> Rest<'a> {
    fn new(id: LaneId, lane: &'a Lane, queue: &'a BTreeSet<(i64, SubtaskId)>) -> Self {
        let mut others = queue.iter();
        Self {
            id,
            lane,
            first: others.next().copied(),
            others,
            n_waiters: 0,
        }
    }
}

/// Places ready subtasks in rank order while some resource that could take them has room.
pub(super) fn fill(view: &View<'_>, queues: &ReadyQueues, reach: Reach, decisions: &mut Decisions) {
    let mut board = Board::new(view, reach);
    let lanes = view.lanes().iter().zip(queues.lanes()).enumerate();
    let mut rests: Vec<_> = lanes
        .map(|(n, (lane, queue))| Rest::new(LaneId(n as u32), lane, queue))
        .collect();
    loop {
        // Room never comes back within a call, so a lane without it is done with.
        rests.retain(|rest| {
            rest.first.is_some()
                && rest.n_waiters < WAITERS_PER_LANE
                && board.has_room(rest.id, rest.lane)
        });
        let Some(rest) = rests.iter_mut().min_by_key(|rest| rest.first) else {
            return;
        };
        let Some((rank, subtask)) = rest.first else {
            return;
        };
        rest.first = rest.others.next().copied();
        let load = view.subtask(subtask).load();
        let Some((choice, candidates)) = board.best(rest.id, load) else {
            continue;
        };
        rest.n_waiters += usize::from(!choice.next.starts_now);
        board.nexts[choice.resource.index()] = Some(choice.next);
        decisions.placements.push(Placement {
            subtask,
            resource: choice.resource,
            rank,
            candidates,
        });
    }
}
