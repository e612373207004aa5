//! A BERT encoder for the processor: weights packed once, no padding, nothing copied that need not be.
//!
//! * The tokens of all texts stand one after the other; only attention knows where a text ends.
//! * Queries, keys and values come from one product; GELU and biases are applied while products are
//!   written, and products are added to the shortcut where it lies.
//! * Many texts are shared out among a team's threads, which then need not wait for each other; for
//!   a few, the threads share each product and the heads. The bits are the same.
//! * With [`Precision::Int8`], all products but those of queries, keys and values are in 8 bits.
//!
//! Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers".

use std::sync::{Mutex, PoisonError};

use candle_core::Result;
use candle_nn::VarBuilder;

use crate::{
    backends::bert::Config,
    kernels::{Activation, Heads, Level, Linear, Team, attend, layer_norm},
    precision::Precision,
};

/// Tokens that a thread takes through the layers at once: few enough that they stay in its cache.
const TOKENS_AT_ONCE: usize = 160;

/// The encoder. Replicas share it.
#[derive(Debug)]
pub(crate) struct PackedBert {
    level: Level,
    width: usize,
    wide: usize,
    heads: Heads,
    /// A row for each word.
    words: Vec<f32>,
    /// A row for each position: its own and that of the first token type, added.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    /// Of forwards that are over.
    rooms: Mutex<Vec<Room>>,
}

#[derive(Debug)]
struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

impl Norm {
    fn load(vb: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        Ok(Self {
            gain: numbers(vb, "weight", &[config.hidden_size])?,
            bias: numbers(vb, "bias", &[config.hidden_size])?,
            eps: config.layer_norm_eps as f32,
        })
    }

    fn forward(&self, level: Level, x: &mut [f32]) {
        layer_norm(level, x, &self.gain, &self.bias, self.eps);
    }
}

