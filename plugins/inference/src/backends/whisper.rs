//! Writes down speech with Whisper, from models as `CTranslate2` keeps them.
//!
//! * Any of its sizes; several languages, or English only.
//! * Greedy or by beam search, with timestamps or without, drawn anew where the model is unsure.
//! * A sound has the same transcript alone and in any batch.
//! * The weights are read once; all replicas share them.
//!
//! Radford et al. (2022), "Robust Speech Recognition via Large-Scale Weak Supervision"; weights:
//! <https://huggingface.co/openai>.

use std::{fmt, sync::Arc};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder as Encode},
    check::CheckedModel,
    ctranslate2::File,
    device::DeviceChoice,
    input::{Encoded, Input},
    kernels::Team,
    load_options::LoadOptions,
    output::Output,
};

mod decoder;
mod encoder;
mod layers;
mod mel;
mod rules;
mod search;
mod sizes;
mod tokens;
mod transcribe;

/// The weights, with what is needed to make models of them. Clones share everything.
#[derive(Clone)]
pub struct WhisperWeights(Arc<Shared>);

struct Shared {
    version: String,
    sizes: sizes::Sizes,
    tokens: tokens::Tokens,
    mel: mel::MelFilters,
    encoder: encoder::Encoder,
    decoder: decoder::Decoder,
    n_threads: usize,
}

impl fmt::Debug for WhisperWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhisperWeights")
            .field("version", &self.0.version)
            .field("sizes", &self.0.sizes)
            .finish_non_exhaustive()
    }
}

impl WhisperWeights {
    /// Reads the weights of checked files. They compute on the processor, whatever `how` says.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] names the file; [`BackendError::NoPrecision`] if the processor has no
    /// kernels for it.
    pub fn read(files: &CheckedModel, how: LoadOptions) -> Result<Self, BackendError> {
        how.precision.check(&files.version, DeviceChoice::Cpu)?;
        let bad = |file: &str, why: String| BackendError::BadFile {
            model: files.version.clone(),
            file: file.to_owned(),
            why,
        };
        let bytes = |file: &str| {
            files
                .file(file)
                .ok_or_else(|| bad(file, String::from("the model has no such file")))
        };
        let weights = bytes("model.bin")?;
        let read = || {
            let file = File::read(weights)?;
            if file.spec != "WhisperSpec" {
                return Err(format!("it is a {:?}, not a WhisperSpec", file.spec));
            }
            let sizes = sizes::Sizes::read(&file)?;
            let encoder = encoder::Encoder::read(&file, sizes, how.precision)?;
            let decoder = decoder::Decoder::read(&file, sizes, how.precision)?;
            Ok((sizes, encoder, decoder))
        };
        let (sizes, encoder, decoder) = read().map_err(|why| bad("model.bin", why))?;
        let (tokenizer, config) = (bytes("tokenizer.json")?, bytes("config.json")?);
        let tokens = tokens::Tokens::read(tokenizer, config, sizes.n_tokens)
            .map_err(|why| bad("tokenizer.json", why))?;
        Ok(Self(Arc::new(Shared {
            version: files.version.clone(),
            sizes,
            tokens,
            mel: mel::MelFilters::new(sizes.n_mels),
            encoder,
            decoder,
            n_threads: how.n_threads,
        })))
    }

    /// The version of the model: its name, `@` and the start of its hash.
    pub fn version(&self) -> &str {
        &self.0.version
    }
}

/// A replica's model. Shares its weights with the other replicas.
#[derive(Debug)]
pub struct Whisper {
    weights: WhisperWeights,
    team: Team,
}

impl Whisper {
    /// Makes a model of shared weights, with threads of its own.
    pub fn new(weights: &WhisperWeights) -> Self {
        Self {
            weights: weights.clone(),
            team: Team::new(weights.0.n_threads),
        }
    }
}

impl Backend for Whisper {
    fn version(&self) -> &str {
        self.weights.version()
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Transcribe]
    }

    fn encoder(&self) -> Encode {
        let version = self.weights.version().to_owned();
        Arc::new(move |ask, input| match input {
            Input::Audio(_) => Ok(Encoded::as_it_is(input)),
            _ => Err(BackendError::wrong_input(&version, ask)),
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let Ask::Transcribe(options) = ask else {
            return Err(BackendError::wrong_input(self.version(), ask));
        };
        let sounds = inputs
            .iter()
            .map(|input| match input {
                Encoded::Audio(sound) => Ok(&**sound),
                _ => Err(BackendError::wrong_input(self.version(), ask)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (model, team) = (&*self.weights.0, &self.team);
        let transcripts = team
            .enter(|| transcribe::transcribe(model, team, &sounds, options))
            .map_err(|why| BackendError::Failed {
                model: self.version().to_owned(),
                why,
            })?;
        Ok(transcripts.into_iter().map(Output::Transcript).collect())
    }
}
