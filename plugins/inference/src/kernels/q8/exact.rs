//! Products with 8-bit weights of rows that stay in f32: slower, and as exact as f32 is.

use half::f16;

use super::{BLOCK, PANEL, Q8Matrix, shares};
use crate::kernels::Team;

impl Q8Matrix {
    /// `y = x × weights`, row by row, without bringing `x` to 8 bits; `y` is `rows × n_out`.
    pub(crate) fn forward_exact(&self, team: &Team, x: &[f32], y: &mut [f32]) {
        let n_rows = x.len() / self.n_in;
        assert_eq!(y.len(), n_rows * self.n_out, "the products fill y");
        let mut panels_y = vec![0.0; y.len()];
        let mut rest = &mut panels_y[..];
        let mut parts = Vec::new();
        for panels in shares(self.n_out / PANEL, team.n_threads()) {
            let part;
            (part, rest) = rest.split_at_mut(panels.len() * PANEL * n_rows);
            parts.push((panels, part));
        }
        team.share(parts, |(panels, y)| {
            for (panel, y) in panels.zip(y.chunks_exact_mut(PANEL * n_rows)) {
                self.panel_exact(panel, x, y);
            }
        });
        super::gather(team, n_rows, self.n_out, &panels_y, y);
    }

    fn panel_exact(&self, panel: usize, x: &[f32], y: &mut [f32]) {
        let n_blocks = self.n_in / BLOCK;
        let mut weights = vec![[0.0f32; PANEL]; self.n_in];
        for (block, weights) in weights.chunks_exact_mut(BLOCK).enumerate() {
            let at = panel * n_blocks + block;
            let scales = self.scales[at].map(|bits| f16::from_bits(bits).to_f32());
            for (nth, weights) in weights.iter_mut().enumerate() {
                let group = self.groups[at].0[nth / 4].as_chunks::<4>().0;
                for ((weight, four), scale) in weights.iter_mut().zip(group).zip(scales) {
                    *weight = f32::from((four[nth % 4] ^ 0x80) as i8) * scale;
                }
            }
        }
        for (x, y) in x.chunks_exact(self.n_in).zip(y.chunks_exact_mut(PANEL)) {
            let mut sums = [0.0f32; PANEL];
            for (x, weights) in x.iter().zip(&weights) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += x * weight;
                }
            }
            y.copy_from_slice(&sums);
        }
    }
}
