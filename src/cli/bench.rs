//! What can be typed to compare policies and configurations.

use std::path::PathBuf;

use bench::whatif::{Measure, Vary};
use clap::Args;
use plan::Objective;

use super::objective_parser;
use crate::{duration, whatif};

pub(super) const WHATIF_EXAMPLES: &str = "\
Examples:
  diorama whatif scenes/meeting.scene.ron --vary replicas=1..8 --vary batch=1,4,16 \\
      --policy all --goal \"p95 < 2s\" --minimise cost
  diorama whatif assets/workloads/crew.workload.ron --vary replicas[gpu]=1..6 \\
      --goal \"p95 < 60s, missed < 5%\" --seeds 1..10";

pub(super) const WHATIF_HELP: &str = "\
Examples:
  diorama whatif scenes/meeting.scene.ron --vary replicas=1..8 --vary batch=1,4,16 \\
      --policy all --goal \"p95 < 2s\" --minimise cost
  diorama whatif assets/workloads/crew.workload.ron --vary replicas[gpu]=1..6 \\
      --goal \"p95 < 60s, missed < 5%\" --seeds 1..10

Knobs (--vary KNOB=VALUES, or KNOB[NAME]=VALUES):
  replicas   how many there are: of each model in a scene; of each resource with a model in a
             workload, or of each resource if none has a model
  batch      how many subtasks each of them can start together
  speed      how many times as fast each of them works, at the same price
  NAME       the name of a model, of a replica of a scene, or of a resource of a workload
  VALUES     numbers and ranges with commas between: 1..8, 1,4,16, 1..9:2 (both ends, with a step)

Goals (--goal \"MEASURE < BOUND\", also <=, >, >=):
  p50, p90, p95, p99, mean, max   latency of tasks, from arrival to done: 500ms, 2s, 3min, 1h
  missed, failed                  deadlines missed, tasks failed: a number, or a share such as 5%
  throughput                      tasks done by time: 2/s, 30/min, 5/h
  cost                            of having all resources as long as the run takes, busy or not
  work_cost, energy               of the time in which they work
  makespan, utilisation, wait_mean, wait_p95, unfairness, replicas, ...

A goal is met if the mean over the seeds keeps it with 95 % confidence; with one seed, if its run does.
Everything is run with one seed first, then with all seeds what comes near the goals (--full: all).
Writes cells.jsonl, results.csv and whatif.html into the folder given by --out. What is finished there
is not run again: the same command goes on where the last one ended.

Exit codes: 0 if the goals can be met, 1 if nothing that was tried is sure to meet them.";

#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// Scenes (*.scene.ron), instances (FJSP, FAJSP, JSP, HFSP, STG, workflows), workloads (*.ron) and
    /// traces (Azure LLM inference CSV, Mooncake JSON lines).
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Online policies, with commas between; `all`, or `none`.
    #[arg(long, value_name = "POLICIES", default_value = "fifo,sjf,heft")]
    pub(crate) policy: String,
    /// List schedulers, with commas between; `all`, or `none`.
    #[arg(long, value_name = "LISTS", default_value = "heft")]
    pub(crate) list: String,
    /// Planners, with commas between; `all`, or `none`.
    #[arg(long, value_name = "PLANNERS", default_value = "portfolio")]
    pub(crate) planner: String,
    /// What planners make small, and what the report leads with.
    #[arg(long, value_name = "OBJECTIVE", default_value = "makespan", value_parser = objective_parser())]
    pub(crate) objective: Objective,
    /// Best known values of the objective: a table with commas and a first line that names its
    /// columns, `instance` and one of `upper_bound`, `best_known` and `value`.
    #[arg(long, value_name = "CSV")]
    pub(crate) best: Option<PathBuf>,
    /// The seeds: one, several with commas between, or from..to, both included.
    #[arg(long, value_name = "SEEDS", default_value = "1", value_parser = parse_seeds)]
    pub(crate) seeds: Seeds,
    /// How long a planner may search, as in 500ms, 10s, 2m.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    pub(crate) budget: std::time::Duration,
    /// Cores in all, and for each planner; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// How many identical processors there are, for stg.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) processors: Option<u32>,
    /// A workload whose resources serve the requests of traces; if one of its tasks has a trace,
    /// requests become such tasks.
    #[arg(long, value_name = "WORKLOAD")]
    pub(crate) pool: Option<PathBuf>,
    /// How many replicas serve the requests of traces where no --pool is given: a language model of 7
    /// billion parameters each, on a card of its own, with continuous batching.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, conflicts_with = "pool", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) replicas: u32,
    /// Write a trace of the first seed of each pair of an input and who decides, into the folder
    /// traces below that of the results, for the Perfetto UI or chrome:tracing.
    #[arg(long)]
    pub(crate) trace: bool,
    /// The folder for the results.
    #[arg(long, value_name = "DIR", default_value = "diorama-out/bench")]
    pub(crate) out: PathBuf,
    /// Print what came of it as one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct WhatIfArgs {
    /// A scene (*.scene.ron) or a workload (*.workload.ron).
    pub(crate) scene: PathBuf,
    /// What is varied, such as replicas=1..8, batch=1,4,16 or speed[gpu]=1,2; may be given several
    /// times.
    #[arg(long, required = true, value_name = "KNOB=VALUES", value_parser = whatif::parse_vary)]
    pub(crate) vary: Vec<Vary>,
    /// The latency profile that the replicas of a scene go by, instead of its own seconds or profiles:
    /// `calibrated` for what was measured on this machine, or one that comes with the program.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Online policies, with commas between; `all`.
    #[arg(long, value_name = "POLICIES", default_value = "all")]
    pub(crate) policy: String,
    /// What must be kept, such as "p95 < 2s"; several with commas between, or given several times.
    #[arg(long, required = true, value_name = "GOAL", value_parser = whatif::parse_goals)]
    pub(crate) goal: Vec<whatif::Goals>,
    /// What is made small among those that keep the goals.
    #[arg(
        long, visible_alias = "minimize", value_name = "MEASURE", default_value = "cost",
        value_parser = whatif::parse_measure
    )]
    pub(crate) minimise: Measure,
    /// The seeds: one, several with commas between, or from..to, both included.
    #[arg(long, value_name = "SEEDS", default_value = "1..5", value_parser = parse_seeds)]
    pub(crate) seeds: Seeds,
    /// Run everything with all seeds, not only what comes near the goals.
    #[arg(long)]
    pub(crate) full: bool,
    /// Cores in all; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The folder for the results.
    #[arg(long, value_name = "DIR", default_value = "diorama-out/whatif")]
    pub(crate) out: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Seeds, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

fn parse_seeds(text: &str) -> Result<Seeds, String> {
    const MOST: u64 = 10_000;
    let wrong = || format!("seeds look like 7, 1,2,3 or 1..5, at most {MOST} of them");
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
    if let Some((from, to)) = text.split_once("..") {
        let (from, to) = (number(from)?, number(to)?);
        if from > to || to - from >= MOST {
            return Err(wrong());
        }
        return Ok(Seeds((from..=to).collect()));
    }
    let seeds = text.split(',').map(number).collect::<Result<_, _>>()?;
    Ok(Seeds(seeds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_listed_or_spanned() {
        for (text, seeds) in [
            ("7", vec![7]),
            ("1, 3", vec![1, 3]),
            ("2..4", vec![2, 3, 4]),
        ] {
            assert_eq!(parse_seeds(text), Ok(Seeds(seeds)));
        }
        for bad in ["", "a", "4..2", "1..99999999", "1,,2"] {
            assert!(parse_seeds(bad).is_err(), "{bad}");
        }
    }
}
