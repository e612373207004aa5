//! A BERT encoder on candle: token ids in, one hidden vector for each token out.
//!
//! * Embeddings of words, positions and types; then layers of self-attention and a two-layer
//!   network with GELU, each with a shortcut and a layer norm after it.
//! * Names of tensors are those of the published checkpoints.
//! * Weights, products and what goes from layer to layer are in the numbers that it is loaded in;
//!   softmax, and sums within a layer norm, are in f32 in any case.
//!
//! Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers".

use std::panic::catch_unwind;

use candle_core::{D, DType, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Module as _, VarBuilder, embedding, layer_norm, ops};
use serde::Deserialize;
use tokenizers::{Tokenizer, TruncationParams};

/// What a token that is not there adds to its attention score.
const MASKED: f64 = f32::MIN as f64;

/// The sizes of an encoder, as `config.json` says them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Config {
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) type_vocab_size: usize,
    pub(crate) layer_norm_eps: f64,
    #[serde(default)]
    pub(crate) pad_token_id: u32,
}

impl Config {
    /// Whether these are sizes of an encoder that reads `n_tokens` or more, and no slip of a file.
    pub(crate) fn is_sane(&self, n_tokens: usize) -> bool {
        (1..=1 << 20).contains(&self.vocab_size)
            && (1..=8192).contains(&self.hidden_size)
            && (1..=128).contains(&self.num_hidden_layers)
            && (1..=self.hidden_size).contains(&self.num_attention_heads)
            && self.hidden_size.is_multiple_of(self.num_attention_heads)
            && (1..=65_536).contains(&self.intermediate_size)
            && (n_tokens..=65_536).contains(&self.max_position_embeddings)
    }
}

/// Reads `tokenizer.json`; texts are cut at `longest` tokens and not padded, whatever it says.
pub(crate) fn read_tokenizer(
    bytes: &[u8],
    longest: usize,
) -> std::result::Result<Tokenizer, String> {
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

/// The encoder.
pub(crate) struct Bert {
    words: Embedding,
    positions: Embedding,
    types: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Bert {
    /// Takes its weights out of `tensors`; they are shared, not copied.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` says.
    pub(crate) fn load(tensors: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let vb = tensors.pp("embeddings");
        let width = config.hidden_size;
        Ok(Self {
            words: embedding(config.vocab_size, width, vb.pp("word_embeddings"))?,
            positions: embedding(
                config.max_position_embeddings,
                width,
                vb.pp("position_embeddings"),
            )?,
            types: embedding(
                config.type_vocab_size,
                width,
                vb.pp("token_type_embeddings"),
            )?,
            norm: layer_norm(width, config.layer_norm_eps, vb.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers)
                .map(|nth| Layer::load(&tensors.pp("encoder.layer").pp(nth), config))
                .collect::<Result<_>>()?,
        })
    }

    /// Hidden vectors, `texts × length × hidden_size` of f32, of token ids and types, `texts × length` of
    /// u32; `mask` of the same shape is 1 where a token is and 0 where padding is.
    pub(crate) fn forward(&self, ids: &Tensor, types: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (_, length) = ids.dims2()?;
        let positions = Tensor::arange(0, length as u32, ids.device())?;
        let embedded = (self.words.forward(ids)? + self.types.forward(types)?)?
            .broadcast_add(&self.positions.forward(&positions)?)?;
        let padding = mask
            .to_dtype(DType::F32)?
            .affine(-MASKED, MASKED)?
            .unsqueeze(1)?
            .unsqueeze(1)?;
        let mut hidden = self.norm.forward(&embedded)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, &padding)?;
        }
        hidden.to_dtype(DType::F32)
    }
}

/// A layer in which every output hears every input.
struct Dense {
    weights: Tensor,
    bias: Tensor,
}

impl Dense {
    fn load(vb: &VarBuilder<'_>, n_in: usize, n_out: usize) -> Result<Self> {
        Ok(Self {
            weights: vb.get((n_out, n_in), "weight")?,
            bias: vb.get(n_out, "bias")?,
        })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let (n_texts, length, n_in) = rows.dims3()?;
        let flat = rows.reshape((n_texts * length, n_in))?;
        product(&flat, &self.weights.t()?)?
            .reshape((n_texts, length, self.bias.elem_count()))?
            .broadcast_add(&self.bias)
    }
}

/// A product of matrices. Candle multiplies no bf16 on the processor, where what a card computes is
/// tried out; there it goes by f32.
fn product(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if left.dtype() == DType::BF16 && left.device().is_cpu() {
        let (left, right) = (left.to_dtype(DType::F32)?, right.to_dtype(DType::F32)?);
        return left.matmul(&right)?.to_dtype(DType::BF16);
    }
    left.matmul(right)
}

struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    output: Dense,
    attention_norm: LayerNorm,
    widen: Dense,
    narrow: Dense,
    norm: LayerNorm,
    n_heads: usize,
}

impl Layer {
    fn load(vb: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (width, wide, eps) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        let square = |name: &str| Dense::load(&vb.pp("attention").pp(name), width, width);
        Ok(Self {
            query: square("self.query")?,
            key: square("self.key")?,
            value: square("self.value")?,
            output: square("output.dense")?,
            attention_norm: layer_norm(width, eps, vb.pp("attention.output.LayerNorm"))?,
            widen: Dense::load(&vb.pp("intermediate.dense"), width, wide)?,
            narrow: Dense::load(&vb.pp("output.dense"), wide, width)?,
            norm: layer_norm(width, eps, vb.pp("output.LayerNorm"))?,
            n_heads: config.num_attention_heads,
        })
    }

    fn forward(&self, hidden: &Tensor, padding: &Tensor) -> Result<Tensor> {
        let attended = self.output.forward(&self.attend(hidden, padding)?)?;
        let attended = self.attention_norm.forward(&(attended + hidden)?)?;
        let thought = self
            .narrow
            .forward(&self.widen.forward(&attended)?.gelu_erf()?)?;
        self.norm.forward(&(thought + attended)?)
    }

    /// Each token's mixture of the others' values, by the likeness of its query and their keys.
    fn attend(&self, hidden: &Tensor, padding: &Tensor) -> Result<Tensor> {
        let (n_texts, length, width) = hidden.dims3()?;
        let per_head = width / self.n_heads;
        let heads = |part: &Dense| -> Result<Tensor> {
            let split = part
                .forward(hidden)?
                .reshape((n_texts, length, self.n_heads, per_head))?;
            split.transpose(1, 2)?.contiguous()
        };
        let (query, key, value) = (heads(&self.query)?, heads(&self.key)?, heads(&self.value)?);
        // Divided before the product, which f16 might not hold otherwise.
        let query = (query / (per_head as f64).sqrt())?;
        let scores = product(&query, &key.t()?)?
            .to_dtype(DType::F32)?
            .broadcast_add(padding)?;
        let shares = ops::softmax(&scores, D::Minus1)?.to_dtype(value.dtype())?;
        product(&shares, &value)?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((n_texts, length, width))
    }
}
