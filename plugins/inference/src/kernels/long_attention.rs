//! Attention over many keys, a panel of queries at a time, all of it in cache.
//!
//! Scores stand the other way round: a row for each key, a column for each query. So they come out of
//! one product as the next one wants them, nothing is packed in between, and the softmax goes down the
//! columns without ever adding up the lanes of a vector.
//! Dao et al. (2022), "`FlashAttention`: Fast and Memory-Efficient Exact Attention", does the like in tiles.

use pulp::{Simd, WithSimd};

use super::{
    gemm::{HIGHEST, WIDE, heights, pack_rows, tile_of_height, tile_rows},
    level::{Level, exp},
};

/// Where the numbers of one head lie: the first one, the step from token to token, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    /// Where the first token's numbers start.
    pub(crate) start: usize,
    /// From a token's numbers to the next one's.
    pub(crate) stride: usize,
    /// Numbers of a token.
    pub(crate) width: usize,
}

/// Keys and values of one head, packed for any number of queries.
#[derive(Debug, Default)]
pub(crate) struct PackedHead {
    keys: Vec<f32>,
    values: Vec<f32>,
    n_keys: usize,
    width: usize,
}

impl PackedHead {
    /// Packs the keys and values of `n_keys` tokens that lie in `x`.
    pub(crate) fn pack(level: Level, x: &[f32], keys: Lane, values: Lane, n_keys: usize) -> Self {
        let width = keys.width;
        let mut packed = Self {
            n_keys,
            width,
            values: vec![0.0; n_keys * width],
            ..Self::default()
        };
        let from = &x[keys.start..];
        pack_rows(level, from, keys.stride, n_keys, width, &mut packed.keys);
        level.run(PackTurned {
            x,
            lane: values,
            n_tokens: n_keys,
            into: &mut packed.values,
        });
        packed
    }
}

/// Packs the numbers of all tokens as rows of one number of each token.
struct PackTurned<'a> {
    x: &'a [f32],
    lane: Lane,
    n_tokens: usize,
    into: &'a mut [f32],
}

impl WithSimd for PackTurned<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, lane, .. } = self;
        let (mut into, mut at) = (self.into, lane.start);
        for rows in heights(lane.width, tile_rows::<S>()) {
            let (tile, rest) = into.split_at_mut(rows * self.n_tokens);
            for (nth, to) in tile.chunks_exact_mut(rows).enumerate() {
                to.copy_from_slice(&x[at + nth * lane.stride..][..rows]);
            }
            at += rows;
            into = rest;
        }
    }
}

/// Queries of all heads, which attend to the keys of their heads.
pub(crate) struct Attention<'a> {
    /// Keys and values, head by head.
    pub(crate) heads: &'a [PackedHead],
    /// Queries: each has `stride` numbers, of which the first are the heads' one after another.
    pub(crate) queries: &'a [f32],
    /// From query to query.
    pub(crate) stride: usize,
    /// What the products with the keys are multiplied by.
    pub(crate) scale: f32,
    /// For each query the mixtures of values, head by head, without gaps.
    pub(crate) out: &'a mut [f32],
}

impl Attention<'_> {
    /// Computes it on this thread.
    pub(crate) fn run(self, level: Level) {
        level.run(self);
    }
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Some(first) = self.heads.first() else {
            return;
        };
        let (n_keys, width) = (first.n_keys, first.width);
        let row = self.heads.len() * width;
        let zero = simd.splat_f32s(0.0);
        let mut panel = vec![zero; width * WIDE];
        let mut scores = vec![zero; n_keys * WIDE];
        let mut mixed = vec![zero; width * WIDE];
        let at_once = WIDE * S::F32_LANES;
        for (queries, out) in self
            .queries
            .chunks(at_once * self.stride)
            .zip(self.out.chunks_mut(at_once * row))
        {
            for (nth, head) in self.heads.iter().enumerate() {
                let from = nth * width;
                turn_queries::<S>(&queries[from..], self.stride, self.scale, &mut panel);
                let sums = score(simd, head, &panel, &mut scores);
                mix(simd, head, &scores, sums, &mut mixed);
                write(simd, &mixed, &mut out[from..], row);
            }
        }
    }
}

/// Lays scaled queries side by side: a row of the panel has one number of each.
#[inline(always)]
fn turn_queries<S: Simd>(queries: &[f32], stride: usize, scale: f32, panel: &mut [S::f32s]) {
    let at_once = WIDE * S::F32_LANES;
    let width = panel.len() / WIDE;
    let panel: &mut [f32] = bytemuck::cast_slice_mut(panel);
    for (nth, query) in queries.chunks(stride).enumerate() {
        for (to, from) in panel[nth..]
            .iter_mut()
            .step_by(at_once)
            .zip(&query[..width])
        {
            *to = from * scale;
        }
    }
}

