//! Rolling horizon: plans what is known with a planner of the crate `plan`, follows the plan, and
//! plans anew when something arrives, fails or comes back. Sethi, Sorger (1991), "A theory of rolling
//! horizon decision making".
//!
//! Planning is charged to the simulated clock: [`NANOS_PER_MODE`] for each way in which a planned
//! subtask can be done. That is a model, so that runs repeat. Until a plan is there the one before it
//! is followed, and what is not in that waits.

mod horizon;

use std::collections::{BTreeSet, VecDeque};

use plan::{Budget, Objective, PlannerName, Search};
use sim::{SimSpan, SimTime};

use self::horizon::Horizon;
use super::{Criteria, Decisions, Placement, Policy, View, greedy::SOONEST, queues::nanos};
use crate::{
    fact::{Candidate, WaitReason},
    pool::ResourceId,
    workload::{SubtaskId, SubtaskState},
};

/// How many subtasks are planned at most; the rest is planned when half of these have started.
const MAX_PLANNED: usize = 256;
/// What planning costs for each subtask and each resource that can do it.
const NANOS_PER_MODE: u64 = 1_000;
/// The seed of the search: the same plan for the same state.
const SEED: u64 = 0;

/// A subtask in a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    subtask: SubtaskId,
    /// When it shall start.
    start: SimTime,
}

/// Who does what in which order.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// By resource, by start.
    turns: Vec<VecDeque<Item>>,
}

/// Follows plans.
#[derive(Debug, Default)]
pub(super) struct Planned {
    plan: Plan,
    /// By subtask: where the plan puts it.
    place: Vec<Option<ResourceId>>,
    /// The plan that is being made, and when it is there.
    coming: Option<(SimTime, Plan)>,
    /// Whether something has changed that the plan does not know.
    is_due: bool,
    n_known: usize,
    n_left_out: usize,
    was_up: Vec<bool>,
}

impl Planned {
    /// Whether the plan does not fit what is known any more.
    fn is_stale(&mut self, view: &View<'_>) -> bool {
        let now_up: Vec<_> = view
            .resources()
            .iter()
            .map(|resource| resource.up)
            .collect();
        let grown = view.n_subtasks() != std::mem::replace(&mut self.n_known, view.n_subtasks());
        let turned = now_up != self.was_up;
        self.was_up = now_up;
        self.place.resize(view.n_subtasks(), None);
        // What is ready again after a failure has lost its place.
        let mut ready = view.readiness_changes().iter();
        let failed = ready.any(|id| {
            view.is_ready(*id) && self.place[id.index()].is_none() && view.attempts(*id) > 0
        });
        grown || turned || failed
    }

    /// Whether what was left out of the plan has room by now.
    fn is_used_up(&self) -> bool {
        let n_planned: usize = self.plan.turns.iter().map(VecDeque::len).sum();
        self.n_left_out > 0 && n_planned < MAX_PLANNED / 2
    }

    fn make(&mut self, view: &View<'_>) {
        let Some(horizon) = Horizon::new(view, &self.plan, MAX_PLANNED) else {
            return;
        };
        let budget = Budget::of_iterations(1);
        let start = horizon.start();
        let search = Search::new(&horizon.instance, Objective::WeightedCompletion, budget)
            .with_seed(SEED)
            .with_start(&start);
        PlannerName::List.make().run(&search);
        let (_, best) = search.best().unwrap_or((0.0, start.clone()));
        self.n_left_out = horizon.n_left_out;
        let charge = SimSpan(horizon.n_modes as u64 * NANOS_PER_MODE);
        self.coming = Some((view.now() + charge, horizon.plan(view, &best)));
    }

    fn adopt(&mut self, view: &View<'_>, plan: Plan) {
        self.plan = plan;
        self.place.fill(None);
        for (n, turns) in self.plan.turns.iter_mut().enumerate() {
            turns.retain(|item| waits(view, item.subtask));
            for item in turns {
                self.place[item.subtask.index()] = Some(ResourceId(n as u32));
            }
        }
    }

