//! A memetic genetic algorithm: encodings are crossed, changed and improved a little; each thread
//! has an island of its own and hears of the best. The order of a child is one parent's outside of
//! a random stretch, or of a random set of jobs, and the other's inside, which keeps precedences:
//! Bierwirth, Mattfeld (1999), "Production scheduling and rescheduling with genetic algorithms";
//! local search after Moscato (1989), "On evolution, search, optimization, genetic algorithms and
//! martial arts".

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    decode::Encoding,
    instance::Instance,
    planner::{
        Planner,
        neighbour::{self, Neighbours},
    },
    schedule::Schedule,
    search::Search,
};

const NAME: &str = "genetic";

/// How many live on an island.
const N_ALIVE: usize = 30;

/// How many compete to be a parent.
const N_RIVALS: usize = 2;

/// After how many children the best of all islands is let in.
const N_BETWEEN_VISITS: u64 = 400;

/// After how many children without a better one all but the best start afresh.
const PATIENCE: u64 = 3_000;

/// Steps of local search for each child, by operation.
const CLIMB: u64 = 6;

/// The planner.
pub(super) struct Genetic;

impl Planner for Genetic {
    fn run(&self, search: &Search<'_>) {
        let starts = neighbour::starts(search);
        if search.instance.n_ops() < 2 || search.is_over(0) {
            return;
        }
        neighbour::on_threads(search, |thread| {
            Island::new(search, &starts, thread).live();
        });
    }
}

#[derive(Clone, Default)]
struct Individual {
    encoding: Encoding,
    value: f64,
}

struct Island<'a> {
    search: &'a Search<'a>,
    neighbours: Neighbours<'a>,
    rng: SmallRng,
    alive: Vec<Individual>,
    /// Whether no precedence leads from one job to another.
    are_jobs_apart: bool,
    /// By operation, for crossing.
    places: Vec<u32>,
    n_iterations: u64,
}

impl<'a> Island<'a> {
    fn new(search: &'a Search<'a>, starts: &[Schedule], thread: u64) -> Self {
        let mut island = Self {
            search,
            neighbours: Neighbours::new(search),
            rng: neighbour::rng(search, thread),
            alive: Vec::with_capacity(N_ALIVE),
            are_jobs_apart: are_jobs_apart(search.instance),
            places: vec![0; search.instance.n_ops()],
            n_iterations: 0,
        };
        for start in starts.iter().take(N_ALIVE / 2) {
            let mut one = Individual::default();
            let decoder = &island.neighbours.decoder;
            decoder.encode_schedule(start, &mut one.encoding);
            one.value = island.neighbours.value(&mut one.encoding);
            island.offer(one.value);
            island.alive.push(one);
        }
        island.fill();
        island
    }

    /// Fills the island with changed copies of those who live there.
    fn fill(&mut self) {
        let n_ops = self.search.instance.n_ops() as u64;
        let n_parents = self.alive.len();
        while self.alive.len() < N_ALIVE && !self.search.is_over(self.n_iterations) {
            let parent = self.rng.random_range(0..n_parents);
            let mut one = self.alive[parent].clone();
            let n_changes = self.rng.random_range(1..=1 + n_ops / 4);
            self.neighbours
                .shake(&mut one.encoding, n_changes, &mut self.rng);
            one.value = self.neighbours.value(&mut one.encoding);
            self.n_iterations += 1;
            self.offer(one.value);
            self.alive.push(one);
        }
    }

    fn live(&mut self) {
        let mut child = Individual::default();
        let (mut n_children, mut n_in_vain) = (0_u64, 0_u64);
        while !self.search.is_over(self.n_iterations) {
            n_children += 1;
            n_in_vain += 1;
            self.bear(&mut child);
            if self.settle(&child) {
                n_in_vain = 0;
            }
            if n_children.is_multiple_of(N_BETWEEN_VISITS) {
                self.visit();
            }
            if n_in_vain > PATIENCE {
                n_in_vain = 0;
                self.alive.sort_by(|a, b| a.value.total_cmp(&b.value));
                self.alive.truncate(3);
                self.fill();
            }
        }
    }

