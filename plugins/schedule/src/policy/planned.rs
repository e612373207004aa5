//! Rolling horizon: plans what is known with the crate `plan`, follows the plan, and plans anew when
//! something arrives, fails, goes down or comes back. Sethi, Sorger (1991), "A theory of rolling
//! horizon decision making".
//!
//! A plan is the best of some list schedules, of the order of the plan before, and of one in which
//! tasks with little work left for their weight go first. A planner may go on
//! from there, for so many iterations.
//!
//! Planning is charged to the simulated clock, by a model, so that runs repeat: [`NANOS_PER_MODE`]
//! for each way in which a planned subtask can be done, and [`NANOS_PER_TRIAL`] for each iteration of
//! a planner and each planned subtask. Until a plan is there the one before it is
//! followed, and what is not in that waits.
//!
//! At most [`MAX_PLANNED`] subtasks are planned together, by priority and number. What arrives behind
//! as many changes no plan: it has its turn when half of them have started.

mod chosen;
mod horizon;
mod turns;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, VecDeque},
};

use plan::{Budget, ListName, Objective, PlannerName, Schedule, Search};
use sim::{SimSpan, SimTime};

use self::{
    chosen::MAX_PLANNED,
    horizon::Horizon,
    turns::{Cover, Plan, waits},
};
use super::{Criteria, Decisions, Policy, View, greedy::SOONEST};
use crate::{
    fact::WaitReason,
    pool::ResourceId,
    workload::{SubtaskId, SubtaskState},
};

/// What planning costs for each subtask and each resource that can do it.
const NANOS_PER_MODE: u64 = 1_000;
/// What an iteration of a planner costs for each subtask.
const NANOS_PER_TRIAL: u64 = 100;
/// What a plan makes small.
const OBJECTIVE: Objective = Objective::WeightedCompletion;
/// What is tried beside the order of the plan before. The other list schedulers take many times as
/// long, for plans that are hardly better.
const LISTS: [ListName; 4] = [ListName::Heft, ListName::Peft, ListName::Mct, ListName::Mst];

/// What goes first of what is ready: higher priority, then smaller number.
type Key = (Reverse<i32>, SubtaskId);

/// A rolling horizon whose plans are searched for by a planner, for so many of its iterations each:
/// a count, not a time, so that runs repeat. The search starts from the list schedules and the plan
/// before.
pub fn rolling_horizon(planner: PlannerName, iterations: u64) -> Box<dyn Policy> {
    Box::new(Planned::searching(planner, iterations))
}

/// Follows plans.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// Who searches on from the list schedules, and for how many iterations.
    search: Option<(PlannerName, u64)>,
    plan: Plan,
    /// By subtask: where the plan puts it.
    place: Vec<Option<ResourceId>>,
    /// The plan that is being made, and when it is there.
    coming: Option<(SimTime, Plan)>,
    /// Whether something has changed that the plan does not know.
    is_due: bool,
    /// Whether the last plan had no room for all that was known.
    is_cut: bool,
    /// The lowest priority in the last plan.
    least_priority: i32,
    /// What is ready and has no place in the plan.
    unplanned: BTreeSet<Key>,
    /// What was started; some of it has ended since.
    started: BTreeSet<SubtaskId>,
    n_known: usize,
    was_up: Vec<bool>,
    cover: Cover,
}

impl Planned {
    pub(super) fn searching(planner: PlannerName, iterations: u64) -> Self {
        Self {
            search: Some((planner, iterations)),
            ..Self::default()
        }
    }

    /// Takes in what became ready, was started or ended, and notes whether that calls for a plan.
    fn update(&mut self, view: &View<'_>) {
        let n_known = std::mem::replace(&mut self.n_known, view.n_subtasks());
        self.is_due |= n_known < self.n_known && !self.is_cut;
        self.place.resize(self.n_known, None);
        for &id in view.readiness_changes() {
            let key = key(view, id);
            if matches!(view.state(id), SubtaskState::Running { .. }) {
                // What was started has had its turn; if it fails, it needs a new one.
                self.place[id.index()] = None;
                self.started.insert(id);
            }
            if !view.is_ready(id) {
                self.unplanned.remove(&key);
            } else if self.place[id.index()].is_none() {
                self.unplanned.insert(key);
                let has_failed = view.attempts(id) > 0;
                let is_urgent = view.priority(id) > self.least_priority;
                self.is_due |= !self.is_cut || has_failed || is_urgent;
            }
        }
        self.see_who_is_up(view);
    }

