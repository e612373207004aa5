//! Whisper's encoder: a window of the spectrogram to one vector for every 20 ms.
//!
//! Rows are worked off in blocks that stay in cache from the attention of one layer to the queries
//! of the next; only keys and values have to wait for all blocks.

use super::{
    layers::{Block, Norm, Scratch, convolution, linear},
    mel::Mel,
    sizes::Sizes,
};
use crate::{
    ctranslate2::File,
    kernels::{Activation, Attention, Lane, Level, Linear, PackedHead, Team},
    precision::Precision,
};

/// Rows of a block.
const BLOCK: usize = 96;

/// The encoder's weights.
#[derive(Debug)]
pub(super) struct Encoder {
    sizes: Sizes,
    conv1: Linear,
    conv2: Linear,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
}

#[derive(Debug)]
struct Layer {
    norm: Norm,
    /// Queries, keys and values of all heads.
    project: Linear,
    out: Linear,
    block: Block,
}

impl Encoder {
    pub(super) fn read(
        file: &File<'_>,
        sizes: Sizes,
        precision: Precision,
    ) -> Result<Self, String> {
        let linear = |name: String, n_in, n_out| linear(file, &name, precision, n_in, n_out);
        let Sizes { width, inner, .. } = sizes;
        let layer = |nth: usize| {
            let name = format!("encoder/layer_{nth}");
            let attention = format!("{name}/self_attention");
            Ok(Layer {
                norm: Norm::read(file, &format!("{attention}/layer_norm"), width)?,
                project: linear(format!("{attention}/linear_0"), width, 3 * width)?,
                out: linear(format!("{attention}/linear_1"), width, width)?,
                block: Block::read(file, &format!("{name}/ffn"), precision, (width, inner))?,
            })
        };
        let positions = "encoder/position_encodings/encodings";
        Ok(Self {
            sizes,
            conv1: convolution(file, "encoder/conv1", sizes.n_mels, width)?,
            conv2: convolution(file, "encoder/conv2", width, width)?,
            positions: file.floats(positions, &[sizes.n_frames, width])?,
            layers: (0..sizes.n_encoder_layers)
                .map(layer)
                .collect::<Result<_, String>>()?,
            norm: Norm::read(file, "encoder/layer_norm", width)?,
        })
    }

    /// Frames of the spectrogram that make up a window.
    pub(super) fn window(&self) -> usize {
        2 * self.sizes.n_frames
    }

    /// What it makes of the window that starts at a frame of the spectrogram and holds the frames
    /// before `end`; what is missing of a window is filled up with zeros.
    pub(super) fn encode(&self, team: &Team, mel: &Mel, start: usize, end: usize) -> Vec<f32> {
        let width = self.sizes.width;
        let mut x = vec![0.0; self.sizes.n_frames * width];
        let mut projected = vec![0.0; self.sizes.n_frames * 3 * width];
        self.convolve(team, mel, start..end.min(start + self.window()), &mut x);
        let Some(first) = self.layers.first() else {
            return x;
        };
        team.share(blocks(&mut x, &mut projected, width), |(x, projected)| {
            first.queries_keys_values(x, projected, &mut Scratch::default());
        });
        for (nth, layer) in self.layers.iter().enumerate() {
            let heads = self.pack_heads(team, &projected);
            let next = self.layers.get(nth + 1);
            team.share(blocks(&mut x, &mut projected, width), |(x, projected)| {
                let mut scratch = Scratch::default();
                self.attend(layer, &heads, x, projected);
                layer.block.add_to(&Team::alone(), x, &mut scratch);
                match next {
                    Some(next) => next.queries_keys_values(x, projected, &mut scratch),
                    None => self.norm.in_place(x),
                }
            });
        }
        x
    }

    /// Both convolutions, and what says where a frame stands.
    fn convolve(&self, team: &Team, mel: &Mel, frames: std::ops::Range<usize>, x: &mut [f32]) {
        let Sizes { width, n_mels, .. } = self.sizes;
        let n_frames = self.window();
        // A frame of zeros before and after.
        let mut padded = vec![0.0; (n_frames + 2) * n_mels];
        let heard = &mel.values[frames.start * n_mels..frames.end * n_mels];
        padded[n_mels..][..heard.len()].copy_from_slice(heard);
        let mut between = vec![0.0; (n_frames + 2) * width];
        let inside = &mut between[width..(n_frames + 1) * width];
        let parts = inside.chunks_mut(BLOCK * width).enumerate().collect();
        team.share(parts, |(nth, to)| {
            let from = &padded[nth * BLOCK * n_mels..];
            neighbours(&self.conv1, from, n_mels, to);
        });
        let parts = x.chunks_mut(BLOCK * width).enumerate().collect();
        team.share(parts, |(nth, to)| {
            let from = &between[2 * nth * BLOCK * width..];
            neighbours(&self.conv2, from, 2 * width, to);
            let places = &self.positions[nth * BLOCK * width..];
            to.iter_mut().zip(places).for_each(|(x, place)| *x += place);
        });
    }

    fn pack_heads(&self, team: &Team, projected: &[f32]) -> Vec<PackedHead> {
        let Sizes {
            width, n_frames, ..
        } = self.sizes;
        let lane = |what: usize, nth: usize| Lane {
            start: what * width + nth * self.sizes.head(),
            stride: 3 * width,
            width: self.sizes.head(),
        };
        let mut heads: Vec<_> = (0..self.sizes.n_heads)
            .map(|_| PackedHead::default())
            .collect();
        team.share(heads.iter_mut().enumerate().collect(), |(nth, head)| {
            let (keys, values) = (lane(1, nth), lane(2, nth));
            *head = PackedHead::pack(Level::best(), projected, keys, values, n_frames);
        });
        heads
    }

    /// Adds what a block's frames make of all frames.
    fn attend(&self, layer: &Layer, heads: &[PackedHead], x: &mut [f32], projected: &[f32]) {
        let width = self.sizes.width;
        let mut mixed = vec![0.0; x.len()];
        let attention = Attention {
            heads,
            queries: projected,
            stride: 3 * width,
            scale: 1.0 / (self.sizes.head() as f32).sqrt(),
            out: &mut mixed,
        };
        attention.run(Level::best());
        layer
            .out
            .forward_add(&Team::alone(), &mixed, x.len() / width, x);
    }
}

impl Layer {
    fn queries_keys_values(&self, x: &[f32], projected: &mut [f32], scratch: &mut Scratch) {
        let n_rows = x.len() / self.project.n_in();
        self.norm.of(x, &mut scratch.normed);
        let normed = &scratch.normed;
        self.project
            .forward(&Team::alone(), normed, n_rows, projected, Activation::None);
    }
}

/// Blocks of rows, with the queries, keys and values of each.
fn blocks<'a>(
    x: &'a mut [f32],
    projected: &'a mut [f32],
    width: usize,
) -> Vec<(&'a mut [f32], &'a mut [f32])> {
    x.chunks_mut(BLOCK * width)
        .zip(projected.chunks_mut(BLOCK * 3 * width))
        .collect()
}

/// A convolution over three neighbours, `step` numbers from one output's first to the next's, and GELU.
fn neighbours(layer: &Linear, from: &[f32], step: usize, to: &mut [f32]) {
    let n_rows = to.len() / layer.n_out();
    let unfolded: Vec<f32> = (0..n_rows)
        .flat_map(|nth| &from[nth * step..][..layer.n_in()])
        .copied()
        .collect();
    layer.forward(&Team::alone(), &unfolded, n_rows, to, Activation::Gelu);
}
