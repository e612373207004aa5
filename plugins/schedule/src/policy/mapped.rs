//! Batch-mode mapping: again and again, of all ready subtasks the one that a rule likes best goes to
//! the resource that ends it soonest, free or busy, until the free resources are full. Maheswaran,
//! Ali, Siegel, Hensgen, Freund (1999), "Dynamic mapping of a class of independent tasks onto
//! heterogeneous computing systems".
//!
//! Equal subtasks form a class with one row of spans; those whose data must come from elsewhere form
//! one each. The least completion times of each class are
//! kept while subtasks are mapped. They never fall, so mapping one to a resource only touches the
//! classes that have it as their best or second best.
//!
//! What is mapped together is called a meta-task. Here it is the [`MAX_CLASSES`] classes that have
//! been there longest, and [`MAX_WAITERS`] are mapped to busy resources at most; the rest then only
//! counts who is free. That bounds the time of a decision.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::Bound::{Excluded, Unbounded},
};

use super::{
    Criteria, Decisions, Placement, Policy, View,
    board::{Board, Choice, Reach},
    greedy::SOONEST,
    least::{WIDTH, two_least},
};
use crate::{
    fact::{Candidate, WaitReason},
    lane::{LaneId, Load},
    pool::ResourceId,
    workload::SubtaskId,
};

/// How many classes are mapped together.
const MAX_CLASSES: usize = 64;
/// How many may be mapped to busy resources in one call.
const MAX_WAITERS: usize = 32;

/// Which subtask is mapped next.
pub(super) trait Liking: Send + Sync {
    /// What [`key`](Self::key) measures.
    const RANK: &'static str;

    /// Takes in what the graph has grown by; names each older subtask whose demerit changes.
    fn grow(&mut self, _view: &View<'_>, _changed: &mut Vec<SubtaskId>) {}

    /// What else speaks against a subtask, whatever the resource, in nanoseconds.
    fn demerit(&self, _view: &View<'_>, _id: SubtaskId) -> i64 {
        0
    }

    /// The smallest is mapped next; completion times from now on, in nanoseconds, the second one
    /// infinite where there is only one resource.
    fn key(&self, least: f64, second: f64, demerit: i64) -> f64;
}

/// What subtasks of a class share: lane and load, and that no data has to travel; else which it is.
type Demand = (LaneId, Load, Option<SubtaskId>);

/// Subtasks that differ in nothing but their demerit.
#[derive(Debug)]
struct Class {
    demand: Demand,
    /// Negated priority, demerit and id of those that are ready.
    entries: BTreeSet<(i64, i64, SubtaskId)>,
}

/// The state of a class during a call.
#[derive(Clone, Copy, Debug)]
struct Standing {
    class: u32,
    urgency: i64,
    demerit: i64,
    /// Who stands for the class.
    subtask: SubtaskId,
    least: f64,
    second: f64,
    best: u32,
    runner_up: u32,
}

/// Maps by a [`Liking`].
#[derive(Debug, Default)]
pub(super) struct Mapped<L> {
    liking: L,
    board: Board,
    classes: Vec<Class>,
    /// Spans by class and resource, with the time that data travels; infinite where it cannot be done.
    rows: Vec<f64>,
    /// The length of a row.
    width: usize,
    by_demand: HashMap<Demand, u32>,
    free: Vec<u32>,
    /// Classes that may hold something, in the order of their coming; urgent ones first.
    active: VecDeque<u32>,
    /// By subtask: its class and key, while it is ready.
    places: Vec<Option<(u32, i64, i64)>>,
    changed: Vec<SubtaskId>,
    standings: Vec<Standing>,
    /// Negated priority and key of each standing.
    keys: Vec<(i64, f64)>,
    /// When each resource is done with what is mapped to it, from now on; infinite if it is not
    /// to be had.
    free_in: Vec<f64>,
    /// Who has a batch or sequences that more could join.
    forming: Vec<ResourceId>,
    waits: Vec<(SubtaskId, ResourceId)>,
}

impl<L: Liking> Mapped<L> {
    fn update(&mut self, view: &View<'_>) {
        self.width = view.resources().len().next_multiple_of(WIDTH);
        self.places.resize(view.n_subtasks(), None);
        let mut changed = std::mem::take(&mut self.changed);
        self.liking.grow(view, &mut changed);
        let changes = view.readiness_changes().iter().copied();
        for id in changed.drain(..).chain(changes) {
            if let Some((class, urgency, demerit)) = self.places[id.index()].take() {
                let entries = &mut self.classes[class as usize].entries;
                entries.remove(&(urgency, demerit, id));
            }
            if view.is_ready(id) {
                let class = self.class_of(view, id);
                let urgency = -i64::from(view.priority(id));
                let demerit = self.liking.demerit(view, id);
                let entries = &mut self.classes[class as usize].entries;
                if urgency < 0 && entries.first().is_none_or(|(first, ..)| urgency < *first) {
                    self.active.retain(|known| *known != class);
                    self.active.push_front(class);
                }
                entries.insert((urgency, demerit, id));
                self.places[id.index()] = Some((class, urgency, demerit));
            }
        }
        self.changed = changed;
    }

