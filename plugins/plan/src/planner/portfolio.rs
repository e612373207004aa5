//! Runs several planners on the given threads and keeps the best: each that suits the instance is
//! tried, then threads go to those that make progress. Gomes and Selman (2001), "Algorithm
//! portfolios".

use super::{Planner, PlannerName};
use crate::{
    list::ListName,
    search::{Budget, Search},
};

/// The share of the budget in which each contender is tried once.
const TRIAL: f64 = 0.06;

/// Of whom so much is expected, it gets all threads without a trial.
const SURE: f64 = 100.0;

/// Who may take part, and how much is expected of each where it suits.
const MEMBERS: [(PlannerName, f64); 6] = [
    (PlannerName::BranchAndBound, SURE),
    (PlannerName::IteratedGreedy, SURE),
    (PlannerName::Tabu, 10.0),
    (PlannerName::Workflow, 3.0),
    (PlannerName::Lns, 1.0),
    (PlannerName::Annealing, 1.0),
];

/// A planner that suits the instance.
struct Contender {
    planner: PlannerName,
    /// How much is expected of it.
    prior: f64,
    /// By how much it made the best schedule better in its trial, as a share.
    gain: f64,
}

impl Contender {
    fn score(&self) -> f64 {
        self.prior * (0.001 + self.gain)
    }
}

/// Tries what suits, then follows progress.
pub(super) struct Portfolio;

impl Planner for Portfolio {
    fn run(&self, search: &Search<'_>) {
        for list in ListName::ALL {
            search.offer(list.schedule(search.instance), list.name());
            if search.is_over(0) {
                return;
            }
        }
        let mut contenders: Vec<Contender> = MEMBERS
            .into_iter()
            .filter(|(planner, _)| planner.make().suits(search))
            .map(|(planner, prior)| Contender {
                planner,
                prior,
                gain: 0.0,
            })
            .collect();
        let mut left = 1.0;
        let is_sure = contenders.iter().any(|contender| contender.prior >= SURE);
        if !is_sure && contenders.len() > 1 {
            let everyone: Vec<usize> = (0..contenders.len()).collect();
            for wave in everyone.chunks(search.threads) {
                let seats: Vec<_> = wave.iter().map(|contender| (*contender, 1)).collect();
                round(search, &mut contenders, &seats, TRIAL);
                left -= TRIAL;
            }
        }
        // The rest goes to one round, since planners forget what they know between rounds. One that
        // ends early, having proven nothing, leaves its time to the others.
        loop {
            let seats = seats(&contenders, search.threads);
            round(search, &mut contenders, &seats, left);
            if search.budget().time.is_none() || search.is_over(0) || contenders.len() < 2 {
                return;
            }
            contenders.remove(seats[0].0);
        }
    }
}

/// Shares the threads out: the next one to whoever has the highest score for each thread it would
/// then have (D'Hondt), the first of equals. Gives contenders and their numbers of threads, the most
/// threads first.
fn seats(contenders: &[Contender], threads: usize) -> Vec<(usize, usize)> {
    let is_sure = |i: usize| contenders[i].prior >= SURE;
    if let Some(sure) = (0..contenders.len()).find(|i| is_sure(*i)) {
        return vec![(sure, threads)];
    }
    let mut seats = vec![0_usize; contenders.len()];
    for _ in 0..threads {
        let quotient = |i: usize| contenders[i].score() / (seats[i] + 1) as f64;
        let next = (0..contenders.len())
            .max_by(|a, b| quotient(*a).total_cmp(&quotient(*b)).then(b.cmp(a)));
        if let Some(next) = next {
            seats[next] += 1;
        }
    }
    let mut taken: Vec<_> = seats.into_iter().enumerate().collect();
    taken.retain(|(_, n)| *n > 0);
    taken.sort_by_key(|(_, n)| usize::MAX - n);
    taken
}

/// Lets contenders run at the same time for a share of the budget.
fn round(search: &Search<'_>, contenders: &mut [Contender], seats: &[(usize, usize)], share: f64) {
    if search.is_over(0) {
        return;
    }
    let whole = search.budget();
    let budget = Budget {
        time: whole.time.map(|time| time.mul_f64(share)),
        iterations: whole.iterations.map(|n| (n as f64 * share).ceil() as u64),
    };
    let part = |&(contender, threads): &(usize, usize)| {
        let seed = search.seed.wrapping_mul(31).wrapping_add(contender as u64);
        (contender, search.part(threads, seed, budget))
    };
    let parts: Vec<_> = seats.iter().map(part).collect();
    std::thread::scope(|scope| {
        for (contender, part) in &parts[1..] {
            let planner = contenders[*contender].planner;
            scope.spawn(move || planner.make().run(part));
        }
        let (contender, part) = &parts[0];
        contenders[*contender].planner.make().run(part);
    });
    for (contender, part) in &parts {
        contenders[*contender].gain += part.gain();
    }
}