#[derive(Debug)]
struct Layer {
    /// Queries, keys and values, one after the other.
    qkv: Linear,
    output: Linear,
    attention_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

/// Room for one forward.
#[derive(Debug, Default)]
struct Room {
    hidden: Vec<f32>,
    qkv: Vec<f32>,
    mixed: Vec<f32>,
    wide: Vec<f32>,
}

fn numbers(vb: &VarBuilder<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    vb.get(shape, name)?.flatten_all()?.to_vec1()
}

/// Packs linear layers of one input as one, their outputs one after the other.
fn linear(
    parts: &[VarBuilder<'_>],
    (n_in, n_out): (usize, usize),
    precision: Precision,
) -> Result<Linear> {
    let (mut weights, mut bias) = (Vec::new(), Vec::new());
    for part in parts {
        weights.extend(numbers(part, "weight", &[n_out, n_in])?);
        bias.extend(numbers(part, "bias", &[n_out])?);
    }
    let n_all = n_out * parts.len();
    let pack = match precision {
        Precision::F32 => Linear::pack,
        Precision::Int8 => Linear::pack_int8,
    };
    Ok(pack(&weights, Some(&bias), n_in, n_all))
}

impl Layer {
    fn load(vb: &VarBuilder<'_>, config: &Config, precision: Precision) -> Result<Self> {
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        let attention = vb.pp("attention");
        let qkv = ["query", "key", "value"].map(|name| attention.pp("self").pp(name));
        let one = |vb, sizes| linear(&[vb], sizes, precision);
        Ok(Self {
            // Rounding the queries' and keys' inputs costs more likeness than all else together, for a
            // quarter of the work.
            qkv: linear(&qkv, (width, width), Precision::F32)?,
            output: one(attention.pp("output.dense"), (width, width))?,
            attention_norm: Norm::load(&attention.pp("output.LayerNorm"), config)?,
            widen: one(vb.pp("intermediate.dense"), (width, wide))?,
            narrow: one(vb.pp("output.dense"), (wide, width))?,
            norm: Norm::load(&vb.pp("output.LayerNorm"), config)?,
        })
    }

    fn forward(&self, bert: &PackedBert, team: &Team, lengths: &[usize], room: &mut Room) {
        let n_rows = lengths.iter().sum();
        let (level, hidden) = (bert.level, &mut room.hidden);
        let plain = Activation::None;
        self.qkv.forward(team, hidden, n_rows, &mut room.qkv, plain);
        attend(level, team, &room.qkv, lengths, bert.heads, &mut room.mixed);
        self.output.forward_add(team, &room.mixed, n_rows, hidden);
        self.attention_norm.forward(level, hidden);
        self.widen
            .forward(team, hidden, n_rows, &mut room.wide, Activation::Gelu);
        self.narrow.forward_add(team, &room.wide, n_rows, hidden);
        self.norm.forward(level, hidden);
    }
}

impl PackedBert {
    /// Packs the weights for this machine.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` says.
    pub(crate) fn load(
        tensors: &VarBuilder<'_>,
        config: &Config,
        precision: Precision,
    ) -> Result<Self> {
        let vb = tensors.pp("embeddings");
        let width = config.hidden_size;
        let table = |name: &str, n| numbers(&vb.pp(name), "weight", &[n, width]);
        let types = table("token_type_embeddings", config.type_vocab_size)?;
        let mut positions = table("position_embeddings", config.max_position_embeddings)?;
        for row in positions.chunks_exact_mut(width) {
            for (position, kind) in row.iter_mut().zip(&types) {
                *position += kind;
            }
        }
        Ok(Self {
            level: Level::best(),
            width,
            wide: config.intermediate_size,
            heads: Heads {
                n_heads: config.num_attention_heads,
                width: width / config.num_attention_heads,
            },
            words: table("word_embeddings", config.vocab_size)?,
            positions,
            norm: Norm::load(&vb.pp("LayerNorm"), config)?,
            layers: (0..config.num_hidden_layers)
                .map(|nth| Layer::load(&tensors.pp("encoder.layer").pp(nth), config, precision))
                .collect::<Result<_>>()?,
            rooms: Mutex::default(),
        })
    }

    /// What `read` makes of the hidden vectors (`tokens × hidden size`) of each text's token ids.
    ///
    /// # Errors
    /// If a text is empty or too long, or a token is not in the vocabulary.
    pub(crate) fn forward<T: Send>(
        &self,
        team: &Team,
        texts: &[&[u32]],
        read: impl Fn(&[f32]) -> T + Sync,
    ) -> std::result::Result<Vec<T>, String> {
        texts.iter().try_for_each(|text| self.check(text))?;
        let n_tokens: usize = texts.iter().map(|text| text.len()).sum();
        let n_threads = team.n_threads();
        // Shards of much the same size, as many for each thread as for any other.
        let rounds = n_tokens.div_ceil(n_threads * TOKENS_AT_ONCE).max(1);
        let shards = shards(texts, n_tokens.div_ceil(n_threads * rounds));
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let mut read_of: Vec<Option<T>> = texts.iter().map(|_| None).collect();
        let mut rest = read_of.as_mut_slice();
        let mut parts = Vec::with_capacity(shards.len());
        for shard in shards {
            let (into, others) = rest.split_at_mut(shard.len());
            parts.push((shard, into));
            rest = others;
        }
        if n_threads == 1 || longest * n_threads > n_tokens {
            // One text is most of the work: the threads share it.
            team.enter(|| {
                for (shard, into) in parts {
                    self.forward_shard(team, shard, into, &read);
                }
            });
        } else {
            let alone = Team::alone();
            team.share(parts, |(shard, into)| {
                self.forward_shard(&alone, shard, into, &read);
            });
        }
        Ok(read_of.into_iter().flatten().collect())
    }

    fn check(&self, text: &[u32]) -> std::result::Result<(), String> {
        let (n_words, longest) = (
            self.words.len() / self.width,
            self.positions.len() / self.width,
        );
        if text.is_empty() || text.len() > longest {
            return Err(format!(
                "a text has {} tokens, not 1 to {longest}",
                text.len()
            ));
        }
        match text.iter().find(|&&id| id as usize >= n_words) {
            Some(id) => Err(format!("token {id} is not one of the {n_words} known ones")),
            None => Ok(()),
        }
    }

    fn forward_shard<T>(
        &self,
        team: &Team,
        texts: &[&[u32]],
        into: &mut [Option<T>],
        read: impl Fn(&[f32]) -> T,
    ) {
        let mut room = self
            .rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default();
        let lengths: Vec<_> = texts.iter().map(|text| text.len()).collect();
        let n_rows: usize = lengths.iter().sum();
        room.hidden.clear();
        for text in texts {
            self.embed(text, &mut room.hidden);
        }
        self.norm.forward(self.level, &mut room.hidden);
        room.qkv.resize(n_rows * 3 * self.width, 0.0);
        room.mixed.resize(n_rows * self.width, 0.0);
        room.wide.resize(n_rows * self.wide, 0.0);
        for layer in &self.layers {
            layer.forward(self, team, &lengths, &mut room);
        }
        let mut hidden = room.hidden.as_slice();
        for (length, into) in lengths.into_iter().zip(into) {
            let (text, rest) = hidden.split_at(length * self.width);
            *into = Some(read(text));
            hidden = rest;
        }
        self.rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(room);
    }

    /// Adds a row for each token.
    fn embed(&self, text: &[u32], into: &mut Vec<f32>) {
        let positions = self.positions.chunks_exact(self.width);
        for (&id, position) in text.iter().zip(positions) {
            let word = &self.words[id as usize * self.width..][..self.width];
            into.extend(
                word.iter()
                    .zip(position)
                    .map(|(word, position)| word + position),
            );
        }
    }
}

/// Cuts the texts into runs that end as soon as they have `n_tokens`.
fn shards<'a, 't>(texts: &'a [&'t [u32]], n_tokens: usize) -> Vec<&'a [&'t [u32]]> {
    let (mut shards, mut start, mut filled) = (Vec::new(), 0, 0);
    for (nth, text) in texts.iter().enumerate() {
        filled += text.len();
        if filled >= n_tokens || nth + 1 == texts.len() {
            shards.push(&texts[start..=nth]);
            (start, filled) = (nth + 1, 0);
        }
    }
    shards
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device, Tensor};

    use super::*;
    use crate::backends::bert::Bert;

    fn config() -> Config {
        Config {
            vocab_size: 50,
            hidden_size: 72,
            num_hidden_layers: 3,
            num_attention_heads: 3,
            intermediate_size: 200,
            max_position_embeddings: 70,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            pad_token_id: 0,
        }
    }

    fn tensors() -> HashMap<String, Tensor> {
        let mut state = 7u32;
        let mut tensors = HashMap::new();
        let mut add = |name: String, shape: &[usize], least: f32, most: f32| {
            let mut draw = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                least + (most - least) * (state >> 8) as f32 / (1 << 24) as f32
            };
            let values: Vec<_> = (0..shape.iter().product::<usize>())
                .map(|_| draw())
                .collect();
            tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
        };
        let config = config();
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        for (name, n) in [("word", 50), ("position", 70), ("token_type", 2)] {
            add(
                format!("embeddings.{name}_embeddings.weight"),
                &[n, width],
                -1.0,
                1.0,
            );
        }
        add("embeddings.LayerNorm.weight".into(), &[width], 0.5, 1.5);
        add("embeddings.LayerNorm.bias".into(), &[width], -0.5, 0.5);
        for nth in 0..config.num_hidden_layers {
            let layer = format!("encoder.layer.{nth}");
            for (name, n_out, n_in) in [
                ("attention.self.query", width, width),
                ("attention.self.key", width, width),
                ("attention.self.value", width, width),
                ("attention.output.dense", width, width),
                ("intermediate.dense", wide, width),
                ("output.dense", width, wide),
            ] {
                add(format!("{layer}.{name}.weight"), &[n_out, n_in], -0.2, 0.2);
                add(format!("{layer}.{name}.bias"), &[n_out], -0.2, 0.2);
            }
            for name in ["attention.output", "output"] {
                add(
                    format!("{layer}.{name}.LayerNorm.weight"),
                    &[width],
                    0.5,
                    1.5,
                );
                add(
                    format!("{layer}.{name}.LayerNorm.bias"),
                    &[width],
                    -0.5,
                    0.5,
                );
            }
        }
        tensors
    }

    fn text(length: u32) -> Vec<u32> {
        (0..length).map(|nth| (nth * 17 + length) % 50).collect()
    }

    #[test]
    fn it_says_what_the_plain_one_says() {
        let vb = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
        let plain = Bert::load(&vb, &config()).unwrap();
        let packed = PackedBert::load(&vb, &config(), Precision::F32).unwrap();
        let lengths = [1, 5, 31, 32, 33, 70, 2, 64];
        let texts: Vec<_> = lengths.map(text).into();
        let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
        let together = packed
            .forward(&Team::alone(), &all, <[f32]>::to_vec)
            .unwrap();
        for (ids, packed) in texts.iter().zip(&together) {
            let ids = Tensor::from_slice(ids, (1, ids.len()), &Device::Cpu).unwrap();
            let types = ids.zeros_like().unwrap();
            let mask = ids.ones_like().unwrap();
            let hidden = plain.forward(&ids, &types, &mask).unwrap();
            let hidden: Vec<f32> = hidden.flatten_all().unwrap().to_vec1().unwrap();
            assert_eq!(hidden.len(), packed.len());
            for (plain, packed) in hidden.iter().zip(packed) {
                assert!((plain - packed).abs() < 1e-5, "{packed} instead of {plain}");
            }
        }
    }

    #[test]
    fn a_text_has_the_same_bits_in_any_company_and_on_any_threads() {
        let vb = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
        for precision in [Precision::F32, Precision::Int8] {
            let packed = PackedBert::load(&vb, &config(), precision).unwrap();
            let texts: Vec<_> = (1..=70).map(text).collect();
            let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
            let backwards: Vec<_> = all.iter().rev().copied().collect();
            let together = packed
                .forward(&Team::alone(), &all, <[f32]>::to_vec)
                .unwrap();
            for n_threads in [1, 2] {
                let team = Team::new(n_threads);
                let mut other = packed.forward(&team, &backwards, <[f32]>::to_vec).unwrap();
                other.reverse();
                assert!(together == other, "backwards on {n_threads} threads");
                for (text, hidden) in all.iter().zip(&together) {
                    let alone = packed.forward(&team, &[text], <[f32]>::to_vec).unwrap();
                    assert!(&alone[0] == hidden, "alone on {n_threads} threads");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let vb = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
        let packed = PackedBert::load(&vb, &config(), Precision::F32).unwrap();
        for text in [vec![], text(71), vec![50]] {
            let answer = packed.forward(&Team::alone(), &[&text], <[f32]>::len);
            assert!(answer.is_err(), "{text:?}");
        }
        let none = packed.forward(&Team::alone(), &[], <[f32]>::len);
        assert_eq!(none, Ok(vec![]));
    }
}
