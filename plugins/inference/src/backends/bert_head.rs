//! BERT with a head: puts a text into classes, or labels the words in it.
//!
//! * Classes: the vector of the first token goes through the pooler (a dense layer and tanh) and
//!   the classifier. One of several labels: softmax; labels that do not exclude each other
//!   (`"problem_type": "multi_label_classification"`), or a single one: sigmoid.
//! * Tags: the vector of each token goes through the classifier and softmax; see `tag`.
//! * Tensors are named as in the published checkpoints, with `bert.` in front or without it; labels
//!   are those of `id2label` in `config.json`.
//!
//! Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers".

mod tag;

use std::{collections::BTreeMap, fmt, panic::catch_unwind, sync::Arc};

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use candle_nn::{Linear, Module as _, VarBuilder, linear};
use serde::Deserialize;
use tokenizers::{Encoding, Tokenizer, TruncationParams};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    backends::bert::{Bert, Config},
    check::CheckedModel,
    device::DeviceChoice,
    input::{Encoded, Input},
    output::{ClassScore, Output},
    safetensors_header,
};

/// Tokens of a text that are read at most, its two marks included.
const MAX_TOKENS: usize = 512;
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

/// A BERT with a head, on the device where it computes. Clones share it.
#[derive(Clone)]
pub struct BertHead(Arc<Shared>);

struct Shared {
    version: String,
    skill: Skill,
    labels: Vec<String>,
    /// Labels that do not exclude each other.
    is_multi_label: bool,
    tokenizer: Tokenizer,
    device: Device,
    encoder: Bert,
    pooler: Option<Linear>,
    classifier: Linear,
}

impl fmt::Debug for BertHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BertHead")
            .field("version", &self.0.version)
            .field("skill", &self.0.skill)
            .field("labels", &self.0.labels)
            .finish_non_exhaustive()
    }
}

impl BertHead {
    /// Reads a model that classifies or tags, as `skill` says, out of checked files.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] names the file; [`BackendError::NoDevice`] if the device is not there.
    pub fn read(
        files: &CheckedModel,
        skill: Skill,
        device: DeviceChoice,
    ) -> Result<Self, BackendError> {
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
        let config = bytes("config.json")?;
        let (sizes, head, labels) = read_config(config).map_err(|why| bad("config.json", why))?;
        let longest = sizes.max_position_embeddings.min(MAX_TOKENS);
        let tokenizer = read_tokenizer(bytes("tokenizer.json")?, longest)
            .map_err(|why| bad("tokenizer.json", why))?;
        let weights = bytes("model.safetensors")?;
        safetensors_header::check_safetensors(weights)
            .map_err(|why| bad("model.safetensors", why))?;
        let tensors = candle_core::safetensors::load_buffer(weights, &device)
            .map(|tensors| VarBuilder::from_tensors(tensors, DType::F32, &device))
            .map_err(|error| bad("model.safetensors", error.to_string()))?;
        let layers = Layers::load(&tensors, &sizes, skill, labels.len())
            .map_err(|error| bad("model.safetensors", error.to_string()))?;
        let is_multi_label =
            head.problem_type.as_deref() == Some("multi_label_classification") || labels.len() == 1;
        Ok(Self(Arc::new(Shared {
            version: files.version.clone(),
            skill,
            labels,
            is_multi_label,
            tokenizer,
            device,
            encoder: layers.encoder,
            pooler: layers.pooler,
            classifier: layers.classifier,
        })))
    }

    /// The version of the model: its name, `@` and the start of its hash.
    pub fn version(&self) -> &str {
        &self.0.version
    }
}

struct Layers {
    encoder: Bert,
    pooler: Option<Linear>,
    classifier: Linear,
}

impl Layers {
    fn load(
        tensors: &VarBuilder<'_>,
        config: &Config,
        skill: Skill,
        n_labels: usize,
    ) -> CandleResult<Self> {
        let inner = tensors.pp("bert");
        let is_inside = inner.contains_tensor("embeddings.word_embeddings.weight");
        let bert = if is_inside { inner } else { tensors.clone() };
        let width = config.hidden_size;
        let pooler = match skill {
            Skill::Classify => Some(linear(width, width, bert.pp("pooler.dense"))?),
            _ => None,
        };
        Ok(Self {
            encoder: Bert::load(&bert, config)?,
            pooler,
            classifier: linear(width, n_labels, tensors.pp("classifier"))?,
        })
    }
}

