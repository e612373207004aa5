//! Batch-mode mapping: again and again, of all ready subtasks the one that a rule likes best goes to
//! the resource that ends it soonest, free or busy, until the free resources are full. Maheswaran,
//! Ali, Siegel, Hensgen, Freund (1999), "Dynamic mapping of a class of independent tasks onto
//! heterogeneous computing systems".
//!
//! Equal subtasks form a class with one row of spans. The least completion times of each class are
//! kept while subtasks are mapped. They never fall, so mapping one to a resource only touches the
//! classes that have it as their best or second best. With many classes these are not brought in
//! line at once, but when they come to the front: for min-min and dynamic levels that is the same,
//! for the others it may now and then take the second best.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
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

/// Up to how many classes all are brought in line at once.
const MAX_EAGER: usize = 64;

/// Which subtask is mapped next.
pub(super) trait Liking: Send + Sync {
    /// What [`key`](Self::key) measures.
    const RANK: &'static str;
    /// How many may be mapped to busy resources in one call, which bounds its time; the rest then
    /// only counts who is free.
    const MAX_WAITERS: usize = 48;

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
    /// Who stands for the class.
    subtask: SubtaskId,
    least: f64,
    second: f64,
    best: u32,
    runner_up: u32,
    /// When its completion times were found, by the number of mappings before.
    as_of: u32,
    /// What it is queued with; anything else in the queue is out of date.
    queued: (i64, i64),
}

