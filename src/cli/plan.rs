//! What can be typed to search for whole schedules and to check them.

use std::path::PathBuf;

use clap::Args;
use plan::{Objective, PlannerName};
use workloads::Format;

use super::{name_parser, objective_parser};
use crate::duration;

/// An instance and what its file does not say; the same for `plan` and `check-plan`.
#[derive(Args, Debug)]
pub(crate) struct InstanceArgs {
    /// The instance: FJSP, FAJSP, JSP, HFSP or STG text, or a workflow as JSON.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The format of the instance; guessed from the file if not given.
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub(crate) format: Option<Format>,
    /// How many identical processors there are, for stg, and for wfformat instead of its machines.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) processors: Option<u32>,
    /// Data per unit of time between resources, for wfformat in bytes per second; data arrives at once
    /// if not given.
    #[arg(long, value_name = "NUMBER", value_parser = parse_bandwidth)]
    pub(crate) bandwidth: Option<f64>,
    /// How long data takes at least between resources, in units of time.
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = parse_latency, requires = "bandwidth")]
    pub(crate) latency: f64,
}

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArgs,
    /// Who searches.
    #[arg(long, value_name = "PLANNER", default_value_t = default_planner(), value_parser = planner_parser())]
    pub(crate) planner: PlannerName,
    /// What is to be made small.
    #[arg(long, value_name = "OBJECTIVE", default_value_t, value_parser = objective_parser())]
    pub(crate) objective: Objective,
    /// How long to search, as in 500ms, 10s, 2m; it ends before that once the schedule is proven the
    /// best.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub(crate) budget: std::time::Duration,
    /// Cores to search on; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The seed of all chance.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// What to begin with: an earlier schedule, a list scheduler such as heft, or what an online
    /// policy such as edf (or online:heft) comes to.
    #[arg(long, value_name = "FILE|POLICY")]
    pub(crate) warm_start: Option<String>,
    /// The file for the schedule; standard output if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// A file for the schedule as a trace, for the Perfetto UI or chrome:tracing.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Print what came of the search as one JSON object instead of text.
    #[arg(long, requires = "out")]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CheckPlanArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArgs,
    /// The schedule.
    #[arg(value_name = "SCHEDULE")]
    pub(crate) schedule: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn planner_parser() -> impl clap::builder::TypedValueParser<Value = PlannerName> {
    name_parser(PlannerName::ALL.iter().map(|planner| planner.name()))
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    name_parser(Format::ALL.iter().map(|format| format.name()))
}

/// The portfolio where there is one.
fn default_planner() -> PlannerName {
    "portfolio".parse().unwrap_or(PlannerName::ALL[0])
}

fn parse_bandwidth(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "a bandwidth is a number above 0".to_owned())
}

fn parse_latency(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "a latency is a number from 0".to_owned())
}
