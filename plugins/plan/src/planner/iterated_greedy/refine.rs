//! Moves single operations between places of the machines of their stage, by simulated annealing.
//!
//! For the makespan, moves of three kinds are drawn by how long the longest new way is, see
//! [`draw`]. For other objectives a near place is tried and taken back.

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    objective::{Objective, Valuer},
    planner::iterated_greedy::{
        draw,
        machines::{Machines, Place},
    },
    search::Search,
};

/// How often an operation with slack is passed over for one with less.
const N_TRIES: usize = 20;

/// The share of moves in which operations of two machines change places.
const SWAPS: f64 = 0.3;

/// The share of moves in which two machines exchange the rest of what they do.
const CROSSINGS: f64 = 0.3;

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
        if !move_one(machines, op, (current, temperature), rng) {
            continue;
        }
        current = machines.makespan();
        if current < search.best_value() {
            search.offer(machines.schedule(search.instance), super::NAME);
        }
    }
}

/// Draws and makes a move of an operation; says whether there was one.
fn move_one(machines: &mut Machines<'_>, op: usize, heat: (f64, f64), rng: &mut SmallRng) -> bool {
    let stage = op / machines.flow.n_jobs;
    let kind = rng.random::<f64>();
    if kind < SWAPS {
        let other = draw::swap(machines, op, heat, rng);
        if let Some(other) = other {
            machines.swap(stage, machines.place(op), other);
        }
        return other.is_some();
    }
    if kind < SWAPS + CROSSINGS {
        let places = draw::cross(machines, op, heat, rng);
        if let Some((own, other)) = places {
            machines.cross(stage, own, other);
        }
        return places.is_some();
    }
    let old = machines.lift(op);
    let new = draw::shift(machines, op, old, heat, rng);
    match new {
        Some(new) => machines.put(op, old, new),
        None => machines.put_back(op, old),
    }
    new.is_some()
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
