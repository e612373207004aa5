//! Products of rows with packed columns in 8-bit integers.
//!
//! * Weights are whole numbers from -127 to 127 times a scale of their column; the numbers of a row
//!   are whole ones from 0 to 255 times a scale of the row, plus its least number. Both scales are
//!   the smallest that fit, and a row's follow from the row alone.
//! * Sums are exact, so all instruction sets agree on them.
//! * A few inputs, which whoever packs the columns names, stay in f32 and out of the scales: one
//!   that is much larger than the others would leave them few steps.
//!
//! Jacob et al. (2018), "Quantization and Training of Neural Networks for Efficient
//! Integer-Arithmetic-Only Inference"; Dettmers et al. (2022), "`LLM.int8()`: 8-bit Matrix
//! Multiplication for Transformers at Scale", for the inputs that stay.

mod dot;

use std::ops::Range;

use pulp::{Simd, WithSimd, bytemuck};

use self::dot::Way;
use super::{
    aligned::Aligned,
    gemm::{Finish, heights, write_vectors},
    level::Level,
};

/// Columns of a panel.
pub(super) const WIDTH: usize = 32;
/// Rows of the highest tile.
const HIGHEST: usize = 14;
/// Weights of one column that lie side by side, in one word.
const GROUP: usize = 4;
/// The most inputs that stay in f32.
pub(crate) const EXACT: usize = 4;
/// Adding it rounds to a whole number, which then stands in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// The sums of a tile, row by row.
type Sums = [[i32; WIDTH]; HIGHEST];

/// Columns (outputs) of `n_in` weights each, in 8 bits, packed.
#[derive(Debug)]
pub(super) struct IntColumns {
    level: Level,
    way: Way,
    /// Words of four weights of a column; a panel's columns side by side, then their next words.
    words: Aligned<i32>,
    n_words: usize,
    n_in: usize,
    n_out: usize,
    /// What a weight of 1 stands for, for each column of all panels.
    scales: Vec<f32>,
    /// The sum of a column's weights, as they were rounded.
    sums: Vec<f32>,
    /// The inputs that stay in f32.
    exact: Vec<usize>,
    /// Their weights, panel by panel; 0 where there are fewer.
    exact_weights: Vec<[[f32; WIDTH]; EXACT]>,
}

impl IntColumns {
    /// Rounds and packs `n_out` columns that lie one after the other, but for the weights of the
    /// inputs in `exact`, of which there are [`EXACT`] at most.
    pub(super) fn pack(
        level: Level,
        weights: &[f32],
        exact: &[usize],
        n_in: usize,
        n_out: usize,
    ) -> Self {
        Self::pack_for((level, Way::best()), weights, exact, n_in, n_out)
    }

    fn pack_for(
        (level, way): (Level, Way),
        weights: &[f32],
        exact: &[usize],
        n_in: usize,
        n_out: usize,
    ) -> Self {
        assert!(exact.len() <= EXACT, "few inputs stay in f32");
        let (n_words, n_panels) = (n_in.div_ceil(GROUP), n_out.div_ceil(WIDTH));
        let mut columns = Self {
            level,
            way,
            words: Aligned::zeros(n_panels * n_words * WIDTH),
            n_words,
            n_in,
            n_out,
            scales: vec![0.0; n_panels * WIDTH],
            sums: vec![0.0; n_panels * WIDTH],
            exact: exact.to_vec(),
            exact_weights: vec![[[0.0; WIDTH]; EXACT]; n_panels],
        };
        let mut rest = vec![0.0; n_in];
        for (nth, column) in weights.chunks_exact(n_in).enumerate().take(n_out) {
            rest.copy_from_slice(column);
            for (of, &input) in exact.iter().enumerate() {
                columns.exact_weights[nth / WIDTH][of][nth % WIDTH] = column[input];
                rest[input] = 0.0;
            }
            columns.round(nth, &rest);
        }
        columns
    }

