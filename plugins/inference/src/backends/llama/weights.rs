//! The weights of a Llama model, read from GGUF and packed once for all replicas.

use super::config::Config;
use crate::{
    gguf::{Gguf, TensorInfo, TensorKind, quantise_q8},
    kernels::q8::Q8Matrix,
};

/// What a layer computes with.
pub(super) struct Layer {
    pub(super) attention_norm: Vec<f32>,
    /// Queries, keys and values, one below the other.
    pub(super) qkv: Q8Matrix,
    pub(super) attention_out: Q8Matrix,
    pub(super) inner_norm: Vec<f32>,
    /// Gate and up, one below the other.
    pub(super) gate_up: Q8Matrix,
    pub(super) down: Q8Matrix,
}

/// All weights.
pub(super) struct Weights {
    pub(super) layers: Vec<Layer>,
    pub(super) out_norm: Vec<f32>,
    /// The vectors of tokens.
    pub(super) embedding: Q8Matrix,
    /// From the last state to the scores of tokens; `None` if that is the embedding too.
    pub(super) head: Option<Q8Matrix>,
}

impl Weights {
    /// Reads all tensors. Whatever their format, matrices come to 8 bits.
    pub(super) fn read(gguf: &Gguf<'_>, config: Config) -> Result<Self, String> {
        if gguf.tensor("rope_freqs.weight").is_some() {
            return Err(String::from("it scales positions, which is not known here"));
        }
        let (width, inner) = (config.width, config.inner);
        let (queries, keys) = (config.queries(), config.keys());
        let layer = |nth: usize| -> Result<Layer, String> {
            let name = |part: &str| format!("blk.{nth}.{part}.weight");
            Ok(Layer {
                attention_norm: vector(gguf, &name("attn_norm"), width)?,
                qkv: matrix(
                    gguf,
                    &[
                        (&name("attn_q"), queries),
                        (&name("attn_k"), keys),
                        (&name("attn_v"), keys),
                    ],
                    width,
                )?,
                attention_out: matrix(gguf, &[(&name("attn_output"), width)], queries)?,
                inner_norm: vector(gguf, &name("ffn_norm"), width)?,
                gate_up: matrix(
                    gguf,
                    &[(&name("ffn_gate"), inner), (&name("ffn_up"), inner)],
                    width,
                )?,
                down: matrix(gguf, &[(&name("ffn_down"), width)], inner)?,
            })
        };
        let n_vocabulary = config.n_vocabulary;
        let head = gguf
            .tensor("output.weight")
            .map(|_| matrix(gguf, &[("output.weight", n_vocabulary)], width))
            .transpose()?;
        Ok(Self {
            layers: (0..config.n_layers).map(layer).collect::<Result<_, _>>()?,
            out_norm: vector(gguf, "output_norm.weight", width)?,
            embedding: matrix(gguf, &[("token_embd.weight", n_vocabulary)], width)?,
            head,
        })
    }

    /// The matrix that gives the scores of tokens.
    pub(super) fn head(&self) -> &Q8Matrix {
        self.head.as_ref().unwrap_or(&self.embedding)
    }
}

fn find<'a, 'f>(
    gguf: &'a Gguf<'f>,
    name: &str,
    dimensions: &[u64],
) -> Result<&'a TensorInfo<'f>, String> {
    let info = gguf
        .tensor(name)
        .ok_or_else(|| format!("it has no tensor {name:?}"))?;
    if info.dimensions() != dimensions {
        return Err(format!(
            "tensor {name:?} has the shape {:?} instead of {dimensions:?}",
            info.dimensions()
        ));
    }
    Ok(info)
}

fn vector(gguf: &Gguf<'_>, name: &str, n: usize) -> Result<Vec<f32>, String> {
    Ok(gguf.values(find(gguf, name, &[n as u64])?))
}

/// Matrices of `n_in` columns, one below the other; each with its number of rows.
fn matrix(gguf: &Gguf<'_>, parts: &[(&str, usize)], n_in: usize) -> Result<Q8Matrix, String> {
    let mut requantised = Vec::new();
    let mut stored: Vec<&[u8]> = Vec::new();
    for &(name, n_rows) in parts {
        let info = find(gguf, name, &[n_in as u64, n_rows as u64])?;
        if info.kind == TensorKind::Q8_0 {
            stored.push(gguf.bytes(info));
        } else {
            stored.push(&[]);
        }
        requantised.push(requantise(gguf, info));
    }
    let parts: Vec<&[u8]> = stored
        .iter()
        .zip(&requantised)
        .map(|(stored, other)| if other.is_empty() { stored } else { &other[..] })
        .collect();
    Ok(Q8Matrix::pack(&parts, n_in))
}

/// The rows of a matrix as blocks of `Q8_0`; nothing if that is what is stored.
fn requantise(gguf: &Gguf<'_>, info: &TensorInfo<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if info.kind != TensorKind::Q8_0 {
        let n_rows = info.dimensions()[1] as usize;
        for row in 0..n_rows {
            quantise_q8(&gguf.rows(info, row, 1), &mut bytes);
        }
    }
    bytes
}