fn read_config(bytes: &[u8]) -> Result<(Config, HeadConfig, Vec<String>), String> {
    let sizes: Config = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let is_sane = (1..=1 << 20).contains(&sizes.vocab_size)
        && (1..=8192).contains(&sizes.hidden_size)
        && (1..=128).contains(&sizes.num_hidden_layers)
        && (1..=sizes.hidden_size).contains(&sizes.num_attention_heads)
        && sizes.hidden_size.is_multiple_of(sizes.num_attention_heads)
        && (1..=65_536).contains(&sizes.intermediate_size)
        && (8..=65_536).contains(&sizes.max_position_embeddings);
    if !is_sane {
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

fn read_tokenizer(bytes: &[u8], longest: usize) -> Result<Tokenizer, String> {
    // The reader panics on some malformed files.
    let mut tokenizer = catch_unwind(|| Tokenizer::from_bytes(bytes))
        .map_err(|_| String::from("its reader panicked"))?
        .map_err(|error| error.to_string())?;
    let truncation = TruncationParams {
        max_length: longest,
        ..TruncationParams::default()
    };
    tokenizer
        .with_padding(None)
        .with_truncation(Some(truncation))
        .map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

impl Shared {
    fn encode(&self, text: &str) -> Result<Encoding, BackendError> {
        self.tokenizer
            .encode(text, true)
            .map_err(|error| BackendError::Tokens(error.to_string()))
    }

    /// The vector of each token, `1 × tokens × width`. A text goes alone, so that its bits do not
    /// depend on others.
    fn hidden(&self, ids: &[u32]) -> CandleResult<Tensor> {
        let shape = (1, ids.len());
        let ids = Tensor::from_slice(ids, shape, &self.device)?;
        let types = Tensor::zeros(shape, DType::U32, &self.device)?;
        let mask = Tensor::ones(shape, DType::U32, &self.device)?;
        self.encoder.forward(&ids, &types, &mask)
    }

    /// What the classifier says: a row of logits for the text, or for each of its tokens.
    fn logits(&self, ids: &[u32]) -> CandleResult<Vec<Vec<f32>>> {
        let hidden = self.hidden(ids)?.squeeze(0)?;
        let read = match &self.pooler {
            Some(pooler) => pooler.forward(&hidden.narrow(0, 0, 1)?)?.tanh()?,
            None => hidden,
        };
        self.classifier.forward(&read)?.to_vec2()
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

    fn answer(&self, encoded: &Encoded, ask: &Ask) -> Result<Output, BackendError> {
        let failed = |error: candle_core::Error| BackendError::Failed {
            model: self.version.clone(),
            why: error.to_string(),
        };
        match (self.skill, encoded) {
            (Skill::Classify, Encoded::Ids(ids)) => {
                let logits = self.logits(ids).map_err(failed)?;
                Ok(self.classes(&logits[0]))
            }
            // Where a token stands in the text is known by the text alone, so it is cut here.
            (Skill::Tag, Encoded::Text(text)) => {
                let encoding = self.encode(text)?;
                let logits = self.logits(encoding.get_ids()).map_err(failed)?;
                let scores: Vec<Vec<f32>> = logits.iter().map(|row| softmax(row)).collect();
                let words = tag::words(&encoding, &scores, &self.labels);
                Ok(Output::Tags(tag::spans(&words)))
            }
            _ => Err(BackendError::wrong_input(&self.version, ask)),
        }
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|x| (x - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|x| x / sum).collect()
}

impl Backend for BertHead {
    fn version(&self) -> &str {
        &self.0.version
    }

    fn skills(&self) -> &[Skill] {
        std::slice::from_ref(&self.0.skill)
    }

    fn encoder(&self) -> Encoder {
        let head = self.clone();
        Arc::new(move |ask, input| match input {
            Input::Text(text) if ask.skill() == head.0.skill => match head.0.skill {
                Skill::Tag => Ok(Encoded::Text(text.clone())),
                _ => Ok(Encoded::Ids(head.0.encode(text)?.get_ids().to_vec())),
            },
            _ => Err(BackendError::wrong_input(head.version(), ask)),
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        inputs
            .iter()
            .map(|input| self.0.answer(input, ask))
            .collect()
    }
}
