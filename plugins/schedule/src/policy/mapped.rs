//! Batch-mode mapping: again and again, of all ready subtasks the one that a rule likes best goes to
//! the resource that ends it soonest, free or busy, until the free resources are full. Maheswaran,
//! Ali, Siegel, Hensgen, Freund (1999), "Dynamic mapping of a class of independent tasks onto
//! heterogeneous computing systems".
//!
//! Equal subtasks form a class with one row of spans. The least and the second least completion
//! time of each class are kept while subtasks are mapped; mapping one to a resource only touches
//! the classes that have it as their best or second best, since completion times never fall.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use super::{
    Criteria, Decisions, Placement, Policy, View,
    board::{Board, Choice, Reach},
    greedy::SOONEST,
};
use crate::{
    fact::{Candidate, WaitReason},
    lane::{LaneId, Load},
    pool::ResourceId,
    workload::SubtaskId,
};

/// How many may be mapped to busy resources in one call; bounds the time of a call while a slow
/// resource stays free because of much faster ones.
const MAX_WAITERS: usize = 64;

/// Rows are padded to a multiple of this, so that the minimum of a row is found in parallel.
const WIDTH: usize = 4;

/// Which subtask is mapped next.
pub(super) trait Liking: Send + Sync {
    /// What [`key`](Self::key) measures.
    const RANK: &'static str;
    /// Whether the second least completion time counts.
    const NEEDS_SECOND: bool = false;

    /// Takes in what the graph has grown by; tells of each older subtask whose merit changes.
    fn grow(&mut self, _view: &View<'_>, _changed: &mut dyn FnMut(SubtaskId, i64)) {}

    /// What else speaks against a subtask, whatever the resource, in nanoseconds.
    fn demerit(&self, _view: &View<'_>, _id: SubtaskId) -> i64 {
        0
    }

    /// The smallest is mapped next; completion times from now on, in nanoseconds.
    fn key(&self, least: f64, second: f64, demerit: i64) -> f64;
}

/// Subtasks that differ in nothing but their demerit.
#[derive(Debug)]
struct Class {
    lane: LaneId,
    load: Load,
    /// Negated priority, demerit and id of those that are ready.
    entries: BTreeSet<(i64, i64, SubtaskId)>,
}

/// The state of a class during a call.
#[derive(Clone, Copy, Debug)]
struct Standing {
    class: u32,
    urgency: i64,
    demerit: i64,
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
    /// Spans by class and resource; infinite where it cannot be done.
    rows: Vec<f64>,
    width: usize,
    by_demand: HashMap<(LaneId, Load), u32>,
    free: Vec<u32>,
    /// Classes that may hold something.
    active: Vec<u32>,
    /// By subtask: its class and key, while it is ready.
    places: Vec<Option<(u32, i64, i64)>>,
    standings: Vec<Standing>,
    keys: Vec<(i64, f64)>,
    /// When each resource is done with what is mapped to it, from now on; infinite if it is not
    /// to be had.
    free_in: Vec<f64>,
    /// Who has a batch that more could join.
    forming: Vec<ResourceId>,
    waits: Vec<(SubtaskId, ResourceId)>,
}

impl<L: Liking> Mapped<L> {
    fn update(&mut self, view: &View<'_>) {
        self.width = view.resources().len().next_multiple_of(WIDTH);
        self.places.resize(view.n_subtasks(), None);
        let Self {
            liking,
            classes,
            places,
            ..
        } = self;
        liking.grow(view, &mut |id, demerit| {
            if let Some((class, urgency, known)) = &mut places[id.index()] {
                let entries = &mut classes[*class as usize].entries;
                entries.remove(&(*urgency, *known, id));
                *known = demerit;
                entries.insert((*urgency, demerit, id));
            }
        });
        for &id in view.readiness_changes() {
            if let Some((class, urgency, demerit)) = self.places[id.index()].take() {
                let entries = &mut self.classes[class as usize].entries;
                entries.remove(&(urgency, demerit, id));
            }
            if view.is_ready(id) {
                let class = self.class_of(view, id);
                let urgency = -i64::from(view.priority(id));
                let demerit = self.liking.demerit(view, id);
                let entries = &mut self.classes[class as usize].entries;
                entries.insert((urgency, demerit, id));
                self.places[id.index()] = Some((class, urgency, demerit));
            }
        }
    }