/// Turns the products of keys and queries into powers of e; what to multiply them by so that they
/// add up to 1.
#[inline(always)]
fn score<S: Simd>(
    simd: S,
    head: &PackedHead,
    panel: &[S::f32s],
    scores: &mut [S::f32s],
) -> [S::f32s; WIDE] {
    let mut tile = [[simd.splat_f32s(0.0); WIDE]; HIGHEST];
    let mut most = [simd.splat_f32s(f32::MIN); WIDE];
    let mut done = 0;
    for rows in heights(head.n_keys, tile_rows::<S>()) {
        let packed = &head.keys[done * head.width..][..rows * head.width];
        tile_of_height(simd, rows, packed, panel, &mut tile);
        let to = scores[done * WIDE..].as_chunks_mut::<WIDE>().0;
        for (to, from) in to.iter_mut().zip(&tile[..rows]) {
            *to = *from;
            for (most, score) in most.iter_mut().zip(from) {
                *most = simd.max_f32s(*most, *score);
            }
        }
        done += rows;
    }
    let mut sums = [simd.splat_f32s(0.0); WIDE];
    for scores in scores.as_chunks_mut::<WIDE>().0 {
        for ((score, most), sum) in scores.iter_mut().zip(&most).zip(&mut sums) {
            *score = exp(simd, simd.sub_f32s(*score, *most));
            *sum = simd.add_f32s(*sum, *score);
        }
    }
    sums.map(|sum| simd.div_f32s(simd.splat_f32s(1.0), sum))
}

/// Mixes the values by the scores.
#[inline(always)]
fn mix<S: Simd>(
    simd: S,
    head: &PackedHead,
    scores: &[S::f32s],
    shares: [S::f32s; WIDE],
    mixed: &mut [S::f32s],
) {
    let mut tile = [[simd.splat_f32s(0.0); WIDE]; HIGHEST];
    let mut done = 0;
    for rows in heights(head.width, tile_rows::<S>()) {
        let packed = &head.values[done * head.n_keys..][..rows * head.n_keys];
        tile_of_height(simd, rows, packed, scores, &mut tile);
        let to = mixed[done * WIDE..].as_chunks_mut::<WIDE>().0;
        for (to, from) in to.iter_mut().zip(&tile[..rows]) {
            for ((to, from), share) in to.iter_mut().zip(from).zip(&shares) {
                *to = simd.mul_f32s(*from, *share);
            }
        }
        done += rows;
    }
}

/// Writes a panel of mixtures as rows, `stride` apart.
#[inline(always)]
fn write<S: Simd>(_: S, mixed: &[S::f32s], out: &mut [f32], stride: usize) {
    let at_once = WIDE * S::F32_LANES;
    let width = mixed.len() / WIDE;
    let mixed: &[f32] = bytemuck::cast_slice(mixed);
    for (nth, out) in out.chunks_mut(stride).enumerate() {
        for (to, from) in out[..width]
            .iter_mut()
            .zip(mixed[nth..].iter().step_by(at_once))
        {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::{check, drawn};

    /// Attention of one query and one head, in f64.
    fn truth(query: &[f32], keys: &[&[f32]], values: &[&[f32]], scale: f32) -> Vec<f64> {
        let product = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        let scores: Vec<f64> = keys
            .iter()
            .map(|key| (product(query, key) * f64::from(scale)).exp())
            .collect();
        let whole: f64 = scores.iter().sum();
        (0..query.len())
            .map(|nth| {
                let mixed = scores.iter().zip(values);
                mixed
                    .map(|(score, value)| score / whole * f64::from(value[nth]))
                    .sum()
            })
            .collect()
    }

    #[test]
    fn it_is_near_the_true_one_whatever_is_beside_a_query() {
        for (level, (n_tokens, n_heads, width)) in Level::all()
            .into_iter()
            .flat_map(|level| [(1, 1, 3), (37, 2, 16), (100, 3, 20)].map(|shape| (level, shape)))
        {
            let row = n_heads * width;
            let x: Vec<f32> = drawn(5, n_tokens * 3 * row)
                .iter()
                .map(|x| x * 3.0)
                .collect();
            let lane = |nth: usize| Lane {
                start: nth * width,
                stride: 3 * row,
                width,
            };
            let heads: Vec<_> = (0..n_heads)
                .map(|nth| {
                    let (keys, values) = (lane(n_heads + nth), lane(2 * n_heads + nth));
                    PackedHead::pack(level, &x, keys, values, n_tokens)
                })
                .collect();
            let attend = |first: usize, n: usize| {
                let mut out = vec![f32::NAN; n * row];
                let attention = Attention {
                    heads: &heads,
                    queries: &x[first * 3 * row..(first + n) * 3 * row],
                    stride: 3 * row,
                    scale: 0.25,
                    out: &mut out,
                };
                attention.run(level);
                out
            };
            let all = attend(0, n_tokens);
            for (query, nth) in (0..n_tokens).flat_map(|q| (0..n_heads).map(move |nth| (q, nth))) {
                let of = |token: usize, what: usize| {
                    &x[token * 3 * row + what * row + nth * width..][..width]
                };
                let keys: Vec<_> = (0..n_tokens).map(|token| of(token, 1)).collect();
                let values: Vec<_> = (0..n_tokens).map(|token| of(token, 2)).collect();
                let expected = truth(of(query, 0), &keys, &values, 0.25);
                let got = &all[query * row + nth * width..][..width];
                for (got, expected) in got.iter().zip(expected) {
                    check(level, "a mixture", f64::from(*got), expected, 1e-5);
                }
            }
            for query in 0..n_tokens {
                assert!(
                    attend(query, 1) == all[query * row..][..row],
                    "the same bits alone"
                );
            }
        }
    }
}
