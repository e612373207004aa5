//! Reads WAV files as mono sound of 16,000 samples a second, resampling what has another rate.

use std::{f64::consts::PI, io::Read};

use hound::{SampleFormat, WavReader};

/// Samples a second of all sound that models hear.
pub const SAMPLE_RATE: u32 = 16_000;
/// Rates outside are refused: nothing records speech with them.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;
/// The longest sound that is read: six hours.
const MAX_SAMPLES: usize = 6 * 3600 * SAMPLE_RATE as usize;
/// Zero crossings of the resampling filter on each side of its middle.
const ZERO_CROSSINGS: f64 = 24.0;
/// The share of the band that passes; the rest is the filter's slope.
const ROLL_OFF: f64 = 0.945;

/// Why a file cannot be heard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// It is not a WAV file, or it is cut off.
    #[error("it is no WAV file that can be read: {0}")]
    Unreadable(String),
    /// Nothing records speech like that.
    #[error(
        "{channels:?} channels of {rate:?} samples a second are not read: 1 to 8 of 1,000 to 384,000 are"
    )]
    Absurd {
        /// How many channels it claims.
        channels: u16,
        /// Samples a second that it claims.
        rate: u32,
    },
    /// It is longer than six hours.
    #[error("it is longer than six hours: cut it")]
    TooLong,
    /// A sample is not a number.
    #[error("sample {0:?} is not a finite number")]
    NotFinite(usize),
}

/// Reads a WAV file (whole numbers of up to 32 bits, or 32-bit floats) as samples between -1 and 1
/// at [`SAMPLE_RATE`]; channels are averaged.
///
/// # Errors
/// [`WavError`] says what is wrong with it.
pub fn read_wav(file: impl Read) -> Result<Vec<f32>, WavError> {
    let unreadable = |error: hound::Error| WavError::Unreadable(error.to_string());
    let mut reader = WavReader::new(file).map_err(unreadable)?;
    let spec = reader.spec();
    let (channels, rate) = (spec.channels, spec.sample_rate);
    if !(1..=8).contains(&channels) || !RATES.contains(&rate) {
        return Err(WavError::Absurd { channels, rate });
    }
    let most = MAX_SAMPLES as u64 * u64::from(rate) / u64::from(SAMPLE_RATE);
    if u64::from(reader.duration()) > most {
        return Err(WavError::TooLong);
    }
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        SampleFormat::Int => {
            let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
            let scaled = |sample: Result<i32, _>| sample.map(|sample| sample as f32 * scale);
            reader.samples::<i32>().map(scaled).collect()
        }
    }
    .map_err(unreadable)?;
    if let Some(nth) = samples.iter().position(|sample| !sample.is_finite()) {
        return Err(WavError::NotFinite(nth));
    }
    let mono: Vec<f32> = match channels {
        1 => samples,
        n => samples
            .chunks_exact(n.into())
            .map(|frame| frame.iter().sum::<f32>() / f32::from(n))
            .collect(),
    };
    Ok(resample(&mono, rate))
}

/// Brings sound to [`SAMPLE_RATE`] with a sinc filter under a Kaiser window.
///
/// The filter has one set of weights for each place that an output sample can have between two
/// input samples: `16,000 / gcd(16,000, rate)` of them.
/// Smith (2002), "Digital Audio Resampling Home Page", <https://ccrma.stanford.edu/~jos/resample/>.
pub fn resample(samples: &[f32], rate: u32) -> Vec<f32> {
    if rate == SAMPLE_RATE {
        return samples.to_vec();
    }
    let common = gcd(rate, SAMPLE_RATE);
    let (up, down) = (SAMPLE_RATE / common, rate / common);
    // In units of input samples: going down, the filter gets wider and lower.
    let cutoff = ROLL_OFF * (f64::from(up) / f64::from(down)).min(1.0);
    let reach = (ZERO_CROSSINGS / cutoff).ceil();
    // Made when they are first needed: an odd rate has many.
    let mut phases = vec![Vec::new(); up as usize];
    let n_out = (samples.len() as u64 * u64::from(up)).div_ceil(u64::from(down));
    (0..n_out)
        .map(|nth| {
            let at = nth * u64::from(down);
            let (whole, phase) = (at / u64::from(up), at % u64::from(up));
            let weights = &mut phases[phase as usize];
            if weights.is_empty() {
                *weights = self::weights(phase as f64 / f64::from(up), cutoff, reach);
            }
            let first = whole as i64 - reach as i64;
            let skipped = (-first).clamp(0, weights.len() as i64) as usize;
            let heard = &samples[(first.max(0) as usize).min(samples.len())..];
            let products = weights[skipped..].iter().zip(heard);
            products.map(|(weight, sample)| weight * sample).sum()
        })
        .collect()
}

