//! `diorama plan` and `diorama check-plan`: whole schedules, searched for and judged.

use std::{
    io::Write as _, path::Path, sync::atomic::AtomicBool, sync::atomic::Ordering, time::Duration,
};

use bench::{Run, TraceOf, write_trace};
use plan::{Budget, Instance, ListName, Objective, PlannerName, Progress, Schedule, Search};
use record::write_atomically;
use schedule::PolicyName;
use serde_json::json;
use workloads::{ReadOptions, ScheduleFile, Verdict, read_instance_file, read_schedule_file};

use crate::{
    cli::{CheckPlanArgs, InstanceArgs, PlanArgs},
    error::AppError,
    interrupt, report, threads,
};

/// How often a search looks whether Ctrl-C was pressed.
const GLANCE: Duration = Duration::from_millis(20);

/// Searches for a schedule, tells of progress and writes the best one.
///
/// # Errors
/// If the instance is wrong, the schedule cannot be written, or the search was interrupted.
pub(crate) fn plan(args: &PlanArgs) -> Result<(), AppError> {
    for file in args.out.iter().chain(&args.trace) {
        refuse_folder(file)?;
    }
    let instance = read(&args.instance)?;
    let start = warm_start(args, &instance)?;
    let interrupted = interrupt::catch();
    let mut search = Search::new(&instance, args.objective, Budget::of_time(args.budget))
        .with_threads(threads::n_cores(args.threads))
        .with_seed(args.seed)
        .with_progress(|progress| tell(args.objective, &progress));
    if let Some(start) = start {
        search = search.with_start(&start);
    }
    say_if_unfit(&search, args.planner);
    run(&search, args.planner, interrupted);
    let elapsed = search.elapsed();
    let was_interrupted = interrupt::caught();
    let Some((_, schedule)) = search.best() else {
        return Err(if was_interrupted {
            AppError::Interrupted(" before a schedule was found".to_owned())
        } else {
            AppError::Usage(format!(
                "planner {} found no schedule; give it a longer --budget",
                args.planner
            ))
        });
    };
    let file = ScheduleFile::new(&instance, args.objective, schedule, search.lower_bound());
    let verdict = Verdict::of(&instance, &file);
    assert!(
        verdict.faults.is_empty(),
        "the schedule breaks the rules: {:?}. This is a bug.",
        verdict.faults
    );
    trace(args, &instance, &file.schedule)?;
    write(args, &instance, &file, elapsed)?;
    match &args.out {
        _ if !was_interrupted => Ok(()),
        Some(out) => Err(AppError::Interrupted(format!(
            "; the best schedule so far is in {out:?}"
        ))),
        None => Err(AppError::Interrupted(String::new())),
    }
}

/// Judges a schedule that any program may have written.
///
/// # Errors
/// If the instance or the schedule is wrong.
pub(crate) fn check_plan(args: &CheckPlanArgs) -> Result<(), AppError> {
    let instance = read(&args.instance)?;
    let file = read_schedule_file(&args.schedule, &instance)?;
    let Verdict {
        objective,
        value,
        lower_bound,
        faults,
    } = Verdict::of(&instance, &file);
    if args.json {
        let verdict = json!({
            "path": args.schedule,
            "ok": faults.is_empty(),
            "objective": objective.name(),
            "value": number(value),
            "lower_bound": number(lower_bound),
            "objectives": objectives(&instance, &file.schedule),
            "faults": faults,
        });
        report::print(&format!("{verdict:#}\n"));
    }
    let path = args.schedule.display();
    if faults.is_empty() {
        if !args.json {
            let text = format!(
                "{path}: ok, {objective} {value}{}\n",
                gap(value, lower_bound)
            );
            report::print(&text);
        }
        return Ok(());
    }
    let lines: Vec<_> = faults
        .iter()
        .map(|fault| format!("{path}: {fault}"))
        .collect();
    Err(AppError::Checked(lines.join("\n")))
}

fn read(args: &InstanceArgs) -> Result<Instance, AppError> {
    let options = ReadOptions {
        processors: args.processors,
        bandwidth: args.bandwidth,
        latency: args.latency,
    };
    Ok(read_instance_file(&args.file, args.format, &options)?)
}

/// Refuses a place to write to before the search, not after it.
fn refuse_folder(out: &Path) -> Result<(), AppError> {
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let cause = if out.is_dir() {
        Some(std::io::ErrorKind::IsADirectory)
    } else if parent.is_some_and(|parent| !parent.is_dir()) {
        Some(std::io::ErrorKind::NotFound)
    } else {
        None
    };
    cause.map_or(Ok(()), |cause| {
        Err(AppError::Io {
            path: out.into(),
            doing: "write",
            cause: cause.into(),
        })
    })
}

/// The schedule to begin with: of an earlier plan, a list scheduler, or an online policy.
fn warm_start(args: &PlanArgs, instance: &Instance) -> Result<Option<Schedule>, AppError> {
    let Some(from) = &args.warm_start else {
        return Ok(None);
    };
    if !Path::new(from).is_file() {
        return Ok(Some(first_schedule(from, args.seed, instance)?));
    }
    let file = read_schedule_file(Path::new(from), instance)?;
    let faults: Vec<String> = plan::validate(instance, &file.schedule)
        .iter()
        .map(|violation| format!("{from}: {violation}"))
        .collect();
    if faults.is_empty() {
        Ok(Some(file.schedule))
    } else {
        Err(AppError::Checked(faults.join("\n")))
    }
}