/// Maps by a [`Liking`].
#[derive(Debug, Default)]
pub(super) struct Mapped<L> {
    liking: L,
    board: Board,
    classes: Vec<Class>,
    /// Spans by class and resource; infinite where it cannot be done.
    rows: Vec<f64>,
    /// The length of a row.
    width: usize,
    by_demand: HashMap<(LaneId, Load), u32>,
    free: Vec<u32>,
    /// Classes that may hold something.
    active: Vec<u32>,
    /// By subtask: its class and key, while it is ready.
    places: Vec<Option<(u32, i64, i64)>>,
    changed: Vec<SubtaskId>,
    standings: Vec<Standing>,
    /// Negated priority, key, subtask and standing; the smallest is mapped next.
    queue: BinaryHeap<Reverse<(i64, i64, SubtaskId, u32)>>,
    /// When each resource is done with what is mapped to it, from now on; infinite if it is not
    /// to be had.
    free_in: Vec<f64>,
    /// By resource: the number of mappings up to the last one to it.
    mapped_at: Vec<u32>,
    n_mapped: u32,
    /// Who has a batch that more could join.
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
                entries.insert((urgency, demerit, id));
                self.places[id.index()] = Some((class, urgency, demerit));
            }
        }
        self.changed = changed;
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
                self.standings.push(Standing {
                    class,
                    urgency,
                    demerit,
                    subtask,
                    least: f64::INFINITY,
                    second: f64::INFINITY,
                    best: 0,
                    runner_up: 0,
                    as_of: 0,
                    queued: (0, 0),
                });
            }
        }
        self.requeue(view);
    }

    /// Finds all completion times anew and queues all standings.
    fn requeue(&mut self, view: &View<'_>) {
        let mut queue = std::mem::take(&mut self.queue).into_vec();
        queue.clear();
        for at in 0..self.standings.len() {
            self.complete(view, at);
            queue.push(self.entry(at));
        }
        self.queue = queue.into();
    }

    /// Finds the least completion times of a class anew.
    fn complete(&mut self, view: &View<'_>, at: usize) {
        let standing = self.standings[at];
        let class = standing.class as usize;
        let row = &self.rows[class * self.width..][..self.width];
        let lane = self.classes[class].lane;
        let joins = |on: &&ResourceId| {
            let next = self.board.next(**on);
            next.is_some_and(|next| next.lane == Some(lane))
        };
        let found = if self.forming.iter().any(|on| joins(&on)) {
            // What can join a batch ends with it instead of after it.
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
        standing.as_of = self.n_mapped;
    }

    /// The entry of a standing in the queue.
    fn entry(&mut self, at: usize) -> Reverse<(i64, i64, SubtaskId, u32)> {
        let standing = &mut self.standings[at];
        let key = self
            .liking
            .key(standing.least, standing.second, standing.demerit);
        standing.queued = (standing.urgency, key as i64);
        let (urgency, key) = standing.queued;
        Reverse((urgency, key, standing.subtask, at as u32))
    }

    /// Whether nothing was mapped to its best resources since its completion times were found.
    fn is_current(&self, at: usize) -> bool {
        let standing = &self.standings[at];
        let untouched = |on: u32| self.mapped_at[on as usize] <= standing.as_of;
        untouched(standing.best) && untouched(standing.runner_up)
    }

    /// The standing that is mapped next.
    fn next(&mut self, view: &View<'_>) -> Option<usize> {
        loop {
            let Reverse((urgency, key, subtask, at)) = self.queue.pop()?;
            let at = at as usize;
            let standing = &self.standings[at];
            if (urgency, key) != standing.queued || subtask != standing.subtask {
                continue;
            }
            if !self
                .board
                .has_room(view, self.classes[standing.class as usize].lane)
            {
                // Room never comes back within a call.
                continue;
            }
            if self.is_current(at) {
                return Some(at);
            }
            self.complete(view, at);
            let entry = self.entry(at);
            self.queue.push(entry);
        }
    }

    fn map(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        let mut n_waiters = 0;
        while self.board.has_any_room()
            && let Some(at) = self.next(view)
        {
            let standing = self.standings[at];
            let on = ResourceId(standing.best);
            let Some(next) = self.board.with(view, on, standing.subtask) else {
                continue;
            };
            let candidates = self.candidates(view, standing.subtask);
            self.put(view, Choice { resource: on, next });
            self.advance(at);
            if next.starts_now {
                decisions.placements.push(Placement {
                    subtask: standing.subtask,
                    resource: on,
                    rank: standing.queued.1,
                    candidates,
                });
            } else {
                self.waits.push((standing.subtask, on));
                n_waiters += 1;
                if n_waiters == L::MAX_WAITERS {
                    self.close_busy(view);
                }
            }
            if self.standings.len() <= MAX_EAGER {
                self.bring_in_line(view);
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
        self.n_mapped += 1;
        self.mapped_at[on.index()] = self.n_mapped;
        let known = self.forming.iter().position(|forming| *forming == on);
        match (self.board.takes_more(view, on), known) {
            (true, None) => self.forming.push(on),
            (false, Some(at)) => {
                self.forming.swap_remove(at);
            }
            _ => {}
        }
    }

    /// Lets the next of a class stand for it.
    fn advance(&mut self, at: usize) {
        let standing = &mut self.standings[at];
        let entries = &self.classes[standing.class as usize].entries;
        let after = (standing.urgency, standing.demerit, standing.subtask);
        if let Some(next) = entries.range((Excluded(after), Unbounded)).next() {
            (standing.urgency, standing.demerit, standing.subtask) = *next;
            let entry = self.entry(at);
            self.queue.push(entry);
        }
    }

    /// Finds the completion times anew of all whose best resources were mapped to.
    fn bring_in_line(&mut self, view: &View<'_>) {
        for at in 0..self.standings.len() {
            if !self.is_current(at) {
                let was = self.standings[at].queued;
                self.complete(view, at);
                let entry = self.entry(at);
                if self.standings[at].queued != was {
                    self.queue.push(entry);
                }
            }
        }
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
        let mut queued = std::mem::take(&mut self.queue).into_vec();
        queued.retain(|Reverse((urgency, key, subtask, at))| {
            let standing = &self.standings[*at as usize];
            (*urgency, *key) == standing.queued && *subtask == standing.subtask
        });
        for entry in &mut queued {
            let at = entry.0.3 as usize;
            self.complete(view, at);
            *entry = self.entry(at);
        }
        self.queue = queued.into();
    }
}

impl<L: Liking> Policy for Mapped<L> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.update(view);
        self.board.begin(view, Reach::Busy);
        self.waits.clear();
        self.forming.clear();
        self.n_mapped = 0;
        self.mapped_at.clear();
        self.mapped_at.resize(self.width, 0);
        self.free_in.clear();
        self.free_in.resize(self.width, f64::INFINITY);
        for resource in view.resources() {
            if let Some(next) = self.board.next(resource.id) {
                self.free_in[resource.id.index()] = (next.end - view.now().0) as f64;
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
