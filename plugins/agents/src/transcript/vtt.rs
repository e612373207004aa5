//! Reads `WebVTT` captions. W3C (2019), "`WebVTT`: The Web Video Text Tracks Format".

use super::{Draft, TranscriptError, cue, cue::Cue};

/// Whether a file that begins with this line is `WebVTT`.
pub(super) fn is_header(line: &str) -> bool {
    line.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

pub(super) fn parse(text: &str, path: &str) -> Result<Draft, TranscriptError> {
    let malformed = |line, reason: &str| TranscriptError::Malformed {
        path: path.to_owned(),
        line,
        format: "WebVTT",
        reason: reason.to_owned(),
    };
    let mut blocks = cue::blocks(text).into_iter();
    let header = blocks.next().filter(|(_, lines)| is_header(lines[0]));
    let Some((_, header)) = header else {
        return Err(malformed(
            1,
            "the file must begin with WEBVTT; give it that line or another extension",
        ));
    };
    let title = header[0]
        .trim_start_matches("WEBVTT")
        .trim()
        .trim_start_matches('-')
        .trim();
    let mut cues = Vec::new();
    for (number, lines) in blocks {
        if is_aside(lines[0]) {
            continue;
        }
        // The line before the times, if any, is the name of the cue.
        let at = lines.iter().take(2).position(|line| line.contains("-->"));
        let Some(at) = at else {
            return Err(malformed(
                number,
                "a cue without times; give it a line such as 00:01.000 --> 00:02.000, or write NOTE above",
            ));
        };
        let (start, end) = cue::times(lines[at], path, number + at)?;
        cues.push(Cue {
            start,
            end,
            voices: spoken(&lines[at + 1..]),
        });
    }
    let title = (!title.is_empty()).then(|| title.to_owned());
    Ok(Draft {
        title,
        turns: cue::turns(cues),
        questions: Vec::new(),
    })
}

/// Whether a block that begins with this line is a note, a style or a region.
fn is_aside(line: &str) -> bool {
    ["NOTE", "STYLE", "REGION"].iter().any(|word| {
        line.strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })
}

/// Who says what in the lines of one cue: by its voice tags, else by its `Name:` prefixes.
fn spoken(lines: &[&str]) -> Vec<(Option<String>, String)> {
    let joined = lines.join("\n");
    let mut pieces = joined.split("<v").peekable();
    let before = pieces.next().unwrap_or_default();
    if pieces.peek().is_none() {
        let lines: Vec<String> = lines.iter().map(|line| plain(line)).collect();
        return cue::voices(&lines);
    }
    let mut voices = vec![(None, plain(before))];
    for piece in pieces {
        // `<v Name>` or `<v.loud Name>`.
        let (tag, said) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag
            .split_once(char::is_whitespace)
            .map_or("", |(_, name)| name.trim());
        let name = (!name.is_empty()).then(|| entities(name));
        voices.push((name, plain(said)));
    }
    voices.retain(|(_, said)| !said.is_empty());
    voices
}

/// The words of `marked` without tags, entities and line ends.
fn plain(marked: &str) -> String {
    let bare = entities(&cue::without_tags(marked, '<', '>'));
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn entities(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&lrm;", ""),
        ("&rlm;", ""),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, char)| {
        text.replace(entity, char)
    })
}
