//! The seam between workers and models: whoever answers is a [`Backend`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    ask::{Ask, Skill},
    device::DeviceChoice,
    input::{Encoded, Input},
    output::Output,
    precision::Precision,
};

/// A model that is ready to answer. One thread owns it at a time.
pub trait Backend: Send {
    /// Which model this is: its name, `@` and its version.
    fn version(&self) -> &str;

    /// What it can do.
    fn skills(&self) -> &[Skill];

    /// Makes inputs ready for a pass: cuts text into tokens, above all.
    ///
    /// It is called on other threads than the one that owns the model. Models of one version have
    /// encoders that do the same.
    fn encoder(&self) -> Encoder;

    /// Answers all inputs in one pass: one output for each, in their order.
    ///
    /// # Errors
    /// [`BackendError`] if the inputs cannot be answered. The model must stay usable; if it is
    /// not, it says [`BackendError::Lost`] or panics, and is made anew.
    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError>;

    /// About how many bytes a pass over these inputs needs beside the weights; 0 if it cannot say.
    ///
    /// The port splits passes by it, and refuses inputs that alone need too much before they are
    /// tried: when memory runs out in a pass, the process ends, and nobody can catch that.
    fn pass_bytes(&self, ask: &Ask, inputs: &[&Encoded]) -> u64 {
        let _ = (ask, inputs);
        0
    }

    /// Whether it waits for a server instead of computing here. It then takes no share of the cores,
    /// and minds its time itself.
    fn is_remote(&self) -> bool {
        false
    }

    /// How many sequences it generates side by side; 0 if it answers in single passes only.
    ///
    /// Above 0, [`Ask::Generate`] is served by [`Backend::begin`], [`Backend::step`] and
    /// [`Backend::end`], and all else by [`Backend::answer`], between two steps.
    fn n_sequences(&self) -> usize {
        0
    }

    /// Takes up a sequence beside those under way.
    ///
    /// # Errors
    /// [`BackendError`] if it cannot be taken up; the others go on.
    fn begin(&mut self, id: SequenceId, ask: &Ask, input: &Encoded) -> Result<(), BackendError> {
        let _ = (id, ask, input);
        Err(BackendError::Failed {
            model: self.version().to_owned(),
            why: String::from("it generates no sequences side by side"),
        })
    }

    /// Brings every sequence one token further. Says what is new of each, in order; a sequence
    /// that is done is forgotten.
    ///
    /// # Errors
    /// [`BackendError`] ends all sequences under way. The model must stay usable.
    fn step(&mut self) -> Result<Vec<(SequenceId, SequenceStep)>, BackendError> {
        Ok(Vec::new())
    }

    /// Gives a sequence up. Nothing happens if it is not under way.
    fn end(&mut self, id: SequenceId) {
        let _ = id;
    }
}

impl dyn Backend + '_ {
    /// Encodes inputs and answers them in one pass, on this thread and without a port.
    ///
    /// # Errors
    /// [`BackendError`] of the encoder or of the pass.
    pub fn answer_inputs(
        &mut self,
        ask: &Ask,
        inputs: &[Input],
    ) -> Result<Vec<Output>, BackendError> {
        let encoder = self.encoder();
        let encoded = inputs
            .iter()
            .map(|input| encoder(ask, input))
            .collect::<Result<Vec<_>, _>>()?;
        self.answer(ask, &encoded.iter().collect::<Vec<_>>())
    }
}

/// Makes inputs ready for a pass. Clones share what it needs.
pub type Encoder = Arc<dyn Fn(&Ask, &Input) -> Result<Encoded, BackendError> + Send + Sync>;

/// Makes a replica's model, and makes it anew when it failed. Runs on a thread of the port.
pub type MakeBackend = Arc<dyn Fn() -> Result<Box<dyn Backend>, BackendError> + Send + Sync>;

/// A sequence under way in one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub u64);

/// What is new of a sequence after a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SequenceStep {
    /// More text, whole characters only.
    Piece(String),
    /// It is at an end; this is all of it.
    Done(Output),
    /// It failed, and it alone; it is forgotten.
    Failed(BackendError),
}

/// Why a model cannot be made or cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
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
    /// The device that the model computes on does not know the numbers that were asked for.
    #[error("model {model:?} cannot compute with {}: {why}", .precision.name())]
    NoPrecision {
        /// The model's version.
        model: String,
        /// What was asked for.
        precision: Precision,
        /// Why not, and what to ask for instead.
        why: String,
    },
    /// An input cannot be cut into tokens.
    #[error("an input cannot be cut into tokens: {0}")]
    Tokens(String),
    /// The input is of a kind that the model does not read.
    #[error("model {model:?} cannot {skill} this kind of input")]
    WrongInput {
        /// The model's version.
        model: String,
        /// The name of the skill that was asked for.
        skill: String,
    },
    /// The computation failed.
    #[error("model {model:?} failed: {why}")]
    Failed {
        /// The model's version.
        model: String,
        /// What the computation says.
        why: String,
    },
    /// The model is gone, with the process that it ran in; it is made anew.
    #[error("model {model:?} is gone: {why}")]
    Lost {
        /// The model's version.
        model: String,
        /// What became of it.
        why: String,
    },
    /// A recorded backend was asked for something that was never recorded.
    #[error("no answer to {skill} was recorded for the input that starts with {start:?}")]
    NotRecorded {
        /// The name of the skill that was asked for.
        skill: String,
        /// The first characters of the input.
        start: String,
    },
}

impl BackendError {
    /// That a device cannot be used.
    pub(crate) fn no_device(device: DeviceChoice, why: &str) -> Self {
        Self::NoDevice {
            device: device.to_string(),
            // Candle may put a backtrace below it.
            why: why.lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// That a model does not read this kind of input for this ask.
    pub fn wrong_input(model: &str, ask: &Ask) -> Self {
        Self::WrongInput {
            model: model.to_owned(),
            skill: ask.skill().name().to_owned(),
        }
    }
}