    /// Starts what has its turn on a free resource.
    fn follow(&mut self, view: &View<'_>, on: ResourceId, decisions: &mut Decisions) {
        let turns = &mut self.plan.turns[on.index()];
        turns.retain(|item| waits(view, item.subtask));
        let Some(head) = turns.front().copied() else {
            return;
        };
        let is_ready = |item: &Item| view.is_ready(item.subtask);
        let Some(first) = turns.iter().find(|item| is_ready(item)).copied() else {
            return;
        };
        let lane = view.lane(first.subtask);
        let ends = |id| Some(view.now() + view.span(on, lane, view.load(id))?);
        if first.subtask != head.subtask && head.start > view.now() {
            // Something may go before its turn if that delays nobody.
            let in_time = ends(first.subtask).is_some_and(|end| end <= head.start);
            if !in_time {
                let wake_at = decisions.wake_at.get_or_insert(head.start);
                *wake_at = head.start.min(*wake_at);
                return;
            }
        }
        let batch = turns
            .iter()
            .filter(|item| is_ready(item) && view.lane(item.subtask) == lane)
            .take(view.slots(on) as usize);
        for item in batch {
            decisions.placements.push(Placement {
                subtask: item.subtask,
                resource: on,
                rank: nanos(item.start.0),
                candidates: candidates(view, item.subtask),
            });
        }
    }

    /// Starts what is ready and has no turn on anybody who is up where it ends soonest: after a
    /// failure or an outage the plan may know nothing of it.
    fn cover(&self, view: &View<'_>, decisions: &mut Decisions) {
        let turns = self.plan.turns.iter().zip(view.resources());
        let planned: BTreeSet<_> = turns
            .filter(|(_, resource)| resource.up)
            .flat_map(|(turns, _)| turns.iter().map(|item| item.subtask))
            .collect();
        let ids = (0..view.n_subtasks() as u32).map(SubtaskId);
        for subtask in ids.filter(|id| view.is_ready(*id) && !planned.contains(id)) {
            let free = view
                .spans(subtask)
                .filter(|(on, _)| view.resources()[on.index()].is_free());
            let named = |on| decisions.placements.iter().any(|to| to.resource == on);
            if let Some((resource, _)) = free.min_by_key(|(on, span)| (named(*on), *span, *on)) {
                decisions.placements.push(Placement {
                    subtask,
                    resource,
                    rank: nanos(view.now().0),
                    candidates: candidates(view, subtask),
                });
            }
        }
    }
}

/// Who could do a subtask and how soon, if anybody wants to know.
fn candidates(view: &View<'_>, subtask: SubtaskId) -> Vec<Candidate> {
    if !view.explains() {
        return Vec::new();
    }
    let spans = view.spans(subtask).map(|(resource, span)| Candidate {
        resource,
        score: nanos((view.free_at(resource) + span).0),
    });
    spans.collect()
}

/// Whether a subtask is still to be started.
fn waits(view: &View<'_>, id: SubtaskId) -> bool {
    let state = view.state(id);
    !state.is_ended() && !matches!(state, SubtaskState::Running { .. })
}

impl Policy for Planned {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.plan
            .turns
            .resize_with(view.resources().len(), VecDeque::new);
        for &id in view.readiness_changes() {
            // What was started has had its turn; if it fails, it needs a new one.
            if matches!(view.state(id), SubtaskState::Running { .. })
                && let Some(place) = self.place.get_mut(id.index())
            {
                *place = None;
            }
        }
        self.is_due |= self.is_stale(view);
        let mut is_new = false;
        match self.coming.take() {
            Some((at, plan)) if at <= view.now() => {
                self.adopt(view, plan);
                is_new = true;
            }
            coming => self.coming = coming,
        }
        // One plan at a time, so that there is one in the end however much arrives meanwhile.
        if self.coming.is_none() && (self.is_due || self.is_used_up()) {
            self.is_due = false;
            self.make(view);
        }
        decisions.wake_at = self.coming.as_ref().map(|(at, _)| *at);
        for resource in view.resources() {
            if resource.is_free() {
                self.follow(view, resource.id, decisions);
            }
        }
        // What a coming plan will know waits for it, unless there was one just now.
        if is_new || self.coming.is_none() {
            self.cover(view, decisions);
        }
    }

    fn why_waits(&self, subtask: SubtaskId) -> Option<WaitReason> {
        if let Some(resource) = *self.place.get(subtask.index())? {
            return Some(WaitReason::Planned { resource });
        }
        let until = self.coming.as_ref()?.0;
        Some(WaitReason::Planning { until })
    }

    fn criteria(&self) -> Criteria {
        Criteria {
            rank: "the start in the plan, in ns",
            score: SOONEST,
        }
    }
}