    fn class_of(&mut self, view: &View<'_>, id: SubtaskId) -> u32 {
        let travels = view
            .members(view.lane(id))
            .iter()
            .any(|(on, _)| view.transfer(id, *on).0 > 0);
        let demand = (view.lane(id), view.load(id), travels.then_some(id));
        if let Some(class) = self.by_demand.get(&demand) {
            return *class;
        }
        let class = self.free.pop().unwrap_or_else(|| {
            self.classes.push(Class {
                demand,
                entries: BTreeSet::new(),
            });
            self.rows.resize(self.classes.len() * self.width, 0.0);
            self.classes.len() as u32 - 1
        });
        self.classes[class as usize].demand = demand;
        let row = &mut self.rows[class as usize * self.width..][..self.width];
        row.fill(f64::INFINITY);
        for (resource, span) in view.spans(id) {
            row[resource.index()] = (span + view.transfer(id, resource)).0 as f64;
        }
        self.by_demand.insert(demand, class);
        self.active.push_back(class);
        class
    }

    /// Lets each class stand for its first subtask, where that could start now.
    fn stand(&mut self, view: &View<'_>) {
        self.standings.clear();
        self.keys.clear();
        let mut at = 0;
        while self.standings.len() < MAX_CLASSES
            && let Some(&class) = self.active.get(at)
        {
            let Class { demand, entries } = &self.classes[class as usize];
            let Some(&(urgency, demerit, subtask)) = entries.first() else {
                self.by_demand.remove(demand);
                self.active.remove(at);
                self.free.push(class);
                continue;
            };
            at += 1;
            if self.board.has_room(view, demand.0) {
                self.standings.push(Standing {
                    class,
                    urgency,
                    demerit,
                    subtask,
                    least: f64::INFINITY,
                    second: f64::INFINITY,
                    best: 0,
                    runner_up: 0,
                });
                self.keys.push((0, 0.0));
                self.complete(view, self.standings.len() - 1);
            }
        }
    }

    /// Finds the least completion times of a class anew.
    fn complete(&mut self, view: &View<'_>, at: usize) {
        let standing = self.standings[at];
        let class = standing.class as usize;
        let row = &self.rows[class * self.width..][..self.width];
        let lane = self.classes[class].demand.0;
        let joins = |on: &&ResourceId| {
            let next = self.board.next(**on);
            next.is_some_and(|next| next.lane.is_none_or(|taken| taken == lane))
        };
        let found = if self.forming.iter().any(|on| joins(&on)) {
            // What can join a batch ends with it instead of after it; what joins sequences takes the
            // longer the more there are.
            let mut free_in = self.free_in.clone();
            for on in self.forming.iter().filter(joins) {
                if let Some(next) = self.board.with(view, *on, standing.subtask) {
                    free_in[on.index()] = (next.end - view.now().0) as f64 - row[on.index()];
                }
            }
            two_least(row, &free_in)
        } else {
            two_least(row, &self.free_in)
        };
        let standing = &mut self.standings[at];
        [standing.least, standing.second] = found.values;
        [standing.best, standing.runner_up] = found.places;
        self.find_key(at);
    }

    fn find_key(&mut self, at: usize) {
        let standing = &self.standings[at];
        let key = self
            .liking
            .key(standing.least, standing.second, standing.demerit);
        self.keys[at] = (standing.urgency, key);
    }

    /// The standing that is mapped next; of equals, the smallest subtask.
    fn next(&self) -> Option<usize> {
        let mut best = 0;
        let mut least = *self.keys.first()?;
        for (at, key) in self.keys.iter().enumerate().skip(1) {
            let is_first = || self.standings[at].subtask < self.standings[best].subtask;
            if *key < least || (*key == least && is_first()) {
                (best, least) = (at, *key);
            }
        }
        Some(best)
    }

