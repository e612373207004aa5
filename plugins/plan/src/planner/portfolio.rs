//! Runs several planners on the given threads and keeps the best: each that fits the instance is
//! tried, then threads go to those that make progress. Gomes and Selman (2001), "Algorithm
//! portfolios".

use std::time::Duration;

use super::{Planner, PlannerName, iterated_greedy::IteratedGreedy};
use crate::{
    list::ListName,
    objective::Objective,
    search::{Budget, Search},
};

/// The share of the budget in which each contender is tried once.
const TRIAL: f64 = 0.06;

/// A planner that fits the instance.
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

/// Tries what fits, then follows progress.
pub(super) struct Portfolio;

impl Planner for Portfolio {
    fn run(&self, search: &Search<'_>) {
        for list in ListName::ALL {
            search.offer(list.schedule(search.instance), list.name());
            if search.is_over(0) {
                return;
            }
        }
        if IteratedGreedy::fits(search) {
            // It cools once, over the whole budget: rounds would only spoil that.
            IteratedGreedy.run(search);
            return;
        }
        let mut contenders = contenders(search);
        let trial = if contenders.len() > 1 { TRIAL } else { 0.0 };
        let mut used = 0.0;
        if trial > 0.0 {
            let everyone: Vec<usize> = (0..contenders.len()).collect();
            for wave in everyone.chunks(search.threads) {
                let seats: Vec<_> = wave.iter().map(|contender| (*contender, 1)).collect();
                round(search, &mut contenders, &seats, trial, 0);
                used += trial;
            }
        }
        // What is left goes to one round, since planners forget what they know between rounds.
        let mut number = 1;
        let seats = seats(&contenders, search.threads);
        round(search, &mut contenders, &seats, 1.0 - used, number);
        // A planner that ended early, having proven nothing, leaves time to the others.
        while !search.is_over(0) && search.budget().time.is_some() && contenders.len() > 1 {
            let first = self::seats(&contenders, 1);
            contenders.remove(first[0].0);
            number += 1;
            let seats = self::seats(&contenders, search.threads);
            round(search, &mut contenders, &seats, 1.0, number);
        }
    }
}

/// The planners that fit, by what is sought and what travels.
fn contenders(search: &Search<'_>) -> Vec<Contender> {
    let instance = search.instance;
    let is_makespan = search.objective == Objective::Makespan;
    let has_network = instance.network().is_some();
    let priors: &[(PlannerName, f64)] = match (is_makespan, has_network) {
        (true, false) if is_identical(search) => &[
            (PlannerName::BranchAndBound, 100.0),
            (PlannerName::Tabu, 1.0),
        ],
        (true, false) => &[(PlannerName::Tabu, 10.0), (PlannerName::Lns, 1.0)],
        (_, true) => &[(PlannerName::Workflow, 3.0), (PlannerName::Lns, 1.0)],
        (false, false) => &[(PlannerName::Lns, 1.0), (PlannerName::Workflow, 1.0)],
    };
    let contender = |(planner, prior): &(PlannerName, f64)| Contender {
        planner: *planner,
        prior: *prior,
        gain: 0.0,
    };
    priors.iter().map(contender).collect()
}

/// Whether each operation can be done by every resource, in the same time.
fn is_identical(search: &Search<'_>) -> bool {
    let instance = search.instance;
    instance.is_whole()
        && instance.ops().all(|op| {
            let modes = instance.modes(op);
            modes.len() == instance.resources().len()
                && modes.iter().all(|mode| mode.duration == modes[0].duration)
        })
}

/// Shares the threads out: the next one to whoever has the highest score for each thread it would
/// then have (D'Hondt). Gives contenders and their numbers of threads.
fn seats(contenders: &[Contender], threads: usize) -> Vec<(usize, usize)> {
    let mut seats = vec![0_usize; contenders.len()];
    for _ in 0..threads {
        let quotient = |i: usize| contenders[i].score() / (seats[i] + 1) as f64;
        let next = (0..contenders.len()).max_by(|a, b| {
            // The first of equals.
            quotient(*a).total_cmp(&quotient(*b)).then(b.cmp(a))
        });
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
fn round(
    search: &Search<'_>,
    contenders: &mut [Contender],
    seats: &[(usize, usize)],
    share: f64,
    number: u64,
) {
    if search.is_over(0) {
        return;
    }
    let whole = search.budget();
    let budget = Budget {
        time: whole.time.map(|time| part_of(time, share)),
        iterations: whole.iterations.map(|n| (n as f64 * share).ceil() as u64),
    };
    let parts: Vec<_> = seats
        .iter()
        .map(|&(contender, threads)| {
            let seed = search.seed.wrapping_add(number * 0x1000 + contender as u64);
            (contender, search.part(threads, seed, budget))
        })
        .collect();
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

fn part_of(time: Duration, share: f64) -> Duration {
    time.mul_f64(share.clamp(0.0, 1.0))
}
