//! Products with weights of 8 bits: matrices of `Q8_0` blocks, packed in panels, times rows whose
//! blocks of 32 are brought to 8 bits as well.
//!
//! * A block's product is a whole number, the same on every machine. The products of a row's blocks
//!   are added in f32, in their order, whatever the height of the tile and the number of threads.
//! * A panel is 16 rows of weights, four bytes of each side by side, so that one vector instruction
//!   multiplies 64 weights with the same four numbers of a row (VNNI). The bytes are offset by 128,
//!   for these instructions want one side unsigned; what that adds is known from the row alone.
//! * Few rows (text being written): threads share the panels, and the weights stream through once.
//!   Many rows (a prompt being read): threads share the rows.

mod avx2;
mod exact;
mod portable;
mod rows;
mod vnni;

use std::ops::Range;

use half::f16;

use super::Team;

pub(crate) use self::rows::Q8Rows;

/// Weights in a block, which share a scale.
pub(crate) const BLOCK: usize = 32;
/// Bytes of a stored block: a scale of 16 bits, then one byte a weight.
const STORED_BYTES: usize = 34;
/// Rows of weights in a panel.
pub(crate) const PANEL: usize = 16;
/// Rows from which on threads share rows instead of panels.
const MANY_ROWS: usize = 24;

/// The bytes of a panel's block: for each group of four inputs, 16 rows' four weights.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Groups([[u8; 4 * PANEL]; BLOCK / 4]);

/// The scales of a panel's block, 16 bits each.
type Scales = [u16; PANEL];

/// How products are computed on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Q8Level {
    /// AVX-512 with VNNI.
    Vnni,
    /// AVX2 with FMA.
    Avx2,
    /// Whatever the compiler makes of plain code.
    Portable,
}

impl Q8Level {
    /// The best one that this machine has.
    pub(crate) fn best() -> Self {
        if vnni::is_here() {
            Self::Vnni
        } else if avx2::is_here() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    /// Every one that this machine has.
    #[cfg(test)]
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        all.extend(avx2::is_here().then_some(Self::Avx2));
        all.extend(vnni::is_here().then_some(Self::Vnni));
        all
    }
}

/// A matrix of 8-bit weights, packed once.
pub(crate) struct Q8Matrix {
    n_in: usize,
    n_out: usize,
    /// Panel by panel, block by block.
    groups: Vec<Groups>,
    scales: Vec<Scales>,
}

/// Some panels of a matrix.
#[derive(Clone, Copy)]
struct Panels<'a> {
    n_blocks: usize,
    groups: &'a [Groups],
    scales: &'a [Scales],
}

impl<'a> Panels<'a> {
    fn iter(self) -> impl Iterator<Item = (&'a [Groups], &'a [Scales])> {
        let groups = self.groups.chunks_exact(self.n_blocks);
        groups.zip(self.scales.chunks_exact(self.n_blocks))
    }
}

/// Where products go: 16 numbers of a panel and row side by side.
struct Target<'a> {
    y: &'a mut [f32],
    /// From a row to the next one.
    row_stride: usize,
    /// From a panel to the next one.
    panel_stride: usize,
}

impl Target<'_> {
    #[inline(always)]
    fn put<const M: usize>(&mut self, panel: usize, row: usize, sums: &[[f32; PANEL]; M]) {
        for (nth, sums) in sums.iter().enumerate() {
            let at = panel * self.panel_stride + (row + nth) * self.row_stride;
            self.y[at..at + PANEL].copy_from_slice(sums);
        }
    }
}

impl Q8Matrix {
    /// Packs matrices of stored `Q8_0` rows one below the other; each is `n_in` wide.
    ///
    /// The number of rows is filled up to whole panels with zeros.
    ///
    /// # Panics
    /// If `n_in` does not fill blocks or the bytes do not fill rows.
    pub(crate) fn pack(stored: &[&[u8]], n_in: usize) -> Self {
        assert!(n_in.is_multiple_of(BLOCK) && n_in > 0, "rows fill blocks");
        let n_blocks = n_in / BLOCK;
        let row_bytes = n_blocks * STORED_BYTES;
        assert!(
            stored
                .iter()
                .all(|part| part.len().is_multiple_of(row_bytes)),
            "the bytes fill rows"
        );
        let n_rows = stored.iter().map(|part| part.len()).sum::<usize>() / row_bytes;
        let n_panels = n_rows.div_ceil(PANEL);
        // The offset of a weight of zero.
        let zeros = Groups([[128; 4 * PANEL]; BLOCK / 4]);
        let mut groups = vec![zeros; n_panels * n_blocks];
        let mut scales = vec![[0; PANEL]; n_panels * n_blocks];
        let rows = stored.iter().flat_map(|part| part.chunks_exact(row_bytes));
        for (row, bytes) in rows.enumerate() {
            let (panel, lane) = (row / PANEL, row % PANEL);
            for (block, bytes) in bytes.chunks_exact(STORED_BYTES).enumerate() {
                let at = panel * n_blocks + block;
                scales[at][lane] = u16::from_le_bytes([bytes[0], bytes[1]]);
                for (group, weights) in groups[at].0.iter_mut().zip(bytes[2..].chunks_exact(4)) {
                    for (to, weight) in group[4 * lane..].iter_mut().zip(weights) {
                        *to = weight ^ 0x80;
                    }
                }
            }
        }
        Self {
            n_in,
            n_out: n_panels * PANEL,
            groups,
            scales,
        }
    }

    /// Inputs of a product.
    pub(crate) fn n_in(&self) -> usize {
        self.n_in
    }

    /// Outputs of a product, filled up to whole panels.
    pub(crate) fn n_out(&self) -> usize {
        self.n_out
    }

