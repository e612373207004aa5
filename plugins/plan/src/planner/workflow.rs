//! Simulated annealing for task graphs whose data travels: moves operations along the critical path
//! to other resources, alone or with a neighbour whose data then stays at home, and to other places
//! in the order. Kirkpatrick, Gelatt, Vecchi (1983), "Optimization by simulated annealing", over the
//! orders and resources of the general decoder.

mod critical;

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use self::critical::Critical;
use super::Planner;
use crate::{
    decode::{Decoder, Encoding, Fit},
    instance::OpId,
    list::ListName,
    objective::Objective,
    search::Search,
};

const NAME: &str = "workflow";
/// Temperatures as shares of the value, at the start and the end of a descent.
const HOT: f64 = 0.01;
const COLD: f64 = 2e-5;
/// Shares of the budget after which a descent ends and the next begins from the best schedule.
const DESCENTS: [f64; 3] = [0.5, 0.8, 1.0];
/// Moves between two looks at the critical path and the clock.
const BETWEEN_LOOKS: u64 = 16;

/// Starts from the best of the list schedules, another one on each thread.
pub(super) struct Workflow;

impl Planner for Workflow {
    fn suits(&self, search: &Search<'_>) -> bool {
        search.instance.network().is_some()
    }

    fn run(&self, search: &Search<'_>) {
        let mut starts = Vec::new();
        for (at, list) in ListName::ALL.iter().enumerate() {
            // Half of the budget is enough for starts.
            if at > 0 && (search.is_over(0) || search.spent() > 0.5) {
                break;
            }
            let schedule = list.schedule(search.instance);
            let value = search.objective.of(search.instance, &schedule);
            search.offer(schedule.clone(), list.name());
            starts.push((value, schedule));
        }
        if search.instance.n_ops() < 2 || search.is_proven() {
            return;
        }
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        std::thread::scope(|scope| {
            for thread in (0..search.threads).rev() {
                let start = &starts[thread % starts.len()].1;
                let walk = move || {
                    let mut walker = Walker::new(search, thread);
                    walker.decoder.encode_schedule(start, &mut walker.now);
                    walker.run();
                };
                if thread == 0 {
                    walk();
                } else {
                    scope.spawn(walk);
                }
            }
        });
    }
}

struct Walker<'a> {
    search: &'a Search<'a>,
    rng: SmallRng,
    decoder: Decoder<'a>,
    critical: Critical,
    now: Encoding,
    value: f64,
    next: Encoding,
    /// Where each operation stands in the order of `next`.
    places: Vec<u32>,
    n_moves: u64,
}