    /// What was to be done by those who are down has no place any more.
    fn see_who_is_up(&mut self, view: &View<'_>) {
        let n_resources = view.resources().len();
        self.plan.turns.resize_with(n_resources, VecDeque::new);
        self.was_up.resize(n_resources, true);
        for (resource, was_up) in view.resources().iter().zip(&mut self.was_up) {
            if resource.up == std::mem::replace(was_up, resource.up) {
                continue;
            }
            self.is_due = true;
            for item in std::mem::take(&mut self.plan.turns[resource.id.index()]) {
                self.place[item.subtask.index()] = None;
                if view.is_ready(item.subtask) {
                    self.unplanned.insert(key(view, item.subtask));
                }
            }
        }
    }

    /// Whether what was left out of the plan has room by now.
    fn is_used_up(&self) -> bool {
        self.is_cut && self.plan.n_planned() < MAX_PLANNED / 2
    }

    /// What could be planned and waits for nothing that waits itself: it is ready, or will be after
    /// a failure.
    fn open(&mut self, view: &View<'_>) -> Vec<Key> {
        self.started.retain(|id| !view.state(*id).is_ended());
        let again = self.started.iter().copied();
        let planned = self.plan.turns.iter().flatten().map(|item| item.subtask);
        let is_open = |id: &SubtaskId| {
            let state = view.state(*id);
            state == SubtaskState::Ready || matches!(state, SubtaskState::Backoff { .. })
        };
        let mut open: Vec<_> = again
            .chain(planned)
            .filter(is_open)
            .map(|id| key(view, id))
            .chain(self.unplanned.iter().take(MAX_PLANNED + 1).copied())
            .collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    fn make(&mut self, view: &View<'_>) {
        let open = self.open(view);
        let Some(horizon) = Horizon::new(view, &self.plan, &open, &self.started) else {
            return;
        };
        let best = self.best(&horizon);
        self.is_cut = horizon.is_cut;
        self.least_priority = horizon.least_priority;
        let n_trials = self.search.map_or(0, |(_, iterations)| iterations);
        let n_trials = n_trials.saturating_mul(horizon.n_subtasks() as u64);
        let charge = (horizon.n_modes as u64 * NANOS_PER_MODE)
            .saturating_add(n_trials.saturating_mul(NANOS_PER_TRIAL));
        self.coming = Some((view.now() + SimSpan(charge), horizon.plan(view, &best)));
    }

    /// The best schedule that is found.
    fn best(&self, horizon: &Horizon) -> Schedule {
        let instance = &horizon.instance;
        let value = |schedule: &Schedule| OBJECTIVE.of(instance, schedule);
        let lists = LISTS.iter();
        let lists = lists.map(|list| horizon.as_run(list.schedule(instance)));
        let mut best = horizon.start();
        for schedule in lists.chain([horizon.least_work_first()]) {
            if value(&schedule) < value(&best) {
                best = schedule;
            }
        }
        let Some((planner, iterations)) = self.search else {
            return best;
        };
        let budget = Budget::of_iterations(iterations);
        let search = Search::new(instance, OBJECTIVE, budget).with_start(&best);
        planner.make().run(&search);
        let found = search.best();
        let found = found.map(|(_, found)| horizon.as_found(&found));
        match found {
            Some(found) if value(&found) < value(&best) => found,
            _ => best,
        }
    }

    /// Follows another plan from now on.
    fn adopt(&mut self, view: &View<'_>, plan: Plan) {
        let old = std::mem::replace(&mut self.plan, plan);
        for item in old.turns.iter().flatten() {
            self.place[item.subtask.index()] = None;
            if view.is_ready(item.subtask) {
                self.unplanned.insert(key(view, item.subtask));
            }
        }
        for (turns, resource) in self.plan.turns.iter_mut().zip(view.resources()) {
            // Whoever went down meanwhile has no turns.
            turns.retain(|item| resource.up && waits(view, item.subtask));
            for item in turns {
                self.place[item.subtask.index()] = Some(resource.id);
                self.unplanned.remove(&key(view, item.subtask));
            }
        }
    }
}

fn key(view: &View<'_>, id: SubtaskId) -> Key {
    (Reverse(view.priority(id)), id)
}

impl Policy for Planned {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.update(view);
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
        self.cover.begin(view);
        for resource in view.resources() {
            if resource.is_free() {
                self.plan
                    .follow(view, resource.id, decisions, &mut self.cover);
            }
        }
        // What a coming plan will know waits for it, unless there was one just now.
        if is_new || self.coming.is_none() {
            let ready = self.unplanned.iter().map(|(_, id)| *id);
            self.cover.fill(view, ready, decisions);
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
