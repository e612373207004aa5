//! How a model is loaded that a command asks.

use clap::Args;
use inference::{DeviceChoice, LoadOptions, Precision};

/// How a model is loaded; the same for `ask` and `bench`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LoadArgs {
    /// Cores that the model may use; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Where it computes: cpu, cuda, which is the first NVIDIA card, or cuda:N.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceChoice,
    /// How exactly it computes, where it knows more than one way: f32 or int8; f32, f16 or bf16 on a
    /// card.
    #[arg(long, value_name = "PRECISION", default_value = "f32", value_parser = precision_parser())]
    pub(crate) precision: Precision,
    /// Refuse if the model cannot be had, instead of letting the embedded one answer.
    #[arg(long)]
    pub(crate) strict_model: bool,
}

impl LoadArgs {
    /// The same, with so many threads for each replica.
    pub(crate) fn options(&self, n_threads: usize) -> LoadOptions {
        LoadOptions {
            device: self.device,
            precision: self.precision,
            n_threads,
        }
    }
}

pub(in crate::cli) fn precision_parser() -> impl clap::builder::TypedValueParser<Value = Precision>
{
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(Precision::ALL.map(Precision::name)).map(|name| {
        let mut all = Precision::ALL.into_iter();
        let found = all.find(|precision| precision.name() == name);
        found.expect("the possible values are precisions. This is a bug.")
    })
}
