//! Embeds sentences with `MiniLM`, a small BERT: by kernels of our own on the processor, by candle
//! on a card.
//!
//! * 6 layers, 384 dimensions, 12 heads; `WordPiece` tokens, lower case, at most 256 a text.
//! * The vectors of all tokens are averaged (padding left out) and brought to length 1; the
//!   cosine of two such vectors says how near the texts are in meaning.
//! * A text has the same vector alone and in any batch, to the bit on one machine.
//! * The weights are read once; all replicas of a device share them.
//! * On a card they may be in f16 or bf16; the average and its length are in f32.
//!
//! Reimers, Gurevych (2019), "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks";
//! Wang et al. (2020), "`MiniLM`: Deep Self-Attention Distillation for Task-Agnostic Compression of
//! Pre-Trained Transformers"; weights: <https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2>.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use candle_core::{DType, Device, Tensor, safetensors::load_buffer};
use candle_nn::VarBuilder;

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    backends::{
        bert::{Bert, Config, read_tokenizer},
        packed_bert::PackedBert,
        tensors::Tensors,
        word_pieces::WordPieces,
    },
    check::CheckedModel,
    input::{Encoded, Input},
    kernels::Team,
    load_options::LoadOptions,
    output::Output,
    precision::Precision,
    safetensors_header,
};

#[cfg(test)]
mod tests;

/// Tokens of a text that are read, its two marks included.
const MAX_TOKENS: usize = 256;
/// On a card, texts are padded to a multiple of this many tokens.
const LENGTH_STEP: usize = 8;

/// The weights on a device, with what is needed to make models of them. Clones share everything.
#[derive(Clone)]
pub struct Weights(Arc<Shared>);

struct Shared {
    version: String,
    config: Config,
    pieces: WordPieces,
    place: Place,
    n_threads: usize,
}

/// Where the weights are.
enum Place {
    Processor(PackedBert),
    Card {
        tensors: HashMap<String, Tensor>,
        dtype: DType,
        device: Device,
    },
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weights")
            .field("version", &self.0.version)
            .field("n_threads", &self.0.n_threads)
            .finish_non_exhaustive()
    }
}

