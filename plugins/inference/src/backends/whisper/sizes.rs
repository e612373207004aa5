//! The sizes of a Whisper model, as its file says them.

use crate::ctranslate2::File;

/// How large the parts of a model are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Values of a frame of the spectrogram.
    pub(crate) n_mels: usize,
    /// Numbers of a token's or a frame's vector.
    pub(crate) width: usize,
    /// Numbers between the two products of a block.
    pub(crate) inner: usize,
    /// Attention heads of the encoder and of the decoder.
    pub(crate) n_heads: usize,
    /// Layers of the encoder.
    pub(crate) n_encoder_layers: usize,
    /// Layers of the decoder.
    pub(crate) n_decoder_layers: usize,
    /// Vectors that the encoder makes of a window.
    pub(crate) n_frames: usize,
    /// Tokens that the decoder can tell apart by their place.
    pub(crate) n_positions: usize,
    /// Tokens that there are.
    pub(crate) n_tokens: usize,
}

impl Sizes {
    /// Reads the sizes out of the variables' shapes.
    ///
    /// # Errors
    /// A sentence about the variable that is missing or makes no sense.
    pub(crate) fn read(file: &File<'_>) -> Result<Self, String> {
        let shape = |name: &str, rank: usize| {
            let variable = file
                .get(name)
                .ok_or_else(|| format!("it has no variable {name:?}"))?;
            if variable.shape.len() == rank {
                Ok(variable.shape)
            } else {
                Err(format!(
                    "variable {name:?} has the shape {:?}",
                    variable.shape
                ))
            }
        };
        let n_layers = |part: &str| {
            (0..=64)
                .take_while(|nth| {
                    let name = format!("{part}/layer_{nth}/self_attention/linear_0/weight");
                    file.get(&name).is_some()
                })
                .count()
        };
        let conv = shape("encoder/conv1/weight", 3)?;
        let heads = |part: &str| file.integer(&format!("{part}/num_heads")).unwrap_or(0);
        let sizes = Self {
            n_mels: conv[1],
            width: conv[0],
            inner: shape("encoder/layer_0/ffn/linear_0/bias", 1)?[0],
            n_heads: usize::try_from(heads("encoder")).unwrap_or(0),
            n_encoder_layers: n_layers("encoder"),
            n_decoder_layers: n_layers("decoder"),
            n_frames: shape("encoder/position_encodings/encodings", 2)?[0],
            n_positions: shape("decoder/position_encodings/encodings", 2)?[0],
            n_tokens: shape("decoder/embeddings/weight", 2)?[0],
        };
        let sane = (1..=256).contains(&sizes.n_mels)
            && (1..=2048).contains(&sizes.width)
            && (1..=8192).contains(&sizes.inner)
            && (1..=sizes.width).contains(&sizes.n_heads)
            && sizes.width.is_multiple_of(sizes.n_heads)
            && heads("encoder") == heads("decoder")
            && (1..=48).contains(&sizes.n_encoder_layers)
            && (1..=48).contains(&sizes.n_decoder_layers)
            && (1..=3000).contains(&sizes.n_frames)
            && (8..=4096).contains(&sizes.n_positions)
            && (1..=1 << 20).contains(&sizes.n_tokens);
        if sane {
            Ok(sizes)
        } else {
            Err(format!("its sizes make no sense: {sizes:?}"))
        }
    }

    /// Numbers of a head.
    pub(crate) fn head(&self) -> usize {
        self.width / self.n_heads
    }
}
