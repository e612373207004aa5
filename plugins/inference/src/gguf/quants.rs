//! The block formats of GGUF's tensors: their sizes, their way to 32-bit numbers, and the way to `Q8_0`.
//!
//! The formats are those of <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>.

mod k_quants;

use half::{bf16, f16};

use super::{Gguf, GgufError, TensorInfo};

/// Numbers in a block of `Q8_0`.
pub(crate) const Q8_BLOCK: usize = 32;
/// Bytes of a block of `Q8_0`: a 16-bit scale, then one signed byte a number.
pub(super) const Q8_BLOCK_BYTES: usize = 34;

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorKind {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// 16-bit floating point with the range of 32 bits.
    Bf16,
    /// 4 bits a number, one scale for 32.
    Q4_0,
    /// 4 bits a number, scale and minimum for 32.
    Q4_1,
    /// 5 bits a number, one scale for 32.
    Q5_0,
    /// 5 bits a number, scale and minimum for 32.
    Q5_1,
    /// 8 bits a number, one scale for 32.
    Q8_0,
    /// 4 bits a number in groups of 32 inside blocks of 256, scales and minima of 6 bits.
    Q4K,
    /// 5 bits a number, else as [`TensorKind::Q4K`].
    Q5K,
    /// 6 bits a number in groups of 16 inside blocks of 256, scales of 8 bits.
    Q6K,
}

impl TensorKind {
    pub(super) fn from_code(code: u32) -> Result<Self, GgufError> {
        Ok(match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            other => {
                return Err(GgufError::new(format!(
                    "is stored in format {other:?}, which is not read"
                )));
            }
        })
    }

    pub(super) fn code(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
            Self::Bf16 => 30,
        }
    }

    /// How many numbers a block holds.
    pub fn block_values(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// How many bytes a block takes.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => Q8_BLOCK_BYTES,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// Writes the numbers that `bytes`, whole blocks, stand for into `values`.
    fn dequantise(self, bytes: &[u8], values: &mut [f32]) {
        let blocks = bytes.chunks_exact(self.block_bytes());
        let outs = values.chunks_exact_mut(self.block_values());
        let dequantise_block = match self {
            Self::F32 => f32_value,
            Self::F16 => f16_value,
            Self::Bf16 => bf16_value,
            Self::Q4_0 => q4_0,
            Self::Q4_1 => q4_1,
            Self::Q5_0 => q5_0,
            Self::Q5_1 => q5_1,
            Self::Q8_0 => q8_0,
            Self::Q4K => k_quants::q4_k,
            Self::Q5K => k_quants::q5_k,
            Self::Q6K => k_quants::q6_k,
        };
        for (block, out) in blocks.zip(outs) {
            dequantise_block(block, out);
        }
    }
}

impl Gguf<'_> {
    /// Rows `first..first + n_rows` of a tensor as 32-bit numbers, row by row.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn rows(&self, info: &TensorInfo<'_>, first: usize, n_rows: usize) -> Vec<f32> {
        let n_in = info.dimensions()[0] as usize;
        let row_bytes = n_in / info.kind.block_values() * info.kind.block_bytes();
        let bytes = &self.bytes(info)[first * row_bytes..(first + n_rows) * row_bytes];
        let mut values = vec![0.0; n_rows * n_in];
        info.kind.dequantise(bytes, &mut values);
        values
    }

    /// All numbers of a tensor.
    pub fn values(&self, info: &TensorInfo<'_>) -> Vec<f32> {
        let n_in = info.dimensions()[0] as usize;
        self.rows(info, 0, info.n_values() / n_in)
    }
}

/// Two bytes from a place in a block, as a number of 16 bits.
fn f16_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn f32_value(block: &[u8], out: &mut [f32]) {
    out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
}

fn f16_value(block: &[u8], out: &mut [f32]) {
    out[0] = f16_at(block, 0);
}

fn bf16_value(block: &[u8], out: &mut [f32]) {
    out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32();
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let scale = f16_at(block, 0);
    let (low, high) = out.split_at_mut(16);
    for ((byte, low), high) in block[2..].iter().zip(low).zip(high) {
        *low = f32::from(i16::from(byte & 15) - 8) * scale;
        *high = f32::from(i16::from(byte >> 4) - 8) * scale;
    }
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, min) = (f16_at(block, 0), f16_at(block, 2));
    let (low, high) = out.split_at_mut(16);
    for ((byte, low), high) in block[4..].iter().zip(low).zip(high) {
        *low = f32::from(byte & 15) * scale + min;
        *high = f32::from(byte >> 4) * scale + min;
    }
}

/// The fifth bits of a block of 32, one for each number.
fn fifth_bits(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

/// The two numbers of 5 bits that byte `nth` and the fifth bits stand for.
fn five_bits(byte: u8, bits: u32, nth: usize) -> (u8, u8) {
    let low = (byte & 15) | (((bits >> nth) & 1) << 4) as u8;
    let high = (byte >> 4) | (((bits >> (nth + 16)) & 1) << 4) as u8;
    (low, high)
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let (scale, bits) = (f16_at(block, 0), fifth_bits(block, 2));
    for (nth, &byte) in block[6..].iter().enumerate() {
        let (low, high) = five_bits(byte, bits, nth);
        out[nth] = f32::from(i16::from(low) - 16) * scale;
        out[nth + 16] = f32::from(i16::from(high) - 16) * scale;
    }
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, min, bits) = (f16_at(block, 0), f16_at(block, 2), fifth_bits(block, 4));
    for (nth, &byte) in block[8..].iter().enumerate() {
        let (low, high) = five_bits(byte, bits, nth);
        out[nth] = f32::from(low) * scale + min;
        out[nth + 16] = f32::from(high) * scale + min;
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let scale = f16_at(block, 0);
    for (byte, out) in block[2..].iter().zip(out) {
        *out = f32::from(*byte as i8) * scale;
    }
}

/// Appends rows of numbers as blocks of `Q8_0`, rounded as ggml's reference does.
///
/// # Panics
/// If the numbers do not fill blocks.
pub(crate) fn quantise_q8(values: &[f32], out: &mut Vec<u8>) {
    assert!(
        values.len().is_multiple_of(Q8_BLOCK),
        "the numbers fill whole blocks"
    );
    for block in values.chunks_exact(Q8_BLOCK) {
        let largest = block.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        out.extend(f16::from_f32(scale).to_le_bytes());
        out.extend(block.iter().map(|x| (x * inverse).round() as i8 as u8));
    }
}
