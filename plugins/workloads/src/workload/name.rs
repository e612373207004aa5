//! Names of a workload file, which know where they stand.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor},
};

use crate::error::{Problem, ReadError};

/// The longest name, in bytes.
const MOST_BYTES: usize = 100;
/// Names listed where none is close.
const MOST_LISTED: usize = 8;
/// Names that are compared with one that is unknown.
const MOST_COMPARED: usize = 1000;

/// A name, borrowed from the text unless something is escaped in it.
#[derive(Clone, Debug)]
pub(super) struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsName;

        impl<'de> Visitor<'de> for AsName {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name in double quotes")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(name.into())
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(name.to_owned().into())
            }
        }

        let name = deserializer.deserialize_str(AsName)?;
        if name.trim().is_empty() || name.len() > MOST_BYTES {
            let message = format_args!("a name must have 1 to {MOST_BYTES} bytes");
            return Err(D::Error::custom(message));
        }
        Ok(Self(name))
    }
}

impl Name<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// A problem with the name; at the beginning of `text` if it holds something escaped.
    pub(super) fn error(&self, text: &str, message: String) -> ReadError {
        let offset = self.0.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        // The column is that of the quote before the name.
        let at = if offset <= text.len() {
            offset.saturating_sub(1)
        } else {
            0
        };
        ReadError::at(text, at, Problem::Other(message))
    }
}

/// Things of one kind by name.
#[derive(Debug)]
pub(super) struct Table<'a> {
    text: &'a str,
    noun: &'static str,
    numbers: BTreeMap<Cow<'a, str>, usize>,
}

impl<'a> Table<'a> {
    /// A table of `names`, which are those of a `noun` each.
    pub(super) fn new(
        text: &'a str,
        noun: &'static str,
        names: impl Iterator<Item = Name<'a>>,
    ) -> Result<Self, ReadError> {
        let mut numbers = BTreeMap::new();
        for (number, name) in names.enumerate() {
            if numbers.insert(name.0.clone(), number).is_some() {
                let message = format!(
                    "a {noun} above is called {:?} too; rename one of the two",
                    name.as_str()
                );
                return Err(name.error(text, message));
            }
        }
        Ok(Self {
            text,
            noun,
            numbers,
        })
    }

    /// The number of the thing with this name.
    pub(super) fn find(&self, name: &Name<'_>) -> Result<usize, ReadError> {
        let found = self.numbers.get(name.as_str());
        found.copied().ok_or_else(|| {
            let help = one_of(name.as_str(), self.numbers.keys().map(|known| &**known));
            let message = format!("no {} is called {:?}; {help}", self.noun, name.as_str());
            name.error(self.text, message)
        })
    }
}

/// Suggests the candidate that is closest to `name`, or else names some.
pub(super) fn one_of<'n>(name: &str, candidates: impl Iterator<Item = &'n str> + Clone) -> String {
    let n_chars = name.chars().count();
    let lower = name.to_lowercase();
    let near = candidates
        .clone()
        .take(MOST_COMPARED)
        .map(|known| (strsim::osa_distance(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= (n_chars / 3).max(1))
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, near)) = near {
        return format!("did you mean {near:?}?");
    }
    let listed: Vec<_> = candidates.clone().take(MOST_LISTED).collect();
    let n_more = candidates.count() - listed.len();
    match (listed.is_empty(), n_more) {
        (true, _) => "add it".to_owned(),
        (_, 0) => format!("use one of {listed:?}"),
        _ => format!("use one of {listed:?} or {n_more} more"),
    }
}
