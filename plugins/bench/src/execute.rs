//! Runs one cell: an input under whoever decides.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plan::{Budget, Instance, Objective, PlannerName, Schedule, Search, lower_bound};
use schedule::{Engine, EngineOptions, FactLevel, PolicyName};
use sim::Streams;
use workloads::Workload;

use crate::{
    input::{Input, InputKind},
    online::engine_of,
    run::{Run, RunBuilder, Unit},
    runner::Runner,
};

/// How often a search looks whether it should stop.
const GLANCE: Duration = Duration::from_millis(20);

/// How a cell is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellOptions {
    /// What planners make small.
    pub objective: Objective,
    /// How long a planner searches.
    pub budget: Duration,
    /// On how many threads a planner searches; at least 1.
    pub threads: usize,
    /// What is kept of it.
    pub keep: Keep,
}

/// What is kept of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Numbers and curves, and the Gantt chart of one seed.
    #[default]
    Charts,
    /// The same, and a trace of that seed in a file of its own; see [`write_trace`](crate::write_trace).
    Traces,
    /// Numbers only, where there are very many cells.
    Numbers,
}

/// What came of a cell.
pub(crate) struct Executed {
    pub(crate) run: Run,
    pub(crate) lower_bound: Option<f64>,
}

/// Runs a cell; `Ok(None)` if it was stopped.
///
/// # Errors
/// Why it cannot be run.
pub(crate) fn execute(
    input: &Input,
    runner: Runner,
    seed: u64,
    options: &CellOptions,
    stop: &AtomicBool,
) -> Result<Option<Executed>, String> {
    let simulated = |run: Option<Run>| {
        run.map(|run| Executed {
            run,
            lower_bound: None,
        })
    };
    let instance = match (&input.kind, runner) {
        (InputKind::Workload(workload), Runner::Policy(policy)) => {
            return run_workload(workload, policy, seed, FactLevel::Events, stop).map(simulated);
        }
        (InputKind::Simulation(simulation), Runner::Policy(policy)) => {
            return simulation.run(policy, seed, stop).map(simulated);
        }
        (InputKind::Workload(_) | InputKind::Simulation(_), _) => {
            return Err("it plans instances only".to_owned());
        }
        (InputKind::Instance(instance), _) => instance.as_ref(),
    };
    let schedule = match runner {
        Runner::Policy(policy) => {
            let bound = lower_bound(instance, options.objective);
            let run = run_online(instance, policy, seed, FactLevel::Events, stop)?;
            return Ok(run.map(|run| Executed {
                run,
                lower_bound: Some(bound),
            }));
        }
        Runner::List(list) => {
            let bound = lower_bound(instance, options.objective);
            Some((list.schedule(instance), bound))
        }
        Runner::Planner(planner) => search(instance, planner, seed, options, stop)?,
    };
    let Some((schedule, bound)) = schedule else {
        return Ok(None);
    };
    let faults = plan::validate(instance, &schedule);
    if let Some(fault) = faults.first() {
        return Err(format!("its schedule breaks a rule: {fault}"));
    }
    Ok(Some(Executed {
        run: Run::of_schedule(instance, &schedule),
        lower_bound: Some(bound),
    }))
}

/// Runs a cell of a policy or a list scheduler once more, which repeats it, with what a policy had to
/// choose from; `Ok(None)` if it was stopped, or if it is a planner's: its clock does not repeat.
///
/// # Errors
/// Why it cannot be run.
pub(crate) fn execute_closely(
    input: &Input,
    runner: Runner,
    seed: u64,
    stop: &AtomicBool,
) -> Result<Option<Run>, String> {
    match (&input.kind, runner) {
        (InputKind::Workload(workload), Runner::Policy(policy)) => {
            run_workload(workload, policy, seed, FactLevel::All, stop)
        }
        (InputKind::Instance(instance), Runner::Policy(policy)) => {
            run_online(instance, policy, seed, FactLevel::All, stop)
        }
        (InputKind::Simulation(simulation), Runner::Policy(policy)) => {
            simulation.run(policy, seed, stop)
        }
        (InputKind::Instance(instance), Runner::List(list)) => {
            Ok(Some(Run::of_schedule(instance, &list.schedule(instance))))
        }
        _ => Ok(None),
    }
}

fn search(
    instance: &Instance,
    planner: PlannerName,
    seed: u64,
    options: &CellOptions,
    stop: &AtomicBool,
) -> Result<Option<(Schedule, f64)>, String> {
    let search = Search::new(instance, options.objective, Budget::of_time(options.budget))
        .with_threads(options.threads)
        .with_seed(seed);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                if stop.load(Ordering::Relaxed) {
                    search.stop();
                    return;
                }
                std::thread::sleep(GLANCE);
            }
        });
        planner.make().run(&search);
        is_done.store(true, Ordering::Relaxed);
    });
    // A search that was cut short is not the cell that was asked for.
    if stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let best = search
        .best()
        .ok_or("no schedule was found within the budget")?;
    Ok(Some((best.1, search.lower_bound())))
}

fn run_workload(
    workload: &Workload,
    policy: PolicyName,
    seed: u64,
    facts: FactLevel,
    stop: &AtomicBool,
) -> Result<Option<Run>, String> {
    if let Some(file) = workload.missing_traces().first() {
        return Err(format!(
            "the trace {file:?} that a task follows was not read"
        ));
    }
    let options = EngineOptions {
        policy,
        facts,
        streams: Streams::new(seed),
        ..workload.options.clone()
    };
    let resources = workload.resources.clone();
    let mut engine = Engine::new(resources, options).map_err(|error| error.to_string())?;
    workload
        .with_seed(seed)
        .submit(&mut engine)
        .map_err(|error| error.to_string())?;
    let tenants = &workload.tenants;
    Ok(drive(&mut engine, stop, |id| {
        tenants.get(id as usize).cloned()
    }))
}

/// An instance under those who decide while it runs.
fn run_online(
    instance: &Instance,
    policy: PolicyName,
    seed: u64,
    facts: FactLevel,
    stop: &AtomicBool,
) -> Result<Option<Run>, String> {
    let (mut engine, _) = engine_of(instance, policy, seed, facts)?;
    let name_of = |n: u32| Some(format!("job {n}"));
    let Some(mut run) = drive(&mut engine, stop, name_of) else {
        return Ok(None);
    };
    run.unit = Unit::Own;
    Ok(Some(run))
}

/// Runs an engine to its end; `None` if it was stopped.
fn drive(
    engine: &mut Engine,
    stop: &AtomicBool,
    name_of: impl Fn(u32) -> Option<String>,
) -> Option<Run> {
    let mut run = RunBuilder::new(name_of);
    while let Some(next) = engine.next_event() {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        engine.run_until(next, |at, fact| run.take(at, &fact));
    }
    Some(run.finish())
}
