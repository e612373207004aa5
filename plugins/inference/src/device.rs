//! Where a model computes.

use candle_core::Device;

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
    /// Opens the device.
    pub(crate) fn open(self) -> Result<Device, BackendError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(index) => cuda(index),
        }
    }
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<Device, BackendError> {
    let device = format!("cuda:{index}");
    Device::new_cuda(index).map_err(|error| BackendError::NoDevice {
        device,
        why: error.to_string(),
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda(index: usize) -> Result<Device, BackendError> {
    let why =
        String::from("this build has no CUDA; build with the feature \"cuda\", or ask for the CPU");
    Err(BackendError::NoDevice {
        device: format!("cuda:{index}"),
        why,
    })
}
