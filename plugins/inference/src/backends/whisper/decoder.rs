//! Whisper's decoder: what has been said so far, and a window's vectors, to what may come next.
//!
//! Every token that was read keeps its keys and values in a slot of its clip. A row says which slots
//! came before it, so that partial transcripts share what they have in common and nothing is ever copied.

use super::{
    layers::{Block, Norm, Scratch, linear, pack},
    sizes::Sizes,
};
use crate::{
    ctranslate2::File,
    kernels::{Activation, Level, Linear, Team, softmax},
    precision::Precision,
};

/// The decoder's weights.
#[derive(Debug)]
pub(super) struct Decoder {
    sizes: Sizes,
    embeddings: Vec<f32>,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
    /// To the scores of all tokens.
    project: Linear,
}

#[derive(Debug)]
struct Layer {
    norm: Norm,
    project: Linear,
    out: Linear,
    cross_norm: Norm,
    cross_query: Linear,
    cross_keys_values: Linear,
    cross_out: Linear,
    block: Block,
}

/// A window that is being written down: what the encoder made of it, and the tokens read so far.
#[derive(Debug, Default)]
pub(super) struct Clip {
    /// Layer by layer, head by head.
    cross: Vec<Vec<CrossHead>>,
    /// Layer by layer: keys, then values, slot by slot.
    slots: Vec<(Vec<f32>, Vec<f32>)>,
    n_slots: u32,
}

/// Keys and values of a window for one head, as products.
#[derive(Debug)]
struct CrossHead {
    scores: Linear,
    mix: Linear,
}

/// A token to be read.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The clip that it belongs to.
    pub(super) clip: usize,
    /// Which token it is.
    pub(super) token: u32,
    /// The slots of the tokens before it and its own; their number is its place.
    pub(super) path: Vec<u32>,
}

impl Clip {
    /// A slot for the next row.
    pub(super) fn slot(&mut self) -> u32 {
        self.n_slots += 1;
        self.n_slots - 1
    }

    /// Frees all slots.
    pub(super) fn forget(&mut self) {
        self.n_slots = 0;
        for (keys, values) in &mut self.slots {
            keys.clear();
            values.clear();
        }
    }
}

impl Decoder {
    pub(super) fn read(
        file: &File<'_>,
        sizes: Sizes,
        precision: Precision,
    ) -> Result<Self, String> {
        let linear = |name: String, n_in, n_out| linear(file, &name, precision, n_in, n_out);
        let Sizes {
            width,
            inner,
            n_tokens,
            ..
        } = sizes;
        let layer = |nth: usize| {
            let name = format!("decoder/layer_{nth}");
            let (own, cross) = (
                format!("{name}/self_attention"),
                format!("{name}/attention"),
            );
            Ok(Layer {
                norm: Norm::read(file, &format!("{own}/layer_norm"), width)?,
                project: linear(format!("{own}/linear_0"), width, 3 * width)?,
                out: linear(format!("{own}/linear_1"), width, width)?,
                cross_norm: Norm::read(file, &format!("{cross}/layer_norm"), width)?,
                cross_query: linear(format!("{cross}/linear_0"), width, width)?,
                cross_keys_values: linear(format!("{cross}/linear_1"), width, 2 * width)?,
                cross_out: linear(format!("{cross}/linear_2"), width, width)?,
                block: Block::read(file, &format!("{name}/ffn"), precision, (width, inner))?,
            })
        };
        let embeddings = file.floats("decoder/embeddings/weight", &[n_tokens, width])?;
        let project = file.floats("decoder/projection/weight", &[n_tokens, width])?;
        let positions = "decoder/position_encodings/encodings";
        Ok(Self {
            sizes,
            embeddings,
            positions: file.floats(positions, &[sizes.n_positions, width])?,
            layers: (0..sizes.n_decoder_layers)
                .map(layer)
                .collect::<Result<_, String>>()?,
            norm: Norm::read(file, "decoder/layer_norm", width)?,
            project: pack(precision, &project, None, width),
        })
    }

