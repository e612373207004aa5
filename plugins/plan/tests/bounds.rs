//! No schedule is better than a lower bound, and what is proven best is best.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use plan::{
    Budget, Decoder, Encoding, Fit, Instance, InstanceBuilder, Job, ListName, Mode, Objective,
    OpId, PlannerName, ResourceId, Search, lower_bound, validate,
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};
use support::{Shape, instance};

/// A random order with predecessors first, and random modes.
fn random_encoding(instance: &Instance, rng: &mut SmallRng) -> Encoding {
    let mut missing: Vec<usize> = instance.ops().map(|op| instance.preds(op).len()).collect();
    let mut ready: Vec<OpId> = instance
        .ops()
        .filter(|op| missing[op.index()] == 0)
        .collect();
    let mut order = Vec::new();
    while let Some(&op) = ready.choose(rng) {
        ready.retain(|other| *other != op);
        order.push(op);
        for arc in instance.succs(op) {
            missing[arc.op.index()] -= 1;
            if missing[arc.op.index()] == 0 {
                ready.push(arc.op);
            }
        }
    }
    let modes = instance.ops().map(|op| {
        let n_modes = instance.modes(op).len() as u32;
        *[rng.random_range(0..n_modes), Encoding::SOONEST]
            .choose(rng)
            .unwrap()
    });
    Encoding {
        modes: modes.collect(),
        order,
    }
}

#[test]
fn no_schedule_is_better() {
    for seed in 0..2500 {
        for shape in Shape::ALL {
            let instance = instance(shape, 1 + seed as usize % 5, seed);
            let bounds = Objective::ALL.map(|objective| lower_bound(&instance, objective));
            let mut schedules = vec![ListName::Heft.schedule(&instance)];
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut decoder = Decoder::new(&instance);
            for fit in [Fit::Append, Fit::Gap] {
                decoder.forward(&random_encoding(&instance, &mut rng), fit);
                schedules.push(decoder.schedule());
            }
            for schedule in &schedules {
                assert_eq!(validate(&instance, schedule), []);
                for (objective, bound) in Objective::ALL.into_iter().zip(bounds) {
                    let value = objective.of(&instance, schedule);
                    assert!(
                        bound <= value + 1e-12 * value.abs(),
                        "{objective} of {}: {value} < {bound}",
                        instance.name()
                    );
                }
            }
        }
    }
}

/// The best values of all orders and modes, by objective.
fn best_of_all(instance: &Instance) -> [f64; 9] {
    let mut best = [f64::INFINITY; 9];
    let mut encoding = Encoding {
        modes: vec![0; instance.n_ops()],
        order: Vec::new(),
    };
    let mut decoder = Decoder::new(instance);
    try_all(instance, &mut decoder, &mut encoding, &mut best);
    best
}

fn try_all(
    instance: &Instance,
    decoder: &mut Decoder<'_>,
    encoding: &mut Encoding,
    best: &mut [f64; 9],
) {
    if encoding.order.len() == instance.n_ops() {
        decoder.forward(encoding, Fit::Append);
        for (best, objective) in best.iter_mut().zip(Objective::ALL) {
            *best = best.min(decoder.value(objective));
        }
        return;
    }
    for op in instance.ops() {
        let is_placed = |op: OpId| encoding.order.contains(&op);
        if is_placed(op) || !instance.preds(op).iter().all(|arc| is_placed(arc.op)) {
            continue;
        }
        encoding.order.push(op);
        for mode in 0..instance.modes(op).len() {
            encoding.modes[op.index()] = mode as u32;
            try_all(instance, decoder, encoding, best);
        }
        encoding.order.pop();
    }
}