    fn map(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        let mut n_waiters = 0;
        while self.board.has_any_room()
            && let Some(at) = self.next()
        {
            let standing = self.standings[at];
            let rank = self.keys[at].1 as i64;
            let on = ResourceId(standing.best);
            // Room never comes back within a call.
            let lane = self.classes[standing.class as usize].demand.0;
            let Some(next) = self
                .board
                .with(view, on, standing.subtask)
                .filter(|_| self.board.has_room(view, lane))
            else {
                self.drop_standing(at);
                continue;
            };
            let candidates = self.candidates(view, standing.subtask);
            self.put(view, Choice { resource: on, next });
            self.advance(view, at, on);
            if next.starts_now {
                decisions.placements.push(Placement {
                    subtask: standing.subtask,
                    resource: on,
                    rank,
                    candidates,
                });
            } else {
                self.waits.push((standing.subtask, on));
                n_waiters += 1;
                if n_waiters == MAX_WAITERS {
                    self.close_busy(view);
                }
            }
        }
    }

    /// The resources that a subtask could go to, for those who ask.
    fn candidates(&self, view: &View<'_>, id: SubtaskId) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        if view.explains() {
            self.board
                .choose(view, id, &mut candidates, |_, next| (next.end, 0));
        }
        candidates
    }

    fn put(&mut self, view: &View<'_>, choice: Choice) {
        let on = choice.resource;
        self.board.put(view, &choice);
        self.free_in[on.index()] = (choice.next.end - view.now().0) as f64;
        let known = self.forming.iter().position(|forming| *forming == on);
        match (self.board.takes_more(view, on), known) {
            (true, None) => self.forming.push(on),
            (false, Some(at)) => {
                self.forming.swap_remove(at);
            }
            _ => {}
        }
    }

    /// Lets the next of a class stand for it, and finds the completion times anew of all whom `on`
    /// concerns.
    fn advance(&mut self, view: &View<'_>, at: usize, on: ResourceId) {
        let standing = &mut self.standings[at];
        let entries = &self.classes[standing.class as usize].entries;
        let after = (standing.urgency, standing.demerit, standing.subtask);
        if let Some(next) = entries.range((Excluded(after), Unbounded)).next() {
            (standing.urgency, standing.demerit, standing.subtask) = *next;
            self.find_key(at);
        } else {
            self.drop_standing(at);
        }
        for at in 0..self.standings.len() {
            let standing = &self.standings[at];
            if standing.best == on.0 || standing.runner_up == on.0 {
                self.complete(view, at);
            }
        }
    }

    fn drop_standing(&mut self, at: usize) {
        self.standings.swap_remove(at);
        self.keys.swap_remove(at);
    }

    /// From now on, only what starts now counts.
    fn close_busy(&mut self, view: &View<'_>) {
        self.board.close_busy();
        for resource in view.resources() {
            if self.board.next(resource.id).is_none() {
                self.free_in[resource.id.index()] = f64::INFINITY;
            }
        }
        let board = &self.board;
        self.forming.retain(|on| board.next(*on).is_some());
        for at in 0..self.standings.len() {
            self.complete(view, at);
        }
    }
}

impl<L: Liking> Policy for Mapped<L> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.update(view);
        self.board.begin(view, Reach::Busy);
        self.waits.clear();
        self.forming.clear();
        self.free_in.clear();
        self.free_in.resize(self.width, f64::INFINITY);
        for resource in view.resources() {
            if let Some(next) = self.board.next(resource.id) {
                self.free_in[resource.id.index()] = (next.end - view.now().0) as f64;
                if next.starts_now && resource.spec.continuous.is_some() && resource.n_running() > 0
                {
                    self.forming.push(resource.id);
                }
            }
        }
        self.stand(view);
        self.map(view, decisions);
        if view.explains() {
            self.waits.sort_unstable();
        }
    }

    fn why_waits(&self, subtask: SubtaskId) -> Option<WaitReason> {
        let at = self.waits.binary_search_by_key(&subtask, |(id, _)| *id);
        let resource = self.waits[at.ok()?].1;
        Some(WaitReason::BetterResource { resource })
    }

    fn criteria(&self) -> Criteria {
        Criteria {
            rank: L::RANK,
            score: SOONEST,
        }
    }
}
