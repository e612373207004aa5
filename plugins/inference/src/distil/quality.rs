//! How much of what a teacher says of texts its pupil says too.

use std::cmp::Ordering;

/// Pairs of texts that are drawn.
const N_PAIRS: usize = 200_000;
/// Texts that are drawn whose neighbours are looked for.
const N_ASKED: usize = 400;
/// Neighbours that are looked for.
const N_NEAREST: usize = 10;

/// How near a pupil's vectors are to its teacher's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Texts that were compared.
    pub n_texts: usize,
    /// The correlation of the cosines of 200,000 random pairs of texts with the teacher's; Pearson's.
    pub correlation: f64,
    /// The share of the teacher's ten nearest texts that are among the pupil's ten, over 400 texts.
    pub nearest: f64,
}

/// Compares vectors of the same texts, each of length 1, with the teacher's. What is drawn is drawn
/// the same way each time.
pub fn quality(pupil: &[Vec<f32>], teacher: &[Vec<f32>]) -> Quality {
    let n_texts = pupil.len().min(teacher.len());
    let (pupil, teacher) = (&pupil[..n_texts], &teacher[..n_texts]);
    let mut state = 0;
    let mut drawn = || (mixed(&mut state) % n_texts.max(1) as u64) as usize;
    let pairs = (0..N_PAIRS * usize::from(n_texts > 0)).map(|_| (drawn(), drawn()));
    let cosines = pairs
        .map(|(a, b)| {
            (
                cosine(&pupil[a], &pupil[b]),
                cosine(&teacher[a], &teacher[b]),
            )
        })
        .collect::<Vec<_>>();
    let asked = (0..N_ASKED * usize::from(n_texts > 0)).map(|_| drawn());
    let shares: Vec<f64> = asked
        .map(|text| {
            let (ours, theirs) = (nearest(pupil, text), nearest(teacher, text));
            let n_both = ours.iter().filter(|text| theirs.contains(text)).count();
            n_both as f64 / theirs.len().max(1) as f64
        })
        .collect();
    Quality {
        n_texts,
        correlation: correlation(&cosines),
        nearest: shares.iter().sum::<f64>() / shares.len().max(1) as f64,
    }
}

/// `SplitMix64`, Steele, Lea, Flood (2014).
fn mixed(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    f64::from(product)
}

/// The texts nearest to one, itself left out.
fn nearest(vectors: &[Vec<f32>], text: usize) -> Vec<usize> {
    let mut others: Vec<(f64, usize)> = vectors
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != text)
        .map(|(other, vector)| (cosine(&vectors[text], vector), other))
        .collect();
    let n = N_NEAREST.min(others.len());
    let farther = |a: &(f64, usize), b: &(f64, usize)| -> Ordering {
        b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
    };
    if n < others.len() {
        others.select_nth_unstable_by(n, farther);
    }
    others[..n].iter().map(|(_, other)| *other).collect()
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut both, mut own, mut other) = (0.0, 0.0, 0.0);
    for pair in pairs {
        let (x, y) = (pair.0 - a, pair.1 - b);
        both += x * y;
        own += x * x;
        other += y * y;
    }
    if own > 0.0 && other > 0.0 {
        both / (own * other).sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on a circle.
    fn circle(n: usize, turns: f32) -> Vec<Vec<f32>> {
        let angle = |at: usize| at as f32 / n as f32 * std::f32::consts::TAU * turns;
        (0..n)
            .map(|at| vec![angle(at).cos(), angle(at).sin()])
            .collect()
    }

    #[test]
    fn who_says_the_same_is_as_good_as_the_teacher() {
        let teacher = circle(100, 1.0);
        let same = quality(&teacher, &teacher);
        assert!((same.correlation - 1.0).abs() < 1e-9, "{same:?}");
        assert_eq!((same.n_texts, same.nearest), (100, 1.0));
    }

    #[test]
    fn who_says_something_else_is_not() {
        let (teacher, other) = (circle(100, 1.0), circle(100, 37.0));
        let quality = quality(&other, &teacher);
        assert!(
            quality.correlation < 0.2 && quality.nearest < 0.3,
            "{quality:?}"
        );
    }

    #[test]
    fn nothing_to_compare_is_no_trouble() {
        for n in [0, 1] {
            let quality = quality(&circle(n, 1.0), &circle(n, 1.0));
            assert_eq!((quality.n_texts, quality.nearest), (n, 0.0));
        }
    }
}
