//! What encoder and decoder are made of, read from a file.

use crate::{
    ctranslate2::File,
    kernels::{Activation, Level, Linear, Team, layer_norm},
    precision::Precision,
};

/// Added to variances.
const EPSILON: f32 = 1e-5;

/// Gain and bias of a layer norm.
#[derive(Debug)]
pub(super) struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl Norm {
    pub(super) fn read(file: &File<'_>, name: &str, width: usize) -> Result<Self, String> {
        Ok(Self {
            gain: file.floats(&format!("{name}/gamma"), &[width])?,
            bias: file.floats(&format!("{name}/beta"), &[width])?,
        })
    }

    /// The normed rows of `x`, written into `into`.
    pub(super) fn of(&self, x: &[f32], into: &mut Vec<f32>) {
        into.clear();
        into.extend_from_slice(x);
        self.in_place(into);
    }

    pub(super) fn in_place(&self, x: &mut [f32]) {
        layer_norm(Level::best(), x, &self.gain, &self.bias, EPSILON);
    }
}

/// Reads and packs a linear layer.
pub(super) fn linear(
    file: &File<'_>,
    name: &str,
    precision: Precision,
    n_in: usize,
    n_out: usize,
) -> Result<Linear, String> {
    let weights = file.floats(&format!("{name}/weight"), &[n_out, n_in])?;
    let bias = file.floats(&format!("{name}/bias"), &[n_out])?;
    Ok(pack(precision, &weights, Some(&bias), n_in))
}

/// Packs weights of `n_in` numbers an output.
pub(super) fn pack(
    precision: Precision,
    weights: &[f32],
    bias: Option<&[f32]>,
    n_in: usize,
) -> Linear {
    let n_out = weights.len() / n_in;
    match precision {
        Precision::Int8 => Linear::pack_int8(weights, bias, &[], n_in, n_out),
        // The other numbers are for cards.
        Precision::F32 | Precision::F16 | Precision::Bf16 => {
            Linear::pack(weights, bias, n_in, n_out)
        }
    }
}

/// Reads a convolution over three neighbours as a linear layer over their numbers, one after another.
pub(super) fn convolution(
    file: &File<'_>,
    name: &str,
    n_in: usize,
    n_out: usize,
) -> Result<Linear, String> {
    let weights = file.floats(&format!("{name}/weight"), &[n_out, n_in, 3])?;
    let bias = file.floats(&format!("{name}/bias"), &[n_out])?;
    let turned: Vec<f32> = weights
        .chunks_exact(3 * n_in)
        .flat_map(|of_output| {
            (0..3).flat_map(move |place| of_output[place..].iter().step_by(3).copied())
        })
        .collect();
    Ok(Linear::pack(&turned, Some(&bias), 3 * n_in, n_out))
}

/// The block after attention: norm, wide layer, GELU, narrow layer, added to what came in.
#[derive(Debug)]
pub(super) struct Block {
    norm: Norm,
    wide: Linear,
    narrow: Linear,
}

impl Block {
    pub(super) fn read(
        file: &File<'_>,
        name: &str,
        precision: Precision,
        (width, inner): (usize, usize),
    ) -> Result<Self, String> {
        Ok(Self {
            norm: Norm::read(file, &format!("{name}/layer_norm"), width)?,
            wide: linear(file, &format!("{name}/linear_0"), precision, width, inner)?,
            narrow: linear(file, &format!("{name}/linear_1"), precision, inner, width)?,
        })
    }

    /// Adds what it makes of each row of `x` to it.
    pub(super) fn add_to(&self, team: &Team, x: &mut [f32], scratch: &mut Scratch) {
        let n_rows = x.len() / self.wide.n_in();
        self.norm.of(x, &mut scratch.normed);
        scratch.inner.resize(n_rows * self.wide.n_out(), 0.0);
        let (normed, inner) = (&scratch.normed, &mut scratch.inner);
        self.wide
            .forward(team, normed, n_rows, inner, Activation::Gelu);
        self.narrow.forward_add(team, inner, n_rows, x);
    }
}

/// Space for what a block computes on its way.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) normed: Vec<f32>,
    pub(super) inner: Vec<f32>,
}
