//! The seam between workers and models: whoever answers a batch of texts is a [`Backend`].

use crate::request::Output;

/// A model that is ready to answer. One thread owns it.
pub trait Backend: Send {
    /// Which model this is: its name, `@` and its version.
    fn version(&self) -> &str;

    /// How many tokens the model reads for this input, after truncation; at least 1.
    ///
    /// The worker sorts and cuts batches by it, and it need not be the whole truth.
    fn count_tokens(&self, input: &str) -> u32;

    /// Answers all inputs in one pass: one output for each, in their order.
    ///
    /// # Errors
    /// [`BackendError`] if the inputs cannot be answered. The model must stay usable; if it is
    /// not, it panics and is made anew.
    fn answer(&mut self, inputs: &[&str]) -> Result<Vec<Output>, BackendError>;
}

/// Makes a replica's model, and makes it anew when it failed. Runs on the replica's own thread.
pub type MakeBackend = Box<dyn Fn() -> Result<Box<dyn Backend>, BackendError> + Send + Sync>;

/// Why a model cannot be made or cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// A file of the model is not what it should be.
    #[error("file {file:?} of model {model:?} cannot be used: {why}")]
    BadFile {
        /// The model's name.
        model: String,
        /// The file's name.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The device that was asked for is not there.
    #[error("device {device:?} cannot be used: {why}")]
    NoDevice {
        /// The device as it was asked for.
        device: String,
        /// What the driver, or the lack of it, says.
        why: String,
    },
    /// An input cannot be cut into tokens.
    #[error("an input cannot be cut into tokens: {0}")]
    Tokens(String),
    /// The computation failed.
    #[error("model {model:?} failed: {why}")]
    Failed {
        /// The model's version.
        model: String,
        /// What the computation says.
        why: String,
    },
    /// A recorded backend was asked for something that was never recorded.
    #[error("no answer was recorded for the input that starts with {start:?}")]
    NotRecorded {
        /// The first characters of the input.
        start: String,
    },
}
