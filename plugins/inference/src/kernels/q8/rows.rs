//! Rows of numbers brought to 8 bits, block by block, in the order in which tiles read them.

use std::ops::Range;

use super::BLOCK;
use crate::kernels::Team;

/// Rows of the highest tile: its sums, in whole numbers and in f32, stay in registers.
const HIGHEST: usize = 12;
/// How the rows that do not fill a highest tile are put into tiles: code is made for few heights.
const LAST_TILES: [&[usize]; HIGHEST] = [
    &[],
    &[1],
    &[2],
    &[3],
    &[4],
    &[3, 2],
    &[6],
    &[4, 3],
    &[8],
    &[6, 3],
    &[6, 4],
    &[8, 3],
];
/// Rows from which on threads share the work.
const MANY_ROWS: usize = 24;

/// Rows of activations, 8 bits each.
#[derive(Debug, Default)]
pub(crate) struct Q8Rows {
    n_in: usize,
    n_rows: usize,
    /// Tile by tile; in a tile, for each four inputs, the four bytes of all its rows.
    quants: Vec<i32>,
    /// Tile by tile; in a tile, block by block, one for each of its rows.
    scales: Vec<f32>,
    /// As the scales: what the weights' offset adds to the product of a block, taken off.
    offsets: Vec<i32>,
}

/// Up to [`HIGHEST`] rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<'a> {
    pub(super) n_rows: usize,
    pub(super) quants: &'a [i32],
    pub(super) scales: &'a [f32],
    pub(super) offsets: &'a [i32],
}

impl Q8Rows {
    pub(crate) fn n_in(&self) -> usize {
        self.n_in
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Takes on the rows of `x`, each `n_in` numbers long.
    ///
    /// Numbers are divided by their block's largest magnitude / 127 and rounded to the nearest,
    /// halves to even. A row with a NaN gets a NaN scale.
    pub(crate) fn take(&mut self, team: &Team, x: &[f32], n_in: usize) {
        assert!(
            n_in.is_multiple_of(BLOCK) && x.len().is_multiple_of(n_in),
            "rows fill blocks"
        );
        (self.n_in, self.n_rows) = (n_in, x.len() / n_in);
        let n_scales = x.len() / BLOCK;
        self.quants.resize(x.len() / 4, 0);
        self.scales.resize(n_scales, 0.0);
        self.offsets.resize(n_scales, 0);
        let (mut quants, mut scales, mut offsets, mut x) = (
            &mut self.quants[..],
            &mut self.scales[..],
            &mut self.offsets[..],
            x,
        );
        let mut parts = Vec::new();
        for tile in 0..n_tiles(self.n_rows) {
            let n_rows = tile_rows(self.n_rows, tile).len();
            let n = n_rows * n_in;
            let (part, of_quants, of_scales, of_offsets);
            (part, x) = x.split_at(n);
            (of_quants, quants) = quants.split_at_mut(n / 4);
            (of_scales, scales) = scales.split_at_mut(n / BLOCK);
            (of_offsets, offsets) = offsets.split_at_mut(n / BLOCK);
            parts.push((part, n_rows, of_quants, of_scales, of_offsets));
        }
        let take = |(x, n_rows, quants, scales, offsets): (
            &[f32],
            usize,
            &mut [i32],
            &mut [f32],
            &mut [i32],
        )| {
            take_tile(x, n_rows, quants, scales, offsets);
        };
        if self.n_rows < MANY_ROWS {
            parts.into_iter().for_each(take);
        } else {
            team.share(parts, take);
        }
    }

    pub(super) fn n_tiles(&self) -> usize {
        n_tiles(self.n_rows)
    }

    pub(super) fn tiles(&self, tiles: Range<usize>) -> impl Iterator<Item = Tile<'_>> {
        tiles.map(|nth| {
            let rows = tile_rows(self.n_rows, nth);
            let of = |n: usize| rows.start * n..rows.end * n;
            Tile {
                n_rows: rows.len(),
                quants: &self.quants[of(self.n_in / 4)],
                scales: &self.scales[of(self.n_in / BLOCK)],
                offsets: &self.offsets[of(self.n_in / BLOCK)],
            }
        })
    }
}

fn n_tiles(n_rows: usize) -> usize {
    n_rows / HIGHEST + LAST_TILES[n_rows % HIGHEST].len()
}

/// The rows of a tile. No tile is higher than the one before it.
fn tile_rows(n_rows: usize, tile: usize) -> Range<usize> {
    let n_highest = n_rows / HIGHEST;
    if tile < n_highest {
        return tile * HIGHEST..(tile + 1) * HIGHEST;
    }
    let last = LAST_TILES[n_rows % HIGHEST];
    let before: usize = last[..tile - n_highest].iter().sum();
    let start = n_highest * HIGHEST + before;
    start..start + last[tile - n_highest]
}

fn take_tile(
    x: &[f32],
    n_rows: usize,
    quants: &mut [i32],
    scales: &mut [f32],
    offsets: &mut [i32],
) {
    let n_in = x.len() / n_rows;
    for (row, x) in x.chunks_exact(n_in).enumerate() {
        for (block, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
            let at = block * n_rows + row;
            let (scale, bytes) = to_8_bits(x);
            scales[at] = scale;
            let sum: i32 = bytes.iter().map(|&byte| i32::from(byte as i8)).sum();
            offsets[at] = -128 * sum;
            let first = block * BLOCK / 4 * n_rows + row;
            for (nth, four) in bytes.as_chunks::<4>().0.iter().enumerate() {
                quants[first + nth * n_rows] = i32::from_le_bytes(*four);
            }
        }
    }
}

/// A block's scale and its numbers divided by it.
#[inline]
fn to_8_bits(x: &[f32; BLOCK]) -> (f32, [u8; BLOCK]) {
    /// Adding it rounds to a whole number, whose lowest byte then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // Magnitudes are in the order of their bits, and NaN comes last.
    let bits = x
        .iter()
        .fold(0, |most: u32, x| most.max(x.to_bits() & 0x7fff_ffff));
    let largest = f32::from_bits(bits);
    let inverse = if bits == 0 { 0.0 } else { 127.0 / largest };
    let mut bytes = [0; BLOCK];
    for (byte, x) in bytes.iter_mut().zip(x) {
        *byte = (x * inverse + ROUND).to_bits() as u8;
    }
    (largest / 127.0, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_tiles_for_which_there_is_code() {
        for n_rows in 1..60 {
            let tiles: Vec<_> = (0..n_tiles(n_rows))
                .map(|tile| tile_rows(n_rows, tile))
                .collect();
            let rows: Vec<_> = tiles.iter().cloned().flatten().collect();
            assert_eq!(rows, (0..n_rows).collect::<Vec<_>>());
            assert!(
                tiles
                    .iter()
                    .all(|tile| [1, 2, 3, 4, 6, 8, 12].contains(&tile.len()))
            );
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        let mut x = [0.0; BLOCK];
        x[..6].copy_from_slice(&[127.0, -127.0, 0.5, 1.5, -2.6, 3.2]);
        let (scale, bytes) = to_8_bits(&x);
        let quants = bytes.map(|byte| byte as i8);
        assert_eq!(scale, 1.0);
        assert_eq!(quants[..7], [127, -127, 0, 2, -3, 3, 0]);
        assert_eq!(to_8_bits(&[0.0; BLOCK]), (0.0, [0; BLOCK]));
        x[9] = f32::NAN;
        assert!(to_8_bits(&x).0.is_nan());
    }
}