    /// Makes what the encoder made of a window ready for writing it down.
    pub(super) fn clip(&self, team: &Team, encoded: &[f32]) -> Clip {
        let Sizes {
            width,
            n_heads,
            n_frames,
            ..
        } = self.sizes;
        let head = self.sizes.head();
        let mut both = vec![0.0; n_frames * 2 * width];
        let cross = |layer: &Layer| {
            layer
                .cross_keys_values
                .forward(team, encoded, n_frames, &mut both, Activation::None);
            let mut heads: Vec<_> = (0..n_heads).map(|_| None).collect();
            team.share(heads.iter_mut().enumerate().collect(), |(nth, to)| {
                *to = Some(CrossHead::new(&both, nth * head, width, head));
            });
            heads.into_iter().flatten().collect()
        };
        Clip {
            cross: self.layers.iter().map(cross).collect(),
            slots: vec![Default::default(); self.layers.len()],
            n_slots: 0,
        }
    }

    /// Reads rows; for each of those that are `wanted`, the scores of all tokens to come next.
    ///
    /// Rows of one clip come in the order of their slots, and fill them without a gap.
    pub(super) fn read_rows(
        &self,
        team: &Team,
        clips: &mut [Clip],
        rows: &[Row],
        wanted: &[usize],
    ) -> Vec<f32> {
        let width = self.sizes.width;
        let mut x = self.embed(rows);
        let mut scratch = Scratch::default();
        let mut projected = vec![0.0; rows.len() * 3 * width];
        let mut mixed = vec![0.0; rows.len() * width];
        for (nth, layer) in self.layers.iter().enumerate() {
            layer.norm.of(&x, &mut scratch.normed);
            let normed = &scratch.normed;
            let project = &layer.project;
            project.forward(team, normed, rows.len(), &mut projected, Activation::None);
            for (row, projected) in rows.iter().zip(projected.chunks_exact(3 * width)) {
                let (keys, values) = &mut clips[row.clip].slots[nth];
                keys.extend_from_slice(&projected[width..2 * width]);
                values.extend_from_slice(&projected[2 * width..]);
            }
            self.attend(team, clips, nth, rows, &projected, &mut mixed);
            layer.out.forward_add(team, &mixed, rows.len(), &mut x);
            self.attend_to_window(team, clips, nth, rows, &mut x);
            layer.block.add_to(team, &mut x, &mut scratch);
        }
        let mut last: Vec<f32> = wanted
            .iter()
            .flat_map(|&row| &x[row * width..(row + 1) * width])
            .copied()
            .collect();
        self.norm.in_place(&mut last);
        let mut scores = vec![0.0; wanted.len() * self.sizes.n_tokens];
        self.project
            .forward(team, &last, wanted.len(), &mut scores, Activation::None);
        scores
    }

    /// The scores of all tokens to come next after some, read into a clip without any.
    pub(super) fn after(&self, team: &Team, clip: &mut Clip, tokens: &[u32]) -> Vec<f32> {
        let mut path = Vec::new();
        let row = |&token: &u32| {
            path.push(clip.slot());
            Row {
                clip: 0,
                token,
                path: path.clone(),
            }
        };
        let rows: Vec<Row> = tokens.iter().map(row).collect();
        let last = rows.len() - 1;
        self.read_rows(team, std::slice::from_mut(clip), &rows, &[last])
    }

    fn embed(&self, rows: &[Row]) -> Vec<f32> {
        let width = self.sizes.width;
        let vector = |of: &[f32], nth: usize| of[nth * width..(nth + 1) * width].to_vec();
        rows.iter()
            .flat_map(|row| {
                let token = vector(&self.embeddings, row.token as usize);
                let place = vector(&self.positions, row.path.len() - 1);
                token
                    .into_iter()
                    .zip(place)
                    .map(|(token, place)| token + place)
            })
            .collect()
    }

