//! Puts the parser's complaints into words that say what to do, and guesses what was meant.

use ron::Error;

/// Names listed where none is close.
const MAX_LISTED: usize = 8;
/// Names that are compared with one that is unknown.
const MAX_COMPARED: usize = 10_000;
/// The longest name that is compared, and the most characters of a value that a message shows.
const MAX_SHOWN_CHARS: usize = 60;

/// What is wrong, and what to do.
pub(crate) fn explain(error: &Error) -> (String, String) {
    match error {
        Error::NoSuchStructField {
            expected,
            found,
            outer,
        } => (
            format!("{} has no field {}", owner(outer.as_deref()), quoted(found)),
            one_of(found, expected.iter().copied()),
        ),
        Error::NoSuchEnumVariant {
            expected,
            found,
            outer,
        } => {
            let noun = outer.as_deref().map_or("value".into(), str::to_lowercase);
            (
                format!("there is no {noun} {}", quoted(found)),
                one_of(found, expected.iter().copied()),
            )
        }
        Error::MissingStructField { field, outer } => (
            format!(
                "{} lacks the field {}",
                owner(outer.as_deref()),
                quoted(field)
            ),
            "add it".into(),
        ),
        Error::DuplicateStructField { field, outer } => (
            format!(
                "{} has the field {} twice",
                owner(outer.as_deref()),
                quoted(field)
            ),
            "remove one of the two".into(),
        ),
        Error::ExceededRecursionLimit => (
            "brackets nest too deep for a scene".into(),
            "check that this is a scene file".into(),
        ),
        Error::Eof => (
            "the file ends too early".into(),
            "close what is open".into(),
        ),
        Error::TrailingCharacters => (
            "text follows the end of the value".into(),
            "remove it".into(),
        ),
        other => (lower_first(&other.to_string()), help_for(other).into()),
    }
}

fn help_for(error: &Error) -> &'static str {
    match error {
        Error::ExpectedComma | Error::ExpectedStructLikeEnd | Error::ExpectedArrayEnd => {
            "put a comma between the values, or close a bracket or quote before"
        }
        Error::ExpectedIdentifier => "write a word without quotes",
        Error::ExpectedMapColon => "write `field: value`",
        Error::ExpectedString => "put the text in double quotes",
        Error::ExpectedFloat | Error::ExpectedInteger => "write a number",
        Error::ExpectedArray => "write a list in square brackets",
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => {
            "write `(field: value, …)`"
        }
        Error::ExpectedStringEnd => "close the text with a double quote",
        Error::UnclosedBlockComment => "close it with `*/`",
        Error::IntegerOutOfBounds => "write a whole number that is not negative and not this large",
        _ => "correct it; the README of the crate `rooms` describes the format",
    }
}

fn owner(outer: Option<&str>) -> String {
    outer.map_or("this".into(), |outer| {
        let article = if outer.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!("{article} {outer}")
    })
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

/// `value` in quotes, cut where it is long.
pub(crate) fn quoted(value: &str) -> String {
    match value.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

/// Suggests the candidate that is closest to `name`, or else names some.
pub(crate) fn one_of<'a>(name: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, candidates.clone()) {
        return format!("did you mean {}?", quoted(near));
    }
    let listed: Vec<String> = candidates.clone().take(MAX_LISTED).map(quoted).collect();
    let n_more = candidates.count() - listed.len();
    match n_more {
        0 => format!("use {}", either(&listed)),
        _ => format!("use {} or one of {n_more} more", listed.join(", ")),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(choices: &[String]) -> String {
    match choices {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// The candidate within a third of the letters of `name`, regardless of case; of several, the first of the
/// closest. Distance is optimal string alignment (Damerau, "A technique for computer detection and
/// correction of spelling errors", 1964).
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let n_chars = name.chars().count();
    if n_chars > MAX_SHOWN_CHARS {
        return None;
    }
    let name = name.to_lowercase();
    candidates
        .take(MAX_COMPARED)
        .filter(|candidate| candidate.len() <= 4 * MAX_SHOWN_CHARS)
        .map(|candidate| {
            (
                strsim::osa_distance(&name, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= (n_chars / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_name_what_was_probably_meant() {
        let seats = ["seat 1", "seat 2", "table"];
        for (name, suggestion) in [
            ("tabel", r#"did you mean "table"?"#),
            ("Seat 1", r#"did you mean "seat 1"?"#),
            ("rack", r#"use "seat 1", "seat 2" or "table""#),
            ("", r#"use "seat 1", "seat 2" or "table""#),
        ] {
            assert_eq!(one_of(name, seats.iter().copied()), suggestion, "{name:?}");
        }
        let many: Vec<String> = (0..50).map(|n| format!("agent number {n}")).collect();
        assert!(one_of("x", many.iter().map(String::as_str)).ends_with("or one of 42 more"));
    }
}
