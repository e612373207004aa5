//! The sizes of a Llama model, as its GGUF file states them.

use crate::{
    gguf::{Gguf, GgufValue},
    kernels::{paged_attention::PAGE, q8::PANEL},
};

/// The sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Config {
    pub(super) n_layers: usize,
    /// Numbers of a token's state.
    pub(super) width: usize,
    /// Numbers inside the feed-forward part.
    pub(super) inner: usize,
    pub(super) n_heads: usize,
    /// Heads of keys and values; queries share them.
    pub(super) n_kv_heads: usize,
    /// Numbers of a query, key or value.
    pub(super) head: usize,
    /// The leading numbers of queries and keys that are turned by their position.
    pub(super) n_turned: usize,
    pub(super) rope_base: f32,
    pub(super) eps: f32,
    /// Tokens that the model can hold.
    pub(super) context: usize,
    pub(super) n_vocabulary: usize,
}

impl Config {
    /// Reads and checks the sizes.
    pub(super) fn read(gguf: &Gguf<'_>, n_vocabulary: usize) -> Result<Self, String> {
        let architecture = gguf
            .get("general.architecture")
            .and_then(GgufValue::as_text)
            .unwrap_or("");
        if architecture != "llama" {
            return Err(format!(
                "it has the architecture {architecture:?}, not \"llama\""
            ));
        }
        for (key, neutral) in [("rope.scaling.type", "none"), ("rope.scaling.factor", "1")] {
            let value = gguf.get(&format!("llama.{key}"));
            let is_neutral = value.is_none_or(|value| {
                value.as_text() == Some(neutral) || value.as_f32() == Some(1.0)
            });
            if !is_neutral {
                return Err(format!(
                    "it scales positions ({key}), which is not known here"
                ));
            }
        }
        let number = |key: &str| gguf.get(&format!("llama.{key}"));
        let size = |key: &str, default: Option<usize>| {
            number(key)
                .and_then(GgufValue::as_u64)
                .and_then(|n| usize::try_from(n).ok())
                .or(default)
                .ok_or_else(|| format!("it does not say \"llama.{key}\""))
        };
        let width = size("embedding_length", None)?;
        let n_heads = size("attention.head_count", None)?;
        let head = size("attention.key_length", width.checked_div(n_heads))?;
        let config = Self {
            n_layers: size("block_count", None)?,
            width,
            inner: size("feed_forward_length", None)?,
            n_heads,
            n_kv_heads: size("attention.head_count_kv", Some(n_heads))?,
            head,
            n_turned: size("rope.dimension_count", Some(head))?,
            rope_base: number("rope.freq_base")
                .and_then(GgufValue::as_f32)
                .unwrap_or(1e4),
            eps: number("attention.layer_norm_rms_epsilon")
                .and_then(GgufValue::as_f32)
                .unwrap_or(1e-5),
            context: size("context_length", None)?,
            n_vocabulary,
        };
        config.check()
    }

    fn check(self) -> Result<Self, String> {
        let fills = |n: usize, block: usize| n > 0 && n.is_multiple_of(block);
        let sane = (1..=256).contains(&self.n_layers)
            && fills(self.width, 32)
            && self.width <= 1 << 15
            && fills(self.inner, 32)
            && self.inner <= 1 << 17
            && (1..=512).contains(&self.n_heads)
            && self.n_kv_heads > 0
            && self.n_heads.is_multiple_of(self.n_kv_heads)
            && fills(self.head, PAGE)
            && self.head <= 1024
            && fills(self.n_heads * self.head, 32)
            && fills(self.n_kv_heads * self.head, PANEL)
            && fills(self.n_turned, 2)
            && self.n_turned <= self.head
            && self.rope_base.is_finite()
            && self.rope_base > 0.0
            && (0.0..1.0).contains(&self.eps)
            && (1..=1 << 20).contains(&self.context)
            && (1..=1 << 20).contains(&self.n_vocabulary);
        if sane {
            Ok(self)
        } else {
            Err(format!("its sizes make no sense: {self:?}"))
        }
    }

    /// Numbers of all queries of a token.
    pub(super) fn queries(self) -> usize {
        self.n_heads * self.head
    }

    /// Numbers of all keys of a token, and of all its values.
    pub(super) fn keys(self) -> usize {
        self.n_kv_heads * self.head
    }
}
