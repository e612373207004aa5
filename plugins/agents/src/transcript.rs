//! Reads meetings: who said what and when, out of plain text, `WebVTT`, SRT or `QMSum` JSON.

mod cue;
mod error;
mod plain;
mod qmsum;
mod source;
mod srt;
mod vtt;

use std::{fs::File, io::Read as _, path::Path};

use sim::SimTime;

pub use self::error::TranscriptError;
use crate::text;

/// The largest transcript that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// No meeting lasts longer: seven days, in seconds.
const MAX_SECS: f64 = 7.0 * 24.0 * 3600.0;

/// A meeting, as somebody wrote it down.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// What the file calls itself, else the name of the file without its extension.
    pub title: String,
    /// What was said: at least one turn, in the order of their starts.
    pub turns: Vec<Turn>,
    /// Questions about the meeting that the file itself holds (`QMSum`); mostly none.
    pub questions: Vec<String>,
}

/// What one speaker said before somebody else did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who; `"Unknown"` where a file with timestamps does not say.
    pub speaker: String,
    /// What, as it stands in the file, noise marks such as `{vocalsound}` included.
    pub text: String,
    /// When it begins.
    pub start: SimTime,
    /// When it ends; never before `start`.
    pub end: SimTime,
}

/// How a transcript is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `Name: words`, one turn a paragraph.
    Plain,
    /// `WebVTT`, the captions of the web. <https://www.w3.org/TR/webvtt1/>
    Vtt,
    /// `SubRip`, numbered cues.
    Srt,
    /// The JSON of `QMSum`. Zhong et al. (2021), "`QMSum`".
    Qmsum,
}

impl Format {
    /// The format that the extension of `path` stands for, if it stands for one.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" => Some(Self::Plain),
            "vtt" => Some(Self::Vtt),
            "srt" => Some(Self::Srt),
            "json" => Some(Self::Qmsum),
            _ => None,
        }
    }

    /// The format that `text` looks like; plain text if it looks like no other.
    pub fn of_content(text: &str) -> Self {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let second = lines.next().unwrap_or_default();
        if vtt::is_header(first) {
            Self::Vtt
        } else if first.contains("-->") || (srt::is_number(first) && second.contains("-->")) {
            Self::Srt
        } else if first
            .strip_prefix('{')
            .is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with('"'))
        {
            Self::Qmsum
        } else {
            Self::Plain
        }
    }

    /// Its name for people.
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Vtt => "WebVTT",
            Self::Srt => "SRT",
            Self::Qmsum => "QMSum JSON",
        }
    }
}

impl Transcript {
    /// Reads the meeting in the file at `path`. The extension tells the format, else the content.
    ///
    /// Where the file holds no timestamps, people speak at `words_per_minute`.
    ///
    /// # Errors
    /// If the file cannot be read, is no transcript or holds no turns; the error names the file,
    /// the line where there is one, and what to do.
    pub fn read(path: &Path, words_per_minute: f64) -> Result<Self, TranscriptError> {
        let unreadable = |source| TranscriptError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        Self::parse(&bytes, Format::of_path(path), path, words_per_minute)
    }

    /// Reads the meeting in `bytes`; `path` only serves the messages and, in want of a better one,
    /// the title. Without a `format` the content tells it.
    ///
    /// # Errors
    /// As [`Transcript::read`].
    pub fn parse(
        bytes: &[u8],
        format: Option<Format>,
        path: &Path,
        words_per_minute: f64,
    ) -> Result<Self, TranscriptError> {
        if !(words_per_minute.is_finite() && (1.0..=10_000.0).contains(&words_per_minute)) {
            return Err(TranscriptError::Pace { words_per_minute });
        }
        let shown = path.display().to_string();
        let text = source::decode(bytes, &shown)?;
        let format = format.unwrap_or_else(|| Format::of_content(&text));
        let draft = match format {
            Format::Plain => plain::parse(&text, &shown)?,
            Format::Vtt => vtt::parse(&text, &shown)?,
            Format::Srt => srt::parse(&text, &shown)?,
            Format::Qmsum => qmsum::parse(&text, &shown)?,
        };
        let turns = timed(draft.turns, words_per_minute);
        if turns.iter().all(|turn| turn.text.is_empty()) {
            return Err(TranscriptError::NoTurns {
                path: shown,
                format: format.name(),
            });
        }
        let stem = || {
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        };
        let title = draft
            .title
            .or_else(stem)
            .unwrap_or_else(|| "Meeting".to_owned());
        Ok(Self {
            title,
            turns,
            questions: draft.questions,
        })
    }

    /// When the last turn ends.
    pub fn end(&self) -> SimTime {
        self.turns
            .iter()
            .map(|turn| turn.end)
            .max()
            .unwrap_or_default()
    }

    /// The words of all turns together.
    pub fn n_words(&self) -> usize {
        self.turns
            .iter()
            .map(|turn| text::n_words(&text::clean(&turn.text)))
            .sum()
    }
}

/// What a format's parser brings forth.
#[derive(Debug, Default)]
struct Draft {
    title: Option<String>,
    turns: Vec<DraftTurn>,
    questions: Vec<String>,
}

/// A turn whose times may be unknown yet, in seconds.
#[derive(Debug, Default)]
struct DraftTurn {
    speaker: String,
    text: String,
    start: Option<f64>,
    end: Option<f64>,
}

/// Gives every turn its times, then orders the turns by their start; turns that start together
/// keep the order of the file.
///
/// A turn without a start begins when the one before it ends; one without an end lasts as long as
/// its words take, noise marks as long as one word.
fn timed(drafts: Vec<DraftTurn>, words_per_minute: f64) -> Vec<Turn> {
    let mut now_secs = 0.0_f64;
    let mut turns = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let start_secs = draft.start.unwrap_or(now_secs);
        let end_secs = draft.end.unwrap_or_else(|| {
            let n_words = text::n_words(&text::clean(&draft.text)).max(1);
            start_secs + n_words as f64 * 60.0 / words_per_minute
        });
        now_secs = end_secs;
        turns.push(Turn {
            speaker: draft.speaker,
            text: draft.text,
            start: SimTime::from_secs_f64(start_secs),
            end: SimTime::from_secs_f64(end_secs),
        });
    }
    turns.sort_by_key(|turn| turn.start);
    turns
}

#[cfg(test)]
mod tests;
