//! A BERT encoder for the processor: weights packed once, no padding, nothing copied that need not be.
//!
//! * The tokens of all texts stand one after the other; only attention knows where a text ends.
//! * Queries, keys and values come from one product; GELU and biases are applied while products are
//!   written, and products are added to the shortcut where it lies.
//! * Many texts are shared out among a team's threads, which then need not wait for each other; for
//!   a few, the threads share each product and the heads. The bits are the same.
//! * With [`Precision::Int8`], products are in 8 bits, but for the few inputs of each that are far
//!   larger than the others: which these are, drawn tokens tell when the weights are packed.
//!
//! Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers".

use std::sync::{Mutex, PoisonError};

use candle_core::Result;
use candle_nn::VarBuilder;

use crate::{
    backends::bert::Config,
    kernels::{Activation, EXACT, Heads, Level, Linear, Team, attend, layer_norm},
    precision::Precision,
};

/// Tokens that a thread takes through the layers at once: each time, all weights come anew.
const TOKENS_AT_ONCE: usize = 512;

/// Tokens of the drawn texts that tell which inputs are large.
const DRAWN_TEXTS: [usize; 8] = [4, 8, 16, 32, 4, 8, 16, 32];

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
    /// What half of a layer needs: queries, keys and values and what is mixed of them, then what the
    /// hidden vectors are widened to.
    half: Vec<f32>,
}

impl Room {
    /// The hidden vectors; queries, keys and values; and what attention makes of them.
    fn attention(&mut self) -> (&mut [f32], &mut [f32], &mut [f32]) {
        let n = self.hidden.len();
        let (qkv, rest) = self.half.split_at_mut(3 * n);
        (&mut self.hidden, qkv, &mut rest[..n])
    }

    /// The hidden vectors, and what they are widened to.
    fn wide(&mut self, bert: &PackedBert) -> (&mut [f32], &mut [f32]) {
        let n = self.hidden.len() / bert.width * bert.wide;
        (&mut self.hidden, &mut self.half[..n])
    }
}

fn numbers(vb: &VarBuilder<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    vb.get(shape, name)?.flatten_all()?.to_vec1()
}

/// Weights and bias as a file has them, row by row; those of layers of one input one after the other.
pub(crate) struct Plain {
    weights: Vec<f32>,
    bias: Vec<f32>,
    n_in: usize,
}

impl Plain {
    pub(crate) fn load(parts: &[VarBuilder<'_>], n_in: usize, n_out: usize) -> Result<Self> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for part in parts {
            weights.extend(numbers(part, "weight", &[n_out, n_in])?);
            bias.extend(numbers(part, "bias", &[n_out])?);
        }
        Ok(Self {
            weights,
            bias,
            n_in,
        })
    }

    pub(crate) fn pack(&self) -> Linear {
        Linear::pack(&self.weights, Some(&self.bias), self.n_in, self.bias.len())
    }

    /// In 8 bits, but for the inputs that are the largest in rows such as `x`.
    fn pack_int8(&self, x: &[f32]) -> Linear {
        let (n_in, n_out) = (self.n_in, self.bias.len());
        let exact = largest(x, n_in);
        Linear::pack_int8(&self.weights, Some(&self.bias), &exact, n_in, n_out)
    }
}

/// The inputs with the largest sums of squares over rows of `n_in`.
fn largest(x: &[f32], n_in: usize) -> Vec<usize> {
    let mut sizes: Vec<(f32, usize)> = (0..n_in).map(|input| (0.0, input)).collect();
    for row in x.chunks_exact(n_in) {
        for ((size, _), x) in sizes.iter_mut().zip(row) {
            *size += x * x;
        }
    }
    sizes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    sizes.iter().take(EXACT).map(|&(_, input)| input).collect()
}

/// Drawn texts on their way through the layers.
struct Trial {
    lengths: Vec<usize>,
    room: Room,
}

/// Texts of tokens that are drawn from the whole vocabulary, always the same ones.
fn drawn_texts(config: &Config) -> Vec<Vec<u32>> {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(state) * config.vocab_size as u64) >> 32) as u32
    };
    let lengths = DRAWN_TEXTS.map(|length| length.min(config.max_position_embeddings));
    lengths.map(|n| (0..n).map(|_| draw()).collect()).into()
}

