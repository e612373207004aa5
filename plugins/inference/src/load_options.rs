//! How a model is to be loaded: where it computes, how exactly, and on how many threads.

use crate::{device::DeviceChoice, precision::Precision};

/// What may be chosen when a model is loaded. A device alone stands for the defaults there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where it computes.
    pub device: DeviceChoice,
    /// How exactly, for models that know more than one way, on the processor.
    pub precision: Precision,
    /// Threads of each replica on the processor, at least 1.
    pub n_threads: usize,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Cpu,
            precision: Precision::F32,
            n_threads: 1,
        }
    }
}

impl From<DeviceChoice> for LoadOptions {
    fn from(device: DeviceChoice) -> Self {
        Self {
            device,
            ..Self::default()
        }
    }
}
