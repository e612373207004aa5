//! Where somebody speaks in a sound, and sound in pieces as it comes.

use std::ops::Range;

use crate::{
    backends::silero::{VoiceActivity, VoiceMemory, WINDOW},
    wav::SAMPLE_RATE,
};

/// When somebody begins and ends to speak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeechOptions {
    /// From this probability on somebody speaks.
    pub threshold: f32,
    /// Below this probability nobody does; in between, whoever speaks goes on.
    pub silence_threshold: f32,
    /// Seconds of silence that end speech.
    pub min_silence_secs: f32,
    /// Seconds that are kept before and after speech.
    pub pad_secs: f32,
    /// Speech that lasts longer is cut, so that a model can hear it in one window.
    pub max_speech_secs: f32,
}

impl Default for SpeechOptions {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            silence_threshold: 0.35,
            min_silence_secs: 2.0,
            pad_secs: 0.4,
            max_speech_secs: f32::INFINITY,
        }
    }
}

fn samples(secs: f32) -> usize {
    // What is infinite becomes the largest number.
    (secs * SAMPLE_RATE as f32).round() as usize
}

/// The pieces of a sound of `n_samples` in which somebody speaks, by the probabilities of its windows.
pub fn speech(
    probabilities: &[f32],
    n_samples: usize,
    options: &SpeechOptions,
) -> Vec<Range<usize>> {
    let mut tracker = Tracker::default();
    let mut pieces: Vec<Range<usize>> = probabilities
        .iter()
        .filter_map(|&probability| tracker.hear(probability, options))
        .collect();
    pieces.extend(tracker.start.map(|start| start..n_samples));
    pad(&mut pieces, n_samples, samples(options.pad_secs));
    pieces
}

/// Makes pieces longer at both ends; two that would meet share what is between them.
fn pad(pieces: &mut [Range<usize>], n_samples: usize, by: usize) {
    if let Some(first) = pieces.first_mut() {
        first.start = first.start.saturating_sub(by);
    }
    for nth in 1..pieces.len() {
        let silence = pieces[nth].start - pieces[nth - 1].end;
        let by = by.min(silence / 2);
        pieces[nth - 1].end += by;
        pieces[nth].start -= by;
    }
    if let Some(last) = pieces.last_mut() {
        last.end = (last.end + by).min(n_samples);
    }
}

/// Follows the probabilities of one sound, window by window.
#[derive(Clone, Debug, Default)]
struct Tracker {
    at: usize,
    start: Option<usize>,
    silent_from: Option<usize>,
}

impl Tracker {
    /// Takes the next window; a piece of speech, if one ends with it.
    fn hear(&mut self, probability: f32, options: &SpeechOptions) -> Option<Range<usize>> {
        let at = self.at;
        self.at += WINDOW;
        if probability >= options.threshold {
            self.silent_from = None;
            if self.start.is_none() {
                self.start = Some(at);
                return None;
            }
        }
        let start = self.start?;
        if at - start > samples(options.max_speech_secs) {
            let Some(silent_from) = self.silent_from else {
                // In the middle of a word: the next piece begins where this one ends.
                self.start = Some(at);
                return Some(start..at);
            };
            return self.finish(start..silent_from);
        }
        if probability < options.silence_threshold {
            let silent_from = *self.silent_from.get_or_insert(at);
            if at - silent_from >= samples(options.min_silence_secs) {
                return self.finish(start..silent_from);
            }
        }
        None
    }

    fn finish(&mut self, piece: Range<usize>) -> Option<Range<usize>> {
        self.start = None;
        self.silent_from = None;
        Some(piece)
    }
}

/// A piece of sound in which somebody speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenPiece {
    /// When it begins, in seconds from the start of the stream.
    pub start_secs: f64,
    /// Its samples.
    pub samples: Vec<f32>,
}

/// Cuts sound that comes bit by bit into pieces in which somebody speaks, as soon as each has ended.
#[derive(Debug)]
pub struct SpeechStream {
    model: VoiceActivity,
    options: SpeechOptions,
    memory: VoiceMemory,
    tracker: Tracker,
    /// Samples from `kept_from` on, as far as a piece may still need them.
    kept: Vec<f32>,
    kept_from: usize,
    /// Samples that have come.
    n_come: usize,
}

