//! Attention of every token of a text to every other one, text by text and head by head.
//!
//! Vaswani et al. (2017), "Attention Is All You Need".

use std::cell::RefCell;

use super::{
    gemm::{Columns, Finish, Product, Write, pack_rows},
    level::Level,
    linear::{Activation, segments},
    softmax::softmax,
    team::Team,
};

/// How the queries, keys and values of a row are cut into heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    /// How many there are.
    pub(crate) n_heads: usize,
    /// Numbers of one head's query, key or value.
    pub(crate) width: usize,
}

/// Mixes each token's values by the likeness of its query to the keys of its own text.
///
/// `qkv` holds for each token its queries, keys and values, head after head; `lengths` says how many
/// tokens each text has, in order; `out` gets a row of `n_heads × width` for each token.
pub(crate) fn attend(
    level: Level,
    team: &Team,
    qkv: &[f32],
    lengths: &[usize],
    heads: Heads,
    out: &mut [f32],
) {
    let row = heads.n_heads * heads.width;
    let n_parts = team.n_threads().min(heads.n_heads).max(1);
    let ends: Vec<_> = (0..=n_parts)
        .map(|nth| nth * heads.n_heads / n_parts)
        .collect();
    let columns: Vec<_> = ends.iter().map(|end| end * heads.width).collect();
    let parts = ends.windows(2).map(|ends| ends[0]..ends[1]);
    let parts = parts.zip(segments(out, row, &columns)).collect();
    team.share(parts, |(mine, mut out)| {
        // Taken, not borrowed: a thread that waits for the others may be given other work.
        let mut room = ROOM.take();
        let (mut qkv, mut out) = (qkv, out.as_mut_slice());
        for &length in lengths {
            let (text, rest) = out.split_at_mut(length);
            for (nth, head) in mine.clone().enumerate() {
                let mut to: Vec<_> = text
                    .iter_mut()
                    .map(|row| &mut row[nth * heads.width..][..heads.width])
                    .collect();
                let from = OneHead {
                    level,
                    qkv,
                    length,
                    heads,
                    head,
                };
                from.attend(&mut to, &mut room);
            }
            out = rest;
            qkv = &qkv[length * 3 * row..];
        }
        ROOM.set(room);
    });
}

struct OneHead<'a> {
    level: Level,
    qkv: &'a [f32],
    length: usize,
    heads: Heads,
    head: usize,
}

impl OneHead<'_> {
    fn attend(&self, out: &mut [&mut [f32]], room: &mut Room) {
        let Self {
            level,
            qkv,
            length,
            heads: Heads { n_heads, width },
            head,
        } = *self;
        let stride = 3 * n_heads * width;
        let part = |nth: usize| &qkv[(nth * n_heads + head) * width..];
        let scale = 1.0 / (width as f32).sqrt();
        let keys = Columns::pack(level, part(1), stride, width, length);
        pack_rows(level, part(0), stride, length, width, &mut room.packed);
        room.scores.resize(length * length, 0.0);
        let mut scores: Vec<_> = room.scores.chunks_exact_mut(length).collect();
        multiply(&room.packed, &keys, &mut scores);
        softmax(level, &mut room.scores, length, scale);
        let values = Columns::pack_side_by_side(level, part(2), stride, length, width);
        let scores = &room.scores;
        pack_rows(level, scores, length, length, length, &mut room.packed);
        multiply(&room.packed, &values, out);
    }
}

fn multiply(rows: &[f32], columns: &Columns, out: &mut [&mut [f32]]) {
    let product = Product {
        rows,
        n_rows: out.len(),
        columns,
        panels: 0..columns.n_panels(),
        finish: Finish {
            bias: None,
            activation: Activation::None,
            write: Write::Set,
        },
        out,
    };
    product.run();
}

/// Room for one head's work.
#[derive(Debug, Default)]
struct Room {
    packed: Vec<f32>,
    scores: Vec<f32>,
}

thread_local! {
    /// Kept from call to call.
    static ROOM: RefCell<Room> = const {
        RefCell::new(Room { packed: Vec::new(), scores: Vec::new() })
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::{check, drawn};

    /// What a head should say of one token of a text that starts at `qkv`.
    fn truth(qkv: &[f32], length: usize, heads: Heads, head: usize, token: usize) -> Vec<f64> {
        let Heads { n_heads, width } = heads;
        let part = |token: usize, nth: usize| {
            let from = (token * 3 + nth) * n_heads * width + head * width;
            qkv[from..from + width].iter().map(|&x| f64::from(x))
        };
        let powers: Vec<f64> = (0..length)
            .map(|other| {
                let likeness: f64 = part(token, 0).zip(part(other, 1)).map(|(q, k)| q * k).sum();
                (likeness / (width as f64).sqrt()).exp()
            })
            .collect();
        let whole: f64 = powers.iter().sum();
        let mut mixed = vec![0.0; width];
        for (other, power) in powers.iter().enumerate() {
            for (mixed, value) in mixed.iter_mut().zip(part(other, 2)) {
                *mixed += power / whole * value;
            }
        }
        mixed
    }

    #[test]
    fn it_is_near_the_true_one_in_any_company_and_on_any_threads() {
        for (n_heads, width) in [(1, 8), (3, 32), (2, 33), (5, 64)] {
            let heads = Heads { n_heads, width };
            let row = n_heads * width;
            let lengths = [1, 3, 17, 40, 2];
            let n_rows = lengths.iter().sum::<usize>();
            let qkv: Vec<f32> = drawn(5, 3 * row * n_rows).iter().map(|x| x * 3.0).collect();
            for level in Level::all() {
                let mut out = vec![f32::NAN; n_rows * row];
                attend(level, &Team::alone(), &qkv, &lengths, heads, &mut out);
                let mut shared = vec![f32::NAN; n_rows * row];
                attend(level, &Team::new(2), &qkv, &lengths, heads, &mut shared);
                assert!(out == shared, "two threads say the same");
                let mut start = 0;
                for length in lengths {
                    let text = &qkv[start * 3 * row..];
                    let mut alone = vec![f32::NAN; length * row];
                    attend(level, &Team::alone(), text, &[length], heads, &mut alone);
                    assert!(alone == out[start * row..][..length * row], "alone");
                    for (token, head) in (0..length).flat_map(|t| (0..n_heads).map(move |h| (t, h)))
                    {
                        let got = &out[(start + token) * row + head * width..][..width];
                        for (got, truth) in got.iter().zip(truth(text, length, heads, head, token))
                        {
                            check(level, "a mixture", f64::from(*got), truth, 1e-5);
                        }
                    }
                    start += length;
                }
            }
        }
    }
}
