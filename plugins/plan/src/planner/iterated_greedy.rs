//! Iterated greedy for flow shops with several identical machines in each stage.
//!
//! An order of jobs that holds in all stages is found first: Ruiz and Stützle (2007), "A simple and
//! effective iterated greedy algorithm for the permutation flowshop scheduling problem". Then single
//! operations leave that order, each in its own stage, see [`refine`].

mod construct;
mod draw;
mod flow;
mod machines;
mod permutation;
mod refine;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use rand::{SeedableRng as _, rngs::SmallRng};

use crate::{
    decode::{Decoder, Encoding, Fit},
    instance::{JobId, OpId},
    objective::Objective,
    planner::{
        Planner,
        iterated_greedy::{flow::Flow, machines::Machines},
    },
    schedule::Schedule,
    search::Search,
};

const NAME: &str = "iterated-greedy";

/// How much of the budget goes into the order that holds in all stages.
const ORDER_SHARE: f64 = 0.12;

/// Iterations of one annealing if the budget has no end.
const UNLIMITED: u64 = 10_000_000;

/// Iterations for each operation that make one annealing, if the budget is enough for several.
const LONG: f64 = 20_000.0;

/// Iterations after which it is known how many will fit into the budget.
const PROBE: u64 = 1 << 14;

/// The temperatures for a makespan, in mean durations: the first of all, that of later annealings
/// from the best schedule, and the last.
const HOT: f64 = 0.1;
const WARM: f64 = 0.025;
const COLD: f64 = 0.002;

/// The planner; it declines whatever is no flow shop.
pub(super) struct IteratedGreedy;

impl Planner for IteratedGreedy {
    /// For several stages, some of them with several machines.
    fn suits(&self, search: &Search<'_>) -> bool {
        let is_timed = !matches!(search.objective, Objective::Cost | Objective::Energy);
        is_timed
            && Flow::recognise(search.instance)
                .is_some_and(|flow| flow.n_stages > 1 && flow.resources.len() > flow.n_stages)
    }

    fn run(&self, search: &Search<'_>) {
        let Some(flow) = Flow::recognise(search.instance) else {
            return;
        };
        if matches!(search.objective, Objective::Cost | Objective::Energy) {
            return;
        }
        std::thread::scope(|scope| {
            for thread in 1..search.threads as u64 {
                let flow = &flow;
                scope.spawn(move || work(flow, search, thread));
            }
            work(&flow, search, 0);
        });
    }
}

fn work(flow: &Flow, search: &Search<'_>, thread: u64) {
    let seed = search.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ thread;
    let mut rng = SmallRng::seed_from_u64(seed);
    let spent = |n: u64| spent(search, n);
    let is_makespan = search.objective == Objective::Makespan;
    let mut n_done = 0;
    let mut start = search.best().map(|(_, schedule)| schedule);
    if is_makespan {
        let is_over = |n: u64| {
            // An iteration on the order is worth many moves of one operation.
            search.is_over(n * flow.n_stages as u64)
                || spent(n * flow.n_stages as u64) > ORDER_SHARE
        };
        let (order, n) = construct::order(flow, search, is_over, &mut rng);
        n_done += n * flow.n_stages as u64;
        offer_better(search, &mut start, decoded(search, &order));
    } else {
        for order in simple_orders(search) {
            offer_better(search, &mut start, decoded(search, &order));
        }
    }
    let Some(start) = start else {
        return;
    };
    if flow.movable.is_empty() {
        return;
    }
    let mut machines = Machines::new(flow, &start);
    let mut heat = HOT;
    while !search.is_over(n_done) {
        let before = n_done;
        let length = Length::new(flow, spent(before));
        let part = |n: u64| {
            if search.is_over(before + n) {
                return 1.0;
            }
            length.part(n, spent(before + n))
        };
        n_done += 64.max(if is_makespan {
            let temperatures = (heat * flow.mean_duration(), COLD * flow.mean_duration());
            refine::makespan(&mut machines, search, temperatures, part, &mut rng)
        } else {
            let share = share_of_a_job(search);
            let temperatures = (0.1 * share, 1e-4 * share);
            let objective = search.objective;
            refine::completions(
                &mut machines,
                search,
                objective,
                temperatures,
                part,
                &mut rng,
            )
        });
        heat = WARM;
        if let Some((_, best)) = search.best() {
            machines.load(&best);
        }
    }
}

