//! What can be typed after `diorama models bench`.

use std::path::PathBuf;

use clap::Args;
use inference::Skill;

use super::{load::LoadArgs, skill_parser};

pub(super) const EXAMPLES: &str = "\
Examples:
  diorama models bench all-minilm-l6-v2 --batch 32 --tokens 128 --threads 2
  diorama models bench all-minilm-l6-v2 --batch 32 --precision int8 --replicas 2 --json
  diorama models bench smollm2-135m-instruct --batch 8 --tokens 512 --output-tokens 128
  diorama models bench whisper-tiny.en --input speech.wav --rounds 6

Requests go through a port, as an app sends them: latencies are those of one request after the other,
throughput is that of two requests on their way to each replica. Peak memory is that of the whole
process, its children included. The first answer is timed from the start of the process, loading
included; run it twice, so that the weights are in the page cache.";

/// What is measured of a model.
#[derive(Args, Debug)]
pub(crate) struct BenchModelArgs {
    /// Which: NAME, NAME@candidate or NAME@VERSION; openai:NAME for the model of a server.
    pub(crate) name: String,
    /// What is asked; what the model is made for if not given, and `generate` of a server.
    #[arg(long, value_name = "SKILL", value_parser = skill_parser())]
    pub(crate) skill: Option<Skill>,
    /// Inputs of a request; for generate, texts at once; 32 if not given, else 1 for generate and
    /// transcribe.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) batch: Option<u16>,
    /// Tokens of each text.
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=8192))]
    pub(crate) tokens: u16,
    /// Tokens that are generated after each text.
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(2..=8192))]
    pub(crate) output_tokens: u16,
    /// A file with texts, one a line, or a WAV file, instead of made-up words and sounds.
    #[arg(long, value_name = "FILE", conflicts_with = "tokens")]
    pub(crate) input: Option<PathBuf>,
    /// Replicas, which share the cores.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) replicas: u16,
    /// Tokens that a replica reads in one pass at most: a larger request is cut.
    #[arg(long, value_name = "NUMBER", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pass_tokens: u32,
    /// How long to measure, in seconds.
    #[arg(long, value_name = "SECS", default_value_t = 10.0, value_parser = parse_seconds)]
    pub(crate) seconds: f64,
    /// How often to measure, instead of how long.
    #[arg(long, value_name = "NUMBER", conflicts_with = "seconds", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: Option<u32>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let secs = text.parse::<f64>().ok();
    let secs = secs.filter(|secs| (0.01..=86_400.0).contains(secs));
    secs.ok_or_else(|| "seconds are a number from 0.01 to 86400".to_owned())
}
