//! Who does what in which order, how that is followed, and what becomes of those it says nothing of.

use std::{cmp::Reverse, collections::VecDeque};

use sim::SimTime;

use crate::{
    fact::Candidate,
    policy::{
        Decisions, Placement, View,
        board::{Board, NEVER, Reach},
        queues::nanos,
    },
    pool::ResourceId,
    workload::{SubtaskId, SubtaskState},
};

/// How many are looked at in one call that the plan says nothing of.
const MAX_COVERED: usize = 64;

/// A subtask in a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) subtask: SubtaskId,
    /// When it shall start.
    pub(super) start: SimTime,
}

/// Who does what in which order.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// By resource, by start.
    pub(super) turns: Vec<VecDeque<Item>>,
}

impl Plan {
    /// How many have not had their turn.
    pub(super) fn n_planned(&self) -> usize {
        self.turns.iter().map(VecDeque::len).sum()
    }

    /// Starts what has its turn on a free resource.
    pub(super) fn follow(
        &mut self,
        view: &View<'_>,
        on: ResourceId,
        decisions: &mut Decisions,
        cover: &mut Cover,
    ) {
        let turns = &mut self.turns[on.index()];
        turns.retain(|item| waits(view, item.subtask));
        let Some(head) = turns.front().copied() else {
            return;
        };
        let is_ready = |item: &&Item| view.is_ready(item.subtask);
        // Of those that are ready, whoever has the highest priority; of these, the first.
        let ready = turns.iter().filter(is_ready);
        let first = ready.rev().max_by_key(|item| view.priority(item.subtask));
        let Some(first) = first.copied() else {
            cover.free_until(on, head.start.max(view.now()));
            return;
        };
        let lane = view.lane(first.subtask);
        let goes_before = view.priority(first.subtask) <= view.priority(head.subtask);
        if first.subtask != head.subtask && head.start > view.now() && goes_before {
            // Something may go before its turn if that delays nobody.
            let span = view.span(on, lane, view.load(first.subtask));
            let span = span.map(|span| span + view.transfer(first.subtask, on));
            let in_time = span.is_some_and(|span| view.now() + span <= head.start);
            if !in_time {
                let wake_at = decisions.wake_at.get_or_insert(head.start);
                *wake_at = head.start.min(*wake_at);
                cover.free_until(on, head.start);
                return;
            }
        }
        let same = turns.iter().filter(is_ready);
        let same = same.filter(|item| view.lane(item.subtask) == lane);
        let mut batch: Vec<_> = same.collect();
        batch.sort_by_key(|item| Reverse(view.priority(item.subtask)));
        batch.truncate(view.slots(on) as usize);
        for item in batch {
            decisions.placements.push(Placement {
                subtask: item.subtask,
                resource: on,
                rank: nanos(item.start.0),
                candidates: candidates(view, item.subtask),
            });
        }
        cover.free_until(on, view.now());
    }
}

/// Who could do a subtask and how soon, if anybody wants to know.
fn candidates(view: &View<'_>, subtask: SubtaskId) -> Vec<Candidate> {
    if !view.explains() {
        return Vec::new();
    }
    let spans = view.spans(subtask).map(|(resource, span)| Candidate {
        resource,
        score: nanos((view.free_at(resource) + span + view.transfer(subtask, resource)).0),
    });
    spans.collect()
}

/// Whether a subtask is still to be started.
pub(super) fn waits(view: &View<'_>, id: SubtaskId) -> bool {
    let state = view.state(id);
    !state.is_ended() && !matches!(state, SubtaskState::Running { .. })
}

/// Gives free resources to what is ready and has no place in the plan, where that delays nobody who
/// has: each goes where it ends soonest.
#[derive(Debug, Default)]
pub(super) struct Cover {
    board: Board,
    /// By resource: until when nobody has a turn on it, in nanoseconds.
    free_until: Vec<u64>,
}

impl Cover {
    /// Looks at the resources afresh.
    pub(super) fn begin(&mut self, view: &View<'_>) {
        self.free_until.clear();
        self.free_until.resize(view.resources().len(), u64::MAX);
    }

    /// From `until` on, the plan needs a resource.
    fn free_until(&mut self, on: ResourceId, until: SimTime) {
        self.free_until[on.index()] = until.0;
    }

    /// Places what is `ready`, the first first.
    pub(super) fn fill(
        &mut self,
        view: &View<'_>,
        ready: impl Iterator<Item = SubtaskId>,
        decisions: &mut Decisions,
    ) {
        let Self { board, free_until } = self;
        board.begin(view, Reach::Free);
        for subtask in ready.take(MAX_COVERED) {
            if !board.has_any_room() {
                return;
            }
            let mut candidates = Vec::new();
            let choice = board.choose(view, subtask, &mut candidates, |on, next| {
                let is_late = next.end > free_until[on.index()];
                (if is_late { NEVER } else { next.end }, 0)
            });
            if let Some(choice) = choice {
                board.put(view, &choice);
                decisions.placements.push(Placement {
                    subtask,
                    resource: choice.resource,
                    rank: nanos(view.now().0),
                    candidates,
                });
            }
        }
    }
}
