//! Simulated annealing over encodings: operations change their resource, their place in the order,
//! or places with each other; worse is accepted the less, the cooler it gets; then it is heated
//! again, from the best. Kirkpatrick, Gelatt, Vecchi (1983), "Optimization by simulated annealing".

use rand::Rng as _;

use crate::{
    decode::Encoding,
    planner::{
        Planner,
        neighbour::{self, Neighbours},
    },
    search::Search,
};

const NAME: &str = "annealing";

/// The temperature at which a search starts, as a share of the value; small instances, in which each
/// change weighs more, add [`SMALL`] over the number of operations.
const HOT: f64 = 0.01;
const SMALL: f64 = 1.0;

/// The temperature at which it ends.
const COLD: f64 = 3e-5;

/// Each reheat starts at half the heat of the one before.
const FADING: f64 = 0.5;

/// When the heatings end, as shares of the budget.
const ENDS: [f64; 4] = [0.5, 0.75, 0.9, 1.0];

/// The planner; each thread anneals by itself and starts again from the best of all.
pub(super) struct Annealing;

impl Planner for Annealing {
    fn run(&self, search: &Search<'_>) {
        let starts = neighbour::starts(search);
        if search.instance.n_ops() < 2 || search.is_over(0) {
            return;
        }
        neighbour::on_threads(search, |thread| {
            let mut now = Encoding::default();
            let mut neighbours = Neighbours::new(search);
            let start = &starts[thread as usize % starts.len()];
            neighbours.decoder.encode_schedule(start, &mut now);
            anneal(search, &mut neighbours, &mut now, thread);
        });
    }
}

fn anneal(search: &Search<'_>, neighbours: &mut Neighbours<'_>, now: &mut Encoding, thread: u64) {
    let mut rng = neighbour::rng(search, thread);
    let hot = HOT + SMALL / now.order.len() as f64;
    let (mut begin, mut heat, mut n_steps) = (0.0, hot, 0);
    for end in ENDS {
        let mut value = neighbours.value(now);
        neighbours.take_up(now);
        let mut temperature = 0.0;
        loop {
            if n_steps % 16 == 0 {
                let spent = neighbour::spent(search, n_steps);
                if search.is_over(n_steps) {
                    return;
                }
                if spent >= end {
                    break;
                }
                let part = ((spent - begin) / (end - begin)).max(0.0);
                temperature = value * heat * (COLD / heat).powf(part);
            }
            n_steps += 1;
            let accepts = |next: f64, rng: &mut rand::rngs::SmallRng| {
                next <= value || rng.random::<f64>() < ((value - next) / temperature).exp()
            };
            if let Some(next) = neighbours.step(now, &mut rng, accepts) {
                value = next;
                if value < search.best_value() {
                    search.offer(neighbours.decoder.schedule(), NAME);
                }
            }
        }
        (begin, heat) = (end, heat * FADING);
        if let Some((_, best)) = search.best() {
            neighbours.decoder.encode_schedule(&best, now);
        }
    }
}
