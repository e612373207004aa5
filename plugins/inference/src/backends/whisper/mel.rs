//! Turns sound into the log-mel spectrogram that Whisper hears.
//!
//! Frames of 25 ms every 10 ms under a Hann window, their power summed by 80 filters on the mel scale of
//! Slaney's Auditory Toolbox, logarithm to base 10, nothing more than 8 below the loudest, `(x + 4) / 4`.
//! Radford et al. (2022), "Robust Speech Recognition via Large-Scale Weak Supervision", section 2.2.

use std::{f64::consts::TAU, fmt, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex};

/// Samples of a frame.
const FRAME: usize = 400;
/// Samples from frame to frame.
pub(crate) const HOP: usize = 160;
/// Different frequencies in the spectrum of a frame.
const BINS: usize = FRAME / 2 + 1;

/// The spectrogram of a sound: frame after frame, each with one value for each filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mel {
    /// Values of all frames.
    pub(crate) values: Vec<f32>,
    /// Values of a frame.
    pub(crate) n_mels: usize,
}

impl Mel {
    /// How many frames there are.
    #[cfg(test)]
    pub(crate) fn n_frames(&self) -> usize {
        self.values.len() / self.n_mels
    }
}

/// What computes spectrograms: the window, the plan of the transform and the filters.
#[derive(Clone)]
pub(crate) struct MelFilters {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// For each filter the first frequency that it hears, and the weights from there on.
    filters: Vec<(usize, Vec<f32>)>,
}

impl fmt::Debug for MelFilters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MelFilters")
            .field("n_mels", &self.filters.len())
            .finish_non_exhaustive()
    }
}

impl MelFilters {
    /// Filters between 0 and 8,000 Hz; Whisper has 80 of them.
    pub(crate) fn new(n_mels: usize) -> Self {
        let hann = |nth: usize| (0.5 - 0.5 * (TAU * nth as f64 / FRAME as f64).cos()) as f32;
        // Corners of the triangles, evenly spaced in mel.
        let top = mel_of_hertz(8000.0);
        let corners: Vec<f64> = (0..n_mels + 2)
            .map(|nth| hertz_of_mel(top * nth as f64 / (n_mels + 1) as f64))
            .collect();
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(FRAME),
            window: (0..FRAME).map(hann).collect(),
            filters: corners.windows(3).map(triangle).collect(),
        }
    }

    /// The spectrogram of samples at 16 kHz: one frame for every 10 ms begun, and one after the end
    /// (so that there is always one).
    pub(crate) fn mel(&self, samples: &[f32]) -> Mel {
        let n_mels = self.filters.len();
        // As the reference does: 10 ms of silence behind, then both ends mirrored for half a frame.
        let n_frames = samples.len() / HOP + 1;
        let padded = samples.len() + HOP;
        let sample = |at: isize| {
            let at = mirrored(at, padded);
            samples.get(at).copied().unwrap_or(0.0)
        };
        let mut frame = self.transform.make_input_vec();
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        let mut values = Vec::with_capacity(n_frames * n_mels);
        let mut loudest = f32::MIN;
        for nth in 0..n_frames {
            let start = (nth * HOP) as isize - (FRAME / 2) as isize;
            let inside = usize::try_from(start)
                .ok()
                .and_then(|start| samples.get(start..start + FRAME));
            match inside {
                Some(inside) => frame.copy_from_slice(inside),
                None => (start..)
                    .zip(&mut frame)
                    .for_each(|(at, to)| *to = sample(at)),
            }
            for (value, weight) in frame.iter_mut().zip(&self.window) {
                *value *= weight;
            }
            // Fails for buffers of wrong length only.
            self.transform
                .process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
                .unwrap_or_default();
            let power: [f32; BINS] = std::array::from_fn(|bin| spectrum[bin].norm_sqr());
            for (first, weights) in &self.filters {
                let heard = weights.iter().zip(&power[*first..]);
                let sum: f32 = heard.map(|(weight, power)| weight * power).sum();
                let log = sum.max(1e-10).log10();
                loudest = loudest.max(log);
                values.push(log);
            }
        }
        for value in &mut values {
            *value = (value.max(loudest - 8.0) + 4.0) / 4.0;
        }
        Mel { values, n_mels }
    }
}

/// The place inside `0..n` that a place outside mirrors, without repeating the ends.
fn mirrored(at: isize, n: usize) -> usize {
    let period = 2 * (n as isize - 1);
    let at = at.rem_euclid(period.max(1));
    at.min(period - at).max(0) as usize
}

/// The weights of a triangle between three corners, of area 1 over hertz.
fn triangle(corners: &[f64]) -> (usize, Vec<f32>) {
    let &[low, middle, high] = corners else {
        return (0, Vec::new());
    };
    let weight = |bin: usize| {
        let hertz = bin as f64 * 16_000.0 / FRAME as f64;
        let rising = (hertz - low) / (middle - low);
        let falling = (high - hertz) / (high - middle);
        rising.min(falling).max(0.0) * 2.0 / (high - low)
    };
    let heard = |bin: &usize| weight(*bin) > 0.0;
    let first = (0..BINS).find(heard).unwrap_or(0);
    let weights = (first..BINS)
        .take_while(heard)
        .map(|bin| weight(bin) as f32);
    (first, weights.collect())
}

/// Slaney's mel scale: even up to 1,000 Hz, logarithmic above.
fn hertz_of_mel(mel: f64) -> f64 {
    if mel < 15.0 {
        mel * 200.0 / 3.0
    } else {
        1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp()
    }
}

fn mel_of_hertz(hertz: f64) -> f64 {
    if hertz < 1000.0 {
        hertz * 3.0 / 200.0
    } else {
        15.0 + (hertz / 1000.0).ln() * 27.0 / 6.4f64.ln()
    }
}

#[cfg(test)]
mod tests;
