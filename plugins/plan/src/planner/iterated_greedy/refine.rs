//! Moves single operations between places of the machines of their stage, by simulated annealing.
//!
//! For the makespan, a place is drawn among those that lengthen the longest way through the
//! operation no further than a random threshold allows, the shorter ways more often: heat-bath
//! sampling, Geman and Geman (1984). For other objectives a near place is tried and taken back.

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    objective::{Objective, Valuer},
    planner::iterated_greedy::machines::{Machines, Place},
    search::Search,
};

/// How often an operation with slack is passed over for one with less.
const N_TRIES: usize = 20;

/// One annealing for the makespan: `temperature` goes from the first to the second, by `spent`.
pub(super) fn makespan(
    machines: &mut Machines<'_>,
    search: &Search<'_>,
    temperatures: (f64, f64),
    spent: impl Fn(u64) -> f64,
    rng: &mut SmallRng,
) -> u64 {
    let movable = &machines.flow.movable;
    let mut current = machines.makespan();
    let mut temperature = temperatures.0;
    let mut n_iterations = 0;
    loop {
        if n_iterations % 64 == 0 {
            let part = spent(n_iterations);
            if part >= 1.0 || search.is_proven() {
                return n_iterations;
            }
            temperature = temperatures.0 * (temperatures.1 / temperatures.0).powf(part);
        }
        n_iterations += 1;
        let mut op = movable[rng.random_range(0..movable.len())] as usize;
        if rng.random_bool(0.5) {
            for _ in 0..N_TRIES {
                if current - machines.through(op) <= temperature {
                    break;
                }
                op = movable[rng.random_range(0..movable.len())] as usize;
            }
        }
        let old = machines.lift(op);
        let Some(new) = draw(machines, op, old, current, temperature, rng) else {
            machines.put_back(op, old);
            continue;
        };
        machines.put(op, old, new);
        current = machines.makespan();
        if current < search.best_value() {
            search.offer(machines.schedule(search.instance), super::NAME);
        }
    }
}

/// A place for a lifted operation, other than the old one.
fn draw(
    machines: &Machines<'_>,
    op: usize,
    old: Place,
    current: f64,
    temperature: f64,
    rng: &mut SmallRng,
) -> Option<Place> {
    let flow = machines.flow;
    let (n_jobs, stage) = (flow.n_jobs, op / flow.n_jobs);
    let (ready, behind) = (machines.ends[op], machines.tails[op + n_jobs]);
    let duration = flow.durations[op];
    let threshold = current - temperature * (1.0 - rng.random::<f64>()).ln();
    let tails = &machines.tails[stage * n_jobs..(stage + 1) * n_jobs];
    let ends = &machines.ends[(stage + 1) * n_jobs..(stage + 2) * n_jobs];
    let mut drawn = None;
    let mut total = 0.0;
    for machine in flow.machines(stage) {
        let sequence = &machines.sequences[machine];
        // Tails fall along a machine: what is further to the front has too much behind.
        let limit = threshold - ready - duration;
        let first = sequence.partition_point(|job| tails[*job as usize] > limit);
        let mut before = match first {
            0 => 0.0,
            _ => ends[sequence[first - 1] as usize],
        };
        for at in first..=sequence.len() {
            if before + duration + behind > threshold {
                break;
            }
            let next = sequence.get(at).map(|job| *job as usize);
            let after = next.map_or(0.0, |job| tails[job]);
            let way = before.max(ready) + duration + after.max(behind);
            let place = Place { machine, at };
            if way <= threshold && place != old {
                let weight = ((current - way) / temperature).min(500.0).exp();
                total += weight;
                if rng.random::<f64>() * total < weight {
                    drawn = Some(place);
                }
            }
            if let Some(job) = next {
                before = ends[job];
            }
        }
    }
    drawn
}

/// One annealing for any objective of the completion times. Temperatures are shares of the value.
pub(super) fn completions(
    machines: &mut Machines<'_>,
    search: &Search<'_>,
    objective: Objective,
    temperatures: (f64, f64),
    spent: impl Fn(u64) -> f64,
    rng: &mut SmallRng,
) -> u64 {
    let mut valuer = Valuer::new(search.instance);
    let mut value = |machines: &Machines<'_>| {
        valuer.of_completions(search.instance, objective, machines.completions())
    };
    let movable = &machines.flow.movable;
    let mut current = value(machines);
    let mut temperature = temperatures.0 * current;
    let mut n_iterations = 0;
    loop {
        if n_iterations % 64 == 0 {
            let part = spent(n_iterations);
            if part >= 1.0 || search.is_proven() {
                return n_iterations;
            }
            temperature = current * temperatures.0 * (temperatures.1 / temperatures.0).powf(part);
        }
        n_iterations += 1;
        let op = movable[rng.random_range(0..movable.len())] as usize;
        let old = machines.lift(op);
        let new = near(machines, op, rng);
        if new == old {
            machines.put_back(op, old);
            continue;
        }
        machines.put(op, old, new);
        let moved = value(machines);
        let worse = moved - current;
        if worse <= 0.0 || rng.random::<f64>() < (-worse / temperature).exp() {
            current = moved;
            if current < search.best_value() {
                search.offer(machines.schedule(search.instance), super::NAME);
            }
        } else {
            let back = machines.lift(op);
            machines.put(op, back, old);
        }
    }
}

/// A place for a lifted operation near the time at which it was, on any machine of its stage.
fn near(machines: &Machines<'_>, op: usize, rng: &mut SmallRng) -> Place {
    let flow = machines.flow;
    let (n_jobs, stage) = (flow.n_jobs, op / flow.n_jobs);
    let machine = rng.random_range(flow.machines(stage));
    let sequence = &machines.sequences[machine];
    let ends = &machines.ends[(stage + 1) * n_jobs..(stage + 2) * n_jobs];
    let end = ends[op % n_jobs];
    let same = sequence.partition_point(|job| ends[*job as usize] <= end);
    let reach = if rng.random_bool(0.2) {
        sequence.len()
    } else {
        3
    };
    let (first, last) = (
        same.saturating_sub(reach),
        (same + reach).min(sequence.len()),
    );
    Place {
        machine,
        at: rng.random_range(first..=last),
    }
}