    /// Makes a child of two parents and improves it.
    fn bear(&mut self, child: &mut Individual) {
        let (a, b) = (self.parent(), self.parent());
        self.cross(a, b, child);
        if self.rng.random_bool(0.5) {
            self.neighbours.shake(&mut child.encoding, 2, &mut self.rng);
        }
        child.value = if self.rng.random_bool(0.1) {
            self.neighbours.justified(&mut child.encoding)
        } else {
            self.neighbours.value(&mut child.encoding)
        };
        self.offer(child.value);
        let n_steps = CLIMB * self.search.instance.n_ops() as u64;
        let before = child.value;
        child.value = self
            .neighbours
            .climb(&mut child.encoding, before, n_steps, &mut self.rng);
        self.n_iterations += 1 + n_steps;
        if child.value < self.search.best_value() {
            child.value = self.neighbours.value(&mut child.encoding);
            self.offer(child.value);
        }
    }

    /// The best of some drawn by chance.
    fn parent(&mut self) -> usize {
        let n_alive = self.alive.len();
        let drawn = (0..N_RIVALS).map(|_| self.rng.random_range(0..n_alive));
        drawn
            .min_by(|a, b| self.alive[*a].value.total_cmp(&self.alive[*b].value))
            .unwrap_or(0)
    }

    fn cross(&mut self, a: usize, b: usize, child: &mut Individual) {
        let instance = self.search.instance;
        let (mother, father) = (&self.alive[a].encoding, &self.alive[b].encoding);
        child.encoding.clone_from(mother);
        for (place, op) in father.order.iter().enumerate() {
            self.places[op.index()] = place as u32;
        }
        let n_ops = mother.order.len();
        if self.are_jobs_apart && self.rng.random_bool(0.5) {
            // The operations of some jobs stay where they are, the others come as the father has
            // them.
            let salt: u64 = self.rng.random();
            let is_fixed =
                |job: u32| (u64::from(job) + 1).wrapping_mul(salt | 1).count_ones() % 2 == 0;
            let mut others = father
                .order
                .iter()
                .filter(|op| !is_fixed(instance.job(**op).0));
            for op in &mut child.encoding.order {
                if !is_fixed(instance.job(*op).0) {
                    *op = *others.next().unwrap_or(op);
                }
            }
        } else {
            let x = self.rng.random_range(0..n_ops);
            let y = self.rng.random_range(0..n_ops);
            let places = &self.places;
            child.encoding.order[x.min(y)..=x.max(y)].sort_unstable_by_key(|op| places[op.index()]);
        }
        let share = self.rng.random::<f64>();
        for (mode, other) in child.encoding.modes.iter_mut().zip(&father.modes) {
            if self.rng.random::<f64>() < share {
                *mode = *other;
            }
        }
    }

    /// Puts a child in the place of the worst, if it is better and has no double; says whether it
    /// is the best here.
    fn settle(&mut self, child: &Individual) -> bool {
        let by_value = |a: &&mut Individual, b: &&mut Individual| a.value.total_cmp(&b.value);
        let best = self
            .alive
            .iter()
            .map(|one| one.value)
            .fold(f64::INFINITY, f64::min);
        let double = self
            .alive
            .iter_mut()
            .find(|one| one.value == child.value && one.encoding == child.encoding);
        let place = match double {
            Some(double) => Some(double),
            None => self.alive.iter_mut().max_by(by_value),
        };
        if let Some(place) = place
            && child.value <= place.value
        {
            place.clone_from(child);
        }
        child.value < best
    }

    /// Lets the best of all islands in.
    fn visit(&mut self) {
        if let Some((value, schedule)) = self.search.best() {
            let mut one = Individual::default();
            let decoder = &self.neighbours.decoder;
            decoder.encode_schedule(&schedule, &mut one.encoding);
            one.value = value;
            self.settle(&one);
        }
    }

    /// Offers the schedule that was decoded last.
    fn offer(&self, value: f64) {
        if value < self.search.best_value() {
            self.search.offer(self.neighbours.decoder.schedule(), NAME);
        }
    }
}

fn are_jobs_apart(instance: &Instance) -> bool {
    instance.ops().all(|op| {
        let mut succs = instance.succs(op).iter();
        succs.all(|arc| instance.job(arc.op) == instance.job(op))
    })
}
