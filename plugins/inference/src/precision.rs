//! How exactly a model computes, on the processor and on a card.

use serde::{Deserialize, Serialize};

use crate::{backend::BackendError, device::DeviceChoice};

/// The numbers that weights are kept in and products are computed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point: what the weights say.
    #[default]
    F32,
    /// 8-bit integers, on the processor and for models that know it: weights scaled for each output,
    /// activations for each token. A quarter of the memory and more speed, for some exactness.
    Int8,
    /// 16-bit floating point with 11 significant bits, on a card: half of the memory.
    F16,
    /// 16-bit floating point with 8 significant bits and the range of f32, on a card: half of the
    /// memory.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F32, Self::Int8, Self::F16, Self::Bf16];

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// Whether the kernels of a device know it, where `device` is the one that the model computes on.
    ///
    /// # Errors
    /// [`BackendError::NoPrecision`] says what to ask for instead.
    pub(crate) fn check(self, model: &str, device: DeviceChoice) -> Result<(), BackendError> {
        let why = match (self, device) {
            (Self::F32, _)
            | (Self::Int8, DeviceChoice::Cpu)
            | (Self::F16 | Self::Bf16, DeviceChoice::Cuda(_)) => return Ok(()),
            (Self::Int8, DeviceChoice::Cuda(_)) => {
                "it would compute on a card, and int8 is for the processor; ask for f32, f16 or \
                 bf16, or for the device cpu"
            }
            (Self::F16 | Self::Bf16, DeviceChoice::Cpu) => {
                "it would compute on the processor, and f16 and bf16 are for cards; ask for f32 or \
                 int8, or for a card if it can compute on one"
            }
        };
        Err(BackendError::NoPrecision {
            model: model.to_owned(),
            precision: self,
            why: why.to_owned(),
        })
    }

    /// What candle calls it on a card.
    pub(crate) fn on_card(self) -> candle_core::DType {
        match self {
            Self::F32 | Self::Int8 => candle_core::DType::F32,
            Self::F16 => candle_core::DType::F16,
            Self::Bf16 => candle_core::DType::BF16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_for_cards_and_int8_for_the_processor() {
        let (cpu, card) = (DeviceChoice::Cpu, DeviceChoice::Cuda(0));
        for (precision, device) in [
            (Precision::F16, cpu),
            (Precision::Bf16, cpu),
            (Precision::Int8, card),
        ] {
            let error = precision.check("m@1", device).unwrap_err().to_string();
            let expected = format!("model \"m@1\" cannot compute with {}", precision.name());
            assert!(error.starts_with(&expected), "{error}");
            assert!(error.contains("ask for"), "{error}");
        }
        for (precision, device) in [
            (Precision::F32, cpu),
            (Precision::F32, card),
            (Precision::Int8, cpu),
            (Precision::F16, card),
            (Precision::Bf16, card),
        ] {
            assert_eq!(precision.check("m@1", device), Ok(()));
        }
    }
}