impl<'a> Walker<'a> {
    fn new(search: &'a Search<'a>, thread: usize) -> Self {
        let seed = search.seed ^ (thread as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self {
            search,
            rng: SmallRng::seed_from_u64(seed),
            decoder: Decoder::new(search.instance),
            critical: Critical::default(),
            now: Encoding::default(),
            value: f64::INFINITY,
            next: Encoding::default(),
            places: vec![0; search.instance.n_ops()],
            n_moves: 0,
        }
    }

    fn run(&mut self) {
        let mut from = 0.0;
        for to in DESCENTS {
            if from > 0.0
                && let Some((_, best)) = self.search.best()
            {
                self.decoder.encode_schedule(&best, &mut self.now);
            }
            self.decoder.forward(&self.now, Fit::Gap);
            self.value = self.decoder.value(self.search.objective);
            self.offer();
            if !self.descend(from, to) {
                return;
            }
            from = to;
        }
    }

    /// Cools from one share of the budget to another; says whether any is left.
    fn descend(&mut self, from: f64, to: f64) -> bool {
        self.next.clone_from(&self.now);
        self.note_places();
        let hot = if from > 0.0 { HOT / 4.0 } else { HOT };
        let mut temperature = hot * self.value;
        let mut is_stale = true;
        loop {
            if self.n_moves.is_multiple_of(BETWEEN_LOOKS) {
                if self.search.is_over(self.n_moves) {
                    return false;
                }
                let spent = self.spent();
                if spent >= to {
                    return true;
                }
                let share = (spent - from) / (to - from);
                temperature = self.value * hot * (COLD / hot).powf(share);
                if is_stale {
                    self.look();
                    is_stale = false;
                }
            }
            self.n_moves += 1;
            is_stale |= self.step(temperature);
        }
    }

    /// How much of the budget is spent, from 0 to 1.
    fn spent(&self) -> f64 {
        let moves = self.search.budget().iterations.map_or(0.0, |iterations| {
            self.n_moves as f64 / iterations.max(1) as f64
        });
        self.search.spent().max(moves)
    }

    /// Finds the critical path of the present schedule.
    fn look(&mut self) {
        self.decoder.forward(&self.now, Fit::Gap);
        let last = if self.search.objective == Objective::Makespan {
            None
        } else {
            let job = self.rng.random_range(0..self.search.instance.jobs().len());
            Some(job)
        };
        self.critical
            .find(self.search.instance, &self.decoder, last);
    }

    /// Tries one move; says whether it was made.
    fn step(&mut self, temperature: f64) -> bool {
        let op = self.pick();
        let places = match self.rng.random_range(0..10_u8) {
            0..4 => {
                self.change_mode(op);
                None
            }
            4..6 => {
                self.join_neighbour(op);
                None
            }
            6..9 => Some(self.shift(op)),
            _ => {
                self.change_mode(op);
                Some(self.shift(op))
            }
        };
        self.decoder.forward(&self.next, Fit::Gap);
        let value = self.decoder.value(self.search.objective);
        let loss = value - self.value;
        if loss <= 0.0 || self.rng.random::<f64>() < (-loss / temperature).exp() {
            for op in [Some(op), self.critical.partner].into_iter().flatten() {
                let mode = self.decoder.mode(op);
                self.next.modes[op.index()] = mode;
                self.now.modes[op.index()] = mode;
            }
            if let Some((low, high)) = places {
                self.now.order[low..=high].copy_from_slice(&self.next.order[low..=high]);
            }
            self.value = value;
            self.offer();
            return loss != 0.0;
        }
        for op in [Some(op), self.critical.partner].into_iter().flatten() {
            self.next.modes[op.index()] = self.now.modes[op.index()];
        }
        if let Some((low, high)) = places {
            self.next.order[low..=high].copy_from_slice(&self.now.order[low..=high]);
            self.note(low, high);
        }
        false
    }

    /// An operation of the critical path, or any.
    fn pick(&mut self) -> OpId {
        self.critical.partner = None;
        let path = &self.critical.path;
        if path.is_empty() || self.rng.random_bool(0.4) {
            OpId(self.rng.random_range(0..self.places.len() as u32))
        } else {
            path[self.rng.random_range(0..path.len())]
        }
    }

    /// Another resource, or whichever ends it soonest.
    fn change_mode(&mut self, op: OpId) {
        let n_modes = self.search.instance.modes(op).len() as u32;
        self.next.modes[op.index()] = if n_modes < 2 || self.rng.random_bool(0.3) {
            Encoding::SOONEST
        } else {
            let other = self.rng.random_range(0..n_modes - 1);
            other + u32::from(other >= self.now.modes[op.index()])
        };
    }

    /// Moves the operation to the resource of one it exchanges data with, or that one along with it.
    fn join_neighbour(&mut self, op: OpId) {
        let instance = self.search.instance;
        let (preds, succs) = (instance.preds(op), instance.succs(op));
        if preds.is_empty() && succs.is_empty() {
            return self.change_mode(op);
        }
        let at = self.rng.random_range(0..preds.len() + succs.len());
        let other = preds.iter().chain(succs).nth(at).map_or(op, |arc| arc.op);
        if self.rng.random_bool(0.5) {
            self.change_mode(op);
        }
        let (from, to) = if self.next.modes[op.index()] == self.now.modes[op.index()] {
            (other, op)
        } else {
            (op, other)
        };
        // `to` goes to where `from` is.
        let mode = self.next.modes[from.index()];
        let Some(there) = instance.modes(from).get(mode as usize) else {
            return;
        };
        let same = instance.modes(to).iter();
        if let Some(mode) = same
            .clone()
            .position(|mode| mode.resource == there.resource)
        {
            self.next.modes[to.index()] = mode as u32;
            self.critical.partner = Some(other);
        }
    }

    /// Moves the operation to another place between its predecessors and successors; gives the
    /// first and the last place that changed.
    fn shift(&mut self, op: OpId) -> (usize, usize) {
        let instance = self.search.instance;
        let place = |op: OpId| self.places[op.index()] as usize;
        let own = place(op);
        let low = instance.preds(op).iter().map(|arc| place(arc.op) + 1);
        let high = instance.succs(op).iter().map(|arc| place(arc.op) - 1);
        let low = low.max().unwrap_or(0);
        let high = high.min().unwrap_or(self.places.len() - 1);
        let to = self.rng.random_range(low..=high);
        let (low, high) = (own.min(to), own.max(to));
        if to > own {
            self.next.order[low..=high].rotate_left(1);
        } else {
            self.next.order[low..=high].rotate_right(1);
        }
        self.note(low, high);
        (low, high)
    }

    fn note_places(&mut self) {
        self.note(0, self.places.len() - 1);
    }

    fn note(&mut self, low: usize, high: usize) {
        for at in low..=high {
            self.places[self.next.order[at].index()] = at as u32;
        }
    }

    fn offer(&self) {
        if self.value < self.search.best_value() {
            self.search.offer(self.decoder.schedule(), NAME);
        }
    }
}
