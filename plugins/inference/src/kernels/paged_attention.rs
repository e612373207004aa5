//! Attention of a few queries over keys and values that lie in pages of a few tokens.
//!
//! * A page holds, for one head of keys and values, the keys turned (number by number, the tokens
//!   side by side) and the values token by token; so both passes run over whole vectors.
//! * Each query's sums go through tokens in their order. What a query may not see counts for zero.
//!   So an answer has the same bits whatever queries are asked together.
//!
//! Vaswani et al. (2017), "Attention Is All You Need"; Ainslie et al. (2023), "GQA: Training
//! Generalized Multi-Query Transformer Models from Multi-Head Checkpoints"; Kwon et al. (2023),
//! "Efficient Memory Management for Large Language Model Serving with `PagedAttention`".

use pulp::{Simd, WithSimd};

use super::level::{Level, exp, mul_add};

/// Tokens of a page.
pub(crate) const PAGE: usize = 16;
/// Most queries that are asked together.
pub(crate) const MOST_QUERIES: usize = 12;

/// Queries that share a head of keys and values.
pub(crate) struct Queries<'a> {
    /// One after the other, each `width` numbers.
    pub(crate) queries: &'a [f32],
    /// How many numbers a query, a key or a value has: a multiple of 16.
    pub(crate) width: usize,
    /// How many tokens each query sees, at least 1.
    pub(crate) sees: &'a [usize],
    /// What scores are multiplied with before the softmax.
    pub(crate) scale: f32,
}

/// Writes the answers into `out`, one after the other; `keys` and `values` give the pages of the
/// head in the order of their tokens, each `width × PAGE` numbers.
pub(crate) fn attend<'p>(
    level: Level,
    asked: &Queries<'_>,
    keys: impl Iterator<Item = &'p [f32]>,
    values: impl Iterator<Item = &'p [f32]>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let n = asked.sees.len();
    let n_pages = asked.sees.iter().max().map_or(0, |n| n.div_ceil(PAGE));
    scores.resize(n * n_pages * PAGE, 0.0);
    macro_rules! together {
        ($n:literal) => {
            level.run(Attend::<$n, _, _> {
                asked,
                keys,
                values,
                scores,
                out,
                n_pages,
            })
        };
    }
    match n {
        1 => together!(1),
        2 => together!(2),
        3 => together!(3),
        4 => together!(4),
        6 => together!(6),
        8 => together!(8),
        9 => together!(9),
        12 => together!(12),
        _ => one_by_one(level, asked, keys, values, scores, out),
    }
}

/// For numbers of queries that no loop is written for.
fn one_by_one<'p>(
    level: Level,
    asked: &Queries<'_>,
    keys: impl Iterator<Item = &'p [f32]>,
    values: impl Iterator<Item = &'p [f32]>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (keys, values): (Vec<_>, Vec<_>) = (keys.collect(), values.collect());
    let width = asked.width;
    for (nth, out) in out.chunks_exact_mut(width).enumerate() {
        let one = Queries {
            queries: &asked.queries[nth * width..(nth + 1) * width],
            width,
            sees: &asked.sees[nth..=nth],
            scale: asked.scale,
        };
        let (keys, values) = (keys.iter().copied(), values.iter().copied());
        attend(level, &one, keys, values, scores, out);
    }
}

struct Attend<'a, const N: usize, K, V> {
    asked: &'a Queries<'a>,
    keys: K,
    values: V,
    /// Query by query, token by token.
    scores: &'a mut [f32],
    out: &'a mut [f32],
    n_pages: usize,
}

impl<'p, const N: usize, K, V> WithSimd for Attend<'_, N, K, V>
where
    K: Iterator<Item = &'p [f32]>,
    V: Iterator<Item = &'p [f32]>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Queries {
            queries,
            width,
            sees,
            scale,
        } = *self.asked;
        let n_tokens = self.n_pages * PAGE;
        for (page, keys) in self.keys.take(self.n_pages).enumerate() {
            page_scores::<S, N>(simd, queries, width, keys, self.scores, (n_tokens, page));
        }
        for (scores, &sees) in self.scores.chunks_exact_mut(n_tokens).zip(sees) {
            softmax(simd, scores, sees, scale);
        }
        self.out.fill(0.0);
        for (page, values) in self.values.take(self.n_pages).enumerate() {
            add_values::<S, N>(simd, self.scores, (n_tokens, page), values, width, self.out);
        }
    }
}

/// Scores of all queries with the keys of a page.
#[inline(always)]
fn page_scores<S: Simd, const N: usize>(
    simd: S,
    queries: &[f32],
    width: usize,
    keys: &[f32],
    scores: &mut [f32],
    (n_tokens, page): (usize, usize),
) {
    let (keys, _) = S::as_simd_f32s(&keys[..width * PAGE]);
    let vectors = PAGE / S::F32_LANES;
    let queries: [&[f32]; N] = std::array::from_fn(|nth| &queries[nth * width..(nth + 1) * width]);
    for vector in 0..vectors {
        let mut sums = [simd.splat_f32s(0.0); N];
        for at in 0..width {
            let keys = keys[at * vectors + vector];
            for nth in 0..N {
                sums[nth] = mul_add(simd, simd.splat_f32s(queries[nth][at]), keys, sums[nth]);
            }
        }
        for (nth, sum) in sums.into_iter().enumerate() {
            let at = nth * n_tokens + page * PAGE + vector * S::F32_LANES;
            simd.partial_store_f32s(&mut scores[at..at + S::F32_LANES], sum);
        }
    }
}

