//! The spectrogram against faster-whisper's `FeatureExtractor` in numpy.

use super::{Mel, MelFilters};

/// Drawn samples, in turns loud and hardly there, so that the floor below the loudest is reached.
fn noise(n: usize) -> Vec<f32> {
    let mut state = 1u32;
    (0..n)
        .map(|nth| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = ((state >> 16) as i32 - 32_768) as f32 / 32_768.0;
            value
                * if (nth / 4000) % 2 == 0 {
                    1.0
                } else {
                    1.0 / 1024.0
                }
        })
        .collect()
}

/// Every ninth filter of some frames of 20,000 samples, as the reference has them.
#[rustfmt::skip]
const EXPECTED: [(usize, [f32; 9]); 5] = [
    (0, [0.595_795, 1.041_696, 0.832_766, 0.802_977, 1.130_383, 0.822_696, 1.004_726, 1.132_677, 1.054_087]),
    (1, [0.817_383, 1.011_167, 1.022_527, 0.772_477, 0.824_467, 0.851_865, 1.026_319, 0.901_954, 1.034_229]),
    (42, [-0.435_618, -0.646_995, -0.420_716, -0.412_31, -0.370_107, -0.612_37, -0.509_617, -0.461_963, -0.537_157]),
    (124, [0.662_852, 0.959_334, 0.940_503, 0.909_268, 1.006_677, 0.985_429, 0.854_329, 1.067_524, 1.015_192]),
    (125, [0.858_539, 0.928_825, 1.095_562, 0.768_306, 0.944_173, 0.969_456, 0.885_571, 0.974_39, 0.883_924]),
];
/// The same of the one frame of 30 samples.
#[rustfmt::skip]
const SHORT: [f32; 9] = [0.959_75, 0.666_996, 1.016_778, 1.059_044, 1.031_763, 0.512_169, 0.791_88, 0.832_613, 0.799_869];

fn check(mel: &Mel, frame: usize, expected: &[f32]) {
    for (nth, expected) in expected.iter().enumerate() {
        let got = mel.values[frame * 80 + 9 * nth];
        assert!(
            (got - expected).abs() < 1e-4,
            "frame {frame}, filter {}: {got} instead of {expected}",
            9 * nth
        );
    }
}

#[test]
fn it_is_the_spectrogram_of_the_reference() {
    let filters = MelFilters::new(80);
    let long = filters.mel(&noise(20_000));
    let short = filters.mel(&noise(30));
    assert_eq!((long.n_frames(), short.n_frames()), (126, 1));
    assert_eq!(filters.mel(&[]).n_frames(), 1);
    let mean = long.values.iter().sum::<f32>() / long.values.len() as f32;
    assert!((mean - 0.437_882).abs() < 1e-4, "{mean}");
    for (frame, expected) in EXPECTED {
        check(&long, frame, &expected);
    }
    check(&short, 0, &SHORT);
}

#[test]
fn no_sound_is_the_same_everywhere() {
    let silent = MelFilters::new(80).mel(&[0.0; 1600]);
    assert!(silent.values.iter().all(|&value| value == -1.5));
}
