//! Whatever is decoded is valid, and the fast ways to decode give what the plain one gives.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use plan::{
    Decoder, Encoding, Fit, Instance, InstanceBuilder, Job, Mode, Objective, OpId, ResourceId,
    validate,
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};
use support::{Shape, instance};

/// A random order with predecessors first, and random modes of which a share is left open.
fn random_encoding(instance: &Instance, open: f64, rng: &mut SmallRng) -> Encoding {
    let mut missing: Vec<usize> = instance.ops().map(|op| instance.preds(op).len()).collect();
    let mut order: Vec<OpId> = Vec::new();
    while order.len() < instance.n_ops() {
        let ready: Vec<OpId> = instance
            .ops()
            .filter(|op| missing[op.index()] == 0 && !order.contains(op))
            .collect();
        let op = *ready.choose(rng).unwrap();
        order.push(op);
        for arc in instance.succs(op) {
            missing[arc.op.index()] -= 1;
        }
    }
    let modes = instance.ops().map(|op| {
        if rng.random_bool(open) {
            Encoding::SOONEST
        } else {
            rng.random_range(0..instance.modes(op).len() as u32)
        }
    });
    Encoding {
        modes: modes.collect(),
        order,
    }
}

/// Checks each of many random encodings of random instances.
fn check(mut verdict: impl FnMut(&Instance, &mut Decoder<'_>, &Encoding, Fit)) {
    for seed in 0..60 {
        for shape in Shape::ALL {
            let instance = instance(shape, 1 + seed as usize % 7, seed);
            let mut decoder = Decoder::new(&instance);
            let mut rng = SmallRng::seed_from_u64(seed);
            for open in [0.0, 0.5, 1.0] {
                let encoding = random_encoding(&instance, open, &mut rng);
                for fit in [Fit::Append, Fit::Gap] {
                    verdict(&instance, &mut decoder, &encoding, fit);
                }
            }
        }
    }
}

#[test]
fn forward_is_valid_and_valued_as_the_objectives_say() {
    check(|instance, decoder, encoding, fit| {
        let end = decoder.forward(encoding, fit);
        let schedule = decoder.schedule();
        assert_eq!(validate(instance, &schedule), []);
        assert_eq!(end, schedule.makespan());
        for objective in Objective::ALL {
            let (fast, plain) = (decoder.value(objective), objective.of(instance, &schedule));
            assert!((fast - plain).abs() < 1e-9, "{objective}: {fast} {plain}");
        }
        for op in instance.ops() {
            let given = encoding.modes[op.index()];
            assert!(given == Encoding::SOONEST || given == decoder.mode(op));
        }
    });
}

#[test]
fn backward_is_valid() {
    check(|instance, decoder, encoding, fit| {
        decoder.backward(encoding, fit);
        assert_eq!(validate(instance, &decoder.schedule()), []);
    });
}

#[test]
fn an_encoded_schedule_comes_back_no_later() {
    check(|instance, decoder, encoding, fit| {
        decoder.forward(encoding, fit);
        let first = decoder.schedule();
        let mut again = Encoding::default();
        decoder.encode(&mut again);
        let mut of_schedule = Encoding::default();
        decoder.encode_schedule(&first, &mut of_schedule);
        assert_eq!(again, of_schedule);
        for fit in [Fit::Append, Fit::Gap] {
            decoder.forward(&again, fit);
            for op in instance.ops() {
                assert!(decoder.end(op) <= first.of(op).end + 1e-9);
            }
        }
    });
}

#[test]
fn justification_is_valid_and_without_releases_never_ends_later() {
    check(|instance, decoder, encoding, fit| {
        let before = decoder.forward(encoding, fit);
        let mut justified = encoding.clone();
        let after = decoder.justify(&mut justified, fit);
        assert_eq!(validate(instance, &decoder.schedule()), []);
        let has_releases = instance.jobs().iter().any(|job| job.release > 0.0);
        assert!(has_releases || fit == Fit::Gap || after <= before + 1e-9);
        assert!(decoder.forward(&justified, fit) <= after + 1e-9);
    });
}

/// The same instance with resources of which no two are alike: each has an operation of its own,
/// after all others.
fn without_groups(instance: &Instance) -> Instance {
    let n_resources = instance.resources().len();
    let mut builder = InstanceBuilder::new("unlike", n_resources);
    for job in instance.jobs() {
        builder.job(job.clone());
    }
    let own = builder.job(Job::default());
    for op in instance.ops() {
        builder.operation(instance.job(op), instance.modes(op).iter().copied());
    }
    for op in instance.ops() {
        for arc in instance.succs(op) {
            builder.arc(op, arc.op, arc.data);
        }
    }
    for n in 0..n_resources as u32 {
        let mode = Mode {
            resource: ResourceId(n),
            duration: 1.0,
        };
        builder.operation(own, [mode]);
    }
    builder.build().unwrap()
}

#[test]
fn alike_resources_in_groups_decode_as_one_by_one() {
    for seed in 0..200 {
        for shape in [Shape::Flow, Shape::Graph, Shape::Shop] {
            let grouped = instance(shape, 6, seed);
            let plain = without_groups(&grouped);
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut encoding = random_encoding(&grouped, 1.0, &mut rng);
            let mut fast = Decoder::new(&grouped);
            fast.forward(&encoding, Fit::Append);
            encoding.order.extend(plain.ops().skip(grouped.n_ops()));
            encoding.modes.resize(plain.n_ops(), Encoding::SOONEST);
            let mut slow = Decoder::new(&plain);
            slow.forward(&encoding, Fit::Append);
            for op in grouped.ops() {
                assert_eq!(fast.start(op), slow.start(op), "{shape:?} {seed} {op:?}");
            }
        }
    }
}