    /// Writes one row of weights, in f32, into `out`.
    pub(crate) fn row(&self, row: usize, out: &mut [f32]) {
        let n_blocks = self.n_in / BLOCK;
        let (panel, lane) = (row / PANEL, row % PANEL);
        for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let at = panel * n_blocks + block;
            let scale = f16::from_bits(self.scales[at][lane]).to_f32();
            for (group, out) in self.groups[at].0.iter().zip(out.as_chunks_mut::<4>().0) {
                for (out, weight) in out.iter_mut().zip(&group[4 * lane..]) {
                    *out = f32::from((weight ^ 0x80) as i8) * scale;
                }
            }
        }
    }

    fn panels(&self, panels: Range<usize>) -> Panels<'_> {
        let n_blocks = self.n_in / BLOCK;
        let range = panels.start * n_blocks..panels.end * n_blocks;
        Panels {
            n_blocks,
            groups: &self.groups[range.clone()],
            scales: &self.scales[range],
        }
    }

    /// `y = x × weights`, row by row; `y` is `rows × n_out`, `scratch` grows as needed.
    pub(crate) fn forward(
        &self,
        level: Q8Level,
        team: &Team,
        x: &Q8Rows,
        y: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        assert_eq!(x.n_in(), self.n_in, "rows are as wide as the weights");
        assert_eq!(y.len(), x.n_rows() * self.n_out, "the products fill y");
        if x.n_rows() >= MANY_ROWS {
            self.share_rows(level, team, x, y);
        } else if x.n_rows() == 1 {
            self.share_panels(level, team, x, y);
        } else {
            scratch.resize(y.len(), 0.0);
            self.share_panels(level, team, x, scratch);
            gather(team, x.n_rows(), self.n_out, scratch, y);
        }
    }

    fn share_rows(&self, level: Q8Level, team: &Team, x: &Q8Rows, mut y: &mut [f32]) {
        let mut parts = Vec::new();
        for tiles in shares(x.n_tiles(), team.n_threads()) {
            let n_rows: usize = x.tiles(tiles.clone()).map(|tile| tile.n_rows).sum();
            let part;
            (part, y) = y.split_at_mut(n_rows * self.n_out);
            parts.push((tiles, part));
        }
        let all = self.panels(0..self.n_out / PANEL);
        team.share(parts, |(tiles, y)| {
            let target = Target {
                y,
                row_stride: self.n_out,
                panel_stride: PANEL,
            };
            multiply(level, all, x, tiles, target);
        });
    }

    /// Leaves panel after panel in `y`, each with all its rows.
    fn share_panels(&self, level: Q8Level, team: &Team, x: &Q8Rows, mut y: &mut [f32]) {
        let mut parts = Vec::new();
        for panels in shares(self.n_out / PANEL, team.n_threads()) {
            let part;
            (part, y) = y.split_at_mut(panels.len() * PANEL * x.n_rows());
            parts.push((panels, part));
        }
        team.share(parts, |(panels, y)| {
            let target = Target {
                y,
                row_stride: PANEL,
                panel_stride: PANEL * x.n_rows(),
            };
            multiply(level, self.panels(panels), x, 0..x.n_tiles(), target);
        });
    }
}

/// Cuts `0..n` into `n_shares` ranges that are about as long as each other.
fn shares(n: usize, n_shares: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_shares).map(move |nth| n * nth / n_shares..n * (nth + 1) / n_shares)
}

/// Brings panel after panel into row after row.
fn gather(team: &Team, n_rows: usize, n_out: usize, panels: &[f32], y: &mut [f32]) {
    let rows: Vec<_> = y.chunks_exact_mut(n_out).enumerate().collect();
    let put = |(row, y): (usize, &mut [f32])| {
        let from = panels[row * PANEL..].chunks(PANEL).step_by(n_rows);
        for (to, from) in y.chunks_exact_mut(PANEL).zip(from) {
            to.copy_from_slice(from);
        }
    };
    // Little is copied sooner than threads are asked to help.
    if n_rows * n_out < 1 << 16 {
        rows.into_iter().for_each(put);
    } else {
        team.share(rows, put);
    }
}

fn multiply(
    level: Q8Level,
    panels: Panels<'_>,
    x: &Q8Rows,
    tiles: Range<usize>,
    target: Target<'_>,
) {
    match level {
        Q8Level::Vnni => vnni::multiply(panels, x, tiles, target),
        Q8Level::Avx2 => avx2::multiply(panels, x, tiles, target),
        Q8Level::Portable => portable::multiply(panels, x, tiles, target),
    }
}

/// Writes a level's loops over panels and tiles, given its product of one panel and one tile.
///
/// The panel is the outer loop: it stays in the nearest cache while all tiles pass.
macro_rules! each_panel_and_tile {
    ($product:ident, $panels:expr, $x:expr, $tiles:expr, $target:expr) => {
        for (panel, (groups, scales)) in $panels.iter().enumerate() {
            let mut row = 0;
            for tile in $x.tiles($tiles.clone()) {
                macro_rules! of_height {
                    ($height:literal) => {{
                        let mut sums = [[0.0; PANEL]; $height];
                        $product::<$height>(groups, scales, tile, &mut sums);
                        $target.put(panel, row, &sums);
                    }};
                }
                match tile.n_rows {
                    1 => of_height!(1),
                    2 => of_height!(2),
                    3 => of_height!(3),
                    4 => of_height!(4),
                    6 => of_height!(6),
                    8 => of_height!(8),
                    _ => of_height!(12),
                }
                row += tile.n_rows;
            }
        }
    };
}
use each_panel_and_tile;

#[cfg(test)]
mod tests;