    /// Rounds and packs a column.
    fn round(&mut self, nth: usize, column: &[f32]) {
        let most = column.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = most / 127.0;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let from = nth / WIDTH * self.n_words * WIDTH + nth % WIDTH;
        let to = self.words.as_mut_slice()[from..].iter_mut().step_by(WIDTH);
        let mut sum = 0.0;
        for (to, group) in to.zip(column.chunks(GROUP)) {
            let mut bytes = [0_i8; GROUP];
            for (byte, x) in bytes.iter_mut().zip(group) {
                *byte = (x * inverse).round_ties_even() as i8;
                sum += f32::from(*byte);
            }
            *to = i32::from_le_bytes(bytes.map(|byte| byte as u8));
        }
        // A weight that is no number spoils its column, as it would in f32.
        let is_finite = column.iter().all(|x| x.is_finite());
        self.scales[nth] = if is_finite { scale } else { f32::NAN };
        self.sums[nth] = sum * self.scales[nth];
    }

    pub(super) fn n_in(&self) -> usize {
        self.n_in
    }

    pub(super) fn n_out(&self) -> usize {
        self.n_out
    }

    pub(super) fn n_panels(&self) -> usize {
        self.n_out.div_ceil(WIDTH)
    }
}

/// Rows, in 8 bits, packed.
#[derive(Debug, Default)]
pub(super) struct IntRows {
    /// Words of four numbers of a row; a panel's rows side by side, then their next words.
    words: Vec<u32>,
    /// What a number of 1 stands for, and what 0 does.
    scales: Vec<(f32, f32)>,
    /// The numbers that stay in f32; 0 where there are fewer.
    exact: Vec<[f32; EXACT]>,
    one: Vec<u8>,
    rest: Vec<f32>,
}

impl IntRows {
    /// Rounds and packs rows that lie one after the other, for a product with `columns`.
    pub(super) fn pack(&mut self, x: &[f32], columns: &IntColumns) {
        columns.level.run(PackRows {
            x,
            columns,
            into: self,
        });
    }
}

struct PackRows<'a> {
    x: &'a [f32],
    columns: &'a IntColumns,
    into: &'a mut IntRows,
}

impl WithSimd for PackRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let IntColumns {
            n_in,
            n_words,
            exact: inputs,
            ..
        } = self.columns;
        let (n_in, n_words) = (*n_in, *n_words);
        let n_rows = self.x.len() / n_in;
        let IntRows {
            words,
            scales,
            exact,
            one,
            rest,
        } = self.into;
        words.resize(n_rows * n_words, 0);
        scales.clear();
        exact.clear();
        one.clear();
        one.resize(n_words * GROUP, 0);
        let (mut x, mut words) = (self.x, words.as_mut_slice());
        for height in heights(n_rows, HIGHEST) {
            let (panel, later) = words.split_at_mut(height * n_words);
            for nth in 0..height {
                let row = &x[nth * n_in..][..n_in];
                rest.clear();
                rest.extend_from_slice(row);
                let mut stay = [0.0; EXACT];
                for (stay, &input) in stay.iter_mut().zip(inputs) {
                    *stay = std::mem::take(&mut rest[input]);
                }
                exact.push(stay);
                scales.push(round_row(simd, rest, one));
                let groups = one.as_chunks::<GROUP>().0;
                for (to, group) in panel[nth..].iter_mut().step_by(height).zip(groups) {
                    *to = u32::from_le_bytes(*group);
                }
            }
            words = later;
            x = &x[height * n_in..];
        }
    }
}

/// Rounds a row; returns what 1 and what 0 stand for.
#[inline(always)]
fn round_row<S: Simd>(simd: S, row: &[f32], into: &mut [u8]) -> (f32, f32) {
    let (vectors, tail) = S::as_simd_f32s(row);
    let mut least = simd.splat_f32s(f32::INFINITY);
    let mut most = simd.splat_f32s(f32::NEG_INFINITY);
    let mut sum = simd.splat_f32s(0.0);
    for x in vectors {
        least = simd.min_f32s(least, *x);
        most = simd.max_f32s(most, *x);
        sum = simd.add_f32s(sum, *x);
    }
    let least = tail
        .iter()
        .copied()
        .fold(simd.reduce_min_f32s(least), f32::min);
    let most = tail
        .iter()
        .copied()
        .fold(simd.reduce_max_f32s(most), f32::max);
    let sum = simd.reduce_sum_f32s(sum) + tail.iter().sum::<f32>();
    let scale = (most - least) / 255.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (to, x) in into.iter_mut().zip(row) {
        *to = ((x - least) * inverse + ROUND).to_bits() as u8;
    }
    // The sum is no finite number if one of the row is not; then the whole row is spoilt, as it
    // would be in f32.
    let spoilt = if sum.is_finite() { 0.0 } else { f32::NAN };
    (scale + spoilt, least)
}