    /// What each row makes of the tokens before it.
    fn attend(
        &self,
        team: &Team,
        clips: &[Clip],
        layer: usize,
        rows: &[Row],
        projected: &[f32],
        mixed: &mut [f32],
    ) {
        let (width, head) = (self.sizes.width, self.sizes.head());
        let scale = 1.0 / (head as f32).sqrt();
        let of_rows = projected.chunks_exact(3 * width);
        let parts = rows.iter().zip(of_rows).zip(mixed.chunks_exact_mut(width));
        team.share(parts.collect(), |((row, projected), mixed)| {
            let (keys, values) = &clips[row.clip].slots[layer];
            let mut scores = vec![0.0; row.path.len()];
            for (from, mixed) in (0..width).step_by(head).zip(mixed.chunks_exact_mut(head)) {
                let query = &projected[from..from + head];
                let of = |all: &'_ [f32], slot: u32| slot as usize * width + from..all.len();
                for (score, &slot) in scores.iter_mut().zip(&row.path) {
                    let key = &keys[of(keys, slot)][..head];
                    *score = dot(query, key);
                }
                softmax(Level::best(), &mut scores, row.path.len(), scale);
                mixed.fill(0.0);
                for (score, &slot) in scores.iter().zip(&row.path) {
                    let value = &values[of(values, slot)][..head];
                    mixed
                        .iter_mut()
                        .zip(value)
                        .for_each(|(to, value)| *to += score * value);
                }
            }
        });
    }

    /// Adds what each row makes of its window.
    fn attend_to_window(
        &self,
        team: &Team,
        clips: &[Clip],
        layer: usize,
        rows: &[Row],
        x: &mut [f32],
    ) {
        let Sizes { width, n_heads, .. } = self.sizes;
        let head = self.sizes.head();
        let weights = &self.layers[layer];
        let mut normed = Vec::new();
        weights.cross_norm.of(x, &mut normed);
        let mut queries = vec![0.0; x.len()];
        weights
            .cross_query
            .forward(team, &normed, rows.len(), &mut queries, Activation::None);
        let mut jobs: Vec<Job> = Vec::new();
        for clip in 0..clips.len() {
            let members: Vec<usize> = (0..rows.len())
                .filter(|&nth| rows[nth].clip == clip)
                .collect();
            if !members.is_empty() {
                let job = |nth| Job {
                    clip,
                    nth,
                    members: members.clone(),
                    out: Vec::new(),
                };
                jobs.extend((0..n_heads).map(job));
            }
        }
        team.share(jobs.iter_mut().collect(), |job| {
            let lane = |row: &usize| row * width + job.nth * head;
            let queries: Vec<f32> = job
                .members
                .iter()
                .flat_map(|row| &queries[lane(row)..][..head])
                .copied()
                .collect();
            job.out = clips[job.clip].cross[layer][job.nth].attend(&queries);
        });
        for job in jobs {
            for (row, out) in job.members.iter().zip(job.out.chunks_exact(head)) {
                normed[row * width + job.nth * head..][..head].copy_from_slice(out);
            }
        }
        weights.cross_out.forward_add(team, &normed, rows.len(), x);
    }
}

/// One head's share of the attention to a window.
struct Job {
    clip: usize,
    nth: usize,
    members: Vec<usize>,
    out: Vec<f32>,
}

impl CrossHead {
    fn new(both: &[f32], from: usize, width: usize, head: usize) -> Self {
        let n_frames = both.len() / (2 * width);
        let lane = |start: usize| {
            both.chunks_exact(2 * width)
                .flat_map(move |frame| &frame[start..start + head])
                .copied()
        };
        let keys: Vec<f32> = lane(from).collect();
        let mut values = vec![0.0; n_frames * head];
        for (nth, value) in lane(width + from).enumerate() {
            values[nth % head * n_frames + nth / head] = value;
        }
        Self {
            scores: Linear::pack(&keys, None, head, n_frames),
            mix: Linear::pack(&values, None, n_frames, head),
        }
    }

    fn attend(&self, queries: &[f32]) -> Vec<f32> {
        let (head, n_frames) = (self.scores.n_in(), self.scores.n_out());
        let n_rows = queries.len() / head;
        let team = Team::alone();
        let mut scores = vec![0.0; n_rows * n_frames];
        self.scores
            .forward(&team, queries, n_rows, &mut scores, Activation::None);
        softmax(
            Level::best(),
            &mut scores,
            n_frames,
            1.0 / (head as f32).sqrt(),
        );
        let mut out = vec![0.0; queries.len()];
        self.mix
            .forward(&team, &scores, n_rows, &mut out, Activation::None);
        out
    }
}

/// The product of two vectors, in sixteen sums side by side.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
