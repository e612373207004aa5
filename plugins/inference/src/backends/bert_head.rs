//! BERT with a head: puts a text into classes, or labels the words in it.
//!
//! * Classes: the vector of the first token goes through the pooler (a dense layer and tanh) and
//!   the classifier. One of several labels: softmax; labels that do not exclude each other
//!   (`"problem_type": "multi_label_classification"`), or a single one: sigmoid.
//! * Tags: the vector of each token goes through the classifier and softmax; see `tag`.
//! * On the processor, the encoder and the head are kernels of our own: a text has the same bits
//!   alone and in any batch, on any number of threads. On a card, texts go through candle one by one,
//!   in f32, f16 or bf16; the head stays on the processor.
//! * Tensors are named as in the published checkpoints, with `bert.` in front or without it; labels
//!   are those of `id2label` in `config.json`.
//!
//! Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers".

mod tag;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, sync::Arc};

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use serde::Deserialize;
use tokenizers::{Encoding, Tokenizer};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    backends::{
        bert::{Bert, Config, read_tokenizer},
        packed_bert::{PackedBert, Plain},
        tensors::Tensors,
    },
    check::CheckedModel,
    device::is_of_card,
    input::{Encoded, Input},
    kernels::{Activation, Linear, Team},
    load_options::LoadOptions,
    output::{ClassScore, Output},
    precision::Precision,
    safetensors_header,
};

/// Tokens of a text that are read at most, its two marks included.
const MAX_TOKENS: usize = 512;
/// An encoder has as many positions at least.
const LEAST_POSITIONS: usize = 8;
/// The most labels of a head.
const MAX_LABELS: usize = 65_536;

/// What a head says in `config.json`, beside the sizes of the encoder.
#[derive(Deserialize)]
struct HeadConfig {
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    #[serde(default)]
    problem_type: Option<String>,
}

/// A BERT with a head, on the device where it computes. Clones share it and its threads.
#[derive(Clone)]
pub struct BertHead {
    shared: Arc<Shared>,
    team: Arc<Team>,
}

struct Shared {
    version: String,
    skill: Skill,
    labels: Vec<String>,
    /// Labels that do not exclude each other.
    is_multi_label: bool,
    tokenizer: Tokenizer,
    n_threads: usize,
    width: usize,
    layers: Layers,
}

struct Layers {
    encoder: Place,
    pooler: Option<Linear>,
    classifier: Linear,
}

/// Where the encoder computes. The head, which is small, is always on the processor.
enum Place {
    Processor(PackedBert),
    Card(Bert, Device),
}

impl fmt::Debug for BertHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BertHead")
            .field("version", &self.shared.version)
            .field("skill", &self.shared.skill)
            .field("labels", &self.shared.labels)
            .finish_non_exhaustive()
    }
}

impl BertHead {
    /// Reads a model that classifies or tags, as `skill` says, out of checked files.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] names the file; [`BackendError::NoDevice`] if the device is not there
    /// or full; [`BackendError::NoPrecision`] if it does not know these numbers.
    pub fn read(
        files: &mut CheckedModel,
        skill: Skill,
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
        let config = bytes("config.json")?;
        let (sizes, head, labels) = read_config(config).map_err(|why| bad("config.json", why))?;
        let longest = sizes.max_position_embeddings.min(MAX_TOKENS);
        let tokenizer = read_tokenizer(bytes("tokenizer.json")?, longest)
            .map_err(|why| bad("tokenizer.json", why))?;
        bytes("model.safetensors")?;
        let weights = files.take_file("model.safetensors").unwrap_or_default();
        safetensors_header::check_safetensors(&weights)
            .map_err(|why| bad("model.safetensors", why))?;
        let card = how.device.card()?;
        let layers = Layers::load(weights, &sizes, (skill, labels.len()), how.precision, card)
            .map_err(|error| match is_of_card(&error) {
                true => BackendError::no_device(how.device, &error.to_string()),
                false => bad("model.safetensors", error.to_string()),
            })?;
        let is_multi_label =
            head.problem_type.as_deref() == Some("multi_label_classification") || labels.len() == 1;
        let shared = Shared {
            version,
            skill,
            labels,
            is_multi_label,
            tokenizer,
            n_threads: how.n_threads,
            width: sizes.hidden_size,
            layers,
        };
        Ok(Self {
            shared: Arc::new(shared),
            team: Arc::new(Team::alone()),
        })
    }

