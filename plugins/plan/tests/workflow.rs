//! The planner for task graphs whose data travels: valid, repeatable, and better than any list.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use plan::{Budget, ListName, Objective, PlannerName, Schedule, Search, validate};
use support::Shape;

fn plan(instance: &plan::Instance, objective: Objective, seed: u64) -> Schedule {
    let search = Search::new(instance, objective, Budget::of_iterations(2000)).with_seed(seed);
    PlannerName::Workflow.make().run(&search);
    search.best().map_or_else(Schedule::default, |best| best.1)
}

#[test]
fn schedules_are_valid_and_no_worse_than_the_lists() {
    for shape in Shape::ALL {
        for seed in 0..6 {
            let instance = support::instance(shape, 1 + seed as usize, seed);
            for objective in Objective::ALL {
                let schedule = plan(&instance, objective, seed);
                assert_eq!(validate(&instance, &schedule), [], "{}", instance.name());
                let value = objective.of(&instance, &schedule);
                for list in ListName::ALL {
                    let known = objective.of(&instance, &list.schedule(&instance));
                    assert!(value <= known, "{list}: {known}, found {value}");
                }
            }
        }
    }
}

#[test]
fn one_thread_repeats_itself_and_seeds_differ() {
    let instance = support::instance(Shape::Network, 12, 3);
    let makespan = Objective::Makespan;
    assert_eq!(plan(&instance, makespan, 1), plan(&instance, makespan, 1));
    assert_ne!(plan(&instance, makespan, 1), plan(&instance, makespan, 2));
}
