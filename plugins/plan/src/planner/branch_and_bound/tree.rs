//! Searches all schedules that end by a target, event by event: which ready tasks start now, and
//! which processors wait. Depth first, the task with the least slack first, as in the DF/IHS of
//! Kasahara and Narita (1984), "Practical multiprocessor scheduling algorithms for efficient parallel
//! processing".
//!
//! What is cut off:
//! * work that must be done within an interval and does not fit into it (see [`Energy`]);
//! * tasks that could as well have started earlier, on a processor that waited (only schedules in
//!   which nothing can start earlier are sought: Giffler and Thompson 1960);
//! * of two ready tasks of equal length, to start the one whose successors are among the other's;
//! * states no better than one that has failed (see [`Memo`]).

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::{
    energy::{Energy, Rest},
    graph::Graph,
    memo::{FREE, Memo, State},
};

/// What came of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A schedule ends by the target.
    Found,
    /// None does.
    Impossible,
    /// Not known: the limit was reached.
    Stopped,
}

/// The search for one graph and target.
pub(super) struct Tree<'a> {
    graph: &'a Graph,
    target: u32,
    /// The latest start, by task.
    latest: Vec<u32>,
    /// Who is tried first, by task.
    ranks: Vec<u32>,
    /// For each task, those that need not start before it.
    yielding: Vec<Vec<u32>>,
    fingerprints: Vec<u128>,
    memo: Memo,
    energy: Energy,
    /// The end of each started task.
    ends: Vec<u32>,
    missing: Vec<u32>,
    ready_at: Vec<u32>,
    is_started: Vec<bool>,
    n_started: usize,
    started: u128,
    /// How much of what has not started must be done by each time.
    due: Vec<u32>,
    nodes: u64,
    limit: u64,
    is_over: &'a dyn Fn(u64) -> bool,
}

/// The tasks that must not start, since they could have started on a processor that has waited.
#[derive(Clone, Copy)]
struct Bar {
    is_up: bool,
    /// By when all processors must have been busy at once.
    until: u32,
}

const NO_BAR: Bar = Bar {
    is_up: false,
    until: u32::MAX,
};

/// The instant at which decisions are taken.
struct Event {
    now: u32,
    bar: Bar,
    /// Ready or to be ready at a known time; none has started.
    waiting: Vec<u32>,
    /// End and task, latest first.
    running: Vec<(u32, u32)>,
}

/// The decisions taken at an event so far.
#[derive(Default)]
struct Choice {
    candidates: Vec<u32>,
    is_out: Vec<bool>,
    chosen: Vec<u32>,
    /// What has become known to be ready at a time, by what has started.
    woken: Vec<u32>,
}

impl<'a> Tree<'a> {
    /// A search for schedules of `graph` that end by `target`, which remembers failures in 2 to the
    /// power of `memo_log2` lists; `is_over` hears the number of events now and then and says
    /// whether to stop.
    pub(super) fn new(
        graph: &'a Graph,
        target: u32,
        memo_log2: u32,
        is_over: &'a dyn Fn(u64) -> bool,
    ) -> Self {
        let n = graph.n_tasks();
        let mut rng = SmallRng::seed_from_u64(n as u64);
        let mut tree = Self {
            graph,
            target,
            latest: Vec::new(),
            ranks: Vec::new(),
            yielding: yielding(graph),
            fingerprints: (0..n).map(|_| rng.random()).collect(),
            memo: Memo::new(memo_log2),
            energy: Energy::new(graph),
            ends: vec![0; n],
            missing: Vec::new(),
            ready_at: vec![0; n],
            is_started: Vec::new(),
            n_started: 0,
            started: 0,
            due: Vec::new(),
            nodes: 0,
            limit: 0,
            is_over,
        };
        tree.aim(target);
        tree
    }

    /// The target.
    pub(super) fn target(&self) -> u32 {
        self.target
    }

    /// How many events there were.
    pub(super) fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Changes the target. What has failed is remembered if the target is no later than before.
    pub(super) fn aim(&mut self, target: u32) {
        if target > self.target {
            self.memo.clear();
        }
        self.target = target;
        let graph = self.graph;
        let behind = graph.durations.iter().zip(&graph.tails);
        self.latest = behind
            .map(|(duration, tail)| target.saturating_sub(duration + tail))
            .collect();
        let mut order: Vec<u32> = (0..graph.n_tasks() as u32).collect();
        order.sort_by_key(|&task| {
            let at = task as usize;
            let n_succs = graph.succs[at].len();
            (self.latest[at], std::cmp::Reverse(n_succs), task)
        });
        self.rank(&order);
    }

