//! Holds moves, their estimates and the paths kept up to date to a computation from scratch.

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::{Blueprint, CriticalPath, Estimate, Move, Neighbourhood, Sequences, Shop};
use crate::{
    instance::{Instance, InstanceBuilder, Job, Mode, ResourceId},
    validate::validate,
};

/// A random shop: jobs with random precedence, some with releases, few or many machines.
fn instance(rng: &mut SmallRng) -> Instance {
    let n_machines = rng.random_range(1..6);
    let mut builder = InstanceBuilder::new("random", n_machines);
    for _ in 0..rng.random_range(1..7) {
        let release = f64::from(rng.random_range(0..20)) * f64::from(rng.random_range(0..2));
        let job = builder.job(Job {
            release,
            ..Job::default()
        });
        let mut ops = Vec::new();
        for _ in 0..rng.random_range(1..8) {
            let first = rng.random_range(0..n_machines);
            let mut modes = Vec::new();
            for machine in 0..n_machines {
                if machine == first || rng.random_bool(0.3) {
                    modes.push(Mode {
                        resource: ResourceId(machine as u32),
                        duration: f64::from(rng.random_range(1..20)),
                    });
                }
            }
            let op = builder.operation(job, modes);
            for &before in &ops {
                if rng.random_bool(0.4) {
                    builder.arc(before, op, 0.0);
                }
            }
            ops.push(op);
        }
    }
    builder.build().unwrap()
}

/// Operations in a random order, each on a random machine.
fn start(shop: &Shop<'_>, rng: &mut SmallRng) -> Blueprint {
    let keys: Vec<f64> = (0..shop.n).map(|_| rng.random()).collect();
    let machine = |op| {
        let modes = shop.modes(op);
        modes[rng.random_range(0..modes.len())].0
    };
    Blueprint {
        machine: (0..shop.n as u32).map(machine).collect(),
        order: shop.linear_order(&keys),
    }
}

/// The moves of a random critical path.
fn moves(shop: &Shop<'_>, state: &Sequences, rng: &mut SmallRng) -> Vec<(Move, Estimate)> {
    let mut path = CriticalPath::default();
    path.trace(shop, state, rng);
    path.weigh(shop, state);
    let mut moves = Vec::new();
    for place in 0..path.ops.len() {
        Neighbourhood::of(shop, state, &path, place)
            .each(|step, estimate| moves.push((step, estimate)));
    }
    moves
}

/// Runs `check` on random walks of critical moves.
fn walk(mut check: impl FnMut(&Shop<'_>, &mut Sequences, &mut SmallRng)) {
    for seed in 0..60 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let instance = instance(&mut rng);
        let shop = Shop::new(&instance).unwrap();
        let mut state = Sequences::new(&shop);
        state.load(&shop, &start(&shop, &mut rng));
        for _ in 0..30 {
            check(&shop, &mut state, &mut rng);
            let moves = moves(&shop, &state, &mut rng);
            if moves.is_empty() {
                break;
            }
            let (step, _) = moves[rng.random_range(0..moves.len())];
            assert!(state.apply(&shop, step), "{step:?} makes a cycle");
        }
    }
}

#[test]
fn paths_kept_up_to_date_equal_those_from_scratch() {
    walk(|shop, state, _| {
        let mut blueprint = Blueprint::default();
        state.save(&mut blueprint);
        let mut fresh = Sequences::new(shop);
        fresh.load(shop, &blueprint);
        assert_eq!(state.head, fresh.head);
        assert_eq!(state.tail, fresh.tail);
        assert_eq!(state.time, fresh.time);
        assert_eq!(state.lists, fresh.lists);
        assert_eq!(state.index, fresh.index);
        assert_eq!(state.before, fresh.before);
        assert_eq!(state.behind, fresh.behind);
        assert_eq!(state.makespan, fresh.makespan);
    });
}

#[test]
fn schedules_are_valid_and_as_long_as_the_state_says() {
    walk(|shop, state, _| {
        let mut blueprint = Blueprint::default();
        state.save(&mut blueprint);
        let schedule = shop.schedule(&blueprint);
        assert_eq!(validate(shop.instance, &schedule), []);
        assert_eq!(schedule.makespan(), f64::from(state.makespan));
        let again = shop.schedule(&shop.blueprint(&schedule));
        assert_eq!(schedule, again);
    });
}

#[test]
fn estimates_are_never_too_small() {
    walk(|shop, state, rng| {
        let mut blueprint = Blueprint::default();
        state.save(&mut blueprint);
        let least = state.makespan - state.makespan / super::critical::SHORTER;
        for (step, estimate) in moves(shop, state, rng) {
            let mut other = Sequences::new(shop);
            other.load(shop, &blueprint);
            assert!(other.apply(shop, step));
            // What is far below the present makespan need not be told apart.
            if other.makespan >= least {
                assert!(
                    estimate.makespan >= other.makespan,
                    "{step:?}: {} of {}, {estimate:?}",
                    other.makespan,
                    state.makespan
                );
            }
        }
    });
}

#[test]
fn makespans_without_an_operation_are_exact() {
    walk(|shop, state, rng| {
        let mut path = CriticalPath::default();
        path.trace(shop, state, rng);
        path.weigh(shop, state);
        let least = state.makespan - state.makespan / super::critical::SHORTER;
        for (place, &gone) in path.ops.iter().enumerate() {
            let exact = makespan_without(shop, state, gone);
            assert_eq!(path.without[place].max(least), exact.max(least));
        }
    });
}

/// The makespan if an operation were not there, nor its precedences.
fn makespan_without(shop: &Shop<'_>, state: &Sequences, gone: u32) -> i32 {
    let mut ends = vec![0; shop.n];
    let mut free = vec![0; shop.n_machines];
    for &op in state.order.iter().filter(|op| **op != gone) {
        let free = &mut free[state.machine[op as usize] as usize];
        let before = shop.preds(op).iter().filter(|pred| **pred != gone);
        let ready = before.map(|pred| ends[*pred as usize]);
        let ready = ready.fold(shop.release[op as usize], i32::max);
        *free = ready.max(*free) + state.time[op as usize];
        ends[op as usize] = *free;
    }
    ends.into_iter().max().unwrap_or(0)
}

#[test]
fn moves_that_make_a_cycle_change_nothing() {
    let mut n_refused = 0;
    walk(|shop, state, rng| {
        let op = rng.random_range(0..shop.n as u32);
        let modes = shop.modes(op);
        let machine = modes[rng.random_range(0..modes.len())].0;
        let n = state.lists[machine as usize].len() as u32;
        let most = n - u32::from(state.machine[op as usize] == machine);
        let step = Move {
            op,
            machine,
            index: rng.random_range(0..=most),
        };
        let (lists, order, head) = (state.lists.clone(), state.order.clone(), state.head.clone());
        if !state.apply(shop, step) {
            n_refused += 1;
            assert_eq!(
                (lists, order, head),
                (state.lists.clone(), state.order.clone(), state.head.clone())
            );
        }
    });
    assert!(n_refused > 0);
}