    fn class_of(&mut self, view: &View<'_>, id: SubtaskId) -> u32 {
        let demand = (view.lane(id), view.load(id));
        if let Some(class) = self.by_demand.get(&demand) {
            return *class;
        }
        let class = self.free.pop().unwrap_or_else(|| {
            self.classes.push(Class {
                lane: demand.0,
                load: demand.1,
                entries: BTreeSet::new(),
            });
            self.rows.resize(self.classes.len() * self.width, 0.0);
            self.classes.len() as u32 - 1
        });
        let entry = &mut self.classes[class as usize];
        (entry.lane, entry.load) = demand;
        let row = &mut self.rows[class as usize * self.width..][..self.width];
        row.fill(f64::INFINITY);
        for (resource, span) in view.spans(id) {
            row[resource.index()] = span.0 as f64;
        }
        self.by_demand.insert(demand, class);
        self.active.push(class);
        class
    }

    /// Lets each class stand for its first subtask, where that could start now.
    fn stand(&mut self, view: &View<'_>) {
        self.standings.clear();
        let mut at = 0;
        while let Some(&class) = self.active.get(at) {
            let Class {
                lane,
                load,
                entries,
            } = &self.classes[class as usize];
            let Some(&(urgency, demerit, subtask)) = entries.first() else {
                self.by_demand.remove(&(*lane, *load));
                self.active.swap_remove(at);
                self.free.push(class);
                continue;
            };
            at += 1;
            if self.board.has_room(view, *lane) {
                let mut standing = Standing {
                    class,
                    urgency,
                    demerit,
                    subtask,
                    least: f64::INFINITY,
                    second: f64::INFINITY,
                    best: 0,
                    runner_up: 0,
                };
                self.complete(view, &mut standing);
                self.standings.push(standing);
            }
        }
    }

    /// Finds the least completion times of a class anew.
    fn complete(&self, view: &View<'_>, standing: &mut Standing) {
        let class = standing.class as usize;
        let row = &self.rows[class * self.width..][..self.width];
        let lane = self.classes[class].lane;
        let is_joinable = |on: &&ResourceId| {
            let next = self.board.next(**on);
            next.is_some_and(|next| next.lane == Some(lane))
        };
        let mut free_in = &self.free_in;
        let patched;
        if self.forming.iter().any(|on| is_joinable(&on)) {
            // What can join a batch ends with it instead of after it.
            let mut ends = self.free_in.clone();
            for on in self.forming.iter().filter(is_joinable) {
                if let Some(next) = self.board.with(view, *on, standing.subtask) {
                    ends[on.index()] = (next.end - view.now().0) as f64 - row[on.index()];
                }
            }
            patched = ends;
            free_in = &patched;
        }
        (standing.least, standing.second) = two_least(row, free_in);
        let place = |value: f64, but: Option<u32>| {
            let mut sums = row.iter().zip(free_in).map(|(span, free)| span + free);
            let at = match but {
                None => sums.position(|sum| sum == value),
                Some(but) => {
                    let mut sums = sums.enumerate();
                    sums.position(|(at, sum)| sum == value && at as u32 != but)
                }
            };
            at.unwrap_or(0) as u32
        };
        standing.best = place(standing.least, None);
        if L::NEEDS_SECOND {
            standing.runner_up = place(standing.second, Some(standing.best));
        }
    }