impl Layer {
    /// Packs a layer; with [`Precision::Int8`], takes the drawn texts in `trial` through it.
    fn load(
        vb: &VarBuilder<'_>,
        config: &Config,
        bert: &PackedBert,
        trial: Option<&mut Trial>,
    ) -> Result<Self> {
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        let attention = vb.pp("attention");
        let qkv = ["query", "key", "value"].map(|name| attention.pp("self").pp(name));
        let qkv = Plain::load(&qkv, width, width)?;
        let output = Plain::load(&[attention.pp("output.dense")], width, width)?;
        let widen = Plain::load(&[vb.pp("intermediate.dense")], width, wide)?;
        let narrow = Plain::load(&[vb.pp("output.dense")], wide, width)?;
        let mut layer = Self {
            qkv: qkv.pack(),
            output: output.pack(),
            attention_norm: Norm::load(&attention.pp("output.LayerNorm"), config)?,
            widen: widen.pack(),
            narrow: narrow.pack(),
            norm: Norm::load(&vb.pp("output.LayerNorm"), config)?,
        };
        if let Some(Trial { lengths, room }) = trial {
            let alone = Team::alone();
            let qkv = qkv.pack_int8(&room.hidden);
            layer.attend(bert, &alone, lengths, room);
            let output = output.pack_int8(room.attention().2);
            let widen = widen.pack_int8(&room.hidden);
            layer.think(bert, &alone, room);
            let narrow = narrow.pack_int8(room.wide(bert).1);
            layer = Self {
                qkv,
                output,
                widen,
                narrow,
                ..layer
            };
        }
        Ok(layer)
    }

    fn forward(&self, bert: &PackedBert, team: &Team, lengths: &[usize], room: &mut Room) {
        self.attend(bert, team, lengths, room);
        self.think(bert, team, room);
    }

    /// The half in which tokens look at each other.
    fn attend(&self, bert: &PackedBert, team: &Team, lengths: &[usize], room: &mut Room) {
        let n_rows = lengths.iter().sum();
        let level = bert.level;
        let (hidden, qkv, mixed) = room.attention();
        self.qkv
            .forward(team, hidden, n_rows, qkv, Activation::None);
        attend(level, team, qkv, lengths, bert.heads, mixed);
        self.output.forward_add(team, mixed, n_rows, hidden);
        self.attention_norm.forward(level, hidden);
    }

    /// The half in which each token is alone.
    fn think(&self, bert: &PackedBert, team: &Team, room: &mut Room) {
        let level = bert.level;
        let (hidden, wide) = room.wide(bert);
        let n_rows = hidden.len() / bert.width;
        self.widen
            .forward(team, hidden, n_rows, wide, Activation::Gelu);
        self.narrow.forward_add(team, wide, n_rows, hidden);
        self.norm.forward(level, hidden);
    }
}

impl PackedBert {
    /// Packs the weights for this machine; `words` is the largest tensor by far, and is not copied.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` says.
    pub(crate) fn pack(
        words: Vec<f32>,
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
        let mut bert = Self {
            level: Level::best(),
            width,
            wide: config.intermediate_size,
            heads: Heads {
                n_heads: config.num_attention_heads,
                width: width / config.num_attention_heads,
            },
            words,
            positions,
            norm: Norm::load(&vb.pp("LayerNorm"), config)?,
            layers: Vec::with_capacity(config.num_hidden_layers),
            rooms: Mutex::default(),
        };
        let mut trial = match precision {
            Precision::Int8 => Some(bert.trial(config)),
            // The other numbers are for cards.
            Precision::F32 | Precision::F16 | Precision::Bf16 => None,
        };
        for nth in 0..config.num_hidden_layers {
            let vb = tensors.pp("encoder.layer").pp(nth);
            let layer = Layer::load(&vb, config, &bert, trial.as_mut())?;
            bert.layers.push(layer);
        }
        Ok(bert)
    }

    fn trial(&self, config: &Config) -> Trial {
        let texts = drawn_texts(config);
        let texts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
        let mut room = Room::default();
        self.enter(&texts, &mut room);
        Trial {
            lengths: texts.iter().map(|text| text.len()).collect(),
            room,
        }
    }

    /// The same, with the words among the tensors.
    #[cfg(test)]
    pub(crate) fn load(
        tensors: &VarBuilder<'_>,
        config: &Config,
        precision: Precision,
    ) -> Result<Self> {
        let words = tensors.pp("embeddings.word_embeddings");
        let words = numbers(&words, "weight", &[config.vocab_size, config.hidden_size])?;
        Self::pack(words, tensors, config, precision)
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
        self.enter(texts, &mut room);
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

    /// Makes room for the texts' tokens and puts in what the first layer reads.
    fn enter(&self, texts: &[&[u32]], room: &mut Room) {
        room.hidden.clear();
        for text in texts {
            self.embed(text, &mut room.hidden);
        }
        let n_rows = room.hidden.len() / self.width;
        self.norm.forward(self.level, &mut room.hidden);
        room.half
            .resize(n_rows * self.wide.max(4 * self.width), 0.0);
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
pub(crate) mod tests;
