//! How exactly a model computes on the processor.

use serde::{Deserialize, Serialize};

/// The numbers that weights are kept in and products are computed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point: what the weights say.
    #[default]
    F32,
    /// 8-bit integers, for models that know it: weights scaled for each output, activations for each
    /// token. A quarter of the memory and more speed, for some exactness.
    Int8,
}

impl Precision {
    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}
