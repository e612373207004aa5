//! Reads `SubRip` captions: numbered cues with a comma in their times.

use super::{Draft, TranscriptError, cue, cue::Cue};

/// Whether the line is the number of a cue.
pub(super) fn is_number(line: &str) -> bool {
    !line.is_empty() && line.chars().all(|c| c.is_ascii_digit())
}

pub(super) fn parse(text: &str, path: &str) -> Result<Draft, TranscriptError> {
    let mut cues = Vec::new();
    for (number, lines) in cue::blocks(text) {
        let at = usize::from(is_number(lines[0].trim()));
        let Some(times) = lines.get(at).filter(|line| line.contains("-->")) else {
            let found: String = lines[0].chars().take(40).collect();
            return Err(TranscriptError::Malformed {
                path: path.to_owned(),
                line: number,
                format: "SRT",
                reason: format!(
                    "found {found:?} where a cue begins; expected a number and below it 00:00:01,000 --> 00:00:02,000"
                ),
            });
        };
        let (start, end) = cue::times(times, path, number + at)?;
        let said: Vec<String> = lines[at + 1..]
            .iter()
            .map(|line| cue::without_tags(&cue::without_tags(line, '<', '>'), '{', '}'))
            .collect();
        cues.push(Cue {
            start,
            end,
            voices: cue::voices(&said),
        });
    }
    Ok(Draft {
        title: None,
        turns: cue::turns(cues),
        questions: Vec::new(),
    })
}
