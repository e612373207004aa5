//! What can be typed to run a scene.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use schedule::PolicyName;

use super::policy_parser;
use crate::memory;

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
    /// Cores that models may use; if not given, all, and beside a window all but one, which draws.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Memory that loaded models may take, in GB; three quarters of all if not given. Models that nobody
    /// uses make room for others, and what has no room is refused.
    #[arg(long, value_name = "GB", value_parser = memory::parse)]
    pub(crate) model_memory: Option<u64>,
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
    use super::*;

    #[test]
    fn sizes_are_checked() {
        assert_eq!(parse_size("1280x720"), Ok((1280, 720)));
        for bad in ["", "1280", "1280x", "axb", "1x1", "99999x720"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
