//! Reads plain text: `Name: words`, continued on the lines below.
//!
//! The first `#` line before anybody speaks is the title, the others are comments.
//! A line whose beginning could be a name (`Ada Lovelace:`, `Speaker 2:`) begins a turn; any other,
//! and any indented line, goes on with the turn above. `[1:02:03] Name: words` sets the start.

use super::{Draft, DraftTurn, TranscriptError, cue};
use crate::text::lexicon;

/// The longest name, in characters and in words.
const MAX_NAME: (usize, usize) = (48, 6);

pub(super) fn parse(text: &str, path: &str) -> Result<Draft, TranscriptError> {
    let mut draft = Draft::default();
    for (number, line) in text.lines().enumerate() {
        let words = line.trim();
        if words.is_empty() {
            continue;
        }
        if let Some(comment) = words.strip_prefix('#') {
            let title = comment.trim_start_matches('#').trim();
            if draft.turns.is_empty() && draft.title.is_none() && !title.is_empty() {
                draft.title = Some(title.to_owned());
            }
            continue;
        }
        let (stamp, rest) = stamped(words, path, number + 1)?;
        let is_indented = line.starts_with([' ', '\t']) && !draft.turns.is_empty();
        match named(rest).filter(|_| !is_indented) {
            Some((name, said)) => draft.turns.push(DraftTurn {
                speaker: name.to_owned(),
                text: said.to_owned(),
                start: stamp,
                end: None,
            }),
            None => continue_turn(&mut draft, words, path, number + 1)?,
        }
    }
    draft.turns.retain(|turn| !turn.text.is_empty());
    Ok(draft)
}

/// Adds a line to the turn above it.
fn continue_turn(
    draft: &mut Draft,
    words: &str,
    path: &str,
    line: usize,
) -> Result<(), TranscriptError> {
    let Some(turn) = draft.turns.last_mut() else {
        let start: String = words.chars().take(40).collect();
        return Err(TranscriptError::Malformed {
            path: path.to_owned(),
            line,
            format: "plain text",
            reason: format!("nobody says {start:?}; begin the first turn with \"Name: words\""),
        });
    };
    if !turn.text.is_empty() {
        turn.text.push(' ');
    }
    turn.text.push_str(words);
    Ok(())
}

/// Cuts a leading `[12:34]` off; brackets that hold no time stay.
fn stamped<'a>(
    words: &'a str,
    path: &str,
    line: usize,
) -> Result<(Option<f64>, &'a str), TranscriptError> {
    let Some((stamp, rest)) = words
        .strip_prefix('[')
        .and_then(|words| words.split_once(']'))
    else {
        return Ok((None, words));
    };
    let is_time = stamp.contains(':')
        && stamp
            .chars()
            .all(|c| c.is_ascii_digit() || ":.,".contains(c));
    if !is_time {
        return Ok((None, words));
    }
    Ok((Some(cue::secs(stamp, path, line)?), rest.trim_start()))
}

/// Cuts a leading `Name:` off, if the line begins with what could be one.
pub(super) fn named(words: &str) -> Option<(&str, &str)> {
    let (name, said) = words.split_once(':')?;
    let name = name.trim();
    let first = name.chars().next()?;
    let could_begin = first.is_alphanumeric() && !first.is_lowercase();
    let is_short =
        name.chars().count() <= MAX_NAME.0 && name.split_whitespace().count() <= MAX_NAME.1;
    let is_clean = !name.contains(['?', '!', ',', ';', '"', '<', '{', '[', '/']);
    let has_letter = name.chars().any(char::is_alphabetic);
    let is_apart = said.is_empty() || said.starts_with(char::is_whitespace);
    let could_be = could_begin && is_short && is_clean && has_letter && is_apart;
    (could_be && !is_phrase(name)).then(|| (name, said.trim()))
}

/// Whether `words` are the beginning of a sentence rather than a name, as "We need" and "The plan"
/// are and "Will Smith" and "Head of school" are not.
fn is_phrase(words: &str) -> bool {
    let is_lower = |word: &&str| word.starts_with(char::is_lowercase);
    let says_little = |word: &str| lexicon::is_stop_word(&word.to_lowercase());
    let mut lower = words.split_whitespace().filter(is_lower).peekable();
    let begins_so = words.split_whitespace().next().is_some_and(says_little);
    (begins_so && lower.peek().is_some())
        || lower.any(|word| says_little(word) && !["of", "the", "and", "for"].contains(&word))
}
