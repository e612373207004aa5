//! Large neighbourhood search: takes some operations out and puts them back elsewhere, for every
//! instance and objective. After Shaw (1998), "Using constraint programming and local search methods
//! to solve vehicle routing problems", and Dueck (1993), "New optimization heuristics", for what is
//! accepted.

mod removal;

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use self::removal::Removal;
use crate::{
    decode::{Decoder, Encoding, Fit},
    instance::{Instance, OpId},
    list::ListName,
    objective::Objective,
    planner::Planner,
    search::Search,
};

const NAME: &str = "lns";

/// How much worse than its best a thread's schedule may be in the beginning, as a share.
const FIRST_SLACK: f64 = 0.03;

/// How many iterations go by between two looks at what other threads found.
const N_BETWEEN_EXCHANGES: u64 = 4096;

/// One search a thread; they look at each other's best schedule now and then.
pub(super) struct Lns;

impl Planner for Lns {
    fn run(&self, search: &Search<'_>) {
        for list in ListName::ALL {
            search.offer(list.schedule(search.instance), list.name());
        }
        if search.instance.n_ops() == 0 {
            return;
        }
        std::thread::scope(|scope| {
            for thread in 1..search.threads as u64 {
                scope.spawn(move || Worker::new(search, thread).run());
            }
            Worker::new(search, 0).run();
        });
    }
}

/// The search of one thread.
struct Worker<'s> {
    search: &'s Search<'s>,
    decoder: Decoder<'s>,
    removal: Removal,
    rng: SmallRng,
    current: Encoding,
    current_value: f64,
    best_value: f64,
    candidate: Encoding,
    /// By operation: where it stands in the order, or shall stand.
    keys: Vec<f64>,
    /// By operation: before where it must stand.
    limits: Vec<f64>,
}

impl<'s> Worker<'s> {
    fn new(search: &'s Search<'s>, thread: u64) -> Self {
        let instance = search.instance;
        let seed = search.seed ^ thread.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut worker = Self {
            search,
            decoder: Decoder::new(instance),
            removal: Removal::new(instance),
            rng: SmallRng::seed_from_u64(seed),
            current: Encoding::topological(instance),
            current_value: f64::INFINITY,
            best_value: f64::INFINITY,
            candidate: Encoding::topological(instance),
            keys: vec![0.0; instance.n_ops()],
            limits: vec![0.0; instance.n_ops()],
        };
        worker.adopt();
        worker
    }

    /// Goes on from the best schedule that anybody knows.
    fn adopt(&mut self) {
        if let Some((_, schedule)) = self.search.best() {
            self.decoder.encode_schedule(&schedule, &mut self.current);
        }
        self.decoder.forward(&self.current, Fit::Gap);
        self.decoder.encode(&mut self.current);
        self.current_value = self.decoder.value(self.search.objective);
        self.best_value = self.best_value.min(self.current_value);
        self.removal.look_at(self.search.instance, &self.decoder);
    }

    fn run(&mut self) {
        let mut iterations = 0;
        while !self.search.is_over(iterations) {
            iterations += 1;
            if iterations.is_multiple_of(N_BETWEEN_EXCHANGES)
                && self.search.best_value() < self.best_value
            {
                self.adopt();
            }
            let kind = self.removal.choose(&mut self.rng);
            self.put_back();
            self.decoder.forward(&self.candidate, Fit::Gap);
            let value = self.decoder.value(self.search.objective);
            self.removal
                .reward(kind, value < self.current_value, value < self.best_value);
            if value < self.best_value {
                self.best_value = value;
                if value < self.search.best_value() {
                    self.search.offer(self.decoder.schedule(), NAME);
                }
            }
            if value <= self.limit(iterations) {
                self.current_value = value;
                self.decoder.encode(&mut self.current);
                self.removal.look_at(self.search.instance, &self.decoder);
            }
        }
    }

    /// Up to which value a schedule is accepted.
    fn limit(&self, iterations: u64) -> f64 {
        let most = self.search.budget().iterations;
        let spent = most.map_or(0.0, |most| iterations as f64 / most as f64);
        let left = 1.0 - spent.max(self.search.spent()).min(1.0);
        let slack = FIRST_SLACK * left * left;
        self.best_value + slack * self.best_value.abs()
    }

    /// Makes the candidate: each operation that was taken out stands anywhere between its
    /// predecessors and successors and is done wherever it ends soonest, or by chance.
    fn put_back(&mut self) {
        let instance = self.search.instance;
        for (at, op) in self.current.order.iter().enumerate() {
            self.keys[op.index()] = at as f64;
        }
        // Predecessors first, as they stand in the order.
        let removed = &mut self.removal.removed;
        removed.sort_unstable_by(|a, b| self.keys[a.index()].total_cmp(&self.keys[b.index()]));
        for &op in removed.iter().rev() {
            let limits = instance.succs(op).iter().map(|arc| {
                let succ = arc.op.index();
                if self.removal.is_removed[succ] {
                    self.limits[succ]
                } else {
                    self.keys[succ]
                }
            });
            self.limits[op.index()] = limits.fold(instance.n_ops() as f64, f64::min);
        }
        self.candidate.modes.clone_from(&self.current.modes);
        for &op in removed.iter() {
            let preds = instance.preds(op).iter();
            let first = preds
                .map(|arc| self.keys[arc.op.index()])
                .fold(-1.0, f64::max);
            let place = self.rng.random_range(0.0..1.0);
            self.keys[op.index()] = first + place * (self.limits[op.index()] - first);
            self.candidate.modes[op.index()] = mode(self.search, op, &mut self.rng);
        }
        self.candidate.order.clone_from(&self.current.order);
        let (keys, current) = (&self.keys, &self.removal.depth);
        // Nearly sorted already, for which the stable sort is quick.
        self.candidate.order.sort_by(|a, b| {
            keys[a.index()]
                .total_cmp(&keys[b.index()])
                .then(current[a.index()].cmp(&current[b.index()]))
        });
    }
}

/// How an operation is done that is put back.
fn mode(search: &Search<'_>, op: OpId, rng: &mut SmallRng) -> u32 {
    let n_modes = search.instance.modes(op).len() as u32;
    if n_modes == 1 {
        return 0;
    }
    let is_spending = matches!(search.objective, Objective::Cost | Objective::Energy);
    match rng.random_range(0..8) {
        0 => rng.random_range(0..n_modes),
        1..5 if is_spending => cheapest(search.instance, search.objective, op),
        _ => Encoding::SOONEST,
    }
}

/// The mode that costs least, or draws least energy.
fn cheapest(instance: &Instance, objective: Objective, op: OpId) -> u32 {
    let spent = |at: usize| {
        let mode = instance.modes(op)[at];
        let resource = &instance.resources()[mode.resource.index()];
        match objective {
            Objective::Energy => mode.duration * resource.watts,
            _ => mode.duration * resource.price,
        }
    };
    let modes = 0..instance.modes(op).len();
    modes
        .min_by(|a, b| spent(*a).total_cmp(&spent(*b)))
        .map_or(Encoding::SOONEST, |at| at as u32)
}
