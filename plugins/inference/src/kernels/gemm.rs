//! Products of rows with packed columns, tile by tile, in f32.
//!
//! * Columns are packed once, in panels as wide as two vectors; rows are packed for each product, in
//!   panels as high as the registers of a tile allow. A tile's sums stay in registers throughout.
//! * Each sum goes through the inputs in their order, whatever the height of its tile.
//!
//! Goto, van de Geijn (2008), "Anatomy of High-Performance Matrix Multiplication".

use std::{any::TypeId, ops::Range};

use pulp::{Scalar256b, Simd, WithSimd};

use super::{
    aligned::Aligned,
    gelu::gelu_of,
    level::{Level, mul_add},
    linear::Activation,
};

/// Vectors that a panel of columns is wide.
pub(super) const WIDE: usize = 2;
/// Rows of the highest tile.
pub(super) const HIGHEST: usize = 14;

/// Columns (outputs) of `n_in` weights each, packed.
#[derive(Debug)]
pub(super) struct Columns {
    level: Level,
    values: Aligned<f32>,
    n_in: usize,
    n_out: usize,
    width: usize,
}

impl Columns {
    /// Packs `n_out` columns that lie one after the other, `stride` apart.
    pub(super) fn pack(
        level: Level,
        weights: &[f32],
        stride: usize,
        n_in: usize,
        n_out: usize,
    ) -> Self {
        let width = WIDE * level.lanes();
        let mut values = Aligned::zeros(n_out.div_ceil(width) * width * n_in);
        for (nth, panel) in values
            .as_mut_slice()
            .chunks_exact_mut((width * n_in).max(1))
            .enumerate()
        {
            for column in nth * width..n_out.min((nth + 1) * width) {
                let from = &weights[column * stride..][..n_in];
                let to = panel[column - nth * width..].iter_mut().step_by(width);
                for (to, from) in to.zip(from) {
                    *to = *from;
                }
            }
        }
        Self {
            level,
            values,
            n_in,
            n_out,
            width,
        }
    }

    /// Packs `n_out` columns whose first weights lie side by side, then their second ones `stride`
    /// further, and so on.
    pub(super) fn pack_side_by_side(
        level: Level,
        weights: &[f32],
        stride: usize,
        n_in: usize,
        n_out: usize,
    ) -> Self {
        let width = WIDE * level.lanes();
        let mut values = Aligned::zeros(n_out.div_ceil(width) * width * n_in);
        for (nth, panel) in values
            .as_mut_slice()
            .chunks_exact_mut((width * n_in).max(1))
            .enumerate()
        {
            let columns = nth * width..n_out.min((nth + 1) * width);
            for (to, from) in panel.chunks_exact_mut(width).zip(weights.chunks(stride)) {
                to[..columns.len()].copy_from_slice(&from[columns.clone()]);
            }
        }
        Self {
            level,
            values,
            n_in,
            n_out,
            width,
        }
    }

    pub(super) fn n_in(&self) -> usize {
        self.n_in
    }

    pub(super) fn n_out(&self) -> usize {
        self.n_out
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Columns of a panel.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn n_panels(&self) -> usize {
        self.n_out.div_ceil(self.width)
    }

    fn panel(&self, nth: usize) -> &[f32] {
        &self.values.as_slice()[nth * self.width * self.n_in..][..self.width * self.n_in]
    }
}

/// Rows of the highest tile that fits the registers.
#[inline(always)]
pub(super) fn tile_rows<S: Simd>() -> usize {
    if TypeId::of::<S>() == TypeId::of::<Scalar256b>() {
        2
    } else {
        // What is left when a panel's vectors and the row's number have theirs.
        ((S::REGISTER_COUNT - WIDE - 1) / WIDE).min(HIGHEST)
    }
}

/// Heights of the fewest tiles for so many rows, all within one row of each other.
#[inline(always)]
pub(super) fn heights(n_rows: usize, highest: usize) -> impl Iterator<Item = usize> {
    let n_tiles = n_rows.div_ceil(highest).max(1);
    let (base, longer) = (n_rows / n_tiles, n_rows % n_tiles);
    (0..n_tiles)
        .map(move |nth| base + usize::from(nth < longer))
        .filter(|&rows| rows > 0)
}

/// Packs `n_rows` rows of `n_in` numbers that lie `stride` apart into `into`, panel by panel.
pub(super) fn pack_rows(
    level: Level,
    x: &[f32],
    stride: usize,
    n_rows: usize,
    n_in: usize,
    into: &mut Vec<f32>,
) {
    into.resize(n_rows * n_in, 0.0);
    level.run(PackRows {
        x,
        stride,
        n_rows,
        n_in,
        into,
    });
}

struct PackRows<'a> {
    x: &'a [f32],
    stride: usize,
    n_rows: usize,
    n_in: usize,
    into: &'a mut [f32],
}

impl WithSimd for PackRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (mut x, mut into) = (self.x, self.into);
        for rows in heights(self.n_rows, tile_rows::<S>()) {
            let (panel, rest) = into.split_at_mut(rows * self.n_in);
            for nth in 0..rows {
                let from = &x[nth * self.stride..][..self.n_in];
                for (to, from) in panel[nth..].iter_mut().step_by(rows).zip(from) {
                    *to = *from;
                }
            }
            into = rest;
            x = x.get(rows * self.stride..).unwrap_or_default();
        }
    }
}

