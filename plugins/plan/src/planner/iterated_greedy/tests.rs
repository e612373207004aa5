//! Moves keep times right, and make no schedule longer than was said when they were drawn.

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use crate::{
    instance::{Instance, InstanceBuilder, Job, Mode, ResourceId},
    list::ListName,
    planner::iterated_greedy::{LONG, Length, PROBE, draw, flow::Flow, machines::Machines},
    validate::validate,
};

/// Stages with 1 to 4 machines; one in eight operations takes no time.
fn flow_shop(n_jobs: usize, n_stages: usize, rng: &mut SmallRng) -> Instance {
    let mut starts = vec![0_u32];
    for stage in 0..n_stages {
        starts.push(starts[stage] + rng.random_range(1..5));
    }
    let mut builder = InstanceBuilder::new("flow", starts[n_stages] as usize);
    for _ in 0..n_jobs {
        let job = builder.job(Job {
            release: f64::from(rng.random_range(0..20_u8)),
            ..Job::default()
        });
        let mut last = None;
        for stage in 0..n_stages {
            let duration = match rng.random_range(0..8_u8) {
                0 => 0.0,
                _ => f64::from(rng.random_range(1..30_u8)),
            };
            let modes = (starts[stage]..starts[stage + 1]).map(|machine| Mode {
                resource: ResourceId(machine),
                duration,
            });
            let op = builder.operation(job, modes);
            if let Some(last) = last {
                builder.arc(last, op, 0.0);
            }
            last = Some(op);
        }
    }
    builder.build().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Shift,
    Swap,
    Cross,
}

/// Makes a move that is drawn at a temperature; says whether there was one.
fn move_one(machines: &mut Machines<'_>, kind: Kind, temperature: f64, rng: &mut SmallRng) -> bool {
    let movable = &machines.flow.movable;
    let op = movable[rng.random_range(0..movable.len())] as usize;
    let stage = op / machines.flow.n_jobs;
    let heat = (machines.makespan(), temperature);
    match kind {
        Kind::Shift => {
            let old = machines.lift(op);
            let new = draw::shift(machines, op, old, heat, rng);
            match new {
                Some(new) => machines.put(op, old, new),
                None => machines.put_back(op, old),
            }
            new.is_some()
        }
        Kind::Swap => {
            let other = draw::swap(machines, op, heat, rng);
            if let Some(other) = other {
                machines.swap(stage, machines.place(op), other);
            }
            other.is_some()
        }
        Kind::Cross => {
            let places = draw::cross(machines, op, heat, rng);
            if let Some((own, other)) = places {
                machines.cross(stage, own, other);
            }
            places.is_some()
        }
    }
}

#[test]
fn times_follow_moves_as_if_they_were_computed_anew() {
    for seed in 0..20 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let instance = flow_shop(3 + seed as usize, 1 + seed as usize % 5, &mut rng);
        let flow = Flow::recognise(&instance).unwrap();
        let mut machines = Machines::new(&flow, &ListName::Heft.schedule(&instance));
        for kind in [Kind::Shift, Kind::Swap, Kind::Cross] {
            for _ in 0..50 {
                move_one(&mut machines, kind, 20.0, &mut rng);
                let schedule = machines.schedule(&instance);
                assert_eq!(validate(&instance, &schedule), [], "{kind:?}, seed {seed}");
                let fresh = Machines::new(&flow, &schedule);
                assert_eq!(machines.sequences, fresh.sequences, "{kind:?}, seed {seed}");
                assert_eq!(machines.ends, fresh.ends, "{kind:?}, seed {seed}");
                assert_eq!(machines.tails, fresh.tails, "{kind:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn without_heat_no_move_makes_the_makespan_longer() {
    let mut n_moves = [0; 3];
    for seed in 0..10 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let instance = flow_shop(20, 4, &mut rng);
        let flow = Flow::recognise(&instance).unwrap();
        let mut machines = Machines::new(&flow, &ListName::Olb.schedule(&instance));
        for round in 0..300 {
            let kind = [Kind::Shift, Kind::Swap, Kind::Cross][round % 3];
            let before = machines.makespan();
            n_moves[round % 3] += usize::from(move_one(&mut machines, kind, 1e-9, &mut rng));
            assert!(
                machines.makespan() <= before + 1e-6,
                "{kind:?}, seed {seed}"
            );
        }
    }
    assert!(n_moves.iter().all(|n| *n > 50), "{n_moves:?}");
}

#[test]
fn a_long_budget_is_shared_among_annealings_and_a_short_one_is_not() {
    let instance = flow_shop(20, 4, &mut SmallRng::seed_from_u64(1));
    let flow = Flow::recognise(&instance).unwrap();
    let enough = LONG * flow.movable.len() as f64;
    for (budget, n_annealings) in [(0.4, 1.0), (1.5, 1.0), (2.5, 2.0), (7.2, 7.0)] {
        // Half of the budget is spent already.
        let length = Length::new(&flow, 0.5);
        let spent = |n: f64| 0.5 + 0.5 * n / (budget * enough);
        length.part(PROBE, spent(PROBE as f64));
        let end = budget * enough / n_annealings;
        let part = length.part(end as u64, spent(end));
        assert!((part - 1.0).abs() < 1e-9, "{budget}: {part}");
    }
}
