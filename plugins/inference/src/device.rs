//! Where a model computes.

use std::{fmt, str::FromStr};

use candle_core::{Device, Error};

use crate::backend::BackendError;

/// The device that somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor. Always there.
    #[default]
    Cpu,
    /// An NVIDIA card, counted from 0. Needs a build with the feature `cuda`.
    Cuda(usize),
}

impl DeviceChoice {
    /// Opens the card, if it is one.
    pub(crate) fn card(self) -> Result<Option<Device>, BackendError> {
        let Self::Cuda(index) = self else {
            return Ok(None);
        };
        open(index)
            .map(Some)
            .map_err(|why| BackendError::no_device(self, &why))
    }

    /// What a card calls itself.
    pub(crate) fn card_name(self) -> Option<String> {
        #[cfg(feature = "cuda")]
        if let Ok(Some(Device::Cuda(card))) = self.card() {
            return card.cuda_stream().context().name().ok();
        }
        None
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    /// Reads `cpu`, `cuda`, which is the first card, or `cuda:N`.
    fn from_str(text: &str) -> Result<Self, String> {
        let index = match text.strip_prefix("cuda") {
            None if text == "cpu" => return Ok(Self::Cpu),
            Some("") => Some(0),
            Some(rest) => rest.strip_prefix(':').and_then(|index| index.parse().ok()),
            None => None,
        };
        index.map(Self::Cuda).ok_or_else(|| {
            String::from("a device is cpu, cuda or cuda:N with the number of a card")
        })
    }
}

/// Whether it is the card that refuses, which is full, say, and not a file that is wrong.
pub(crate) fn is_of_card(error: &Error) -> bool {
    match error {
        Error::Cuda(_) => true,
        Error::Context { inner, .. }
        | Error::WithPath { inner, .. }
        | Error::WithBacktrace { inner, .. } => is_of_card(inner),
        _ => false,
    }
}

#[cfg(feature = "cuda")]
fn open(index: usize) -> Result<Device, String> {
    Device::new_cuda(index).map_err(|error| error.to_string())
}

#[cfg(not(feature = "cuda"))]
fn open(_: usize) -> Result<Device, String> {
    Err(String::from(
        "this build has no CUDA; build with the feature \"cuda\", or ask for the CPU",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_card_refuses_is_no_fault_of_a_file() {
        let full = Error::Cuda("out of memory".into());
        assert!(is_of_card(&full.bt().with_path("model.safetensors")));
        assert!(!is_of_card(&Error::Msg(String::from("cut off")).bt()));
    }

    #[test]
    fn devices_are_read_as_they_are_written() {
        for device in [
            DeviceChoice::Cpu,
            DeviceChoice::Cuda(0),
            DeviceChoice::Cuda(7),
        ] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for bad in [
            "", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda1", "cuda:1x",
        ] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
        }
    }
}