/// Scores to shares of the attention; what is not seen gets none.
#[inline(always)]
fn softmax<S: Simd>(simd: S, scores: &mut [f32], sees: usize, scale: f32) {
    scores[sees..].fill(f32::NEG_INFINITY);
    let (vectors, _) = S::as_mut_simd_f32s(scores);
    let mut most = simd.splat_f32s(f32::NEG_INFINITY);
    for x in vectors.iter() {
        most = simd.max_f32s(*x, most);
    }
    let most = simd.splat_f32s(simd.reduce_max_f32s(most));
    let scale = simd.splat_f32s(scale);
    for x in vectors.iter_mut() {
        *x = exp(simd, simd.mul_f32s(simd.sub_f32s(*x, most), scale));
    }
    // What is not seen comes out of the exponential as almost nothing: make it nothing.
    scores[sees..].fill(0.0);
    let (vectors, _) = S::as_mut_simd_f32s(scores);
    let mut sum = simd.splat_f32s(0.0);
    for x in vectors.iter() {
        sum = simd.add_f32s(sum, *x);
    }
    let inverse = simd.splat_f32s(1.0 / simd.reduce_sum_f32s(sum));
    for x in vectors {
        *x = simd.mul_f32s(*x, inverse);
    }
}

/// Adds the values of a page, each times its share.
#[inline(always)]
fn add_values<S: Simd, const N: usize>(
    simd: S,
    scores: &[f32],
    (n_tokens, page): (usize, usize),
    values: &[f32],
    width: usize,
    out: &mut [f32],
) {
    let (values, _) = S::as_simd_f32s(&values[..width * PAGE]);
    let vectors = width / S::F32_LANES;
    let shares: [&[f32]; N] = std::array::from_fn(|nth| {
        let at = nth * n_tokens + page * PAGE;
        &scores[at..at + PAGE]
    });
    for vector in 0..vectors {
        let at = |nth: usize| {
            let start = nth * width + vector * S::F32_LANES;
            start..start + S::F32_LANES
        };
        let mut sums = [simd.splat_f32s(0.0); N];
        for (nth, sum) in sums.iter_mut().enumerate() {
            *sum = simd.partial_load_f32s(&out[at(nth)]);
        }
        for token in 0..PAGE {
            let values = values[token * vectors + vector];
            for nth in 0..N {
                sums[nth] = mul_add(simd, simd.splat_f32s(shares[nth][token]), values, sums[nth]);
            }
        }
        for (nth, sum) in sums.into_iter().enumerate() {
            simd.partial_store_f32s(&mut out[at(nth)], sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference::drawn;

    const WIDTH: usize = 32;

    /// Answers of single queries, in f64, token by token.
    fn truth(query: &[f32], sees: usize, keys: &[f32], values: &[f32], scale: f32) -> Vec<f64> {
        let key = |token: usize, at: usize| {
            f64::from(keys[token / PAGE * WIDTH * PAGE + at * PAGE + token % PAGE])
        };
        let scores: Vec<f64> = (0..sees)
            .map(|token| {
                let dot = query
                    .iter()
                    .enumerate()
                    .map(|(at, q)| f64::from(*q) * key(token, at));
                (dot.sum::<f64>() * f64::from(scale)).exp()
            })
            .collect();
        let sum: f64 = scores.iter().sum();
        (0..WIDTH)
            .map(|at| {
                let of = |token: usize| scores[token] / sum * f64::from(values[token * WIDTH + at]);
                (0..sees).map(of).sum()
            })
            .collect()
    }

    #[test]
    fn answers_are_near_the_true_ones_and_the_same_in_any_company() {
        let n_pages = 5;
        let (keys, values) = (
            drawn(1, n_pages * WIDTH * PAGE),
            drawn(2, n_pages * WIDTH * PAGE),
        );
        let queries = drawn(3, MOST_QUERIES * WIDTH);
        let sees: Vec<usize> = (0..MOST_QUERIES).map(|nth| 1 + nth * 7).collect();
        let ask = |level: Level, range: std::ops::Range<usize>| {
            let asked = Queries {
                queries: &queries[range.start * WIDTH..range.end * WIDTH],
                width: WIDTH,
                sees: &sees[range.clone()],
                scale: 0.5,
            };
            let mut out = vec![1.0; range.len() * WIDTH];
            let (keys, values) = (keys.chunks(WIDTH * PAGE), values.chunks(WIDTH * PAGE));
            attend(level, &asked, keys, values, &mut Vec::new(), &mut out);
            out
        };
        for level in Level::all() {
            let alone: Vec<f32> = (0..MOST_QUERIES)
                .flat_map(|nth| ask(level, nth..nth + 1))
                .collect();
            for n in 1..=MOST_QUERIES {
                assert_eq!(ask(level, 0..n), alone[..n * WIDTH], "{n} together");
            }
            for (nth, got) in alone.chunks(WIDTH).enumerate() {
                let query = &queries[nth * WIDTH..(nth + 1) * WIDTH];
                let truth = truth(query, sees[nth], &keys, &values, 0.5);
                for (got, truth) in got.iter().zip(truth) {
                    assert!(
                        (f64::from(*got) - truth).abs() < 1e-5,
                        "{level:?} {got} {truth}"
                    );
                }
            }
        }
    }
}
