//! Runs one planner on instances and says how far from the best known value it ends.
//!
//! `planners --planner tabu --budget 10s --threads 2 --best DIR/best_known.csv DIR/*.txt`

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use bench::BestKnown;
use clap::Parser as _;
use plan::{Budget, Instance, Moves, Objective, PlannerName, Search, validate};
use workloads::{Format, ReadOptions, read_instance};

/// What to run.
#[derive(clap::Parser)]
struct Args {
    /// The planner.
    #[arg(long, default_value = "list")]
    planner: PlannerName,
    /// Wall time for each instance, such as 10s or 500ms.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    budget: Duration,
    /// Stop each thread after so many iterations.
    #[arg(long)]
    iterations: Option<u64>,
    /// How many threads may work.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is to be made small.
    #[arg(long, default_value = "makespan")]
    objective: Objective,
    /// A table with a column `instance` and the best known values in `upper_bound`, `best_known` or
    /// `value`.
    #[arg(long)]
    best: Option<PathBuf>,
    /// The format; guessed from each file if not given.
    #[arg(long)]
    format: Option<Format>,
    /// How many identical processors, for task graphs.
    #[arg(long)]
    processors: Option<u32>,
    /// Show each improvement.
    #[arg(long)]
    progress: bool,
    /// The instances.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let best = match &args.best {
        Some(path) => BestKnown::read(path)?,
        None => BestKnown::default(),
    };
    println!(
        "{:24} {:>12} {:>12} {:>12} {:>8} {:>8}",
        "instance", "value", "bound", "best known", "gap %", "last s"
    );
    let mut gaps = Vec::new();
    let mut moves = Moves::default();
    let mut elapsed = Duration::ZERO;
    for file in &args.files {
        let instance = read(&args, file)?;
        let outcome = run(&args, &instance)?;
        let known = best.of(instance.name());
        let gap = known.map(|known| 100.0 * (outcome.value / known - 1.0));
        gaps.extend(gap);
        moves.weighed += outcome.moves.weighed;
        moves.performed += outcome.moves.performed;
        elapsed += outcome.elapsed;
        println!(
            "{:24} {:>12} {:>12.1} {:>12} {:>8} {:>8.2}",
            instance.name(),
            outcome.value,
            outcome.lower_bound,
            known.map_or_else(String::new, |known| known.to_string()),
            gap.map_or_else(String::new, |gap| format!("{gap:.3}")),
            outcome.last.as_secs_f64(),
        );
    }
    if !gaps.is_empty() {
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        println!("mean gap {mean:.4} % over {} instances", gaps.len());
    }
    if moves.weighed > 0 {
        let per_second = |n: u64| n as f64 / elapsed.as_secs_f64();
        let (weighed, performed) = (per_second(moves.weighed), per_second(moves.performed));
        println!("{weighed:.0} moves/s weighed, {performed:.0} moves/s performed");
    }
    Ok(())
}

/// What came of one search.
struct Outcome {
    value: f64,
    lower_bound: f64,
    /// When the last improvement came.
    last: Duration,
    elapsed: Duration,
    moves: Moves,
}

#[expect(
    clippy::print_stdout,
    reason = "progress goes where the table goes, on request"
)]
fn run(args: &Args, instance: &Instance) -> Result<Outcome, Box<dyn Error>> {
    let budget = Budget {
        time: Some(args.budget),
        iterations: args.iterations,
    };
    let last = Mutex::new(Duration::ZERO);
    let search = Search::new(instance, args.objective, budget)
        .with_threads(args.threads)
        .with_seed(args.seed)
        .with_progress(|progress| {
            if let Ok(mut last) = last.lock() {
                *last = progress.elapsed;
            }
            if args.progress {
                let secs = progress.elapsed.as_secs_f64();
                println!("  {secs:.3} s: {} by {}", progress.value, progress.found_by);
            }
        });
    args.planner.make().run(&search);
    let (elapsed, moves) = (search.elapsed(), search.moves());
    let (value, schedule) = search.best().ok_or("the planner offered no schedule")?;
    let violations = validate(instance, &schedule);
    if let Some(first) = violations.first() {
        return Err(format!("{}: {first}", instance.name()).into());
    }
    let lower_bound = search.lower_bound();
    drop(search);
    Ok(Outcome {
        value,
        lower_bound,
        last: last.into_inner()?,
        elapsed,
        moves,
    })
}

fn read(args: &Args, file: &Path) -> Result<Instance, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let named = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let format = args
        .format
        .or_else(|| Format::guess(file, &text))
        .ok_or_else(|| named(&"unknown format, give one with --format"))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let options = ReadOptions {
        processors: args.processors,
        ..ReadOptions::default()
    };
    read_instance(&text, format, &name, &options).map_err(|error| named(&error).into())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number: f64 = number.parse().map_err(|_| "not a duration".to_owned())?;
    Duration::try_from_secs_f64(number * unit).map_err(|error| error.to_string())
}
