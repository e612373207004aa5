//! Every planner gives valid schedules, keeps a good start, repeats, and finds what is best in the small.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use plan::{
    Budget, Decoder, Encoding, Fit, Instance, Objective, OpId, PlannerName, Schedule, Search,
    validate,
};
use support::{Shape, instance};

/// The planners that search by chance over whole schedules.
const SEARCHES: [PlannerName; 4] = [
    PlannerName::Genetic,
    PlannerName::Annealing,
    PlannerName::Ants,
    PlannerName::IteratedGreedy,
];

fn plan(
    planner: PlannerName,
    instance: &Instance,
    objective: Objective,
    iterations: u64,
    start: Option<&Schedule>,
) -> Option<(f64, Schedule)> {
    let budget = Budget::of_iterations(iterations);
    let mut search = Search::new(instance, objective, budget).with_seed(7);
    if let Some(start) = start {
        search = search.with_start(start);
    }
    planner.make().run(&search);
    search.best()
}

/// Whether a planner takes on instances of a shape.
fn takes(planner: PlannerName, shape: Shape, objective: Objective) -> bool {
    planner != PlannerName::IteratedGreedy
        || shape == Shape::Flow && !matches!(objective, Objective::Cost | Objective::Energy)
}

#[test]
fn schedules_are_valid_for_all_shapes_and_objectives_and_repeat() {
    for planner in SEARCHES {
        for shape in Shape::ALL {
            for (seed, objective) in Objective::ALL.into_iter().enumerate() {
                let instance = instance(shape, 5, seed as u64);
                let first = plan(planner, &instance, objective, 2_000, None);
                assert_eq!(
                    first.is_some(),
                    takes(planner, shape, objective),
                    "{planner} {shape:?} {objective}"
                );
                let Some((value, schedule)) = first else {
                    continue;
                };
                assert_eq!(validate(&instance, &schedule), [], "{planner} {shape:?}");
                assert_eq!(value, objective.of(&instance, &schedule));
                let again = plan(planner, &instance, objective, 2_000, None);
                assert_eq!(again, Some((value, schedule)), "{planner} {shape:?}");
            }
        }
    }
}

#[test]
fn a_start_is_never_lost() {
    for planner in SEARCHES {
        for shape in Shape::ALL {
            let instance = instance(shape, 6, 11);
            for objective in Objective::ALL {
                let (good, start) = plan(PlannerName::List, &instance, objective, 1, None).unwrap();
                let (value, schedule) =
                    plan(planner, &instance, objective, 300, Some(&start)).unwrap();
                assert!(value <= good, "{planner} {shape:?} {objective}");
                assert_eq!(validate(&instance, &schedule), []);
            }
        }
    }
}

/// The best value over all orders and modes.
fn brute_force(instance: &Instance, objective: Objective) -> f64 {
    fn go(
        instance: &Instance,
        objective: Objective,
        encoding: &mut Encoding,
        decoder: &mut Decoder<'_>,
        best: &mut f64,
    ) {
        if encoding.order.len() == instance.n_ops() {
            decoder.forward(encoding, Fit::Append);
            *best = best.min(decoder.value(objective));
            return;
        }
        let is_ready = |op: &OpId, order: &[OpId]| {
            let preds = instance.preds(*op).iter();
            !order.contains(op) && preds.map(|arc| arc.op).all(|op| order.contains(&op))
        };
        let ready: Vec<OpId> = instance
            .ops()
            .filter(|op| is_ready(op, &encoding.order))
            .collect();
        for op in ready {
            encoding.order.push(op);
            for mode in 0..instance.modes(op).len() as u32 {
                encoding.modes[op.index()] = mode;
                go(instance, objective, encoding, decoder, best);
            }
            encoding.order.pop();
        }
    }
    let mut encoding = Encoding::topological(instance);
    encoding.order.clear();
    let mut best = f64::INFINITY;
    go(
        instance,
        objective,
        &mut encoding,
        &mut Decoder::new(instance),
        &mut best,
    );
    best
}

#[test]
fn small_instances_are_solved_as_well_as_by_trying_everything() {
    for planner in SEARCHES {
        for shape in Shape::ALL {
            let small = (0..40)
                .map(|seed| instance(shape, 3, seed))
                .filter(|instance| instance.n_ops() <= 6 && instance.resources().len() <= 3);
            for instance in small.take(2) {
                for objective in [Objective::Makespan, Objective::WeightedCompletion] {
                    if !takes(planner, shape, objective) {
                        continue;
                    }
                    let (value, _) = plan(planner, &instance, objective, 20_000, None).unwrap();
                    let best = brute_force(&instance, objective);
                    assert!(
                        (value - best).abs() < 1e-6,
                        "{planner} on {}, {objective}: {value}, best is {best}",
                        instance.name()
                    );
                }
            }
        }
    }
}
