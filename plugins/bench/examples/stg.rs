//! Runs a planner on Standard Task Graphs with known optima and prints how many it proves.
//!
//! `stg DIR [--budget 1s] [--threads 2] [--planner NAME] [--every N] [--processors M] [--seed S]
//! [--open] [--verbose]`: `DIR` holds `Case*_OPT.csv` (graph, processors, optimum, or
//! graph, processors, lower bound, best known) and the graphs they name; of the pairs whose graph is
//! there, each `N`th runs. With `--open`, those of unknown optimum run instead.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and a panic names what is missing"
)]

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use plan::{Budget, Objective, PlannerName, Search, validate};
use workloads::{Format, ReadOptions, read_instance};

struct Case {
    graph: String,
    processors: u32,
    optimum: f64,
}

#[derive(Default)]
struct Tally {
    runs: u32,
    proven: u32,
    optimal: u32,
    better: u32,
    gap: f64,
    root: u32,
    secs: f64,
}

fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let budget = option("--budget", "1s");
    let secs: f64 = budget.trim_end_matches('s').parse().unwrap();
    let budget = Budget::of_time(Duration::from_secs_f64(secs));
    let every: usize = option("--every", "1").parse().unwrap();
    let only: u32 = option("--processors", "0").parse().unwrap();
    let cases = cases(Path::new(&dir));
    let chosen = cases
        .iter()
        .filter(|case| only == 0 || case.processors == only);
    let mut tallies: BTreeMap<(String, u32), Tally> = BTreeMap::new();
    for case in chosen.step_by(every) {
        let size = case.graph.split('/').next().unwrap().to_owned();
        for key in [(size, case.processors), ("all".to_owned(), 0)] {
            tallies.entry(key).or_default();
        }
        run(&dir, case, budget, &mut tallies);
    }
    println!("tasks  procs  runs  proven  optimal  better  root  gap %   s a run");
    for ((size, processors), tally) in &tallies {
        let share = |n: u32| 100.0 * f64::from(n) / f64::from(tally.runs);
        println!(
            "{size:>5}  {processors:>5}  {:>4}  {:>5.1}%  {:>6.1}%  {:>6}  {:>3.0}%  {:.4}  {:.3}",
            tally.runs,
            share(tally.proven),
            share(tally.optimal),
            tally.better,
            share(tally.root),
            100.0 * tally.gap / f64::from(tally.runs),
            tally.secs / f64::from(tally.runs),
        );
    }
}

/// The value after a flag, or what it usually is.
fn option(flag: &str, usual: &str) -> String {
    let mut args = std::env::args().skip_while(|arg| arg != flag);
    args.nth(1).unwrap_or_else(|| usual.to_owned())
}

fn cases(dir: &Path) -> Vec<Case> {
    let mut lists: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("_OPT.csv"))
        .collect();
    lists.sort();
    let mut cases = Vec::new();
    for list in lists {
        for line in fs::read_to_string(list).unwrap().lines() {
            let parts: Vec<&str> = line.trim().split(',').collect();
            let is_open = std::env::args().any(|arg| arg == "--open");
            if parts.len() == 3 + usize::from(is_open) && dir.join(parts[0]).exists() {
                cases.push(Case {
                    graph: parts[0].to_owned(),
                    processors: parts[1].parse().unwrap(),
                    optimum: parts.last().unwrap().parse().unwrap(),
                });
            }
        }
    }
    cases
}

fn run(dir: &str, case: &Case, budget: Budget, tallies: &mut BTreeMap<(String, u32), Tally>) {
    let text = fs::read_to_string(Path::new(dir).join(&case.graph)).unwrap();
    let options = ReadOptions {
        processors: Some(case.processors),
        ..ReadOptions::default()
    };
    let instance = read_instance(&text, Format::Stg, &case.graph, &options).unwrap();
    let planner: PlannerName = option("--planner", "branch-and-bound").parse().unwrap();
    let search = Search::new(&instance, Objective::Makespan, budget)
        .with_threads(option("--threads", "2").parse().unwrap())
        .with_seed(option("--seed", "0").parse().unwrap());
    let root = search.lower_bound();
    planner.make().run(&search);
    let (value, schedule) = search.best().unwrap();
    let secs = search.elapsed().as_secs_f64();
    assert_eq!(validate(&instance, &schedule), [], "{}", case.graph);
    assert_eq!(value, schedule.makespan());
    let bound = search.lower_bound();
    assert!(
        bound <= value && bound <= case.optimum,
        "{} {bound}",
        case.graph
    );
    let size = case.graph.split('/').next().unwrap().to_owned();
    for key in [(size, case.processors), ("all".to_owned(), 0)] {
        let tally = tallies.get_mut(&key).unwrap();
        tally.runs += 1;
        tally.proven += u32::from(bound >= value);
        tally.optimal += u32::from(value <= case.optimum);
        tally.better += u32::from(value < case.optimum);
        tally.root += u32::from(root >= case.optimum);
        tally.gap += value / case.optimum - 1.0;
        tally.secs += secs;
    }
    if std::env::args().any(|arg| arg == "--verbose") && (bound < value || secs > 0.2) {
        println!(
            "{} on {}: optimum {}, found {value}, bound {root} then {bound}, {secs:.3} s",
            case.graph, case.processors, case.optimum
        );
    }
}