    /// Tries the tasks in this order.
    pub(super) fn rank(&mut self, order: &[u32]) {
        self.ranks.resize(order.len(), 0);
        for (rank, &task) in order.iter().enumerate() {
            self.ranks[task as usize] = rank as u32;
        }
    }

    /// The starts of the schedule found.
    pub(super) fn starts(&self) -> Vec<u32> {
        let ends = self.ends.iter().zip(&self.graph.durations);
        ends.map(|(end, duration)| end - duration).collect()
    }

    /// Searches for at most `limit` more events. What has failed is remembered for the next call.
    pub(super) fn run(&mut self, limit: u64) -> Outcome {
        let graph = self.graph;
        let n = graph.n_tasks();
        if (0..n)
            .any(|task| graph.heads[task] + graph.durations[task] + graph.tails[task] > self.target)
        {
            return Outcome::Impossible;
        }
        self.limit = self.nodes + limit;
        self.missing = graph.preds.iter().map(|preds| preds.len() as u32).collect();
        self.is_started = vec![false; n];
        self.n_started = 0;
        self.started = 0;
        self.due = vec![0; self.target as usize + 1];
        for task in 0..n {
            self.add_due(task, true);
        }
        let mut waiting = Vec::new();
        for task in 0..n {
            if self.missing[task] == 0 {
                self.ready_at[task] = graph.heads[task];
                waiting.push(task as u32);
            }
        }
        let first = waiting.iter().map(|&task| self.ready_at[task as usize]);
        self.event(&Event {
            now: first.min().unwrap_or(0),
            bar: NO_BAR,
            waiting,
            running: Vec::new(),
        })
    }

    /// Adds the work of a task to what is due by each time, or takes it out.
    fn add_due(&mut self, task: usize, is_added: bool) {
        let duration = self.graph.durations[task];
        let from = self.latest[task] as usize + 1;
        for (work, due) in (1..).zip(&mut self.due[from..]) {
            let work = duration.min(work);
            *due = if is_added { *due + work } else { *due - work };
        }
    }

    fn event(&mut self, event: &Event) -> Outcome {
        self.nodes += 1;
        if self.nodes >= self.limit
            || (self.nodes.is_multiple_of(256) && (self.is_over)(self.nodes))
        {
            return Outcome::Stopped;
        }
        if !self.fits(event) {
            return Outcome::Impossible;
        }
        let state = State {
            started: self.started,
            now: event.now,
            running: &event.running,
            barred: self.barred(event),
        };
        if self.memo.knows(state, |task| self.ends[task as usize]) {
            return Outcome::Impossible;
        }
        let rest = Rest {
            graph: self.graph,
            target: self.target,
            now: event.now,
            running: &event.running,
            is_started: &self.is_started,
            ends: &self.ends,
            latest: &self.latest,
        };
        if !self.energy.fits(&rest) {
            return Outcome::Impossible;
        }
        let mut candidates: Vec<u32> = event.waiting.clone();
        candidates.retain(|&task| {
            let ready_at = self.ready_at[task as usize];
            ready_at == event.now || (ready_at < event.now && !event.bar.is_up)
        });
        candidates.sort_unstable_by_key(|&task| self.ranks[task as usize]);
        let mut choice = Choice {
            is_out: vec![false; candidates.len()],
            candidates,
            ..Choice::default()
        };
        let outcome = self.choose(event, &mut choice, 0);
        if outcome == Outcome::Impossible {
            self.memo.insert(state);
        }
        outcome
    }

    /// Whether what is due by any time can be done by then.
    fn fits(&self, event: &Event) -> bool {
        let now = event.now;
        let is_late = |&task: &u32| self.latest[task as usize] < now;
        if event.waiting.iter().any(is_late) {
            return false;
        }
        let mut free = (self.graph.n_processors - event.running.len()) as u32;
        let mut running = event.running.iter().rev().peekable();
        let mut room = 0;
        for time in now + 1..=self.target {
            while running.next_if(|(end, _)| *end < time).is_some() {
                free += 1;
            }
            room += free;
            if self.due[time as usize] > room {
                return false;
            }
        }
        true
    }

    fn barred(&self, event: &Event) -> (u64, u32) {
        if !event.bar.is_up {
            return FREE;
        }
        let waiting = event.waiting.iter().map(|&task| task as usize);
        let barred = waiting.filter(|&task| self.ready_at[task] < event.now);
        let print = barred.fold(1, |print, task| print ^ self.fingerprints[task] as u64);
        (print | 1, event.bar.until)
    }

