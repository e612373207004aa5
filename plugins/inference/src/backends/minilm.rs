//! Embeds sentences with `MiniLM`, a small BERT, on candle.
//!
//! * 6 layers, 384 dimensions, 12 heads; `WordPiece` tokens, lower case, at most 256 a text.
//! * The vectors of all tokens are averaged (padding left out) and brought to length 1; the
//!   cosine of two such vectors says how near the texts are in meaning.
//! * A text has the same vector alone and in any batch, to the bit on one machine.
//! * The weights are read once; all replicas of a device share them.
//!
//! Reimers, Gurevych (2019), "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks";
//! Wang et al. (2020), "`MiniLM`: Deep Self-Attention Distillation for Task-Agnostic Compression of
//! Pre-Trained Transformers"; weights: <https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2>.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    panic::catch_unwind,
    sync::Arc,
};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use tokenizers::{Tokenizer, TruncationParams};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    backends::bert::{Bert, Config},
    check::CheckedModel,
    device::DeviceChoice,
    input::{Encoded, Input},
    output::Output,
    safetensors_header,
};

/// Tokens of a text that are read, its two marks included.
const MAX_TOKENS: usize = 256;
/// Texts are padded to a multiple of this many tokens.
const LENGTH_STEP: usize = 8;

/// The weights on a device, with what is needed to make models of them. Clones share everything.
#[derive(Clone)]
pub struct Weights(Arc<Shared>);

struct Shared {
    version: String,
    config: Config,
    tokenizer: Tokenizer,
    tensors: HashMap<String, Tensor>,
    device: Device,
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared {
            version,
            tensors,
            device,
            ..
        } = &*self.0;
        let n_tensors = tensors.len();
        f.debug_struct("Weights")
            .field("version", version)
            .field("n_tensors", &n_tensors)
            .field("device", device)
            .finish_non_exhaustive()
    }
}

impl Weights {
    /// Reads the weights of checked files and puts them on a device.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] names the file; [`BackendError::NoDevice`] if the device is not there.
    pub fn read(files: &CheckedModel, device: DeviceChoice) -> Result<Self, BackendError> {
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
        let device = device.open()?;
        let config = read_config(bytes("config.json")?).map_err(|why| bad("config.json", why))?;
        let tokenizer =
            read_tokenizer(bytes("tokenizer.json")?).map_err(|why| bad("tokenizer.json", why))?;
        let weights = bytes("model.safetensors")?;
        safetensors_header::check(weights).map_err(|why| bad("model.safetensors", why))?;
        let tensors = candle_core::safetensors::load_buffer(weights, &device)
            .map_err(|error| bad("model.safetensors", error.to_string()))?;
        let shared = Shared {
            version: files.version.clone(),
            config,
            tokenizer,
            tensors,
            device,
        };
        let weights = Self(Arc::new(shared));
        // A tensor of another shape or name is told now, not by the first replica.
        MiniLm::new(&weights).map_err(|error| bad("model.safetensors", error.to_string()))?;
        Ok(weights)
    }

    /// The version of the model: its name, `@` and the start of the weights' hash.
    pub fn version(&self) -> &str {
        &self.0.version
    }
}

fn read_config(bytes: &[u8]) -> Result<Config, String> {
    let config: Config = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let sane = (1..=1 << 20).contains(&config.vocab_size)
        && (1..=8192).contains(&config.hidden_size)
        && (1..=128).contains(&config.num_hidden_layers)
        && (1..=config.hidden_size).contains(&config.num_attention_heads)
        && config
            .hidden_size
            .is_multiple_of(config.num_attention_heads)
        && (1..=65536).contains(&config.intermediate_size)
        && (MAX_TOKENS..=65536).contains(&config.max_position_embeddings);
    if sane {
        Ok(config)
    } else {
        Err(format!("its sizes make no sense: {config:?}"))
    }
}

