//! Every planner, on small random instances: valid schedules, never worse than where it starts, the
//! same again for the same seed, and the best there is where that can be told.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use plan::{
    Budget, Instance, InstanceBuilder, Job, ListName, Mode, Network, Objective, OpId, PlannerName,
    ResourceId, Schedule, Search, validate,
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

/// Jobs with random precedence on unrelated machines; on a network or not.
fn instance(seed: u64, most_jobs: u32, has_network: bool) -> Instance {
    let mut rng = SmallRng::seed_from_u64(seed);
    let n_machines = rng.random_range(1..4);
    let mut builder = InstanceBuilder::new("random", n_machines);
    for _ in 0..rng.random_range(1..=most_jobs) {
        let job = builder.job(Job {
            release: f64::from(rng.random_range(0..3)),
            weight: f64::from(rng.random_range(1..4)),
            due: Some(f64::from(rng.random_range(5..20))),
            ..Job::default()
        });
        let mut ops: Vec<OpId> = Vec::new();
        for _ in 0..rng.random_range(1..4) {
            let first = rng.random_range(0..n_machines);
            let mut modes = Vec::new();
            for machine in 0..n_machines {
                if machine == first || rng.random_bool(0.5) {
                    modes.push(Mode {
                        resource: ResourceId(machine as u32),
                        duration: f64::from(rng.random_range(1..9)),
                    });
                }
            }
            let op = builder.operation(job, modes);
            for &before in &ops {
                if rng.random_bool(0.6) {
                    builder.arc(before, op, f64::from(rng.random_range(0..4)));
                }
            }
            ops.push(op);
        }
    }
    if has_network {
        builder.network(Network::new(n_machines, 0.5, |_, _| 2.0));
    }
    builder.build().unwrap()
}

fn plan(
    planner: PlannerName,
    instance: &Instance,
    objective: Objective,
    start: Option<&Schedule>,
) -> Option<(f64, Schedule)> {
    let mut search = Search::new(instance, objective, Budget::of_iterations(300)).with_seed(7);
    if let Some(start) = start {
        search = search.with_start(start);
    }
    planner.make().run(&search);
    search.best()
}

#[test]
fn schedules_are_valid_and_worth_what_is_said() {
    for seed in 0..12 {
        let instance = instance(seed, 5, seed % 3 == 0);
        for &planner in PlannerName::ALL {
            for objective in Objective::ALL {
                let Some((value, schedule)) = plan(planner, &instance, objective, None) else {
                    continue;
                };
                assert_eq!(validate(&instance, &schedule), [], "{planner} {objective}");
                assert_eq!(value, objective.of(&instance, &schedule));
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_schedule() {
    for seed in 20..26 {
        let instance = instance(seed, 6, seed % 3 == 0);
        for &planner in PlannerName::ALL {
            let run = || plan(planner, &instance, Objective::Makespan, None);
            assert_eq!(run(), run(), "{planner}");
        }
    }
}

#[test]
fn a_warm_start_never_gets_worse() {
    for seed in 30..36 {
        let instance = instance(seed, 5, seed % 3 == 0);
        for objective in [Objective::Makespan, Objective::WeightedTardiness] {
            let start = ListName::Heft.schedule(&instance);
            for &planner in PlannerName::ALL {
                let (value, _) = plan(planner, &instance, objective, Some(&start)).unwrap();
                assert!(value <= objective.of(&instance, &start), "{planner}");
            }
        }
    }
}

#[test]
fn small_instances_are_solved() {
    for seed in 40..60 {
        let instance = instance(seed, 2, false);
        let best = brute_force(&instance);
        for planner in [PlannerName::Tabu, PlannerName::Lns, PlannerName::Portfolio] {
            let (value, _) = plan(planner, &instance, Objective::Makespan, None).unwrap();
            assert_eq!(value, best, "{planner} on seed {seed}");
        }
    }
}

#[test]
fn moves_are_counted_the_same_each_time_and_parts_tell_the_whole() {
    let mut n_weighed = 0;
    for seed in 60..66 {
        let instance = instance(seed, 6, false);
        for planner in [PlannerName::Tabu, PlannerName::Portfolio] {
            let run = || {
                let budget = Budget::of_iterations(300);
                let search = Search::new(&instance, Objective::Makespan, budget);
                planner.make().run(&search);
                search.moves()
            };
            let moves = run();
            assert_eq!(moves, run(), "{planner} on seed {seed}");
            assert!(moves.performed <= moves.weighed, "{planner}: {moves:?}");
            // No more than one an iteration; some go by before each part looks at its budget.
            assert!(moves.performed < 400, "{planner}: {moves:?}");
            n_weighed += moves.weighed;
        }
    }
    assert!(n_weighed > 0);
}

/// The shortest makespan, over all orders and all choices of machines.
fn brute_force(instance: &Instance) -> f64 {
    let mut search = Exhaustive {
        instance,
        ends: vec![None; instance.n_ops()],
        free: vec![0.0; instance.resources().len()],
        best: f64::INFINITY,
    };
    search.extend(0.0);
    search.best
}

/// A tree search: some operation goes last on some machine, again and again.
struct Exhaustive<'a> {
    instance: &'a Instance,
    ends: Vec<Option<f64>>,
    free: Vec<f64>,
    best: f64,
}

impl Exhaustive<'_> {
    fn extend(&mut self, makespan: f64) {
        if makespan >= self.best {
            return;
        }
        if self.ends.iter().all(Option::is_some) {
            self.best = makespan;
            return;
        }
        for op in self.instance.ops() {
            let preds = self.instance.preds(op).iter();
            let ready: Option<Vec<f64>> = preds.map(|arc| self.ends[arc.op.index()]).collect();
            let (None, Some(ready)) = (self.ends[op.index()], ready) else {
                continue;
            };
            let release = self.instance.jobs()[self.instance.job(op).index()].release;
            let ready = ready.into_iter().fold(release, f64::max);
            for mode in self.instance.modes(op) {
                let free = self.free[mode.resource.index()];
                let end = ready.max(free) + mode.duration;
                self.ends[op.index()] = Some(end);
                self.free[mode.resource.index()] = end;
                self.extend(makespan.max(end));
                self.ends[op.index()] = None;
                self.free[mode.resource.index()] = free;
            }
        }
    }
}
