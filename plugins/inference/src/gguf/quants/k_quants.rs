//! The formats with blocks of 256 numbers, whose groups have scales of few bits.

use super::f16_at;

/// Scale and minimum, 6 bits each, of group `nth` of 8: the 12 bytes hold them interleaved.
fn scale_and_min(nth: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, min) = if nth < 4 {
        (packed[nth] & 63, packed[nth + 4] & 63)
    } else {
        (
            (packed[nth + 4] & 15) | ((packed[nth - 4] >> 6) << 4),
            (packed[nth + 4] >> 4) | ((packed[nth] >> 6) << 4),
        )
    };
    (f32::from(scale), f32::from(min))
}

pub(super) fn q4_k(block: &[u8], out: &mut [f32]) {
    let (scale, min) = (f16_at(block, 0), f16_at(block, 2));
    let (packed, quants) = block[4..].split_at(12);
    for (nth, out) in out.chunks_exact_mut(32).enumerate() {
        let (group_scale, group_min) = scale_and_min(nth, packed);
        let (scale, min) = (scale * group_scale, min * group_min);
        // Two groups share 32 bytes: the first has the low halves.
        let bytes = &quants[nth / 2 * 32..];
        for (byte, out) in bytes.iter().zip(out) {
            let quant = if nth % 2 == 0 { byte & 15 } else { byte >> 4 };
            *out = scale * f32::from(quant) - min;
        }
    }
}

pub(super) fn q5_k(block: &[u8], out: &mut [f32]) {
    let (scale, min) = (f16_at(block, 0), f16_at(block, 2));
    let (packed, rest) = block[4..].split_at(12);
    let (fifths, quants) = rest.split_at(32);
    for (nth, out) in out.chunks_exact_mut(32).enumerate() {
        let (group_scale, group_min) = scale_and_min(nth, packed);
        let (scale, min) = (scale * group_scale, min * group_min);
        let bytes = &quants[nth / 2 * 32..];
        for ((byte, fifth), out) in bytes.iter().zip(fifths).zip(out) {
            let quant = if nth % 2 == 0 { byte & 15 } else { byte >> 4 };
            let quant = quant | (((fifth >> nth) & 1) << 4);
            *out = scale * f32::from(quant) - min;
        }
    }
}

pub(super) fn q6_k(block: &[u8], out: &mut [f32]) {
    let (lows, rest) = block.split_at(128);
    let (highs, rest) = rest.split_at(64);
    let (scales, scale) = rest.split_at(16);
    let scale = f16_at(scale, 0);
    for (nth, out) in out.iter_mut().enumerate() {
        // Halves of 128 numbers; in each, four runs of 32 share bytes.
        let (half, run, column) = (nth / 128, nth % 128 / 32, nth % 32);
        let low = lows[half * 64 + run % 2 * 32 + column];
        let low = if run < 2 { low & 15 } else { low >> 4 };
        let high = (highs[half * 32 + column] >> (2 * run)) & 3;
        let quant = i16::from(low | (high << 4)) - 32;
        *out = scale * f32::from(scales[nth / 16] as i8) * f32::from(quant);
    }
}