/// How much of the budget is spent after `n` iterations.
fn spent(search: &Search<'_>, n: u64) -> f64 {
    match search.budget().iterations {
        Some(limit) => search.spent().max(n as f64 / limit.max(1) as f64),
        None if search.budget().time.is_some() => search.spent(),
        None => n as f64 / UNLIMITED as f64,
    }
}

/// How long one annealing is: a whole part of what is left of the budget.
struct Length {
    /// Iterations that are enough.
    enough: f64,
    /// How much of the budget is spent when it begins.
    first: f64,
    /// How many like it fit into the rest of the budget.
    n_fit: Cell<f64>,
}

impl Length {
    fn new(flow: &Flow, first: f64) -> Self {
        Self {
            enough: LONG * flow.movable.len() as f64,
            first,
            n_fit: Cell::new(1.0),
        }
    }

    /// How much of it is over after `n` iterations, with so much of the budget spent.
    fn part(&self, n: u64, spent: f64) -> f64 {
        let of_rest = (spent - self.first) / (1.0 - self.first.min(0.99));
        if n == PROBE && of_rest > 0.0 {
            let n_expected = n as f64 / of_rest;
            self.n_fit.set((n_expected / self.enough).floor().max(1.0));
        }
        of_rest * self.n_fit.get()
    }
}

/// How much of the objective a single job makes up.
fn share_of_a_job(search: &Search<'_>) -> f64 {
    match search.objective {
        Objective::WeightedCompletion | Objective::WeightedTardiness | Objective::Unfairness => {
            1.0 / search.instance.jobs().len() as f64
        }
        _ => 0.1,
    }
}

/// Offers a schedule; keeps it as the start if it is better than that.
fn offer_better(search: &Search<'_>, start: &mut Option<Schedule>, schedule: Schedule) {
    let value = |schedule: &Schedule| search.objective.of(search.instance, schedule);
    if start
        .as_ref()
        .is_none_or(|start| value(&schedule) < value(start))
    {
        *start = Some(schedule.clone());
    }
    search.offer(schedule, NAME);
}

/// The schedule of an order of jobs, moved right and left while that helps.
fn decoded(search: &Search<'_>, jobs: &[u32]) -> Schedule {
    let instance = search.instance;
    let mut decoder = Decoder::new(instance);
    let mut encoding = Encoding::topological(instance);
    let mut depth = vec![0_usize; instance.n_ops()];
    for (at, op) in instance.topological().iter().enumerate() {
        depth[op.index()] = at;
    }
    encoding.order.clear();
    for &job in jobs {
        let mut ops: Vec<OpId> = instance.ops_of(JobId(job)).to_vec();
        ops.sort_by_key(|op| depth[op.index()]);
        encoding.order.extend(ops);
    }
    decoder.forward(&encoding, Fit::Append);
    let mut best = decoder.schedule();
    let mut best_value = decoder.value(search.objective);
    for _ in 0..10 {
        decoder.justify(&mut encoding, Fit::Append);
        let value = decoder.value(search.objective);
        if value < best_value {
            best_value = value;
            best = decoder.schedule();
        }
    }
    best
}

/// Jobs by weight over work, by due time, by release.
fn simple_orders(search: &Search<'_>) -> [Vec<u32>; 3] {
    let instance = search.instance;
    let jobs = instance.jobs();
    let by = |key: &dyn Fn(usize) -> f64| {
        let mut order: Vec<u32> = (0..jobs.len() as u32).collect();
        order.sort_by(|a, b| key(*a as usize).total_cmp(&key(*b as usize)));
        order
    };
    let work = |job: usize| {
        let ops = instance.ops_of(JobId(job as u32)).iter();
        ops.map(|op| instance.modes(*op)[0].duration).sum::<f64>()
    };
    [
        by(&|job| work(job) / jobs[job].weight.max(1e-9)),
        by(&|job| jobs[job].due.unwrap_or(f64::INFINITY)),
        by(&|job| jobs[job].release),
    ]
}
