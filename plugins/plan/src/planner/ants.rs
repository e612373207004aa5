//! Ants build schedules one operation after the other and leave trails for those who come later:
//! the MAX–MIN ant system of Stützle and Hoos (2000). Trails lie on operations and parts of the
//! order, and on operations and resources; the length of what waits for an operation draws too.

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    decode::Encoding,
    instance::{Instance, OpId},
    planner::{
        Planner,
        neighbour::{self, Neighbours},
    },
    search::Search,
};

const NAME: &str = "ants";

/// Ants between two updates of the trails.
const N_ANTS: usize = 4;

/// What stays of a trail.
const PERSISTENCE: f64 = 0.9;

/// Parts of the order, at most.
const N_PARTS: usize = 50;

/// How often an ant takes the best instead of drawing.
const GREED: f64 = 0.9;

/// After how many updates without a better schedule all trails are made equal.
const PATIENCE: u32 = 200;

/// Steps of local search for each ant, by operation.
const CLIMB: u64 = 10;

/// The planner; each thread has a colony of its own, which follows the best of all at times.
pub(super) struct Ants;

impl Planner for Ants {
    fn run(&self, search: &Search<'_>) {
        let starts = neighbour::starts(search);
        if search.instance.n_ops() < 2 || search.is_over(0) {
            return;
        }
        neighbour::on_threads(search, |thread| {
            let mut colony = Colony::new(search, thread);
            let decoder = &colony.neighbours.decoder;
            decoder.encode_schedule(&starts[0], &mut colony.best);
            colony.best_value = colony.neighbours.value(&mut colony.best);
            colony.work();
        });
    }
}

struct Colony<'a> {
    search: &'a Search<'a>,
    neighbours: Neighbours<'a>,
    rng: SmallRng,
    /// By operation: the longest way behind it, from 0 to 1.
    urgency: Vec<f64>,
    n_parts: usize,
    /// By operation and part of the order.
    order_trails: Vec<f64>,
    /// Where the modes of each operation begin, and their trails.
    mode_starts: Vec<usize>,
    mode_trails: Vec<f64>,
    best: Encoding,
    best_value: f64,
    missing: Vec<u32>,
    ready: Vec<OpId>,
    n_iterations: u64,
}

impl<'a> Colony<'a> {
    fn new(search: &'a Search<'a>, thread: u64) -> Self {
        let instance = search.instance;
        let n_parts = instance.n_ops().min(N_PARTS);
        let mut mode_starts = vec![0];
        for op in instance.ops() {
            mode_starts.push(mode_starts[op.index()] + instance.modes(op).len());
        }
        Self {
            search,
            neighbours: Neighbours::new(search),
            rng: neighbour::rng(search, thread),
            urgency: urgency(instance),
            n_parts,
            order_trails: vec![1.0; n_parts * instance.n_ops()],
            mode_trails: vec![1.0; mode_starts[instance.n_ops()]],
            mode_starts,
            best: Encoding::default(),
            best_value: f64::INFINITY,
            missing: vec![0; instance.n_ops()],
            ready: Vec::new(),
            n_iterations: 0,
        }
    }

    fn work(&mut self) {
        let n_steps = CLIMB * self.search.instance.n_ops() as u64;
        let mut ant = Encoding::topological(self.search.instance);
        let mut leader = ant.clone();
        let mut n_in_vain = 0;
        while !self.search.is_over(self.n_iterations) {
            let mut leader_value = f64::INFINITY;
            for _ in 0..N_ANTS {
                self.build(&mut ant);
                let built = self.neighbours.value(&mut ant);
                let value = self
                    .neighbours
                    .climb(&mut ant, built, n_steps, &mut self.rng);
                self.n_iterations += 1 + n_steps;
                if value < leader_value {
                    leader_value = value;
                    leader.clone_from(&ant);
                }
                if self.search.is_over(self.n_iterations) {
                    break;
                }
            }
            n_in_vain += 1;
            if leader_value < self.best_value {
                n_in_vain = 0;
                self.best_value = leader_value;
                self.best.clone_from(&leader);
            }
            if leader_value < self.search.best_value() {
                self.neighbours.value(&mut leader);
                self.search.offer(self.neighbours.decoder.schedule(), NAME);
            }
            if n_in_vain > PATIENCE {
                n_in_vain = 0;
                self.order_trails.fill(1.0);
                self.mode_trails.fill(1.0);
                self.follow_others();
            } else if self.rng.random_bool(0.3) {
                self.mark(&leader);
            } else {
                let best = std::mem::take(&mut self.best);
                self.mark(&best);
                self.best = best;
            }
        }
    }