    /// The same model, with threads of its own.
    pub(crate) fn replica(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            team: Arc::new(Team::new(self.shared.n_threads)),
        }
    }

    /// The version of the model: its name, `@` and the start of its hash.
    pub fn version(&self) -> &str {
        &self.shared.version
    }
}

impl Layers {
    fn load(
        weights: Vec<u8>,
        config: &Config,
        (skill, n_labels): (Skill, usize),
        precision: Precision,
        card: Option<Device>,
    ) -> CandleResult<Self> {
        let given = Tensors::read(weights)?;
        let tensors = given.builder();
        let words = "embeddings.word_embeddings.weight";
        let inner = tensors.pp("bert");
        let (bert, words) = match inner.contains_tensor(words) {
            true => (inner, format!("bert.{words}")),
            false => (tensors.clone(), words.to_owned()),
        };
        let width = config.hidden_size;
        let pooler = match skill {
            Skill::Classify => Some(Plain::load(&[bert.pp("pooler.dense")], width, width)?.pack()),
            _ => None,
        };
        let encoder = match card {
            None => {
                let words = given.take(&words, &(config.vocab_size, width).into())?;
                Place::Processor(PackedBert::pack(words, &bert, config, precision)?)
            }
            Some(card) => {
                let there = bert.set_device(card.clone()).set_dtype(precision.on_card());
                Place::Card(Bert::load(&there, config)?, card)
            }
        };
        Ok(Self {
            encoder,
            pooler,
            classifier: Plain::load(&[tensors.pp("classifier")], width, n_labels)?.pack(),
        })
    }
}

fn read_config(bytes: &[u8]) -> Result<(Config, HeadConfig, Vec<String>), String> {
    let sizes: Config = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !sizes.is_sane(LEAST_POSITIONS) {
        return Err(format!("its sizes make no sense: {sizes:?}"));
    }
    let head: HeadConfig = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let n_labels = head.id2label.len();
    if n_labels == 0 || n_labels > MAX_LABELS {
        return Err(format!("id2label has {n_labels} labels"));
    }
    let labels = (0..n_labels)
        .map(|id| {
            head.id2label
                .get(&id.to_string())
                .cloned()
                .ok_or_else(|| format!("id2label has {n_labels} labels and none of number {id}"))
        })
        .collect::<Result<_, _>>()?;
    Ok((sizes, head, labels))
}

impl Shared {
    fn encode(&self, text: &str) -> Result<Encoding, BackendError> {
        self.tokenizer
            .encode(text, true)
            .map_err(|error| BackendError::Tokens(error.to_string()))
    }

