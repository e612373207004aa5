//! Tabu search over machine sequences, restarted from between its best schedules. After Mastrolilli
//! and Gambardella (2000), and Peng, Lü and Cheng (2015), "A tabu search/path relinking algorithm to
//! solve the job shop scheduling problem".

mod elite;
mod memory;
mod trajectory;

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use self::{
    elite::Elite,
    trajectory::{Style, Trajectory},
};
use crate::{
    list::ListName,
    objective::Objective,
    planner::Planner,
    search::Search,
    shop::{Blueprint, Shop},
};

/// How many iterations a run goes on without finding anything better.
const PATIENCE: u64 = 6_000;

/// How many runs in a row may leave the elite as it is, for each member, before it is given up.
const STALE_RUNS: usize = 4;

/// One search a thread, each with an elite of its own. Makes the makespan small, whatever is
/// sought; where data takes time to travel it offers no more than a list schedule.
pub(super) struct Tabu;

impl Planner for Tabu {
    fn suits(&self, search: &Search<'_>) -> bool {
        search.objective == Objective::Makespan && search.instance.network().is_none()
    }

    fn run(&self, search: &Search<'_>) {
        search.offer(ListName::Heft.schedule(search.instance), "heft");
        let Some(shop) = Shop::new(search.instance) else {
            return;
        };
        if shop.n == 0 || search.objective != Objective::Makespan {
            return;
        }
        std::thread::scope(|scope| {
            for thread in 1..search.threads as u64 {
                let shop = &shop;
                scope.spawn(move || search_on(shop, search, thread));
            }
            search_on(&shop, search, 0);
        });
    }
}

/// The search of one thread.
fn search_on(shop: &Shop<'_>, search: &Search<'_>, thread: u64) {
    let seed = search.seed ^ thread.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut trajectory = Trajectory::new(shop);
    let mut elite = Elite::default();
    let mut n_stale = 0;
    // The first thread begins with what is known, the others look elsewhere.
    let mut known = (thread == 0).then(|| search.best()).flatten();
    while !search.is_over(trajectory.n_iterations) {
        let start = match known.take() {
            Some((_, schedule)) => shop.blueprint(&schedule),
            None if elite.is_full() => elite.between(shop, &mut rng),
            None => random(shop, &mut rng),
        };
        let style = Style::ALL[rng.random_range(0..Style::ALL.len())];
        trajectory.run(search, &start, style, PATIENCE, &mut rng);
        let is_better = elite.admit(&trajectory.best, trajectory.best_makespan);
        n_stale = if is_better { 0 } else { n_stale + 1 };
        if n_stale > STALE_RUNS * Elite::SIZE {
            n_stale = 0;
            elite = Elite::default();
            known = search.best();
        }
    }
}

/// A schedule by chance: operations in a random order that respects precedences, each on the
/// machine that ends it soonest.
fn random(shop: &Shop<'_>, rng: &mut SmallRng) -> Blueprint {
    let keys: Vec<f64> = (0..shop.n).map(|_| rng.random()).collect();
    let order = shop.linear_order(&keys);
    let mut free = vec![0; shop.n_machines];
    let mut end = vec![0; shop.n];
    let mut machine = vec![0; shop.n];
    for &op in &order {
        let ready = shop.preds(op).iter().map(|pred| end[*pred as usize]);
        let ready = ready.fold(shop.release[op as usize], i32::max);
        let mut best = i32::MAX;
        let mut n_best = 0;
        for &(candidate, time) in shop.modes(op) {
            let finish = ready.max(free[candidate as usize]) + time;
            if finish > best {
                continue;
            }
            n_best = if finish < best { 1 } else { n_best + 1 };
            if rng.random_range(0..n_best) == 0 {
                machine[op as usize] = candidate;
            }
            best = finish;
        }
        free[machine[op as usize] as usize] = best;
        end[op as usize] = best;
    }
    Blueprint { machine, order }
}