    /// Takes over the best schedule of all colonies.
    fn follow_others(&mut self) {
        if let Some((value, schedule)) = self.search.best() {
            let decoder = &self.neighbours.decoder;
            decoder.encode_schedule(&schedule, &mut self.best);
            self.best_value = value;
        }
    }

    /// Builds an order, predecessors first, and chooses resources.
    fn build(&mut self, ant: &mut Encoding) {
        let instance = self.search.instance;
        ant.order.clear();
        self.ready.clear();
        for op in instance.ops() {
            self.missing[op.index()] = instance.preds(op).len() as u32;
            if self.missing[op.index()] == 0 {
                self.ready.push(op);
            }
        }
        while !self.ready.is_empty() {
            let at = self.pick(ant.order.len());
            let op = self.ready.swap_remove(at);
            ant.order.push(op);
            ant.modes[op.index()] = self.mode(op);
            for arc in instance.succs(op) {
                let missing = &mut self.missing[arc.op.index()];
                *missing -= 1;
                if *missing == 0 {
                    self.ready.push(arc.op);
                }
            }
        }
    }

    /// Which of the ready operations comes next.
    fn pick(&mut self, place: usize) -> usize {
        let part = place * self.n_parts / self.urgency.len();
        let is_greedy = self.rng.random_bool(GREED);
        let (mut picked, mut most, mut total) = (0, 0.0, 0.0);
        for (at, op) in self.ready.iter().enumerate() {
            let trail = self.order_trails[op.index() * self.n_parts + part];
            let pull = trail * (0.05 + self.urgency[op.index()]).powi(2);
            total += pull;
            let is_next = if is_greedy {
                pull > most
            } else {
                self.rng.random::<f64>() * total < pull
            };
            if is_next {
                (picked, most) = (at, pull);
            }
        }
        picked
    }

    fn mode(&mut self, op: OpId) -> u32 {
        let modes = self.search.instance.modes(op);
        if modes.len() == 1 {
            return 0;
        }
        if self.rng.random_bool(0.5) {
            return Encoding::SOONEST;
        }
        let trails = &self.mode_trails[self.mode_starts[op.index()]..];
        let (mut picked, mut total) = (0, 0.0);
        for (at, (mode, trail)) in modes.iter().zip(trails).enumerate() {
            let pull = trail / (mode.duration + 1e-9);
            total += pull;
            if self.rng.random::<f64>() * total < pull {
                picked = at as u32;
            }
        }
        picked
    }

    /// Lets all trails fade and strengthens those of one encoding, between the limits.
    fn mark(&mut self, leader: &Encoding) {
        let least = 1.0 / (10.0 + self.urgency.len() as f64 / 2.0);
        for trail in self.order_trails.iter_mut().chain(&mut self.mode_trails) {
            *trail = (*trail * PERSISTENCE).max(least);
        }
        let gain = 1.0 - PERSISTENCE;
        let n_ops = self.urgency.len();
        for (place, op) in leader.order.iter().enumerate() {
            let part = place * self.n_parts / n_ops;
            // The neighbouring parts gain a little: the place is not exact.
            for (near, weight) in [(part.wrapping_sub(1), 0.5), (part, 1.0), (part + 1, 0.5)] {
                if near < self.n_parts {
                    let trail = &mut self.order_trails[op.index() * self.n_parts + near];
                    *trail = (*trail + gain * weight).min(1.0);
                }
            }
            let mode = leader.modes[op.index()] as usize;
            let trail = &mut self.mode_trails[self.mode_starts[op.index()] + mode];
            *trail = (*trail + gain).min(1.0);
        }
    }
}

/// The longest way of mean durations from each operation to the end, over the longest of all.
fn urgency(instance: &Instance) -> Vec<f64> {
    let mut ways = vec![0.0_f64; instance.n_ops()];
    for &op in instance.topological().iter().rev() {
        let modes = instance.modes(op);
        let mean = modes.iter().map(|mode| mode.duration).sum::<f64>() / modes.len() as f64;
        let behind = instance.succs(op).iter().map(|arc| ways[arc.op.index()]);
        ways[op.index()] = mean + behind.fold(0.0, f64::max);
    }
    let longest = ways.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    ways.iter().map(|way| way / longest).collect()
}
