//! The work shared out over unrelated resources, in parts where that helps: the linear program of
//! Lawler and Labetoulle (1978), "On preemptive scheduling of unrelated parallel processors by
//! linear programming", bounded from below by prices on the resources. Any prices that sum to 1
//! prove a bound; good ones are found by raising the price of whoever has more work than others.

use super::chains::Chains;
use crate::instance::Instance;

/// How many modes are looked at in all.
const EFFORT: usize = 8_000_000;
const MOST_ROUNDS: usize = 300;

/// The bound. A resource starts no earlier than the smallest head of what it can do, and ends no
/// later than the smallest tail allows.
pub(super) fn bound(instance: &Instance, chains: &Chains) -> f64 {
    let n = instance.resources().len();
    let mut heads = vec![f64::INFINITY; n];
    let mut tails = vec![f64::INFINITY; n];
    let mut n_modes = 0;
    for op in instance.ops() {
        for mode in instance.modes(op) {
            let at = mode.resource.index();
            heads[at] = heads[at].min(chains.heads[op.index()]);
            tails[at] = tails[at].min(chains.tails[op.index()]);
            n_modes += 1;
        }
    }
    let idle: Vec<f64> = heads
        .iter()
        .zip(&tails)
        .map(|(head, tail)| if head.is_finite() { head + tail } else { 0.0 })
        .collect();
    let rounds = (EFFORT / n_modes.max(1)).clamp(1, MOST_ROUNDS);
    let mut best = 0.0_f64;
    let mut prices = vec![1.0 / n as f64; n];
    for round in 0..rounds {
        let loads = loads(instance, &prices, &idle);
        let value: f64 = prices
            .iter()
            .zip(&loads)
            .map(|(price, load)| price * load)
            .sum();
        best = best.max(value);
        let most = loads.iter().copied().fold(0.0, f64::max);
        if value >= most || most <= 0.0 {
            break;
        }
        let step = 1.0 / (1.0 + 0.1 * round as f64);
        for (price, load) in prices.iter_mut().zip(&loads) {
            *price *= (step * (load - value) / most).exp();
        }
        let sum: f64 = prices.iter().sum();
        for price in &mut prices {
            *price /= sum;
        }
    }
    best
}

/// The load of each resource if each operation goes where its time costs least.
fn loads(instance: &Instance, prices: &[f64], idle: &[f64]) -> Vec<f64> {
    let mut loads = idle.to_vec();
    for op in instance.ops() {
        let mut best = (f64::INFINITY, 0, 0.0);
        for mode in instance.modes(op) {
            let at = mode.resource.index();
            let cost = prices[at] * mode.duration;
            if cost < best.0 {
                best = (cost, at, mode.duration);
            }
        }
        loads[best.1] += best.2;
    }
    loads
}
