//! Puts the parser's complaints into words that say what to do.

use ron::error::{Error, SpannedError};

use super::name::one_of;
use crate::error::{Problem, ReadError};

/// What is wrong with a `part` of `text`.
pub(super) fn refusal(text: &str, part: &str, error: &SpannedError) -> ReadError {
    let offset = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let start = error.span.start;
    // Within its first line, a part begins where it stands in the file.
    let indent = match start.line {
        1 => before[line_start..].chars().count(),
        _ => 0,
    };
    ReadError {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + start.line,
        column: indent + start.col,
        problem: Problem::Other(explain(&error.code)),
    }
}

/// What is wrong, and what to do.
fn explain(error: &Error) -> String {
    let owner = |outer: &Option<String>| outer.clone().unwrap_or_else(|| "this".to_owned());
    match error {
        Error::NoSuchStructField {
            expected,
            found,
            outer,
        } => format!(
            "{} has no field {found:?}; {}",
            owner(outer),
            one_of(found, expected.iter().copied())
        ),
        Error::NoSuchEnumVariant {
            expected,
            found,
            outer,
        } => format!(
            "there is no {} {found:?}; {}",
            owner(outer).to_lowercase(),
            one_of(found, expected.iter().copied())
        ),
        Error::MissingStructField { field, outer } => {
            format!("{} lacks the field {field:?}; add it", owner(outer))
        }
        Error::DuplicateStructField { field, outer } => {
            format!("{} has the field {field:?} twice; remove one", owner(outer))
        }
        Error::Message(message) => message.clone(),
        Error::Eof => "the file ends too early; close what is open".to_owned(),
        other => format!("{other}; correct it"),
    }
}
