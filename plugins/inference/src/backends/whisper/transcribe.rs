//! Writes down sound of any length, window after window, several sounds side by side.
//!
//! A window starts where the last whole segment of the one before ended. A transcript that repeats itself
//! or that the model hardly believes is drawn anew at rising temperatures.
//! Radford et al. (2022), section 4.5, with the thresholds that faster-whisper has by default.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};

use super::{
    Shared,
    decoder::Clip,
    mel::{HOP, Mel},
    rules::Rules,
    search::{Found, Searcher, Way, Window},
    tokens::SECONDS_A_TIMESTAMP,
};
use crate::{
    ask::TranscribeOptions,
    kernels::Team,
    output::{Transcript, TranscriptSegment},
    wav::SAMPLE_RATE,
};

/// Tried one after another until a transcript is good enough.
const TEMPERATURES: [f32; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// Drawn transcripts at each temperature above 0.
const DRAWN: usize = 5;
/// Text that shrinks more than this when it is compressed repeats itself.
const MOST_COMPRESSION: f32 = 2.4;
/// Transcripts of a lower mean logarithm of probability are not believed.
const LEAST_LOG_PROBABILITY: f32 = -1.0;
/// Above it, a transcript that is not believed is silence.
const MOST_NO_SPEECH: f32 = 0.6;
/// After a transcript drawn at a higher temperature the model is not told what was said before.
const MOST_TEMPERATURE_TOLD: f32 = 0.5;
/// Frames of the spectrogram for each timestamp.
const FRAMES_A_TIMESTAMP: usize = 2;

/// Sound that is being written down.
#[derive(Debug)]
struct Talk {
    mel: Mel,
    /// Frames that hold sound.
    n_frames: usize,
    /// Where the next window starts.
    at: usize,
    language: Option<(String, u32)>,
    timestamps: bool,
    segments: Vec<TranscriptSegment>,
    said: Vec<u32>,
    /// From where on the model is told what was said.
    told_from: usize,
    no_speech: f32,
}

/// A transcript, judged.
struct Judged {
    found: Found,
    mean: f32,
    compression: f32,
    temperature: f32,
}

/// Writes sounds down: one transcript for each.
///
/// # Errors
/// A sentence, for an unknown language or for tokens without text.
pub(super) fn transcribe(
    model: &Shared,
    team: &Team,
    sounds: &[&[f32]],
    options: &TranscribeOptions,
) -> Result<Vec<Transcript>, String> {
    let mut talks = sounds
        .iter()
        .map(|sound| Talk::new(model, sound, options))
        .collect::<Result<Vec<_>, _>>()?;
    loop {
        let mut open: Vec<&mut Talk> = talks
            .iter_mut()
            .filter(|talk| talk.at < talk.n_frames)
            .collect();
        if open.is_empty() {
            break;
        }
        write_windows(model, team, &mut open, options)?;
    }
    Ok(talks
        .into_iter()
        .map(|talk| talk.transcript(options.timestamps))
        .collect())
}

/// Writes down the next window of each talk.
fn write_windows(
    model: &Shared,
    team: &Team,
    talks: &mut [&mut Talk],
    options: &TranscribeOptions,
) -> Result<(), String> {
    let mut clips: Vec<Clip> = talks
        .iter()
        .map(|talk| {
            let encoded = model
                .encoder
                .encode(team, &talk.mel, talk.at, talk.n_frames);
            model.decoder.clip(team, &encoded)
        })
        .collect();
    for (nth, talk) in talks.iter_mut().enumerate() {
        if talk.language.is_none() {
            talk.language = detect_language(model, team, &mut clips[nth]);
        }
    }
    let prompts: Vec<Vec<u32>> = talks.iter().map(|talk| talk.prompt(model)).collect();
    let mut judged = search(model, team, &mut clips, talks, &prompts, options)?;
    for (nth, talk) in talks.iter_mut().enumerate() {
        let first = judged.remove(0);
        let best = fall_back(model, team, &mut clips[nth], talk, &prompts[nth], first)?;
        talk.take(model, best)?;
    }
    Ok(())
}

fn searcher<'a>(model: &'a Shared, team: &'a Team, timestamps: bool) -> Searcher<'a> {
    Searcher {
        decoder: &model.decoder,
        team,
        rules: Rules {
            tokens: &model.tokens,
            timestamps,
        },
        most: model.sizes.n_positions,
    }
}

fn window<'a>(model: &Shared, prompt: &'a [u32]) -> Window<'a> {
    let start = model.tokens.start;
    let start_at = prompt.iter().position(|&token| token == start);
    Window {
        prompt,
        start_at: start_at.unwrap_or(0),
    }
}

