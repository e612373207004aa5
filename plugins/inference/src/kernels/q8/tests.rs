//! Checks products of 8-bit blocks against plain sums, on every instruction set of the machine.

use super::*;
use crate::gguf::quantise_q8;

/// Drawn numbers from -1 to 1.
fn drawn(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn stored(n_rows: usize, n_in: usize, seed: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    quantise_q8(&drawn(n_rows * n_in, seed), &mut bytes);
    bytes
}

fn product(level: Q8Level, threads: usize, matrix: &Q8Matrix, x: &[f32]) -> Vec<f32> {
    let team = Team::new(threads);
    let mut rows = Q8Rows::default();
    rows.take(&team, x, matrix.n_in());
    let mut y = vec![0.0; rows.n_rows() * matrix.n_out()];
    matrix.forward(level, &team, &rows, &mut y, &mut Vec::new());
    y
}

#[test]
fn all_ways_give_the_same_bits_alone_and_in_any_batch() {
    for (n_in, n_out) in [(32, 16), (96, 50), (576, 64)] {
        // Two matrices below one another, the last panel not full.
        let (upper, lower) = (stored(32, n_in, 1), stored(n_out - 16, n_in, 2));
        let matrix = Q8Matrix::pack(&[&upper[..upper.len() / 2], &lower], n_in);
        assert_eq!(matrix.n_out(), n_out.next_multiple_of(PANEL));
        let x = drawn(61 * n_in, 3);
        let alone: Vec<f32> = x
            .chunks(n_in)
            .flat_map(|row| product(Q8Level::Portable, 1, &matrix, row))
            .collect();
        for level in Q8Level::all() {
            for (n_rows, threads) in (1..=25).chain([37, 61]).flat_map(|n| [(n, 1), (n, 2)]) {
                let y = product(level, threads, &matrix, &x[..n_rows * n_in]);
                assert_eq!(y, alone[..y.len()], "{level:?} {n_rows} {threads}");
            }
        }
    }
}

#[test]
fn products_are_near_those_of_unrounded_rows() {
    let n_in = 320;
    let matrix = Q8Matrix::pack(&[&stored(48, n_in, 5)], n_in);
    let x = drawn(7 * n_in, 6);
    let team = Team::new(2);
    let mut exact = vec![0.0; 7 * 48];
    matrix.forward_exact(&team, &x, &mut exact);
    // The weights as they were stored, in f64.
    let mut bytes = Vec::new();
    quantise_q8(&drawn(48 * n_in, 5), &mut bytes);
    let weights: Vec<f64> = bytes
        .chunks(STORED_BYTES)
        .flat_map(|block| {
            let scale = f16::from_le_bytes([block[0], block[1]]).to_f64();
            block[2..]
                .iter()
                .map(move |&byte| f64::from(byte as i8) * scale)
        })
        .collect();
    let rounded = product(Q8Level::best(), 2, &matrix, &x);
    for (nth, (exact, rounded)) in exact.iter().zip(rounded).enumerate() {
        let (row, column) = (nth / 48, nth % 48);
        let truth: f64 = x[row * n_in..][..n_in]
            .iter()
            .zip(&weights[column * n_in..])
            .map(|(x, weight)| f64::from(*x) * weight)
            .sum();
        assert!((f64::from(*exact) - truth).abs() < 1e-4, "{exact} {truth}");
        assert!(
            (f64::from(rounded) - truth).abs() < 0.1,
            "{rounded} {truth}"
        );
    }
}

#[test]
fn extreme_weights_do_not_overflow() {
    // Every byte that a file may hold, -128 too, against the largest rows.
    let mut bytes = Vec::new();
    for row in 0..16u8 {
        bytes.extend(f16::ONE.to_le_bytes());
        bytes.extend([if row % 2 == 0 { 0x80 } else { 0x7f }; BLOCK]);
    }
    let matrix = Q8Matrix::pack(&[&bytes], BLOCK);
    for x in [[127.0; BLOCK], [-127.0; BLOCK]] {
        for level in Q8Level::all() {
            let y = product(level, 1, &matrix, &x);
            for (row, y) in y.iter().enumerate() {
                let weight = if row % 2 == 0 { -128.0 } else { 127.0 };
                assert_eq!(*y, weight * x[0] * BLOCK as f32, "{level:?}");
            }
        }
    }
}