fn read_tokenizer(bytes: &[u8]) -> Result<Tokenizer, String> {
    // The reader panics on some malformed files.
    let mut tokenizer = catch_unwind(|| Tokenizer::from_bytes(bytes))
        .map_err(|_| String::from("its reader panicked"))?
        .map_err(|error| error.to_string())?;
    // The file cuts and pads at 128; the model was made for 256, and batches pad as they need.
    let truncation = TruncationParams {
        max_length: MAX_TOKENS,
        ..TruncationParams::default()
    };
    tokenizer
        .with_padding(None)
        .with_truncation(Some(truncation))
        .map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

/// A replica's model. Shares its weights and its tokenizer with the other replicas.
pub struct MiniLm {
    weights: Weights,
    model: Bert,
}

impl fmt::Debug for MiniLm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiniLm")
            .field("weights", &self.weights)
            .finish_non_exhaustive()
    }
}

impl MiniLm {
    /// Makes a model of shared weights: no copy of them is made.
    ///
    /// # Errors
    /// [`BackendError::Failed`] if a tensor is missing or has another shape than the configuration says.
    pub fn new(weights: &Weights) -> Result<Self, BackendError> {
        let shared = &weights.0;
        let tensors = VarBuilder::from_tensors(shared.tensors.clone(), DType::F32, &shared.device);
        let model = Bert::load(&tensors, &shared.config).map_err(|error| weights.failed(&error))?;
        Ok(Self {
            weights: weights.clone(),
            model,
        })
    }

    /// Embeddings of encoded texts of at most `length` tokens, as a tensor of `texts × dimensions`.
    fn forward(&self, texts: &[&[u32]], length: usize) -> candle_core::Result<Tensor> {
        let device = &self.weights.0.device;
        let n_texts = texts.len();
        let padded = |value: fn(u32) -> u32, padding: u32| -> candle_core::Result<Tensor> {
            let mut values = Vec::with_capacity(n_texts * length);
            for text in texts {
                values.extend(text.iter().map(|&id| value(id)));
                values.resize(values.len() + length - text.len(), padding);
            }
            Tensor::from_vec(values, (n_texts, length), device)
        };
        let pad_id = self.weights.0.config.pad_token_id;
        let ids = padded(|id| id, pad_id)?;
        // One text each, so all its tokens are of the first kind, and all of them are there.
        let types = padded(|_| 0, 0)?;
        let mask = padded(|_| 1, 0)?;
        let hidden = self.model.forward(&ids, &types, &mask)?;
        // Mean over the tokens that are there, then length 1.
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let mean = hidden
            .broadcast_mul(&mask)?
            .sum(1)?
            .broadcast_div(&mask.sum(1)?)?;
        let length = mean.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(1e-12)?;
        mean.broadcast_div(&length)
    }
}

impl Weights {
    fn failed(&self, error: &candle_core::Error) -> BackendError {
        BackendError::Failed {
            model: self.0.version.clone(),
            why: error.to_string(),
        }
    }
}

impl Backend for MiniLm {
    fn version(&self) -> &str {
        self.weights.version()
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed]
    }

    fn encoder(&self) -> Encoder {
        let weights = self.weights.clone();
        Arc::new(move |ask, input| {
            let Input::Text(text) = input else {
                return Err(BackendError::wrong_input(weights.version(), ask));
            };
            let encoding = weights.0.tokenizer.encode(text.as_str(), true);
            encoding
                .map(|encoding| Encoded::Ids(encoding.get_ids().to_vec()))
                .map_err(|error| BackendError::Tokens(error.to_string()))
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let texts = inputs
            .iter()
            .map(|input| match input {
                Encoded::Ids(ids) => Ok(ids.as_slice()),
                _ => Err(BackendError::wrong_input(self.weights.version(), ask)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Padding changes the last bits of a sum. So a text is padded to a length that follows from
        // the text alone, and shares a forward only with texts of that length.
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (nth, text) in texts.iter().enumerate() {
            let length = text.len().next_multiple_of(LENGTH_STEP);
            by_length.entry(length).or_default().push(nth);
        }
        let mut outputs = vec![Output::Embedding(Vec::new()); inputs.len()];
        for (length, members) in by_length {
            let together: Vec<_> = members.iter().map(|&nth| texts[nth]).collect();
            let rows = self
                .forward(&together, length)
                .and_then(|embeddings| embeddings.to_vec2::<f32>())
                .map_err(|error| self.weights.failed(&error))?;
            for (nth, row) in members.into_iter().zip(rows) {
                outputs[nth] = Output::Embedding(row);
            }
        }
        Ok(outputs)
    }
}
