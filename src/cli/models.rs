//! What can be typed after `diorama models`.

mod ask;
mod bench;
mod distil;
mod load;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use inference::{Architecture, FileHash, Skill};

pub(super) use self::load::precision_parser;
pub(crate) use self::{
    ask::{AskArgs, GenerateArgs, TranscribeArgs},
    bench::BenchModelArgs,
    distil::DistilArgs,
    load::LoadArgs,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  diorama models list
  diorama models pull all-minilm-l6-v2
  diorama models import ./my-model --name notes --licence MIT
  diorama models canary notes 0.1
  diorama models promote notes
  diorama models rollback notes
  echo \"That is a happy person\" | diorama models ask all-minilm-l6-v2

A model is named NAME, NAME@stable (the same), NAME@candidate or NAME@VERSION, here as in scenes and
after --model. Of a version, the first 4 digits or more are enough.";

#[derive(Args, Debug)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Lists the models that Diorama knows, and which are at hand.
    List {
        /// Print one JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Shows all that is known of a model: files, licence, limits, sources, aliases, earlier versions.
    Show(OneNameArgs),
    /// Fetches a model into the local store.
    Pull(NameArgs),
    /// Takes a model in from files: a folder with safetensors and config.json, a GGUF file, or a
    /// folder of CTranslate2.
    ///
    /// The files are checked and copied; a GGUF file is requantised to Q8_0 if it is not. The first
    /// version of a name becomes `stable`, a later one `candidate`, which answers nothing before
    /// `canary` or `promote`. Pickles (PyTorch's .bin, .pt, .ckpt) are refused: they run code.
    Import(ImportArgs),
    /// Checks the files of the models in the local store.
    Verify(NameArgs),
    /// Tries to load a version now, says how long it takes and how much memory, and has it loaded
    /// whenever a run starts, until `unload`.
    ///
    /// It does not reach into a run that is under way.
    Load(OneNameArgs),
    /// No longer loads a version when a run starts, unless a scene names it.
    ///
    /// It does not reach into a run that is under way.
    Unload(OneNameArgs),
    /// Lets a version serve: NAME alone means its candidate.
    Promote(OneNameArgs),
    /// Sets the share of requests that the candidate, or the version that is named, is to answer.
    ///
    /// `ask` picks for each line; a run of a scene goes to one version as a whole, by its seed. Try a
    /// candidate alone with --model NAME@candidate.
    Canary(CanaryArgs),
    /// Lets the version serve again that served before.
    Rollback(OneNameArgs),
    /// Measures how long a model takes on this machine over sizes of batches and lengths, fits a latency
    /// profile and keeps it in the store.
    #[command(after_help = super::clock::CALIBRATE_EXAMPLES)]
    Calibrate(super::CalibrateArgs),
    /// Removes a version from the store, and the files that no other version needs.
    Rm(RemoveArgs),
    /// Sends requests to a model, one a line, and prints what it answers.
    #[command(after_help = ask::EXAMPLES)]
    Ask(AskArgs),
    /// Measures how fast a model answers, and in how much memory.
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchModelArgs),
    /// Makes a static embedding, one vector a word, out of a model that embeds.
    #[command(after_help = distil::EXAMPLES)]
    Distil(DistilArgs),
}

/// One model, or all.
#[derive(Args, Debug)]
pub(crate) struct NameArgs {
    /// Which; all if not given.
    pub(crate) name: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One model.
#[derive(Args, Debug)]
pub(crate) struct OneNameArgs {
    /// Which: NAME, NAME@candidate or NAME@VERSION.
    pub(crate) name: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CanaryArgs {
    /// Which: NAME for its candidate, or NAME@VERSION, which becomes the candidate.
    pub(crate) name: String,
    /// The share of requests, from 0 to 1.
    #[arg(value_parser = parse_share)]
    pub(crate) share: f64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    /// Which: NAME@VERSION, or NAME for its stable version.
    pub(crate) name: String,
    /// Also if an alias names it.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The folder or file.
    pub(crate) path: PathBuf,
    /// What it is to be called; as its folder or file if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it can do; may be given several times; what its architecture is made for if not given.
    #[arg(long, value_name = "SKILL", value_parser = skill_parser())]
    pub(crate) skill: Vec<Skill>,
    /// The licence of its weights.
    #[arg(long, visible_alias = "license", value_name = "LICENCE")]
    pub(crate) licence: Option<String>,
    /// How it computes; as its own files say if not given.
    #[arg(long, value_name = "ARCHITECTURE", value_parser = architecture_parser())]
    pub(crate) architecture: Option<Architecture>,
    /// The SHA-256 that its weights must have.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    pub(crate) sha256: Option<FileHash>,
    /// The model that it was made from, as NAME@VERSION.
    #[arg(long, value_name = "NAME@VERSION")]
    pub(crate) parent: Option<String>,
    /// What it was trained on.
    #[arg(long, value_name = "DATA")]
    pub(crate) data_set: Option<String>,
    /// What was measured of its quality; may be given several times.
    #[arg(long, value_name = "NAME=NUMBER", value_parser = parse_metric)]
    pub(crate) metric: Vec<(String, f64)>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "a share is a number from 0 to 1, such as 0.1".to_owned())
}

fn parse_hash(text: &str) -> Result<FileHash, String> {
    FileHash::try_from(text.to_owned())
}

fn parse_metric(text: &str) -> Result<(String, f64), String> {
    let parse = || {
        let (name, value) = text.split_once('=')?;
        let value = value
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())?;
        Some((name.to_owned(), value))
    };
    parse()
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| "a metric looks like f1=0.84".to_owned())
}

pub(super) fn skill_parser() -> impl clap::builder::TypedValueParser<Value = Skill> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(Skill::ALL.map(Skill::name)).map(|name| {
        let skill = Skill::ALL.into_iter().find(|skill| skill.name() == name);
        skill.expect("the possible values are skills. This is a bug.")
    })
}

fn architecture_parser() -> impl clap::builder::TypedValueParser<Value = Architecture> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    let importable = Architecture::ALL
        .into_iter()
        .filter(|architecture| *architecture != Architecture::HashedWords);
    PossibleValuesParser::new(importable.map(Architecture::name)).map(|name| {
        let found = Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name);
        found.expect("the possible values are architectures. This is a bug.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_hashes_and_metrics_are_checked() {
        assert_eq!(parse_share("0.25"), Ok(0.25));
        assert_eq!(parse_metric("f1=0.84"), Ok(("f1".to_owned(), 0.84)));
        for bad in ["", "-0.1", "1.5", "NaN", "10%"] {
            assert!(parse_share(bad).is_err(), "{bad}");
        }
        for bad in ["", "f1", "=1", "f1=x", "f1=inf"] {
            assert!(parse_metric(bad).is_err(), "{bad}");
        }
        assert!(parse_hash("12").is_err());
    }
}