/// The first try, for all windows at once.
fn search(
    model: &Shared,
    team: &Team,
    clips: &mut [Clip],
    talks: &[&mut Talk],
    prompts: &[Vec<u32>],
    options: &TranscribeOptions,
) -> Result<Vec<Judged>, String> {
    let mut judged: Vec<Option<Judged>> = talks.iter().map(|_| None).collect();
    // Timestamps change the rules: windows with and without are searched apart.
    for timestamps in [false, true] {
        let members: Vec<usize> = (0..talks.len())
            .filter(|&nth| talks[nth].timestamps == timestamps)
            .collect();
        let windows: Vec<_> = members
            .iter()
            .map(|&nth| window(model, &prompts[nth]))
            .collect();
        let mut theirs: Vec<Clip> = members
            .iter()
            .map(|&nth| std::mem::take(&mut clips[nth]))
            .collect();
        let way = Way::Beam(options.beam);
        let found = searcher(model, team, timestamps).search(&mut theirs, &windows, way);
        for ((nth, clip), found) in members.into_iter().zip(theirs).zip(found) {
            clips[nth] = clip;
            judged[nth] = Some(Judged::new(model, found, 0.0)?);
        }
    }
    Ok(judged.into_iter().flatten().collect())
}

/// Draws anew while the transcript is not good enough.
fn fall_back(
    model: &Shared,
    team: &Team,
    clip: &mut Clip,
    talk: &Talk,
    prompt: &[u32],
    first: Judged,
) -> Result<Judged, String> {
    let mut tried = vec![first];
    for temperature in TEMPERATURES.into_iter().skip(1) {
        if tried.last().is_none_or(Judged::is_good) {
            return tried.pop().ok_or_else(|| String::from("nothing was tried"));
        }
        clip.forget();
        let searcher = searcher(model, team, talk.timestamps);
        let way = Way::Draw(DRAWN, temperature);
        let found = searcher.search(std::slice::from_mut(clip), &[window(model, prompt)], way);
        for found in found {
            tried.push(Judged::new(model, found, temperature)?);
        }
    }
    if tried.last().is_some_and(Judged::is_good) {
        return tried.pop().ok_or_else(|| String::from("nothing was tried"));
    }
    // None is good: the most believed, of those that do not repeat themselves if there are any.
    let calm = tried.iter().any(|one| one.compression <= MOST_COMPRESSION);
    let best = tried
        .into_iter()
        .filter(|one| !calm || one.compression <= MOST_COMPRESSION)
        .reduce(|best, one| if one.mean > best.mean { one } else { best })
        .ok_or_else(|| String::from("nothing was tried"))?;
    Ok(Judged {
        temperature: TEMPERATURES[TEMPERATURES.len() - 1],
        ..best
    })
}

/// The likeliest language of a window, where the model knows several.
fn detect_language(model: &Shared, team: &Team, clip: &mut Clip) -> Option<(String, u32)> {
    let tokens = &model.tokens;
    if tokens.languages.is_empty() {
        return None;
    }
    let scores = model.decoder.after(team, clip, &[tokens.start]);
    clip.forget();
    let score = |token: u32| scores[token as usize];
    tokens
        .languages
        .iter()
        .reduce(|best, one| {
            if score(one.1) > score(best.1) {
                one
            } else {
                best
            }
        })
        .cloned()
}

impl Judged {
    fn new(model: &Shared, found: Found, temperature: f32) -> Result<Self, String> {
        let text = model.tokens.text(&found.tokens)?;
        Ok(Self {
            mean: found.log_probability / (found.tokens.len() + 1) as f32,
            compression: compression(text.trim()),
            found,
            temperature,
        })
    }

    fn is_silence(&self) -> bool {
        self.found.no_speech > MOST_NO_SPEECH && self.mean <= LEAST_LOG_PROBABILITY
    }

    fn is_good(&self) -> bool {
        let believed = self.mean >= LEAST_LOG_PROBABILITY;
        (believed && self.compression <= MOST_COMPRESSION) || (!believed && self.is_silence())
    }
}

/// How many times as long a text is as when it is compressed.
fn compression(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    encoder.write_all(text.as_bytes()).unwrap_or_default();
    let compressed = encoder.finish().unwrap_or_default();
    text.len() as f32 / compressed.len().max(1) as f32
}