/// A product of packed rows with some panels of columns.
pub(super) struct Product<'a, 'b> {
    /// As [`pack_rows`] leaves them.
    pub(super) rows: &'a [f32],
    pub(super) n_rows: usize,
    pub(super) columns: &'a Columns,
    pub(super) panels: Range<usize>,
    pub(super) finish: Finish<'a>,
    /// Of each row, what belongs to the panels' columns.
    pub(super) out: &'a mut [&'b mut [f32]],
}

/// What is done with a sum before it is written.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    /// Added to each column; as long as all panels.
    pub(super) bias: Option<&'a [f32]>,
    pub(super) activation: Activation,
    /// Whether it is added to what is there.
    pub(super) write: Write,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Set,
    Add,
}

impl Product<'_, '_> {
    /// Computes it.
    pub(super) fn run(self) {
        self.columns.level.run(self);
    }
}

impl WithSimd for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (n_in, width) = (self.columns.n_in, self.columns.width);
        let mut tile = [[simd.splat_f32s(0.0); WIDE]; HIGHEST];
        for panel in self.panels.clone() {
            let columns = S::as_simd_f32s(self.columns.panel(panel)).0;
            let from = (panel - self.panels.start) * width;
            let bias = self.finish.bias.map(|bias| &bias[panel * width..][..width]);
            let mut done = 0;
            for rows in heights(self.n_rows, tile_rows::<S>()) {
                let packed = &self.rows[done * n_in..][..rows * n_in];
                tile_of_height(simd, rows, packed, columns, &mut tile);
                for (out, sums) in self.out[done..done + rows].iter_mut().zip(&tile) {
                    write_vectors(simd, sums, bias, self.finish, out, from);
                }
                done += rows;
            }
        }
    }
}

/// Computes a tile of so many rows.
#[inline(always)]
pub(super) fn tile_of_height<S: Simd>(
    simd: S,
    rows: usize,
    packed: &[f32],
    columns: &[S::f32s],
    tile: &mut [[S::f32s; WIDE]; HIGHEST],
) {
    macro_rules! by_height {
        ($($height:literal)*) => {
            match rows {
                $($height if $height <= tile_rows::<S>() => {
                    sums::<S, $height>(simd, packed, columns, tile);
                })*
                _ => {}
            }
        };
    }
    by_height!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
}

#[inline(always)]
fn sums<S: Simd, const ROWS: usize>(
    simd: S,
    packed: &[f32],
    columns: &[S::f32s],
    tile: &mut [[S::f32s; WIDE]; HIGHEST],
) {
    let mut sums = [[simd.splat_f32s(0.0); WIDE]; ROWS];
    let (packed, _) = packed.as_chunks::<ROWS>();
    let (columns, _) = columns.as_chunks::<WIDE>();
    for (x, weights) in packed.iter().zip(columns) {
        for (sums, x) in sums.iter_mut().zip(x) {
            let x = simd.splat_f32s(*x);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = mul_add(simd, x, *weight, *sum);
            }
        }
    }
    for (to, sums) in tile.iter_mut().zip(sums) {
        *to = sums;
    }
}

/// Writes a row's vectors at column `from` of `out`, finished.
#[inline(always)]
pub(super) fn write_vectors<S: Simd>(
    simd: S,
    vectors: &[S::f32s],
    bias: Option<&[f32]>,
    finish: Finish<'_>,
    out: &mut [f32],
    from: usize,
) {
    let bias = bias.map(|bias| S::as_simd_f32s(bias).0);
    for (nth, sum) in vectors.iter().enumerate() {
        let at = from + nth * S::F32_LANES;
        if at >= out.len() {
            break;
        }
        let sum = bias.map_or(*sum, |bias| simd.add_f32s(*sum, bias[nth]));
        let value = activate(simd, finish.activation, sum);
        let to = out.len().min(at + S::F32_LANES);
        put(simd, &mut out[at..to], value, finish.write);
    }
}

#[inline(always)]
fn put<S: Simd>(simd: S, out: &mut [f32], value: S::f32s, write: Write) {
    if let [to] = S::as_mut_simd_f32s(out).0 {
        *to = match write {
            Write::Set => value,
            Write::Add => simd.add_f32s(*to, value),
        };
    } else {
        let value = match write {
            Write::Set => value,
            Write::Add => simd.add_f32s(simd.partial_load_f32s(out), value),
        };
        simd.partial_store_f32s(out, value);
    }
}

#[inline(always)]
fn activate<S: Simd>(simd: S, activation: Activation, x: S::f32s) -> S::f32s {
    match activation {
        Activation::None => x,
        Activation::Gelu => gelu_of(simd, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_all_rows_and_are_alike() {
        for n_rows in 0..100 {
            let all: Vec<_> = heights(n_rows, 14).collect();
            assert_eq!(all.iter().sum::<usize>(), n_rows);
            let (least, most) = (all.iter().min(), all.iter().max());
            assert!(
                most.zip(least)
                    .is_none_or(|(most, least)| most - least <= 1 && *most <= 14)
            );
        }
    }
}
