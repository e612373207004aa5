//! What can be typed to measure models and to compare modelled with measured time.

use std::path::PathBuf;

use clap::Args;
use inference::{DeviceChoice, Precision, Skill};
use schedule::PolicyName;

use super::{
    models::{precision_parser, skill_parser},
    policy_parser,
};

pub(super) const CALIBRATE_EXAMPLES: &str = "\
Examples:
  diorama models calibrate all-minilm-l6-v2
  diorama models calibrate all-minilm-l6-v2 --replicas 2     # two that share this machine
  diorama models calibrate all-minilm-l6-v2 --precision int8 --threads 2 --out profile.ron
  diorama run scenes/meeting.scene.ron --profile calibrated  # modelled time goes by it

What is measured lies in the store beside the models, by version, skill, precision, threads and
replicas. Scenes go by it where they, or who runs them, say `calibrated`; the size of batches in runs
follows from it.";

pub(super) const FIDELITY_EXAMPLES: &str = "\
Examples:
  diorama fidelity scenes/meeting.scene.ron
  diorama fidelity scenes/meeting.scene.ron --loads 1,100,10000 --profile scene

A load is a number, how many times as fast everything goes on that takes no model: people speak, things
come and go, agents do their own work; or low, mid or high, the load under which replicas are busy for
10, 40 or 80 % of the time.";

/// The profile that stands for what models are measured to take between runs.
pub(crate) const FRESH: &str = "fresh";

/// `diorama models calibrate`.
#[derive(Args, Debug)]
pub(crate) struct CalibrateArgs {
    /// Which: NAME, NAME@candidate or NAME@VERSION.
    #[arg(default_value = "all-minilm-l6-v2")]
    pub(crate) name: String,
    /// What it is to do; the first that it can, if not given.
    #[arg(long, value_name = "SKILL", value_parser = skill_parser())]
    pub(crate) skill: Option<Skill>,
    /// Threads of each replica. Those of scenes have one.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: u16,
    /// Replicas that share the machine as those of a scene do: each batch is measured on one of them and
    /// on all at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) replicas: u32,
    /// Where it computes: cpu, cuda, which is the first NVIDIA card, or cuda:N.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceChoice,
    /// The numbers that it computes with: f32, or int8 where the model knows it; f32, f16 or bf16 on a
    /// card.
    #[arg(long, value_name = "PRECISION", default_value = "f32", value_parser = precision_parser())]
    pub(crate) precision: Precision,
    /// Fewer kinds of batches, fewer times: for a first impression.
    #[arg(long)]
    pub(crate) quick: bool,
    /// A WAV file of speech that is to be written down, from its start again when it is over; if not
    /// given, a tone that holds no words, so that writing words down comes on top.
    #[arg(long, value_name = "FILE")]
    pub(crate) sound: Option<PathBuf>,
    /// How often each kind of batch is measured [default: 5; with --quick 3].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) times: Option<u32>,
    /// A file for the profile too.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `diorama fidelity`.
#[derive(Args, Debug)]
pub(crate) struct FidelityArgs {
    /// The scene file.
    pub(crate) scene: PathBuf,
    /// How hard the replicas are pressed, each in turn.
    #[arg(
        long,
        value_name = "LOADS",
        value_delimiter = ',',
        default_value = "low,mid,high"
    )]
    pub(crate) loads: Vec<Load>,
    /// How often the scene is run at each load, in measured time and, each time with another seed, in
    /// modelled time.
    #[arg(long, value_name = "NUMBER", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repetitions: u32,
    /// What modelled time goes by: `fresh`, what the models are measured to take between the runs;
    /// `calibrated`, what they were measured to take before; a profile that comes with the program; or
    /// `scene` for what the scene says.
    #[arg(long, value_name = "NAME", default_value = FRESH)]
    pub(crate) profile: String,
    /// Who goes first; the scene's own policy if not given, or else fifo.
    #[arg(long, value_name = "POLICY", value_parser = policy_parser())]
    pub(crate) policy: Option<PolicyName>,
    /// Cores that models may use; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The model that all replicas serve, instead of the scene's own.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How hard the replicas of a scene are pressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// All that takes no model goes on so many times as fast.
    Faster(f64),
    /// As fast as it takes to keep replicas busy for this share of the time; and what that is called.
    Busy(f64, &'static str),
}

/// What low, mid and high stand for.
const LEVELS: [Load; 3] = [
    Load::Busy(0.1, "low"),
    Load::Busy(0.4, "mid"),
    Load::Busy(0.8, "high"),
];

impl std::str::FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_named = |level: &Self| matches!(level, Self::Busy(_, name) if *name == text);
        if let Some(level) = LEVELS.into_iter().find(is_named) {
            return Ok(level);
        }
        match text.parse() {
            Ok(times) if (1e-3..=1e9).contains(&times) => Ok(Self::Faster(times)),
            _ => Err("give low, mid, high or a number from 0.001 to 1e9".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_levels_or_numbers() {
        assert_eq!("mid".parse(), Ok(Load::Busy(0.4, "mid")));
        assert_eq!("2.5".parse(), Ok(Load::Faster(2.5)));
        for bad in ["", "0", "-1", "NaN", "inf", "middle"] {
            assert!(bad.parse::<Load>().is_err(), "{bad}");
        }
    }
}