impl SpeechStream {
    /// A stream before its first sample; [`SpeechStream::usual`] says options that suit most talk.
    pub fn new(model: VoiceActivity, options: SpeechOptions) -> Self {
        Self {
            model,
            options,
            memory: VoiceMemory::default(),
            tracker: Tracker::default(),
            kept: Vec::new(),
            kept_from: 0,
            n_come: 0,
        }
    }

    /// What suits talk that is to be written down while it goes on: pieces end after half a second
    /// of silence, and after 28 seconds at the latest.
    pub fn usual() -> SpeechOptions {
        SpeechOptions {
            min_silence_secs: 0.5,
            pad_secs: 0.2,
            max_speech_secs: 28.0,
            ..SpeechOptions::default()
        }
    }

    /// Takes samples; the pieces that have ended.
    pub fn push(&mut self, samples: &[f32]) -> Vec<SpokenPiece> {
        self.kept.extend_from_slice(samples);
        self.n_come += samples.len();
        let heard = self.tracker.at - self.kept_from;
        let whole = (self.kept.len() - heard) / WINDOW * WINDOW;
        let windows = &self.kept[heard..heard + whole];
        let probabilities = self.model.go_on(&mut self.memory, windows);
        let pieces: Vec<_> = probabilities
            .into_iter()
            .filter_map(|probability| self.tracker.hear(probability, &self.options))
            .collect();
        let pieces = pieces.into_iter().map(|piece| self.cut(piece)).collect();
        let needed = self.tracker.start.unwrap_or(self.tracker.at);
        let needed = needed.saturating_sub(self::samples(self.options.pad_secs));
        let free = needed.saturating_sub(self.kept_from);
        self.kept.drain(..free);
        self.kept_from += free;
        pieces
    }

    /// Ends the stream; the piece that was under way.
    pub fn finish(mut self) -> Option<SpokenPiece> {
        let start = self.tracker.start?;
        Some(self.cut(start..self.n_come))
    }

    fn cut(&mut self, piece: Range<usize>) -> SpokenPiece {
        let by = samples(self.options.pad_secs);
        let start = piece.start.saturating_sub(by).max(self.kept_from);
        let end = (piece.end + by).min(self.n_come);
        SpokenPiece {
            start_secs: start as f64 / f64::from(SAMPLE_RATE),
            samples: self.kept[start - self.kept_from..end - self.kept_from].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities as digits: tenths, one for each window.
    fn check(digits: &str, min_silence: usize, pad: usize, expected: &[(usize, usize)]) {
        let probabilities: Vec<f32> = digits
            .bytes()
            .map(|digit| f32::from(digit - b'0') / 10.0)
            .collect();
        let secs = |windows: usize| (windows * WINDOW) as f32 / SAMPLE_RATE as f32;
        let options = SpeechOptions {
            min_silence_secs: secs(min_silence),
            pad_secs: secs(pad),
            ..SpeechOptions::default()
        };
        let got = speech(&probabilities, probabilities.len() * WINDOW, &options);
        let expected: Vec<_> = expected
            .iter()
            .map(|(start, end)| start * WINDOW..end * WINDOW)
            .collect();
        assert_eq!(got, expected, "{digits}");
    }

    #[test]
    fn speech_starts_and_ends_by_its_thresholds() {
        check("000000", 2, 0, &[]);
        check("009990000", 2, 0, &[(2, 5)]);
        // Unsure windows go on, short silences too.
        check("009440900000", 2, 0, &[(2, 7)]);
        check("00499", 2, 0, &[(3, 5)]);
        check("990000990000", 2, 0, &[(0, 2), (6, 8)]);
        check("990000990000", 2, 1, &[(0, 3), (5, 9)]);
        // Pieces that would meet share the silence.
        check("990000990000", 2, 5, &[(0, 4), (4, 12)]);
    }

    #[test]
    fn long_speech_is_cut() {
        let options = SpeechOptions {
            max_speech_secs: 0.1,
            pad_secs: 0.0,
            ..SpeechOptions::default()
        };
        let pieces = speech(&[1.0; 12], 12 * WINDOW, &options);
        let expected = [0..4, 4..8, 8..12].map(|piece| piece.start * WINDOW..piece.end * WINDOW);
        assert_eq!(pieces, expected);
    }
}
