//! What can be typed after `diorama models ask`.

use std::path::PathBuf;

use clap::Args;
use inference::Skill;

use super::{load::LoadArgs, skill_parser};

pub(super) const EXAMPLES: &str = "\
Examples:
  echo \"That is a happy person\" | diorama models ask all-minilm-l6-v2 --json
  diorama models ask smollm2-135m-instruct --input questions.txt --max-tokens 64
  diorama models ask smollm2-135m-instruct --schema person.schema.json <<< \"Ada is 36.\"
  diorama models ask whisper-tiny.en --input speech.wav --timestamps
  ls *.wav | diorama models ask whisper-base --language en --json
  diorama models ask openai:gpt-4o-mini --system \"Answer in one word.\" --input questions.txt

Each line is one request; blank lines are left out. For transcribe a line is the path of a WAV file,
or the input itself is one. Answers come in the order of the lines. A line without an answer is told
of and the others go on; the exit code is then 1.";

/// Lines for a model, and how it is to answer.
#[derive(Args, Debug)]
pub(crate) struct AskArgs {
    /// Which: NAME, NAME@candidate or NAME@VERSION; openai:NAME for the model of a server.
    pub(crate) name: String,
    /// The file with the requests, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,
    /// What is asked; what the model is made for if not given, and `generate` of a server.
    #[arg(long, value_name = "SKILL", value_parser = skill_parser())]
    pub(crate) skill: Option<Skill>,
    #[command(flatten)]
    pub(crate) generate: GenerateArgs,
    #[command(flatten)]
    pub(crate) transcribe: TranscribeArgs,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How text is generated.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Options of generate")]
pub(crate) struct GenerateArgs {
    /// The most tokens of an answer; 256 if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: Option<u32>,
    /// How evenly tokens are drawn; 0, which takes the likeliest, if not given.
    #[arg(long, value_name = "NUMBER", value_parser = parse_temperature)]
    pub(crate) temperature: Option<f32>,
    /// Draw from so many likeliest tokens.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) top_k: Option<u32>,
    /// Draw from the fewest likeliest tokens that come to this probability.
    #[arg(long, value_name = "SHARE", value_parser = parse_top_p)]
    pub(crate) top_p: Option<f32>,
    /// Divide the odds of tokens that have occurred.
    #[arg(long, value_name = "NUMBER", value_parser = parse_penalty)]
    pub(crate) repeat_penalty: Option<f32>,
    /// What is drawn follows from it; 0 if not given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// End before this text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,
    /// What the model is told before each line.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Go on with the line as it stands, instead of answering it.
    #[arg(long, conflicts_with = "system")]
    pub(crate) raw: bool,
    /// Answer with one JSON value.
    #[arg(long)]
    pub(crate) json_output: bool,
    /// Answer with one JSON value of the shape that this JSON Schema says.
    #[arg(long, value_name = "FILE", conflicts_with = "json_output")]
    pub(crate) schema: Option<PathBuf>,
}

/// How speech is written down.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Options of transcribe")]
pub(crate) struct TranscribeArgs {
    /// The language that is spoken, as an ISO 639-1 code; the model finds out if not given.
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// Say when each part begins and ends.
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// How many partial transcripts are followed at once; 1 if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=16))]
    pub(crate) beam: Option<u16>,
}

fn number_in(text: &str, range: std::ops::RangeInclusive<f32>) -> Option<f32> {
    let number = text.parse::<f32>().ok();
    number.filter(|number| range.contains(number))
}

fn parse_temperature(text: &str) -> Result<f32, String> {
    number_in(text, 0.0..=100.0).ok_or_else(|| "a temperature is a number from 0 to 100".to_owned())
}

fn parse_top_p(text: &str) -> Result<f32, String> {
    let share = number_in(text, 0.0..=1.0).filter(|share| *share > 0.0);
    share.ok_or_else(|| "a share is a number above 0, and 1 at most".to_owned())
}

fn parse_penalty(text: &str) -> Result<f32, String> {
    let penalty = number_in(text, 0.01..=100.0);
    penalty.ok_or_else(|| "a penalty is a number from 0.01 to 100, such as 1.1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(parse_temperature("0.7"), Ok(0.7));
        assert_eq!(parse_top_p("1"), Ok(1.0));
        assert_eq!(parse_penalty("1.1"), Ok(1.1));
        for bad in ["", "-1", "NaN", "inf", "hot"] {
            assert!(parse_temperature(bad).is_err(), "{bad}");
            assert!(parse_top_p(bad).is_err(), "{bad}");
            assert!(parse_penalty(bad).is_err(), "{bad}");
        }
        assert!(parse_top_p("0").is_err() && parse_top_p("1.01").is_err());
    }
}
