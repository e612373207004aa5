//! A linear layer whose weights are packed once.

use std::{cell::RefCell, ops::Range};

use super::{
    gemm::{Columns, Finish, Product, Write, pack_rows},
    int8::{self, IntColumns, IntProduct, IntRows},
    level::Level,
    team::Team,
};

/// The most rows that a thread takes at a time: packed, they stay in its second-level cache, and weights
/// come anew for the next ones.
const ROWS_AT_ONCE: usize = 144;
/// Rows for each thread of a team from which on threads share rows, and columns no longer.
const MANY_ROWS: usize = 250;

/// What follows a linear layer; computed while its results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Nothing.
    None,
    /// GELU in its true form.
    Gelu,
}

#[derive(Debug)]
enum Packed {
    F32(Columns),
    Int8(IntColumns),
}

/// Packed rows.
#[derive(Clone, Copy)]
enum Rows<'a> {
    F32(&'a [f32]),
    Int8(&'a IntRows),
}

/// Weights and biases of a linear layer, packed. Replicas share one.
#[derive(Debug)]
pub(crate) struct Linear {
    packed: Packed,
    /// As long as all panels, so that whole vectors can be read.
    bias: Option<Vec<f32>>,
}

impl Linear {
    /// Packs `weights` (`n_out × n_in`, row by row) and `bias` (`n_out`) for this machine.
    pub(crate) fn pack(weights: &[f32], bias: Option<&[f32]>, n_in: usize, n_out: usize) -> Self {
        Self::pack_for(Level::best(), weights, bias, n_in, n_out)
    }

    pub(super) fn pack_for(
        level: Level,
        weights: &[f32],
        bias: Option<&[f32]>,
        n_in: usize,
        n_out: usize,
    ) -> Self {
        let columns = Columns::pack(level, weights, n_in, n_in, n_out);
        Self::with(Packed::F32(columns), bias)
    }

    /// Packs `weights` and `bias` as [`Self::pack`] does, rounded to 8 bits; products then round
    /// their rows as well. The inputs in `exact`, [`EXACT`] at most, stay as they are.
    pub(crate) fn pack_int8(
        weights: &[f32],
        bias: Option<&[f32]>,
        exact: &[usize],
        n_in: usize,
        n_out: usize,
    ) -> Self {
        let columns = IntColumns::pack(Level::best(), weights, exact, n_in, n_out);
        Self::with(Packed::Int8(columns), bias)
    }

    fn with(packed: Packed, bias: Option<&[f32]>) -> Self {
        let mut linear = Self { packed, bias: None };
        linear.bias = bias.map(|bias| {
            let mut bias = bias.to_vec();
            bias.resize(linear.n_panels() * linear.panel_width(), 0.0);
            bias
        });
        linear
    }

    /// Inputs of a row.
    pub(crate) fn n_in(&self) -> usize {
        match &self.packed {
            Packed::F32(columns) => columns.n_in(),
            Packed::Int8(columns) => columns.n_in(),
        }
    }

    /// Outputs of a row.
    pub(crate) fn n_out(&self) -> usize {
        match &self.packed {
            Packed::F32(columns) => columns.n_out(),
            Packed::Int8(columns) => columns.n_out(),
        }
    }

    fn n_panels(&self) -> usize {
        match &self.packed {
            Packed::F32(columns) => columns.n_panels(),
            Packed::Int8(columns) => columns.n_panels(),
        }
    }

    /// Columns of a panel.
    fn panel_width(&self) -> usize {
        match &self.packed {
            Packed::F32(columns) => columns.width(),
            Packed::Int8(_) => int8::WIDTH,
        }
    }

    /// Writes the activated product of `x` (`n_rows × n_in`) into `y` (`n_rows × n_out`).
    pub(crate) fn forward(
        &self,
        team: &Team,
        x: &[f32],
        n_rows: usize,
        y: &mut [f32],
        activation: Activation,
    ) {
        self.multiply(team, x, n_rows, y, self.finish(activation, Write::Set));
    }

    /// Adds the product of `x` (`n_rows × n_in`) to `y` (`n_rows × n_out`).
    pub(crate) fn forward_add(&self, team: &Team, x: &[f32], n_rows: usize, y: &mut [f32]) {
        self.multiply(
            team,
            x,
            n_rows,
            y,
            self.finish(Activation::None, Write::Add),
        );
    }

    fn finish(&self, activation: Activation, write: Write) -> Finish<'_> {
        Finish {
            bias: self.bias.as_deref(),
            activation,
            write,
        }
    }

    fn multiply(&self, team: &Team, x: &[f32], n_rows: usize, y: &mut [f32], finish: Finish<'_>) {
        let (x, y) = (&x[..n_rows * self.n_in()], &mut y[..n_rows * self.n_out()]);
        if n_rows == 0 || self.n_out() == 0 {
            return;
        }
        if team.n_threads() == 1 || n_rows >= MANY_ROWS * team.n_threads() {
            self.by_rows(team, x, n_rows, y, finish);
        } else {
            self.by_columns(team, x, n_rows, y, finish);
        }
    }

    /// Each thread takes some rows, as many as the others, and packs them itself.
    fn by_rows(&self, team: &Team, x: &[f32], n_rows: usize, y: &mut [f32], finish: Finish<'_>) {
        let n_parts = n_rows.div_ceil(ROWS_AT_ONCE);
        let n_parts = n_parts.next_multiple_of(team.n_threads());
        // Not some of the most and few that are left: few rows take as long, for all weights come.
        let each = n_rows.div_ceil(n_parts);
        let x = x.chunks(each * self.n_in().max(1));
        let y = y.chunks_mut(each * self.n_out());
        team.share(x.zip(y).collect(), |(x, y)| {
            let mut out: Vec<_> = y.chunks_exact_mut(self.n_out()).collect();
            let n_rows = out.len();
            self.with_packed(x, n_rows, |rows| {
                self.product(rows, 0..self.n_panels(), finish, &mut out);
            });
        });
    }

    /// Each thread takes some columns of all rows.
    fn by_columns(&self, team: &Team, x: &[f32], n_rows: usize, y: &mut [f32], finish: Finish<'_>) {
        let n_parts = team.n_threads().min(self.n_panels());
        let ends: Vec<_> = (0..=n_parts)
            .map(|nth| nth * self.n_panels() / n_parts)
            .collect();
        let columns: Vec<_> = ends
            .iter()
            .map(|end| (end * self.panel_width()).min(self.n_out()))
            .collect();
        let panels = ends.windows(2).map(|ends| ends[0]..ends[1]);
        let parts = panels.zip(segments(y, self.n_out(), &columns)).collect();
        self.with_packed(x, n_rows, |rows| {
            team.share(parts, |(panels, mut out)| {
                self.product(rows, panels, finish, &mut out);
            });
        });
    }

    fn product(
        &self,
        rows: Rows<'_>,
        panels: Range<usize>,
        finish: Finish<'_>,
        out: &mut [&mut [f32]],
    ) {
        match (&self.packed, rows) {
            (Packed::F32(columns), Rows::F32(rows)) => Product {
                rows,
                n_rows: out.len(),
                columns,
                panels,
                finish,
                out,
            }
            .run(),
            (Packed::Int8(columns), Rows::Int8(rows)) => IntProduct {
                rows,
                columns,
                panels,
                finish,
                out,
            }
            .run(),
            _ => unreachable!("rows are packed as the columns are. This is a bug."),
        }
    }

    fn with_packed(&self, x: &[f32], n_rows: usize, then: impl FnOnce(Rows<'_>)) {
        // Taken, not borrowed: a thread that waits for the others may be given other work.
        match &self.packed {
            // One row is packed as it is.
            Packed::F32(_) if n_rows == 1 => then(Rows::F32(x)),
            Packed::F32(columns) => {
                let (n_in, mut packed) = (self.n_in(), PACKED.take());
                pack_rows(columns.level(), x, n_in, n_rows, n_in, &mut packed);
                then(Rows::F32(&packed));
                PACKED.set(packed);
            }
            Packed::Int8(columns) => {
                let mut packed = INT_PACKED.take();
                packed.pack(x, columns);
                then(Rows::Int8(&packed));
                INT_PACKED.set(packed);
            }
        }
    }
}

/// Cuts each row of `y` at the same columns: for each two ends in turn, what lies between them in
/// every row. The first end is 0 and the last one `width`.
pub(super) fn segments<'y>(
    y: &'y mut [f32],
    width: usize,
    ends: &[usize],
) -> Vec<Vec<&'y mut [f32]>> {
    let mut parts: Vec<_> = ends[1..].iter().map(|_| Vec::new()).collect();
    for mut row in y.chunks_exact_mut(width) {
        for (part, ends) in parts.iter_mut().zip(ends.windows(2)) {
            let (segment, rest) = row.split_at_mut(ends[1] - ends[0]);
            part.push(segment);
            row = rest;
        }
    }
    parts
}

