//! What can be typed after `diorama`.

mod clock;
mod models;

use std::path::PathBuf;

use bench::whatif::{Measure, Vary};
use clap::{Args, Parser, Subcommand, ValueEnum};
use plan::{Objective, PlannerName};
use schedule::PolicyName;
use workloads::Format;

pub(crate) use self::clock::{CalibrateArgs, FidelityArgs, Load};
pub(crate) use self::models::{
    AskArgs, BenchModelArgs, CanaryArgs, DistilArgs, GenerateArgs, ImportArgs, LoadArgs,
    ModelsArgs, ModelsCommand, NameArgs, OneNameArgs, RemoveArgs, TranscribeArgs,
};
use crate::{duration, whatif};

const EXIT_CODES: &str = "\
Exit codes:
  0    all done
  1    the run ended, but some of its tasks failed; a model did not answer all requests; or nothing
       meets the goal of a what-if
  2    the command line is wrong
  3    an input file is wrong: scene, meeting, journal, instance, schedule or imported model
  4    a model could not be had
  5    a file could not be written
  6    there is no display to open a window on
  130  interrupted (Ctrl-C)

Results go to standard output and files, messages to standard error.";

const WHATIF_EXAMPLES: &str = "\
Examples:
  diorama whatif scenes/meeting.scene.ron --vary replicas=1..8 --vary batch=1,4,16 \\
      --policy all --goal \"p95 < 2s\" --minimise cost
  diorama whatif assets/workloads/crew.workload.ron --vary replicas[gpu]=1..6 \\
      --goal \"p95 < 60s, missed < 5%\" --seeds 1..10";

const WHATIF_HELP: &str = "\
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