/// A product of packed rows with some panels of columns.
pub(super) struct IntProduct<'a, 'b> {
    pub(super) rows: &'a IntRows,
    pub(super) columns: &'a IntColumns,
    pub(super) panels: Range<usize>,
    pub(super) finish: Finish<'a>,
    /// Of each row, what belongs to the panels' columns.
    pub(super) out: &'a mut [&'b mut [f32]],
}

impl IntProduct<'_, '_> {
    /// Computes it.
    pub(super) fn run(self) {
        self.columns.level.run(self);
    }
}

impl WithSimd for IntProduct<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            rows,
            columns,
            finish,
            out,
            ..
        } = self;
        let n_words = columns.n_words;
        let mut sums: Sums = [[0; WIDTH]; HIGHEST];
        let mut tile = [[0.0_f32; WIDTH]; HIGHEST];
        for panel in self.panels.clone() {
            let weights = &columns.words.as_slice()[panel * n_words * WIDTH..][..n_words * WIDTH];
            let weights = weights.as_chunks::<WIDTH>().0;
            let from = (panel - self.panels.start) * WIDTH;
            let bias = finish.bias.map(|bias| &bias[panel * WIDTH..][..WIDTH]);
            let mut done = 0;
            for height in heights(out.len(), HIGHEST) {
                let words = &rows.words[done * n_words..][..height * n_words];
                columns.way.sums(height, words, weights, &mut sums);
                let scales = &rows.scales[done..done + height];
                columns.scale(panel, &sums, scales, &mut tile);
                if !columns.exact.is_empty() {
                    let exact = &rows.exact[done..done + height];
                    add_exact(simd, exact, &columns.exact_weights[panel], &mut tile);
                }
                for (out, tile) in out[done..done + height].iter_mut().zip(&tile) {
                    let vectors: &[S::f32s] = bytemuck::cast_slice(tile);
                    write_vectors(simd, vectors, bias, finish, out, from);
                }
                done += height;
            }
        }
    }
}

impl IntColumns {
    /// Turns the sums of a tile back into f32.
    #[inline(always)]
    fn scale(
        &self,
        panel: usize,
        sums: &Sums,
        rows: &[(f32, f32)],
        tile: &mut [[f32; WIDTH]; HIGHEST],
    ) {
        let columns = panel * WIDTH..(panel + 1) * WIDTH;
        let (scales, weights) = (&self.scales[columns.clone()], &self.sums[columns]);
        for ((tile, sums), (scale, least)) in tile.iter_mut().zip(sums).zip(rows) {
            for nth in 0..WIDTH {
                tile[nth] = sums[nth] as f32 * (scale * scales[nth]) + least * weights[nth];
            }
        }
    }
}

/// Adds the products of the numbers that stayed in f32, each rounded once on all levels.
#[inline(always)]
fn add_exact<S: Simd>(
    simd: S,
    rows: &[[f32; EXACT]],
    weights: &[[f32; WIDTH]; EXACT],
    tile: &mut [[f32; WIDTH]; HIGHEST],
) {
    let weights = weights.each_ref().map(|weights| {
        let vectors: &[S::f32s] = bytemuck::cast_slice(weights);
        vectors
    });
    for (tile, row) in tile.iter_mut().zip(rows) {
        let row = row.map(|x| simd.splat_f32s(x));
        let vectors: &mut [S::f32s] = bytemuck::cast_slice_mut(tile);
        for (nth, sum) in vectors.iter_mut().enumerate() {
            for (x, weights) in row.iter().zip(weights) {
                *sum = simd.mul_add_f32s(*x, weights[nth], *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