    fn key(&self, standing: &Standing) -> (i64, f64) {
        let key = self
            .liking
            .key(standing.least, standing.second, standing.demerit);
        (standing.urgency, key)
    }
}

impl<L: Liking> Mapped<L> {
    fn map(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.forming.clear();
        self.free_in.clear();
        self.free_in.resize(self.width, f64::INFINITY);
        for resource in view.resources() {
            if let Some(next) = self.board.next(resource.id) {
                self.free_in[resource.id.index()] = (next.end - view.now().0) as f64;
            }
        }
        self.stand(view);
        self.keys.clear();
        for at in 0..self.standings.len() {
            self.keys.push(self.key(&self.standings[at]));
        }
        let mut n_waiters = 0;
        while let Some(at) = first(&self.keys) {
            let standing = self.standings[at];
            let on = ResourceId(standing.best);
            let Some(next) = self.board.with(view, on, standing.subtask) else {
                self.drop_standing(at);
                continue;
            };
            let candidates = self.candidates(view, standing.subtask);
            self.put(view, &Choice { resource: on, next });
            if next.starts_now {
                decisions.placements.push(Placement {
                    subtask: standing.subtask,
                    resource: on,
                    rank: self.keys[at].1 as i64,
                    candidates,
                });
            } else {
                self.waits.push((standing.subtask, on));
                n_waiters += 1;
                if n_waiters == MAX_WAITERS {
                    return;
                }
            }
            self.advance(view, at, on);
            if next.starts_now && !self.board.takes_more(view, on) {
                self.drop_roomless(view);
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

    fn put(&mut self, view: &View<'_>, choice: &Choice) {
        let on = choice.resource;
        self.board.put(choice);
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

    /// Lets the next of a class stand for it, and brings those in line whom `on` concerns.
    fn advance(&mut self, view: &View<'_>, at: usize, on: ResourceId) {
        let standing = &mut self.standings[at];
        let entries = &self.classes[standing.class as usize].entries;
        let after = (standing.urgency, standing.demerit, standing.subtask);
        let next = entries.range((Excluded(after), Unbounded)).next();
        if let Some((urgency, demerit, subtask)) = next {
            (standing.urgency, standing.demerit) = (*urgency, *demerit);
            standing.subtask = *subtask;
            self.keys[at] = self.key(&self.standings[at]);
        } else {
            self.drop_standing(at);
        }
        for at in 0..self.standings.len() {
            let mut standing = self.standings[at];
            if standing.best == on.0 || (L::NEEDS_SECOND && standing.runner_up == on.0) {
                self.complete(view, &mut standing);
                self.keys[at] = self.key(&standing);
                self.standings[at] = standing;
            }
        }
    }

    fn drop_standing(&mut self, at: usize) {
        self.standings.swap_remove(at);
        self.keys.swap_remove(at);
    }

    /// Drops those who could not start now any more: room never comes back within a call.
    fn drop_roomless(&mut self, view: &View<'_>) {
        let mut at = 0;
        while let Some(standing) = self.standings.get(at) {
            let lane = self.classes[standing.class as usize].lane;
            if self.board.has_room(view, lane) {
                at += 1;
            } else {
                self.drop_standing(at);
            }
        }
    }
}

/// The least and the second least of the sums.
fn two_least(row: &[f64], free_in: &[f64]) -> (f64, f64) {
    let mut least = [f64::INFINITY; WIDTH];
    let mut second = [f64::INFINITY; WIDTH];
    let (rows, frees) = (row.chunks_exact(WIDTH), free_in.chunks_exact(WIDTH));
    for (spans, frees) in rows.zip(frees) {
        for n in 0..WIDTH {
            let sum = spans[n] + frees[n];
            let (low, high) = if sum < least[n] {
                (sum, least[n])
            } else {
                (least[n], sum)
            };
            least[n] = low;
            second[n] = if high < second[n] { high } else { second[n] };
        }
    }
    let (mut a, mut b) = (f64::INFINITY, f64::INFINITY);
    for sum in least.into_iter().chain(second) {
        if sum < a {
            (a, b) = (sum, a);
        } else if sum < b {
            b = sum;
        }
    }
    (a, b)
}

/// Where the smallest key is; the first of equals.
fn first(keys: &[(i64, f64)]) -> Option<usize> {
    let mut best = 0;
    let mut least = *keys.first()?;
    for (at, key) in keys.iter().enumerate().skip(1) {
        if *key < least {
            (best, least) = (at, *key);
        }
    }
    Some(best)
}

impl<L: Liking> Policy for Mapped<L> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.update(view);
        self.board.begin(view, Reach::Busy);
        self.waits.clear();
        self.map(view, decisions);
        self.waits.sort_unstable();
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
