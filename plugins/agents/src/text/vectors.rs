//! Adds and compares vectors, always from the first element to the last, so that every machine
//! gets the same bits.

/// The dot product; of unit vectors the cosine of their angle. Elements that only one has count 0.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight running sums let the compiler use wide registers without changing the order per run.
    let mut sums = [0.0_f32; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let (n_a, n_b) = (a.len() - a.len() % 8, b.len() - b.len() % 8);
    let n_tail_from = n_a.min(n_b);
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f32 = a[n_tail_from..]
        .iter()
        .zip(&b[n_tail_from..])
        .map(|(a, b)| a * b)
        .sum();
    sums.iter().sum::<f32>() + tail
}

/// Adds `vector` x `weight` to `sum`, which grows as long as the longer of both.
pub(super) fn add_scaled(sum: &mut Vec<f32>, vector: &[f32], weight: f32) {
    if sum.len() < vector.len() {
        sum.resize(vector.len(), 0.0);
    }
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += value * weight;
    }
}

/// Scales `vector` to unit length; a zero vector stays.
pub(super) fn normalise(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

/// The weighted mean of unit vectors, scaled to unit length again: the vector of a turn out of
/// those of its sentences, weighted by their words. Missing weights count 1.
///
/// Without vectors it is empty.
pub fn mean_vector(vectors: &[&[f32]], weights: &[f32]) -> Vec<f32> {
    let mut sum = Vec::new();
    for (index, vector) in vectors.iter().enumerate() {
        add_scaled(&mut sum, vector, weights.get(index).copied().unwrap_or(1.0));
    }
    normalise(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_are_those_of_the_definition() {
        for (n_a, n_b) in [
            (0, 0),
            (1, 1),
            (7, 7),
            (8, 8),
            (9, 9),
            (20, 20),
            (20, 9),
            (3, 17),
        ] {
            let a: Vec<f32> = (0..n_a).map(|i| i as f32 - 3.0).collect();
            let b: Vec<f32> = (0..n_b).map(|i| 2.0 - i as f32).collect();
            let expect: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), expect, "{n_a} x {n_b}");
        }
    }

    #[test]
    fn a_mean_has_unit_length_and_leans_to_the_heavier() {
        let mean = mean_vector(&[&[1.0, 0.0], &[0.0, 1.0]], &[3.0, 1.0]);
        assert!((dot(&mean, &mean) - 1.0).abs() < 1e-6);
        assert!(mean[0] > mean[1]);
        assert!(mean_vector(&[], &[]).is_empty());
        assert_eq!(mean_vector(&[&[0.0, 0.0]], &[1.0]), [0.0, 0.0]);
    }
}
