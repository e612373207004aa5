//! A value of the scene file together with where it stands there.

use ron::{Options, error::SpannedError, extensions::Extensions, value::RawValue};
use serde::{Deserialize, Deserializer};

/// How deep a scene file may nest; the schema itself needs 7 levels of brackets.
const MAX_DEPTH: usize = 64;

/// How scene files are read: optional values need no `Some(…)`, and nesting is bounded.
pub(crate) fn ron_options() -> Options {
    Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_recursion_limit(MAX_DEPTH)
}

/// A value, or why it is none, with the address of its first character in the text that was parsed.
///
/// The address is compared with that of the text, never followed. A value of the wrong type does not end
/// the parsing, so that one look finds many problems.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    address: usize,
    pub(crate) value: Result<T, Box<SpannedError>>,
}

impl<T> At<T> {
    /// A default, which stands nowhere in the file.
    pub(crate) fn default_of(value: T) -> Self {
        Self {
            address: 0,
            value: Ok(value),
        }
    }

    /// How many bytes of `text` precede the value; 0 for a default.
    pub(crate) fn offset_in(&self, text: &str) -> usize {
        let offset = self.address.saturating_sub(text.as_ptr().addr());
        if offset <= text.len() { offset } else { 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get_ron();
        let text = after_comments(raw);
        Ok(Self {
            address: text.as_ptr().addr(),
            value: ron_options().from_str(text).map_err(Box::new),
        })
    }
}

/// `raw` without the white space and comments before its first token.
fn after_comments(raw: &str) -> &str {
    let mut rest = raw.trim_start();
    loop {
        let after = if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if rest.starts_with("/*") {
            after_block_comment(rest)
        } else {
            return rest;
        };
        rest = after.trim_start();
    }
}

/// What follows the (maybe nested) block comment that `text` starts with.
fn after_block_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    while !rest.is_empty() {
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        rest = &rest[step..];
        if depth == 0 {
            break;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_point_at_the_value_whatever_precedes_it() {
        for (text, offset) in [
            (r#""a""#, 0),
            (r#"  "a""#, 2),
            ("// x\n\"a\"", 5),
            ("/* x /* y */ */ \"a\"", 16),
            ("/* ä */\"a\"", 8),
            (r#""a\n""#, 0),
        ] {
            let at: At<String> = ron_options().from_str(text).unwrap();
            assert!(at.value.is_ok(), "{text:?}");
            assert_eq!(at.offset_in(text), offset, "{text:?}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_kept_as_a_problem() {
        let at: At<f64> = ron_options().from_str(r#" "one""#).unwrap();
        assert!(at.value.is_err());
        assert_eq!(at.offset_in(""), 0);
    }
}