/// The schedule of a list scheduler, or of an online policy in the event engine, by name. A name that
/// both have is that of the list scheduler, unless it comes after `online:`.
fn first_schedule(name: &str, seed: u64, instance: &Instance) -> Result<Schedule, AppError> {
    let (is_online, bare) = match name.strip_prefix("online:") {
        Some(policy) => (true, policy),
        None => (false, name.strip_prefix("list:").unwrap_or(name)),
    };
    if let Ok(list) = bare.parse::<ListName>()
        && !is_online
    {
        return Ok(list.schedule(instance));
    }
    if let Ok(policy) = bare.parse::<PolicyName>()
        && !name.starts_with("list:")
    {
        return bench::schedule_online(instance, policy, seed).map_err(|why| {
            AppError::Usage(format!("--warm-start {name:?} gives no schedule: {why}"))
        });
    }
    let lists = ListName::ALL.iter().map(|list| list.name());
    let policies = PolicyName::ALL.iter().map(|policy| policy.name());
    Err(AppError::Usage(format!(
        "--warm-start {name:?} is neither a schedule file nor one of {}; online:NAME takes the \
         policy where a list scheduler has the same name",
        lists
            .chain(policies.filter(|policy| policy.parse::<ListName>().is_err()))
            .collect::<Vec<_>>()
            .join(", ")
    )))
}

/// Lets a planner work until its budget is spent or Ctrl-C is pressed.
fn run(search: &Search<'_>, planner: PlannerName, interrupted: &AtomicBool) {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                if interrupted.load(Ordering::Relaxed) {
                    search.stop();
                    return;
                }
                std::thread::sleep(GLANCE);
            }
        });
        planner.make().run(search);
        is_done.store(true, Ordering::Relaxed);
    });
}

/// Says on standard error that a planner is made for something else.
fn say_if_unfit(search: &Search<'_>, planner: PlannerName) {
    if !planner.make().suits(search) {
        let objective = search.objective;
        report::note(&format!(
            "planner {planner} is not made for {objective} of this instance and may offer no more \
             than a list schedule; portfolio takes those that are"
        ));
    }
}

/// Writes the trace of the schedule, if there is to be one.
fn trace(args: &PlanArgs, instance: &Instance, schedule: &Schedule) -> Result<(), AppError> {
    let Some(path) = &args.trace else {
        return Ok(());
    };
    let of = TraceOf {
        input: instance.name(),
        runner: args.planner.name(),
        seed: args.seed,
        key: "",
    };
    write_trace(path, &Run::of_schedule(instance, schedule), of).map_err(|cause| AppError::Io {
        path: path.clone(),
        doing: "write",
        cause,
    })
}

/// Says on standard error that a better schedule was found.
fn tell(objective: Objective, progress: &Progress) {
    let Progress {
        elapsed,
        value,
        found_by,
    } = progress;
    let line = format!(
        "{:9.3} s  {objective} {value} by {found_by}\n",
        elapsed.as_secs_f64()
    );
    // Who does not listen misses nothing that is not in the file.
    drop(std::io::stderr().lock().write_all(line.as_bytes()));
}

/// Writes the schedule, and what came of the search.
fn write(
    args: &PlanArgs,
    instance: &Instance,
    file: &ScheduleFile,
    elapsed: Duration,
) -> Result<(), AppError> {
    let text = file.to_json(instance);
    let Some(out) = &args.out else {
        report::print(&text);
        return Ok(());
    };
    write_atomically(out, text.as_bytes())?;
    let value = file.value.unwrap_or_default();
    let bound = file.lower_bound.unwrap_or_default();
    let objective = args.objective;
    if args.json {
        let summary = json!({
            "instance": instance.name(),
            "planner": args.planner.name(),
            "objective": objective.name(),
            "value": number(value),
            "lower_bound": number(bound),
            "is_proven": value <= bound,
            "objectives": objectives(instance, &file.schedule),
            "secs": elapsed.as_secs_f64(),
            "threads": threads::n_cores(args.threads),
            "seed": args.seed,
            "schedule": out,
        });
        report::print(&format!("{summary:#}\n"));
    } else {
        report::print(&format!(
            "{}: {objective} {value}{} after {:.3} s\nschedule {}\n",
            instance.name(),
            gap(value, bound),
            elapsed.as_secs_f64(),
            out.display()
        ));
    }
    Ok(())
}

/// How far a value may be from the best one.
fn gap(value: f64, bound: f64) -> String {
    if value <= bound {
        ", proven the best".to_owned()
    } else if bound > 0.0 {
        let percent = (value / bound - 1.0) * 100.0;
        format!(", at most {percent:.2} % above the best (lower bound {bound})")
    } else {
        String::new()
    }
}

/// All objectives of a schedule, by name.
fn objectives(instance: &Instance, schedule: &Schedule) -> serde_json::Value {
    Objective::ALL
        .into_iter()
        .map(|objective| {
            (
                objective.name().to_owned(),
                number(objective.of(instance, schedule)),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A number without decimals if it is whole.
fn number(value: f64) -> serde_json::Value {
    /// Up to here, `f64` holds whole numbers without rounding: 2⁵³.
    const MOST: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= MOST {
        (value as i64).into()
    } else {
        value.into()
    }
}
