//! What can be typed after `diorama`.

mod bench;
mod clock;
mod models;
mod plan;
mod run;

use std::path::PathBuf;

use ::plan::Objective;
use clap::{Args, Parser, Subcommand};
use schedule::PolicyName;

pub(crate) use self::bench::{BenchArgs, WhatIfArgs};
pub(crate) use self::clock::{CalibrateArgs, FRESH, FidelityArgs, Load};
pub(crate) use self::models::{
    AskArgs, BenchModelArgs, CanaryArgs, DistilArgs, GenerateArgs, ImportArgs, LoadArgs,
    ModelsArgs, ModelsCommand, NameArgs, OneNameArgs, RemoveArgs, TranscribeArgs,
};
pub(crate) use self::plan::{CheckPlanArgs, InstanceArgs, PlanArgs};
pub(crate) use self::run::{OpenArgs, OutputMode, RunArgs, RunOptions, TimeMode};

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
    #[command(after_long_help = bench::WHATIF_HELP, after_help = bench::WHATIF_EXAMPLES)]
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

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The scene files.
    #[arg(required = true, value_name = "SCENE")]
    pub(crate) scenes: Vec<PathBuf>,
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

fn policy_parser() -> impl clap::builder::TypedValueParser<Value = PolicyName> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
    let values =
        PolicyName::ALL.map(|policy| PossibleValue::new(policy.name()).help(policy.about()));
    PossibleValuesParser::new(values).map(|name| {
        name.parse()
            .expect("the possible values can be parsed. This is a bug.")
    })
}

fn objective_parser() -> impl clap::builder::TypedValueParser<Value = Objective> {
    name_parser(Objective::ALL.iter().map(|objective| objective.name()))
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
