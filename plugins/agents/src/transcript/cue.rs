//! Holds what `WebVTT` and SRT have in common: cues, their times, and turns made of cues.

use super::{DraftTurn, MAX_SECS, TranscriptError, plain};

/// Who speaks where a file does not say.
const UNKNOWN: &str = "Unknown";
/// A cue goes on with the turn before it if it starts at most this many seconds after its end.
const MAX_GAP_SECS: f64 = 2.0;
/// A turn that is this long takes no further cue in.
const MAX_TURN_WORDS: usize = 60;

/// One caption: what is said from `start` to `end`, in seconds.
#[derive(Debug)]
pub(super) struct Cue {
    pub(super) start: f64,
    pub(super) end: f64,
    /// Who says what, as far as the cue tells.
    pub(super) voices: Vec<(Option<String>, String)>,
}

/// A block of lines between blank lines, with the number of its first line.
pub(super) type Block<'a> = (usize, Vec<&'a str>);

/// Cuts `text` at blank lines; lines are counted from 1.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (number, line) in text.lines().enumerate() {
        let is_blank = line.trim().is_empty();
        match blocks.last_mut() {
            Some((_, lines)) if is_open && !is_blank => lines.push(line),
            _ if !is_blank => blocks.push((number + 1, vec![line])),
            _ => {}
        }
        is_open = !is_blank;
    }
    blocks
}

/// Reads `00:01.000 --> 00:02.000 settings`.
pub(super) fn times(line: &str, path: &str, number: usize) -> Result<(f64, f64), TranscriptError> {
    let (start, rest) = line.split_once("-->").unwrap_or((line, ""));
    let end = rest.split_whitespace().next().unwrap_or_default();
    let (start, end) = (secs(start.trim(), path, number)?, secs(end, path, number)?);
    if end < start {
        return Err(TranscriptError::Time {
            path: path.to_owned(),
            line: number,
            text: line.trim().to_owned(),
            reason: "the cue ends before it starts; swap the two times",
        });
    }
    Ok((start, end))
}

/// Reads `[hours:]minutes:seconds[.fraction]` as seconds; a comma may stand for the point.
pub(super) fn secs(text: &str, path: &str, line: usize) -> Result<f64, TranscriptError> {
    let bad = |reason| TranscriptError::Time {
        path: path.to_owned(),
        line,
        text: text.to_owned(),
        reason,
    };
    const SHAPE: &str = "expected hours:minutes:seconds such as 00:01:02.500";
    if text.starts_with('-') {
        return Err(bad(
            "a time before the meeting begins; let the meeting begin at 0",
        ));
    }
    let fields: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&fields.len()) {
        return Err(bad(SHAPE));
    }
    let mut total_secs = 0.0;
    for (index, field) in fields.iter().enumerate() {
        let is_last = index + 1 == fields.len();
        let field = if is_last {
            field.replace(',', ".")
        } else {
            (*field).to_owned()
        };
        let is_number = field.starts_with(|c: char| c.is_ascii_digit())
            && field
                .chars()
                .all(|c| c.is_ascii_digit() || (is_last && c == '.'));
        let value = field
            .parse::<f64>()
            .ok()
            .filter(|_| is_number)
            .ok_or_else(|| bad(SHAPE))?;
        if index > 0 && value >= 60.0 {
            return Err(bad("minutes and seconds go up to 59"));
        }
        total_secs = total_secs * 60.0 + value;
    }
    if total_secs > MAX_SECS {
        return Err(bad(
            "no meeting lasts longer than seven days; check the hours",
        ));
    }
    Ok(total_secs)
}

/// Makes turns of cues, which are put into the order of their starts first; cues that start
/// together keep the order of the file.
///
/// A cue that names nobody belongs to the speaker before it. A cue goes on with the turn before it
/// if the speaker is the same, the pause short, and that turn neither long nor at the end of a
/// sentence. Voices that share a cue share its time by their words.
pub(super) fn turns(mut cues: Vec<Cue>) -> Vec<DraftTurn> {
    cues.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut turns: Vec<DraftTurn> = Vec::new();
    for cue in cues {
        let n_words: usize = cue
            .voices
            .iter()
            .map(|(_, said)| crate::text::n_words(said))
            .sum();
        let mut start = cue.start;
        let mut n_said = 0;
        for (speaker, said) in cue.voices {
            n_said += crate::text::n_words(&said);
            let share = if n_words == 0 {
                1.0
            } else {
                n_said as f64 / n_words as f64
            };
            let end = cue.start + (cue.end - cue.start) * share;
            add(&mut turns, speaker, said, start, end);
            start = end;
        }
    }
    turns
}

fn add(turns: &mut Vec<DraftTurn>, speaker: Option<String>, said: String, start: f64, end: f64) {
    if said.is_empty() {
        return;
    }
    let before = turns.last().map(|turn| turn.speaker.clone());
    let speaker = speaker.or(before).unwrap_or_else(|| UNKNOWN.to_owned());
    if let Some(turn) = turns.last_mut() {
        let turn_end = turn.end.unwrap_or(start);
        let ends_sentence = turn.text.ends_with(['.', '?', '!', '…', '"']);
        let is_long = crate::text::n_words(&turn.text) >= MAX_TURN_WORDS;
        let is_near = start - turn_end <= MAX_GAP_SECS;
        if turn.speaker == speaker && is_near && !is_long && !ends_sentence {
            turn.text.push(' ');
            turn.text.push_str(&said);
            turn.end = Some(end.max(turn_end));
            return;
        }
    }
    turns.push(DraftTurn {
        speaker,
        text: said,
        start: Some(start),
        end: Some(end),
    });
}

/// Cuts what a cue says at its lines that begin with `Name:`, a dash or `>>`.
pub(super) fn voices(lines: &[String]) -> Vec<(Option<String>, String)> {
    let mut voices: Vec<(Option<String>, String)> = Vec::new();
    for line in lines {
        let line = line.trim();
        let bare = line
            .trim_start_matches(">>")
            .trim_start_matches("- ")
            .trim();
        match plain::named(bare) {
            Some((name, said)) => voices.push((Some(name.to_owned()), said.to_owned())),
            None => match voices.last_mut() {
                Some((_, said)) => {
                    said.push(' ');
                    said.push_str(bare);
                }
                None => voices.push((None, bare.to_owned())),
            },
        }
    }
    voices
        .iter_mut()
        .for_each(|(_, said)| *said = said.trim().to_owned());
    voices
}

/// `line` without what stands between `open` and `close`, such as `<i>`; other text stays.
pub(super) fn without_tags(line: &str, open: char, close: char) -> String {
    let mut bare = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(open) {
        bare.push_str(before);
        let Some((_, behind)) = after.split_once(close) else {
            bare.push(open);
            rest = after;
            continue;
        };
        rest = behind;
    }
    bare.push_str(rest);
    bare
}