impl Talk {
    fn new(model: &Shared, sound: &[f32], options: &TranscribeOptions) -> Result<Self, String> {
        let known = &model.tokens;
        let language = match &options.language {
            Some(code) if known.languages.is_empty() && code == "en" => None,
            Some(code) => {
                let token = known.language(code);
                let unknown = || format!("the model does not know the language {code:?}");
                Some((code.clone(), token.ok_or_else(unknown)?))
            }
            None => None,
        };
        let n_frames = sound.len() / HOP;
        Ok(Self {
            mel: model.mel.mel(sound),
            n_frames,
            at: 0,
            language,
            // Without them nobody would know where the next window starts.
            timestamps: options.timestamps || n_frames > model.encoder.window(),
            segments: Vec::new(),
            said: Vec::new(),
            told_from: 0,
            no_speech: 0.0,
        })
    }

    /// What the model is told before the window: what was said, language, task, whether times are wanted.
    fn prompt(&self, model: &Shared) -> Vec<u32> {
        let tokens = &model.tokens;
        let told = &self.said[self.told_from..];
        let mut prompt = Vec::new();
        if !told.is_empty() {
            let most = model.sizes.n_positions / 2 - 1;
            prompt.push(tokens.previous);
            prompt.extend(&told[told.len().saturating_sub(most)..]);
        }
        prompt.push(tokens.start);
        if let Some((_, language)) = &self.language {
            prompt.extend([*language, tokens.transcribe]);
        }
        if !self.timestamps {
            prompt.push(tokens.no_timestamps);
        }
        prompt
    }

    /// Takes a window's transcript and moves on.
    fn take(&mut self, model: &Shared, best: Judged) -> Result<(), String> {
        let size = (self.n_frames - self.at).min(model.encoder.window());
        let no_speech = best.found.no_speech;
        if self.segments.is_empty() {
            self.no_speech = no_speech;
        }
        if no_speech > MOST_NO_SPEECH && best.mean <= LEAST_LOG_PROBABILITY {
            self.at += size;
            return Ok(());
        }
        let (parts, moved) = split(model, &best.found.tokens, size);
        let offset = self.at as f64 * HOP as f64 / f64::from(SAMPLE_RATE);
        for part in parts {
            let text = model.tokens.text(part.tokens)?;
            if part.start == part.end || text.trim().is_empty() {
                continue;
            }
            self.said.extend_from_slice(part.tokens);
            self.segments.push(TranscriptSegment {
                start_secs: (offset + part.start) as f32,
                end_secs: (offset + part.end) as f32,
                text,
            });
        }
        if best.temperature > MOST_TEMPERATURE_TOLD {
            self.told_from = self.said.len();
        }
        // A window that ends where it starts would be heard for ever.
        self.at += if moved == 0 { size } else { moved };
        Ok(())
    }

    fn transcript(self, timestamps: bool) -> Transcript {
        let text: String = self
            .segments
            .iter()
            .map(|part| part.text.as_str())
            .collect();
        let english = || Some(String::from("en"));
        Transcript {
            text: text.trim().to_owned(),
            language: self
                .language
                .map_or_else(english, |language| Some(language.0)),
            segments: if timestamps {
                self.segments
            } else {
                Vec::new()
            },
        }
    }
}

/// A part of a window between two times, in seconds from the window's start.
struct Part<'a> {
    tokens: &'a [u32],
    start: f64,
    end: f64,
}

/// Cuts a window's tokens where two timestamps meet; and how many frames were written down.
fn split<'a>(model: &Shared, said: &'a [u32], size: usize) -> (Vec<Part<'a>>, usize) {
    let tokens = &model.tokens;
    let is_time = |nth: usize| tokens.is_timestamp(said[nth]);
    let seconds = |token: u32| tokens.timestamp(token) as f64 * SECONDS_A_TIMESTAMP;
    let ends_alone = said.len() >= 2 && !is_time(said.len() - 2) && is_time(said.len() - 1);
    let mut cuts: Vec<usize> = (1..said.len())
        .filter(|&nth| is_time(nth) && is_time(nth - 1))
        .collect();
    if cuts.is_empty() {
        let last = said
            .iter()
            .rev()
            .copied()
            .find(|&token| tokens.is_timestamp(token));
        let last = last.filter(|&token| tokens.timestamp(token) > 0);
        let whole = size as f64 * HOP as f64 / f64::from(SAMPLE_RATE);
        let part = Part {
            tokens: said,
            start: 0.0,
            end: last.map_or(whole, seconds),
        };
        return (vec![part], size);
    }
    if ends_alone {
        cuts.push(said.len());
    }
    let mut from = 0;
    let mut parts = Vec::new();
    for cut in cuts {
        let part = &said[from..cut];
        parts.push(Part {
            tokens: part,
            start: seconds(part[0]),
            end: seconds(part[part.len() - 1]),
        });
        from = cut;
    }
    let moved = if ends_alone {
        // Nobody speaks after the last timestamp.
        size
    } else {
        FRAMES_A_TIMESTAMP * tokens.timestamp(said[from - 1])
    };
    (parts, moved)
}