    /// Starts or skips the candidates from the `first` on, in all ways.
    fn choose(&mut self, event: &Event, choice: &mut Choice, first: usize) -> Outcome {
        let n_free = self.graph.n_processors - event.running.len() - choice.chosen.len();
        let end = if n_free == 0 {
            first
        } else {
            choice.candidates.len()
        };
        let mut outs = Vec::new();
        let mut outcome = Outcome::Impossible;
        let mut may_wait = true;
        for nth in first..end {
            if choice.is_out[nth] {
                continue;
            }
            let task = choice.candidates[nth];
            let n_woken = choice.woken.len();
            self.start(task as usize, event.now, &mut choice.woken);
            choice.chosen.push(task);
            outcome = self.choose(event, choice, nth + 1);
            if outcome != Outcome::Impossible {
                return outcome;
            }
            choice.chosen.pop();
            choice.woken.truncate(n_woken);
            self.take_back(task as usize);
            if self.latest[task as usize] <= event.now {
                may_wait = false;
                break;
            }
            for later in nth + 1..choice.candidates.len() {
                let other = choice.candidates[later];
                if !choice.is_out[later] && self.yielding[task as usize].contains(&other) {
                    choice.is_out[later] = true;
                    outs.push(later);
                }
            }
        }
        if may_wait {
            outcome = self.close(event, choice, n_free);
        }
        for later in outs {
            choice.is_out[later] = false;
        }
        outcome
    }

    fn start(&mut self, task: usize, now: u32, woken: &mut Vec<u32>) {
        let graph = self.graph;
        self.ends[task] = now + graph.durations[task];
        self.is_started[task] = true;
        self.n_started += 1;
        self.started ^= self.fingerprints[task];
        self.add_due(task, false);
        for &after in &graph.succs[task] {
            let next = after as usize;
            self.missing[next] -= 1;
            if self.missing[next] == 0 {
                let ends = graph.preds[next]
                    .iter()
                    .map(|&before| self.ends[before as usize]);
                self.ready_at[next] = ends.fold(graph.heads[next], u32::max);
                woken.push(after);
            }
        }
    }

    fn take_back(&mut self, task: usize) {
        self.is_started[task] = false;
        self.n_started -= 1;
        self.started ^= self.fingerprints[task];
        self.add_due(task, true);
        for &after in &self.graph.succs[task] {
            self.missing[after as usize] += 1;
        }
    }

    /// Goes on to the next event.
    fn close(&mut self, event: &Event, choice: &Choice, n_free: usize) -> Outcome {
        if self.n_started == self.graph.n_tasks() {
            return Outcome::Found;
        }
        let mut running = event.running.clone();
        running.extend(
            choice
                .chosen
                .iter()
                .map(|&task| (self.ends[task as usize], task)),
        );
        running.sort_unstable_by(|a, b| b.cmp(a));
        let mut waiting = event.waiting.clone();
        waiting.retain(|&task| !self.is_started[task as usize]);
        let mut bar = NO_BAR;
        if n_free > 0 {
            // Both lists are small: what could have started now and did not.
            for &task in &waiting {
                let task = task as usize;
                if self.ready_at[task] <= event.now {
                    bar.is_up = true;
                    let fills = event.now + self.graph.durations[task];
                    bar.until = bar.until.min(event.bar.until).min(fills);
                }
            }
        }
        waiting.extend_from_slice(&choice.woken);
        let ready = waiting.iter().map(|&task| self.ready_at[task as usize]);
        let ready = ready.filter(|at| *at > event.now).min();
        let freed = running.last().map(|(end, _)| *end);
        let Some(next) = ready.into_iter().chain(freed).min() else {
            // Nothing runs and nothing will be ready: all processors wait for ever.
            return Outcome::Impossible;
        };
        if next >= bar.until {
            return Outcome::Impossible;
        }
        while running.last().is_some_and(|(end, _)| *end <= next) {
            running.pop();
        }
        self.event(&Event {
            now: next,
            bar,
            waiting,
            running,
        })
    }
}

/// For each task, the tasks of equal length whose successors are among its own (of two with the same
/// successors, the later number): when both are ready, these need not go first.
fn yielding(graph: &Graph) -> Vec<Vec<u32>> {
    let n = graph.n_tasks();
    let yields = |other: usize, task: usize| {
        other != task
            && graph.durations[other] == graph.durations[task]
            && graph.tails[other] <= graph.tails[task]
            && graph.succs[other]
                .iter()
                .all(|after| graph.succs[task].contains(after))
            && (other > task
                || graph.succs[other].len() < graph.succs[task].len()
                || graph.tails[other] < graph.tails[task])
    };
    (0..n)
        .map(|task| {
            (0..n)
                .filter(|&other| yields(other, task))
                .map(|other| other as u32)
                .collect()
        })
        .collect()
}