thread_local! {
    /// Packed rows, kept from product to product.
    static PACKED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static INT_PACKED: RefCell<IntRows> = RefCell::default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::{check, drawn, product};

    #[test]
    fn products_are_near_the_true_ones() {
        let shapes = [
            (1, 1, 1),
            (1, 7, 5),
            (2, 33, 31),
            (5, 64, 128),
            (15, 100, 65),
            (29, 17, 97),
            (300, 31, 47),
            (1, 384, 1152),
        ];
        for (level, (n_rows, n_in, n_out)) in Level::all()
            .into_iter()
            .flat_map(|l| shapes.map(|s| (l, s)))
        {
            let x = drawn(1, n_rows * n_in);
            let (weights, bias) = (drawn(2, n_in * n_out), drawn(3, n_out));
            for bias in [None, Some(bias.as_slice())] {
                let truth = product(&x, &weights, bias, n_in);
                let linear = Linear::pack_for(level, &weights, bias, n_in, n_out);
                let mut y = vec![f32::NAN; n_rows * n_out];
                linear.forward(&Team::alone(), &x, n_rows, &mut y, Activation::None);
                let mut twice = y.clone();
                linear.forward_add(&Team::alone(), &x, n_rows, &mut twice);
                for ((y, twice), truth) in y.iter().zip(twice).zip(truth) {
                    let what = format!("{n_rows} × {n_in} × {n_out}");
                    check(level, &what, f64::from(*y), truth, 1e-4);
                    check(level, &what, f64::from(twice), 2.0 * truth, 2e-4);
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_among_any_others_and_on_any_threads() {
        let (n_in, n_out) = (65, 100);
        let (weights, bias) = (drawn(2, n_in * n_out), drawn(3, n_out));
        let x = drawn(1, 700 * n_in);
        for level in Level::all() {
            let linear = Linear::pack_for(level, &weights, Some(&bias), n_in, n_out);
            let forward = |n_threads, x: &[f32]| {
                let n_rows = x.len() / n_in;
                let mut y = vec![f32::NAN; n_rows * n_out];
                let team = Team::new(n_threads);
                linear.forward(&team, x, n_rows, &mut y, Activation::Gelu);
                y
            };
            let all = forward(1, &x);
            for n_threads in [1, 2, 3] {
                for n_rows in [1, 2, 13, 14, 15, 31, 64, 251, 700] {
                    let some = forward(n_threads, &x[..n_rows * n_in]);
                    assert!(some == all[..n_rows * n_out], "{n_rows} rows, {level:?}");
                }
            }
        }
    }

    #[test]
    fn activations_follow_the_product() {
        let (weights, bias, x) = (drawn(2, 20 * 30), drawn(3, 30), drawn(1, 5 * 20));
        for level in Level::all() {
            let linear = Linear::pack_for(level, &weights, Some(&bias), 20, 30);
            let forward = |activation| {
                let mut y = vec![f32::NAN; 5 * 30];
                linear.forward(&Team::alone(), &x, 5, &mut y, activation);
                y
            };
            let plain = forward(Activation::None);
            let mut expected = plain;
            super::super::gelu::gelu(level, &mut expected);
            for (got, expected) in forward(Activation::Gelu).iter().zip(expected) {
                let (got, expected) = (f64::from(*got), f64::from(expected));
                check(level, "activated", got, expected, 1e-6);
            }
        }
    }
}