/// The weights of the input samples from `reach` before to `reach` after a place `fraction` behind one.
fn weights(fraction: f64, cutoff: f64, reach: f64) -> Vec<f32> {
    let n = 2 * reach as usize + 2;
    let raw: Vec<f64> = (0..n)
        .map(|nth| {
            let distance = nth as f64 - reach - fraction;
            let x = cutoff * distance;
            let sinc = if x == 0.0 {
                1.0
            } else {
                (PI * x).sin() / (PI * x)
            };
            sinc * kaiser(distance / (reach + 1.0))
        })
        .collect();
    // Silence stays silence and a constant stays itself.
    let sum: f64 = raw.iter().sum();
    raw.into_iter()
        .map(|weight| (weight / sum) as f32)
        .collect()
}

/// The Kaiser window at `x` of its half width; β = 9 keeps what leaks below -90 dB.
fn kaiser(x: f64) -> f64 {
    const BETA: f64 = 9.0;
    let inside = 1.0 - x * x;
    if inside <= 0.0 {
        return 0.0;
    }
    bessel(BETA * inside.sqrt()) / bessel(BETA)
}

/// The modified Bessel function of the first kind of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..64 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::{f64::consts::TAU, io::Cursor};

    use hound::{SampleFormat, WavSpec, WavWriter};

    use super::{WavError, read_wav, resample};

    fn tone(hertz: f64, rate: u32, n: usize) -> Vec<f32> {
        (0..n)
            .map(|nth| ((TAU * hertz * nth as f64 / f64::from(rate)).sin() * 0.5) as f32)
            .collect()
    }

    fn wav(spec: WavSpec, samples: &[i32]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
        for &sample in samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(channels: u16, sample_rate: u32) -> WavSpec {
        WavSpec {
            channels,
            sample_rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        }
    }

    #[test]
    fn tones_keep_their_pitch_and_loudness_at_every_rate() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000] {
            let heard = resample(&tone(440.0, rate, rate as usize), rate);
            assert_eq!(heard.len(), 16_000, "one second at {rate}");
            let expected = tone(440.0, 16_000, 16_000);
            // Away from the ends, where the filter hears the silence around the sound.
            let worst = (200..15_800)
                .map(|nth| (heard[nth] - expected[nth]).abs())
                .fold(0.0, f32::max);
            assert!(worst < 2e-4, "{worst} off at {rate}");
        }
    }

    #[test]
    fn what_is_above_the_new_band_is_not_heard() {
        let heard = resample(&tone(11_000.0, 48_000, 48_000), 48_000);
        let loudest = heard[200..15_800]
            .iter()
            .fold(0.0f32, |a, b| a.max(b.abs()));
        assert!(loudest < 1e-4, "{loudest}");
    }

    #[test]
    fn channels_are_averaged_and_depths_scaled() {
        let bytes = wav(spec(2, 16_000), &[16_384, 0, -32_768, -32_768]);
        assert_eq!(read_wav(&bytes[..]).unwrap(), [0.25, -1.0]);
        let eight = WavSpec {
            bits_per_sample: 8,
            ..spec(1, 16_000)
        };
        assert_eq!(read_wav(&wav(eight, &[64, -128])[..]).unwrap(), [0.5, -1.0]);
    }

    #[test]
    fn what_cannot_be_heard_is_refused() {
        let good = wav(spec(1, 16_000), &[1, 2, 3]);
        let float = WavSpec {
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
            ..spec(1, 16_000)
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, float).unwrap();
        writer.write_sample(f32::NAN).unwrap();
        writer.finalize().unwrap();
        let nan = bytes.into_inner();
        for (bytes, expected) in [
            (&b"RIFX"[..], "no WAV file"),
            (&good[..good.len() - 3], "no WAV file"),
            (&wav(spec(9, 16_000), &[0; 9]), "9 channels"),
            (&wav(spec(1, 999), &[0]), "999 samples a second"),
            (&nan, "sample 0 is not"),
        ] {
            let error = read_wav(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(read_wav(&wav(spec(1, 48_000), &[])[..]), Ok(Vec::new()));
        assert_ne!(read_wav(&good[..4]), Err(WavError::TooLong));
    }

    #[test]
    fn changed_bytes_never_make_it_panic() {
        let good = wav(spec(2, 44_100), &[5; 200]);
        for at in 0..good.len() {
            for value in [0, 1, 127, 255] {
                let mut bytes = good.clone();
                bytes[at] = value;
                read_wav(&bytes[..]).ok();
                read_wav(&bytes[..at]).ok();
            }
        }
    }
}