    /// What the classifier says of each text: a row of logits for it, or for each of its tokens.
    fn logits(&self, team: &Team, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, BackendError> {
        let failed = |why| BackendError::Failed {
            model: self.version.clone(),
            why,
        };
        match &self.layers.encoder {
            Place::Processor(model) => model
                .forward(team, texts, |hidden| self.read(hidden))
                .map_err(failed),
            Place::Card(model, device) => texts
                .iter()
                .map(|ids| Ok(self.read(&hidden(model, device, ids)?)))
                .collect::<CandleResult<_>>()
                .map_err(|error| failed(error.to_string())),
        }
    }

    /// The logits of a text with these hidden vectors, one for each token.
    fn read(&self, hidden: &[f32]) -> Vec<f32> {
        let (width, n_labels) = (self.width, self.labels.len());
        let (team, plain) = (Team::alone(), Activation::None);
        let pooled = self.layers.pooler.as_ref().map(|pooler| {
            let mut pooled = vec![0.0; width];
            pooler.forward(&team, hidden, 1, &mut pooled, plain);
            pooled.iter_mut().for_each(|x| *x = x.tanh());
            pooled
        });
        let read = pooled.as_deref().unwrap_or(hidden);
        let n_rows = read.len() / width;
        let mut logits = vec![0.0; n_rows * n_labels];
        let classifier = &self.layers.classifier;
        classifier.forward(&team, read, n_rows, &mut logits, plain);
        logits
    }

    fn classes(&self, logits: &[f32]) -> Output {
        let scores = if self.is_multi_label {
            logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
        } else {
            softmax(logits)
        };
        let mut classes: Vec<ClassScore> = self
            .labels
            .iter()
            .zip(scores)
            .map(|(label, score)| ClassScore {
                label: label.clone(),
                score,
            })
            .collect();
        classes.sort_by(|a, b| b.score.total_cmp(&a.score));
        Output::Classes(classes)
    }

    fn tags(&self, encoding: &Encoding, logits: &[f32]) -> Output {
        let rows = logits.chunks_exact(self.labels.len());
        let scores: Vec<Vec<f32>> = rows.map(softmax).collect();
        let words = tag::words(encoding, &scores, &self.labels);
        Output::Tags(tag::spans(&words))
    }

    fn answer(
        &self,
        team: &Team,
        ask: &Ask,
        inputs: &[&Encoded],
    ) -> Result<Vec<Output>, BackendError> {
        let wrong = || BackendError::wrong_input(&self.version, ask);
        if self.skill == Skill::Tag {
            // Where a token stands in the text is known by the text alone, so it is cut here.
            let encodings = inputs
                .iter()
                .map(|input| match input {
                    Encoded::Text(text) => self.encode(text),
                    _ => Err(wrong()),
                })
                .collect::<Result<Vec<_>, _>>()?;
            let texts: Vec<_> = encodings.iter().map(Encoding::get_ids).collect();
            let logits = self.logits(team, &texts)?;
            let told = encodings.iter().zip(&logits);
            return Ok(told.map(|(text, logits)| self.tags(text, logits)).collect());
        }
        let texts = inputs
            .iter()
            .map(|input| match input {
                Encoded::Ids(ids) => Ok(ids.as_slice()),
                _ => Err(wrong()),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let logits = self.logits(team, &texts)?;
        Ok(logits.iter().map(|logits| self.classes(logits)).collect())
    }
}

/// The vectors of a text's tokens, one after the other, by candle.
fn hidden(model: &Bert, device: &Device, ids: &[u32]) -> CandleResult<Vec<f32>> {
    let shape = (1, ids.len());
    let ids = Tensor::from_slice(ids, shape, device)?;
    let types = Tensor::zeros(shape, DType::U32, device)?;
    let mask = Tensor::ones(shape, DType::U32, device)?;
    model.forward(&ids, &types, &mask)?.flatten_all()?.to_vec1()
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|x| (x - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|x| x / sum).collect()
}

impl Backend for BertHead {
    fn version(&self) -> &str {
        &self.shared.version
    }

    fn skills(&self) -> &[Skill] {
        std::slice::from_ref(&self.shared.skill)
    }

    fn encoder(&self) -> Encoder {
        let head = Arc::clone(&self.shared);
        Arc::new(move |ask, input| match input {
            Input::Text(text) if ask.skill() == head.skill => match head.skill {
                Skill::Tag => Ok(Encoded::Text(text.clone())),
                _ => Ok(Encoded::Ids(head.encode(text)?.get_ids().to_vec())),
            },
            _ => Err(BackendError::wrong_input(&head.version, ask)),
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        self.shared.answer(&self.team, ask, inputs)
    }
}