#[test]
fn no_bound_exceeds_the_optimum() {
    let mut n_tight = 0;
    let mut n_instances = 0;
    for seed in 0..400 {
        for shape in Shape::ALL {
            let instance = instance(shape, 2, seed);
            let n_ways = instance.ops().map(|op| instance.modes(op).len() as f64);
            if n_ways.product::<f64>() > 100.0 || instance.n_ops() > 5 {
                continue;
            }
            n_instances += 1;
            for (best, objective) in best_of_all(&instance).into_iter().zip(Objective::ALL) {
                let bound = lower_bound(&instance, objective);
                let name = instance.name();
                assert!(
                    bound <= best + 1e-9,
                    "{objective} of {name}: {bound} > {best}"
                );
                n_tight += u32::from(objective == Objective::Makespan && bound == best);
            }
        }
    }
    assert!(
        n_instances > 100 && n_tight > n_instances / 2,
        "{n_tight} of {n_instances}"
    );
}

/// A random graph on identical resources, some jobs released late, some operations without length.
fn identical(seed: u64) -> Instance {
    let mut rng = SmallRng::seed_from_u64(seed);
    let n_resources = rng.random_range(1..4);
    let mut builder = InstanceBuilder::new(format!("identical {seed}"), n_resources);
    let n_ops = rng.random_range(1..8);
    let density = rng.random_range(0.0..0.6);
    let longest = rng.random_range(1..8_u8);
    let is_late = rng.random_bool(0.3);
    for to in 0..n_ops {
        let job = builder.job(Job {
            release: f64::from(rng.random_range(0..=if is_late { 6_u8 } else { 0 })),
            ..Job::default()
        });
        let duration = f64::from(rng.random_range(0..=longest));
        let modes = (0..n_resources as u32).map(|resource| Mode {
            resource: ResourceId(resource),
            duration,
        });
        let to_op = builder.operation(job, modes);
        for from in 0..to {
            if rng.random_bool(density) {
                builder.arc(OpId(from), to_op, 0.0);
            }
        }
    }
    builder.build().unwrap()
}

/// The shortest makespan over all orders, each operation where it ends soonest.
fn best_of_orders(instance: &Instance, decoder: &mut Decoder<'_>, encoding: &mut Encoding) -> f64 {
    if encoding.order.len() == instance.n_ops() {
        return decoder.forward(encoding, Fit::Append);
    }
    let mut best = f64::INFINITY;
    for op in instance.ops() {
        let is_placed = |op: OpId| encoding.order.contains(&op);
        if !is_placed(op) && instance.preds(op).iter().all(|arc| is_placed(arc.op)) {
            encoding.order.push(op);
            best = best.min(best_of_orders(instance, decoder, encoding));
            encoding.order.pop();
        }
    }
    best
}

#[test]
fn proven_is_best() {
    for seed in 0..300 {
        let instance = identical(seed);
        let mut encoding = Encoding {
            modes: vec![Encoding::SOONEST; instance.n_ops()],
            order: Vec::new(),
        };
        let mut decoder = Decoder::new(&instance);
        let best = best_of_orders(&instance, &mut decoder, &mut encoding);
        for threads in [1, 2] {
            let budget = Budget::of_iterations(100_000);
            let search = Search::new(&instance, Objective::Makespan, budget).with_threads(threads);
            PlannerName::BranchAndBound.make().run(&search);
            let Some((value, schedule)) = search.best() else {
                // There is nothing to do that takes time.
                assert!(
                    instance
                        .ops()
                        .all(|op| instance.modes(op)[0].duration == 0.0)
                );
                continue;
            };
            assert_eq!(validate(&instance, &schedule), []);
            assert_eq!(value, best, "{}", instance.name());
            assert_eq!(search.lower_bound(), best, "{}", instance.name());
        }
    }
}

#[test]
fn other_problems_are_left_alone() {
    let instance = instance(Shape::Network, 3, 1);
    let search = Search::new(&instance, Objective::Makespan, Budget::of_iterations(10));
    PlannerName::BranchAndBound.make().run(&search);
    assert!(search.best().is_none());
}
