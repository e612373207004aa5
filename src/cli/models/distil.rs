//! What can be typed after `diorama models distil`.

use std::path::PathBuf;

use clap::Args;
use inference::distil::DistilOptions;

use super::load::LoadArgs;

pub(super) const EXAMPLES: &str = "\
Examples:
  diorama models distil all-minilm-l6-v2 --texts notes.txt --out my-words
  diorama models distil all-minilm-l6-v2 --texts talks.txt --texts examples.txt=0.2 \\
      --held other-talks.txt --taught taught --out my-words
  diorama models import my-words --name my-words --licence Apache-2.0

Writes model.safetensors and vocab.txt. The same teacher, texts and options give the same bytes, on any
number of threads. Texts say which words are frequent, which directions matter, and where the vectors
are moved to; without any, the words alone are distilled.";

/// What a static embedding is made of.
#[derive(Args, Debug)]
pub(crate) struct DistilArgs {
    /// The model that teaches: one that embeds and has a tokenizer of word pieces.
    pub(crate) teacher: String,
    /// The folder for model.safetensors and vocab.txt.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Texts to fit the vectors to, one a line, and how much each counts (1 if not said); may be given
    /// several times, once for each kind of text.
    #[arg(long, value_name = "FILE[=WEIGHT]")]
    pub(crate) texts: Vec<String>,
    /// Texts that are held out, one a line: how near the vectors come to the teacher's is measured on
    /// them.
    #[arg(long, value_name = "FILE")]
    pub(crate) held: Option<PathBuf>,
    /// A folder that keeps what the teacher says, so that nothing is asked twice.
    #[arg(long, value_name = "DIR")]
    pub(crate) taught: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fit: FitArgs,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the vectors are made.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Options of the fit")]
pub(crate) struct FitArgs {
    /// The length of the vectors.
    #[arg(long, value_name = "NUMBER", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=8192))]
    dimensions: u16,
    /// The most entries of the teacher's vocabulary that stay.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pieces: u32,
    /// The most whole words of the texts that join.
    #[arg(long, value_name = "NUMBER", default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    words: u32,
    /// The `a` of smooth inverse frequency: the smaller, the less frequent words count.
    #[arg(long, value_name = "NUMBER", default_value_t = 1e-4, value_parser = parse_above_0)]
    smoothing: f64,
    /// The price of moving a vector away from what the teacher says of its word alone.
    #[arg(long, value_name = "NUMBER", default_value_t = 0.1, value_parser = parse_above_0)]
    price: f64,
    /// How far of the way to the fit the vectors are moved, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = parse_share)]
    moved: f64,
    /// How often the search for the fit goes round.
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u16).range(0..=1000))]
    rounds: u16,
}

impl FitArgs {
    /// The same for the library.
    pub(crate) fn options(self) -> DistilOptions {
        DistilOptions {
            dimensions: self.dimensions.into(),
            n_words: self.words as usize,
            n_pieces: self.pieces as usize,
            smoothing: self.smoothing,
            price: self.price as f32,
            moved: self.moved as f32,
            n_rounds: self.rounds.into(),
        }
    }
}

fn parse_above_0(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|number| (1e-12..=1e6).contains(number));
    number.ok_or_else(|| "give a number above 0, a million at most".to_owned())
}

fn parse_share(text: &str) -> Result<f64, String> {
    super::parse_share(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        fit: FitArgs,
    }

    #[test]
    fn what_is_not_said_is_as_in_the_library() {
        let line = Line::parse_from(["distil"]);
        assert_eq!(line.fit.options(), DistilOptions::default());
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for bad in [
            "--price=0",
            "--price=NaN",
            "--smoothing=-1",
            "--moved=1.5",
            "--dimensions=0",
        ] {
            assert!(Line::try_parse_from(["distil", bad]).is_err(), "{bad}");
        }
    }
}
