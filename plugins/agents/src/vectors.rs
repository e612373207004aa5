//! Writes vectors as text and reads them back, bit for bit.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Why text is no list of vectors.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VectorsError {
    /// The text is not base64.
    #[error("vectors are not base64: {0}")]
    NotBase64(String),
    /// The bytes do not make whole vectors.
    #[error("{bytes} bytes make no whole vectors of width {width}")]
    Ragged {
        /// How many bytes there are.
        bytes: usize,
        /// The width that was asked for.
        width: usize,
    },
}

/// The vectors' numbers as little-endian f32 in base64, one vector after the other.
pub fn encode_vectors(vectors: &[Vec<f32>]) -> String {
    let bytes: Vec<u8> = vectors
        .iter()
        .flatten()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    BASE64_STANDARD.encode(bytes)
}

/// Reads what [`encode_vectors`] wrote.
///
/// # Errors
/// If `text` is not base64, or does not hold whole vectors of `width` numbers.
pub fn decode_vectors(text: &str, width: usize) -> Result<Vec<Vec<f32>>, VectorsError> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|error| VectorsError::NotBase64(error.to_string()))?;
    let size = width * size_of::<f32>();
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if size == 0 || !bytes.len().is_multiple_of(size) {
        return Err(VectorsError::Ragged {
            bytes: bytes.len(),
            width,
        });
    }
    Ok(bytes
        .chunks_exact(size)
        .map(|vector| {
            vector
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_survive_bit_for_bit() {
        let vectors = vec![vec![0.1, -0.0, f32::MIN_POSITIVE], vec![1.0e30, 3.0, -7.25]];
        let back = decode_vectors(&encode_vectors(&vectors), 3).unwrap();
        let bits = |v: &[Vec<f32>]| v.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&vectors));
        assert_eq!(decode_vectors("", 3), Ok(vec![]));
    }

    #[test]
    fn bad_text_is_refused() {
        assert!(matches!(
            decode_vectors("?", 3),
            Err(VectorsError::NotBase64(_))
        ));
        let three = encode_vectors(&[vec![1.0, 2.0, 3.0]]);
        assert_eq!(
            decode_vectors(&three, 2),
            Err(VectorsError::Ragged {
                bytes: 12,
                width: 2
            })
        );
        assert_eq!(
            decode_vectors(&three, 0),
            Err(VectorsError::Ragged {
                bytes: 12,
                width: 0
            })
        );
    }
}