impl Weights {
    /// Reads the weights of checked files and puts them on a device.
    /// Takes the file of the weights out of `files`, so that it need not lie beside what is made of it.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] names the file; [`BackendError::NoDevice`] if the device is not there
    /// or full; [`BackendError::NoPrecision`] if it does not know these numbers.
    pub fn read(
        files: &mut CheckedModel,
        how: impl Into<LoadOptions>,
    ) -> Result<Self, BackendError> {
        let version = files.version.clone();
        let bad = |file: &str, why: String| BackendError::BadFile {
            model: version.clone(),
            file: file.to_owned(),
            why,
        };
        let bytes = |file: &str| {
            files
                .file(file)
                .ok_or_else(|| bad(file, String::from("the model has no such file")))
        };
        let how = how.into();
        how.precision.check(&version, how.device)?;
        let config = read_config(bytes("config.json")?).map_err(|why| bad("config.json", why))?;
        // The file cuts and pads at 128; the model was made for 256, and batches pad as they need.
        let tokenizer = read_tokenizer(bytes("tokenizer.json")?, MAX_TOKENS)
            .map_err(|why| bad("tokenizer.json", why))?;
        bytes("model.safetensors")?;
        let weights = files.take_file("model.safetensors").unwrap_or_default();
        safetensors_header::check_safetensors(&weights)
            .map_err(|why| bad("model.safetensors", why))?;
        let bad_weights = |error: candle_core::Error| bad("model.safetensors", error.to_string());
        let place = match how.device.card()? {
            None => Place::pack(weights, &config, how.precision).map_err(bad_weights)?,
            Some(card) => {
                let read = load_buffer(&weights, &Device::Cpu).map_err(bad_weights)?;
                Place::put(&read, card, how.precision)
                    .map_err(|error| BackendError::no_device(how.device, &error.to_string()))?
            }
        };
        let shared = Shared {
            version: version.clone(),
            config,
            pieces: WordPieces::new(tokenizer),
            place,
            n_threads: how.n_threads,
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

impl Place {
    fn pack(weights: Vec<u8>, config: &Config, precision: Precision) -> candle_core::Result<Self> {
        let tensors = Tensors::read(weights)?;
        let words = (config.vocab_size, config.hidden_size).into();
        let words = tensors.take("embeddings.word_embeddings.weight", &words)?;
        PackedBert::pack(words, &tensors.builder(), config, precision).map(Self::Processor)
    }

    /// Puts weights on a card, in the numbers that it is to compute with.
    fn put(
        weights: &HashMap<String, Tensor>,
        device: Device,
        precision: Precision,
    ) -> candle_core::Result<Self> {
        let dtype = precision.on_card();
        let numbers = weights
            .iter()
            .filter(|(_, tensor)| tensor.dtype().is_float());
        let tensors = numbers
            .map(|(name, tensor)| {
                let there = tensor.to_dtype(dtype)?.to_device(&device)?;
                Ok((name.clone(), there))
            })
            .collect::<candle_core::Result<_>>()?;
        Ok(Self::Card {
            tensors,
            dtype,
            device,
        })
    }
}

fn read_config(bytes: &[u8]) -> Result<Config, String> {
    let config: Config = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if config.is_sane(MAX_TOKENS) {
        Ok(config)
    } else {
        Err(format!("its sizes make no sense: {config:?}"))
    }
}

/// A replica's model. Shares its weights and its tokenizer with the other replicas.
pub struct MiniLm {
    weights: Weights,
    engine: Engine,
}

/// What computes.
enum Engine {
    /// The packed weights themselves; the replica brings its threads.
    Packed(Team),
    /// A model on a card.
    Candle(Bert),
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
        let engine = match &shared.place {
            Place::Processor(_) => Engine::Packed(Team::new(shared.n_threads)),
            Place::Card {
                tensors,
                dtype,
                device,
            } => {
                let tensors = VarBuilder::from_tensors(tensors.clone(), *dtype, device);
                let model = Bert::load(&tensors, &shared.config);
                Engine::Candle(model.map_err(|error| weights.failed(&error))?)
            }
        };
        Ok(Self {
            weights: weights.clone(),
            engine,
        })
    }

    /// Embeddings of texts, in their order.
    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, BackendError> {
        match (&self.engine, &self.weights.0.place) {
            (Engine::Packed(team), Place::Processor(model)) => model
                .forward(team, texts, |hidden| {
                    pool(hidden, self.weights.0.config.hidden_size)
                })
                .map_err(|why| self.weights.failed(&why)),
            (Engine::Candle(model), Place::Card { device, .. }) => self
                .embed_padded(model, device, texts)
                .map_err(|error| self.weights.failed(&error)),
            _ => unreachable!("the engine is made for the place of the weights. This is a bug."),
        }
    }

    fn embed_padded(
        &self,
        model: &Bert,
        device: &Device,
        texts: &[&[u32]],
    ) -> candle_core::Result<Vec<Vec<f32>>> {
        // Padding changes the last bits of a sum. So a text is padded to a length that follows from
        // the text alone, and shares a forward only with texts of that length.
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (nth, text) in texts.iter().enumerate() {
            let length = text.len().next_multiple_of(LENGTH_STEP);
            by_length.entry(length).or_default().push(nth);
        }
        let mut all = vec![Vec::new(); texts.len()];
        for (length, members) in by_length {
            let together: Vec<_> = members.iter().map(|&nth| texts[nth]).collect();
            let rows = self.forward(model, device, &together, length)?.to_vec2()?;
            for (nth, row) in members.into_iter().zip(rows) {
                all[nth] = row;
            }
        }
        Ok(all)
    }

    /// Embeddings of encoded texts of at most `length` tokens, as a tensor of `texts × dimensions`.
    fn forward(
        &self,
        model: &Bert,
        device: &Device,
        texts: &[&[u32]],
        length: usize,
    ) -> candle_core::Result<Tensor> {
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
        let hidden = model.forward(&ids, &types, &mask)?;
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
    fn failed(&self, error: &impl fmt::Display) -> BackendError {
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
            let ids = weights.0.pieces.cut(text);
            ids.map(Encoded::Ids)
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
        let embeddings = self.embed(&texts)?;
        Ok(embeddings.into_iter().map(Output::Embedding).collect())
    }
}

/// The mean of a text's hidden vectors, brought to length 1.
fn pool(hidden: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0_f32; width];
    for row in hidden.chunks_exact(width) {
        for (sum, x) in mean.iter_mut().zip(row) {
            *sum += x;
        }
    }
    // The number of rows falls out of the division by the length.
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    let n_rows = (hidden.len() / width) as f32;
    let scale = 1.0 / length.max(1e-12 * n_rows);
    mean.iter_mut().for_each(|x| *x *= scale);
    mean
}