/// Simulates spaces in which AI agents share tasks, models and hardware.
///
/// Without a command, opens the window with a choice of scenes.
#[derive(Debug, Parser)]
#[command(name = "diorama", version, after_long_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a scene in a window, in 3D.
    #[command(after_help = "Examples:\n  \
        diorama open scenes/meeting.scene.ron\n  \
        diorama open scenes/meeting.scene.ron --policy heft --speed 20")]
    Open(OpenArgs),
    /// Runs a scene without a window, as fast as the machine allows.
    #[command(after_help = "Examples:\n  \
        diorama run scenes/meeting.scene.ron\n  \
        diorama run scenes/meeting.scene.ron --input standup.vtt --ask \"What did we decide?\"\n  \
        diorama run scenes/meeting.scene.ron --outputs none --policy sjf --json\n\n\
        Writes journal.jsonl, minutes.md and minutes.json into the folder given by --out.")]
    Run(RunArgs),
    /// Checks scene files and says what is wrong with them.
    #[command(after_help = "Example:\n  diorama check scenes/*.scene.ron")]
    Check(CheckArgs),
    /// Tells what happened in an earlier run out of its journal; runs no model.
    #[command(after_help = "Examples:\n  \
        diorama replay diorama-out/meeting/journal.jsonl\n  \
        diorama replay diorama-out/meeting/journal.jsonl --verify")]
    Replay(ReplayArgs),
    /// Searches for a whole schedule of an instance, better and better until the time is up.
    #[command(after_help = "Examples:\n  \
        diorama plan mk01.txt --objective makespan --budget 10s --threads 2 --out schedule.json\n  \
        diorama plan rand0000.stg --processors 4 --objective makespan --budget 1s\n  \
        diorama plan mk01.txt --objective makespan --warm-start schedule.json --out better.json\n\n\
        Better schedules are told of on standard error as they are found. Without --out, the\n\
        schedule goes to standard output. Ctrl-C keeps the best schedule so far.")]
    Plan(PlanArgs),
    /// Checks a schedule, whoever made it: every rule of the instance, and what the file claims.
    #[command(after_help = "Example:\n  diorama check-plan mk01.txt schedule.json")]
    CheckPlan(CheckPlanArgs),
    /// Runs a matrix of inputs × policies, list schedulers and planners × seeds, and reports on it.
    #[command(after_help = "Examples:\n  \
        diorama bench mk*.txt --policy fifo,sjf,heft --list heft,peft --planner tabu --budget 2s\n  \
        diorama bench rand*.stg --processors 4 --policy all --planner none --out stg\n  \
        diorama bench scenes/*.scene.ron --policy all --list none --planner none --seeds 1..10\n  \
        diorama bench AzureLLMInferenceTrace_conv.csv --replicas 6 --policy fifo,least-loaded\n\n\
        Writes cells.jsonl, results.csv, results.parquet and report.html into the folder given by\n\
        --out. What is finished there is not run again: the same command goes on where the last one\n\
        ended, also after Ctrl-C.\n\
        List schedulers and planners need to know all beforehand and take instances only; scenes,\n\
        workloads and traces run under policies, scenes as by run --outputs none.")]
    Bench(BenchArgs),
    /// Finds the smallest set of devices that meets a goal, and draws what is traded for what.
    ///
    /// Runs a scene or a workload in every configuration of its knobs, under every policy and with
    /// several seeds, and says which is the cheapest that meets the goals.
    #[command(after_long_help = WHATIF_HELP, after_help = WHATIF_EXAMPLES)]
    Whatif(WhatIfArgs),
    /// Keeps models: fetches, imports, checks, promotes and removes them.
    #[command(after_help = models::EXAMPLES)]
    Models(ModelsArgs),
    /// Runs a scene in measured and in modelled time, and tells how far they are apart.
    #[command(after_help = clock::FIDELITY_EXAMPLES)]
    Fidelity(FidelityArgs),
    /// Tells what was found on this machine: display, GPU, threads, store, models.
    Doctor(DoctorArgs),
}

/// What a run is made of; the same for `open` and `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunOptions {
    /// The meeting to hold instead of the scene's own: plain text (`Name: words`), WebVTT, SRT or
    /// QMSum JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// A question to ask when the meeting is over; may be given several times.
    #[arg(long, value_name = "QUESTION")]
    pub(crate) ask: Vec<String>,
    /// Who goes first; the scene's own policy if not given, or else fifo.
    #[arg(long, value_name = "POLICY", value_parser = policy_parser())]
    pub(crate) policy: Option<PolicyName>,
    /// How durations are charged.
    #[arg(long, value_enum, default_value_t = TimeMode::Modelled)]
    pub(crate) time: TimeMode,
    /// Where the models' outputs come from.
    #[arg(long, value_enum, default_value_t = OutputMode::Real)]
    pub(crate) outputs: OutputMode,
    /// The journal that recorded outputs come from.
    #[arg(long, value_name = "JOURNAL", required_if_eq("outputs", "recorded"))]
    pub(crate) from: Option<PathBuf>,
    /// The seed of all chance; the scene's own if not given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Cores that models may use; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The model that all replicas serve, instead of the scene's own: NAME, NAME@candidate or
    /// NAME@VERSION; `static-minilm` needs no download.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The latency profile that replicas go by in modelled time, instead of the scene's own seconds or
    /// profiles: `calibrated` for what was measured on this machine, or one that comes with the program.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Refuse to run if a model cannot be had, instead of letting the embedded one answer.
    #[arg(long)]
    pub(crate) strict_model: bool,
    /// The folder for the results [default: diorama-out/SCENE].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The scene file.
    pub(crate) scene: PathBuf,
    #[command(flatten)]
    pub(crate) options: RunOptions,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct OpenArgs {
    /// The scene file; without one, a choice of scenes is shown.
    pub(crate) scene: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: RunOptions,
    /// Simulated seconds for each second, 0.1 to 1000; the scene's own if not given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) speed: Option<f64>,
    /// Save a picture of the window and close it again.
    #[arg(long, value_name = "PNG", hide = true)]
    pub(crate) screenshot: Option<PathBuf>,
    /// The simulated second at which the picture is taken; at the end of the run if not given.
    #[arg(long, value_name = "SECS", hide = true, requires = "screenshot")]
    pub(crate) at: Option<f64>,
    /// The size of the window, in pixels.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x800", value_parser = parse_size)]
    pub(crate) size: (u32, u32),
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The scene files.
    #[arg(required = true, value_name = "SCENE")]
    pub(crate) scenes: Vec<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

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

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The journal of an earlier run.
    pub(crate) journal: PathBuf,
    /// Check that the journal is whole, that its totals follow from its facts and that its schedule
    /// could be.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How durations are charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeMode {
    /// By the scene's latency profiles with seeded noise; repeatable.
    Modelled,
    /// By what the models really took on this machine; not repeatable.
    Measured,
}

/// Where the models' outputs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputMode {
    /// The models run.
    Real,
    /// Nowhere: only the scheduling is simulated.
    None,
    /// An earlier journal, named with --from.
    Recorded,
}

impl TimeMode {
    #[cfg(feature = "desktop")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Modelled => "modelled",
            Self::Measured => "measured",
        }
    }

    /// As the journal says it.
    pub(crate) fn recorded(self) -> record::TimeMode {
        match self {
            Self::Modelled => record::TimeMode::Modelled,
            Self::Measured => record::TimeMode::Measured,
        }
    }
}

impl OutputMode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::None => "none",
            Self::Recorded => "recorded",
        }
    }

    /// As the journal says it.
    pub(crate) fn recorded(self) -> record::OutputMode {
        match self {
            Self::Real => record::OutputMode::Real,
            Self::None => record::OutputMode::None,
            Self::Recorded => record::OutputMode::Recorded,
        }
    }
}

fn policy_parser() -> impl clap::builder::TypedValueParser<Value = PolicyName> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
    let values =
        PolicyName::ALL.map(|policy| PossibleValue::new(policy.name()).help(policy.about()));
    PossibleValuesParser::new(values).map(|name| {
        name.parse()
            .expect("the possible values can be parsed. This is a bug.")
    })
}

fn planner_parser() -> impl clap::builder::TypedValueParser<Value = PlannerName> {
    name_parser(PlannerName::ALL.iter().map(|planner| planner.name()))
}

fn objective_parser() -> impl clap::builder::TypedValueParser<Value = Objective> {
    name_parser(Objective::ALL.iter().map(|objective| objective.name()))
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    name_parser(Format::ALL.iter().map(|format| format.name()))
}

/// Takes one of `names`, which all can be parsed.
fn name_parser<T>(
    names: impl Iterator<Item = &'static str>,
) -> impl clap::builder::TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err: std::fmt::Debug> + Clone + Send + Sync + 'static,
{
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(names).map(|name| {
        name.parse()
            .expect("the possible values can be parsed. This is a bug.")
    })
}

/// The portfolio where there is one.
fn default_planner() -> PlannerName {
    "portfolio".parse().unwrap_or(PlannerName::ALL[0])
}

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

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let parse = || {
        let (width, height) = text.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    };
    parse()
        .filter(|(width, height)| (320..=16384).contains(width) && (240..=16384).contains(height))
        .ok_or_else(|| "a size looks like 1280x800, from 320x240 to 16384x16384".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

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

    #[test]
    fn sizes_are_checked() {
        assert_eq!(parse_size("1280x720"), Ok((1280, 720)));
        for bad in ["", "1280", "1280x", "axb", "1x1", "99999x720"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
