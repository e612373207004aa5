//! What a model is given to be measured with: texts of so many tokens, or what a file holds.

use std::{f32::consts::TAU, fs, path::Path, sync::Arc};

use inference::{
    Ask, Encoder, GenerateOptions, Input, Request, SAMPLE_RATE, Skill, TranscribeOptions, read_wav,
};

use crate::{cli::BenchModelArgs, error::AppError, models::single::Single};

/// Words that tokenizers of English keep whole.
const WORDS: [&str; 48] = [
    "time", "people", "work", "city", "water", "house", "world", "school", "music", "family",
    "book", "paper", "light", "night", "power", "story", "money", "table", "river", "garden",
    "friend", "morning", "letter", "number", "market", "summer", "winter", "window", "street",
    "picture", "question", "answer", "doctor", "teacher", "student", "country", "village",
    "machine", "engine", "office", "church", "island", "mountain", "horse", "field", "stone",
    "voice", "color",
];
/// Different texts that are made for a text that is asked again and again.
const N_TEXTS: usize = 256;
/// How often the number of words is changed to make the right number of tokens.
const ATTEMPTS: usize = 4;
/// Seconds of sound that are made up.
const SOUND_SECS: usize = 10;

/// Inputs, each with a number.
pub(super) enum Inputs {
    /// Texts of so many words, made when they are asked for: no two begin alike.
    Made(usize),
    /// These, again and again.
    Given(Vec<Input>),
}

impl Inputs {
    /// # Errors
    /// If the file that is to give them cannot be used, or the model cannot be made.
    pub(super) fn new(
        single: &Single,
        skill: Skill,
        args: &BenchModelArgs,
    ) -> Result<Self, AppError> {
        if let Some(path) = &args.input {
            return read(path, skill).map(Self::Given);
        }
        if skill == Skill::Transcribe {
            return Ok(Self::Given(vec![Input::Audio(sound().into())]));
        }
        let unusable = |error: inference::BackendError| AppError::Store(error.into());
        let encoder = single.model().backend().map_err(unusable)?.encoder();
        let ask = ask_for(skill, GenerateOptions::default());
        let made = Self::Made(n_words(&encoder, &ask, args.tokens.into()));
        if skill == Skill::Generate {
            return Ok(made);
        }
        // Making them is to take no time of the measurement.
        Ok(Self::Given((0..N_TEXTS).map(|nth| made.get(nth)).collect()))
    }

    /// The input with a number.
    pub(super) fn get(&self, nth: usize) -> Input {
        match self {
            Self::Given(inputs) => inputs[nth % inputs.len()].clone(),
            Self::Made(n_words) => Input::Text(words(nth, *n_words)),
        }
    }

    /// A short request: how soon it is answered says how soon the model is there.
    pub(super) fn first_request(&self, skill: Skill) -> Request {
        let options = GenerateOptions {
            max_tokens: 1,
            ..GenerateOptions::default()
        };
        let input = match self.get(0) {
            sound @ Input::Audio(_) => sound,
            _ => Input::from("That is a happy person"),
        };
        Request::new(0, ask_for(skill, options), vec![input])
    }

    /// The mean length of the sounds, in seconds.
    pub(super) fn mean_secs(&self) -> f64 {
        let Self::Given(inputs) = self else {
            return 0.0;
        };
        let samples: usize = inputs
            .iter()
            .map(|input| match input {
                Input::Audio(samples) => samples.len(),
                _ => 0,
            })
            .sum();
        samples as f64 / f64::from(SAMPLE_RATE) / inputs.len() as f64
    }
}

/// What is asked of a model with a skill.
pub(super) fn ask_for(skill: Skill, options: GenerateOptions) -> Ask {
    match skill {
        Skill::Embed => Ask::Embed,
        Skill::Classify => Ask::Classify,
        Skill::Tag => Ask::Tag,
        Skill::Transcribe => Ask::Transcribe(TranscribeOptions::default()),
        Skill::Generate => Ask::Generate(options),
    }
}

fn read(path: &Path, skill: Skill) -> Result<Vec<Input>, AppError> {
    let bytes = fs::read(path).map_err(|cause| AppError::Io {
        path: path.to_owned(),
        doing: "read",
        cause,
    })?;
    let wrong = |why: String| AppError::Checked(format!("{}: {why}", path.display()));
    if skill == Skill::Transcribe {
        let samples = read_wav(&bytes[..]).map_err(|error| wrong(error.to_string()))?;
        return Ok(vec![Input::Audio(Arc::from(samples))]);
    }
    let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let inputs: Vec<Input> = lines.map(Input::from).collect();
    if inputs.is_empty() {
        return Err(wrong("it holds no text".to_owned()));
    }
    Ok(inputs)
}

/// How many words make a text of so many tokens.
fn n_words(encoder: &Encoder, ask: &Ask, n_tokens: usize) -> usize {
    let mut n_words = n_tokens;
    for _ in 0..ATTEMPTS {
        let Ok(encoded) = encoder(ask, &Input::Text(words(0, n_words))) else {
            break;
        };
        let got = encoded.tokens() as usize;
        n_words = (n_words + n_tokens).saturating_sub(got).max(1);
    }
    n_words
}

/// Words drawn from a number.
fn words(nth: usize, n_words: usize) -> String {
    // `SplitMix64`, Steele, Lea, Flood (2014).
    let mut state = (nth as u64).wrapping_mul(0xA076_1D64_78BD_642F);
    let mut word = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        WORDS[((mixed ^ (mixed >> 31)) % WORDS.len() as u64) as usize]
    };
    (0..n_words).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// Something like vowels: a tone with overtones that comes and goes.
fn sound() -> Vec<f32> {
    let sample = |at: usize| {
        let secs = at as f32 / SAMPLE_RATE as f32;
        let tone = |of: f32| (secs * 140.0 * of * TAU).sin();
        0.2 * (secs * 4.0).sin().abs() * (tone(1.0) + 0.5 * tone(3.0) + 0.3 * tone(7.0))
    };
    (0..SOUND_SECS * SAMPLE_RATE as usize).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use inference::Encoded;

    use super::*;

    #[test]
    fn texts_have_about_the_tokens_that_are_asked_for_and_begin_differently() {
        // Two marks, and words with a `v` are two tokens.
        let encoder: Encoder = Arc::new(|_, input| {
            let Input::Text(text) = input else {
                panic!("a text")
            };
            let tokens = text
                .split(' ')
                .map(|word| 1 + usize::from(word.contains('v')));
            Ok(Encoded::Ids(vec![0; 2 + tokens.sum::<usize>()]))
        });
        for n_tokens in [32, 128] {
            let n_words = n_words(&encoder, &Ask::Embed, n_tokens);
            let first = encoder(&Ask::Embed, &Input::Text(words(0, n_words))).unwrap();
            assert!(
                (first.tokens() as usize).abs_diff(n_tokens) <= 1,
                "{first:?}"
            );
            let mut starts: Vec<String> = (0..20).map(|nth| words(nth, 4)).collect();
            starts.sort_unstable();
            starts.dedup();
            assert_eq!(starts.len(), 20);
        }
    }
}
