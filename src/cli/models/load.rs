//! How a model is loaded that a command asks.

use clap::Args;
use inference::Precision;

/// How a model is loaded; the same for `ask` and `bench`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LoadArgs {
    /// Cores that the model may use; all if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// How exactly it computes, where it knows more than one way: f32 or int8.
    #[arg(long, value_name = "PRECISION", default_value = "f32", value_parser = precision_parser())]
    pub(crate) precision: Precision,
    /// Refuse if the model cannot be had, instead of letting the embedded one answer.
    #[arg(long)]
    pub(crate) strict_model: bool,
}

pub(in crate::cli) fn precision_parser() -> impl clap::builder::TypedValueParser<Value = Precision>
{
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    const ALL: [Precision; 2] = [Precision::F32, Precision::Int8];
    PossibleValuesParser::new(ALL.map(Precision::name)).map(|name| {
        let found = ALL.into_iter().find(|precision| precision.name() == name);
        found.expect("the possible values are precisions. This is a bug.")
    })
}
