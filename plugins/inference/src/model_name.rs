//! How models are named: `NAME`, `NAME@stable`, `NAME@candidate` or `NAME@VERSION`.

use std::{fmt, str::FromStr};

use crate::manifest::is_plain;

/// The fewest digits of a version that name it.
const MIN_DIGITS: usize = 4;
/// The most digits of a version that are compared.
const MAX_DIGITS: usize = 64;

/// Which version of a model is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pick {
    /// The one that serves; also meant where nothing is said.
    #[default]
    Stable,
    /// The one that is being tried.
    Candidate,
    /// The one whose version starts with these hexadecimal digits.
    Version(String),
}

/// A model as it is named by scenes, options and commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName {
    /// What people call it.
    pub name: String,
    /// Which version.
    pub pick: Pick,
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, pick) = match text.split_once('@') {
            None => (text, Pick::Stable),
            Some((name, "stable")) => (name, Pick::Stable),
            Some((name, "candidate")) => (name, Pick::Candidate),
            Some((name, version)) => {
                let is_hex = version
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                // "1" is the version of models without files.
                if !is_hex
                    || !(version == "1" || (MIN_DIGITS..=MAX_DIGITS).contains(&version.len()))
                {
                    return Err(format!(
                        "after '@' comes stable, candidate, or at least {MIN_DIGITS:?} digits of a version, not {version:?}"
                    ));
                }
                (name, Pick::Version(version.to_owned()))
            }
        };
        if !is_plain(name) {
            return Err(String::from(
                "a model's name has lower case letters, digits, '-', '_' and '.' and no '.' in front",
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            pick,
        })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pick {
            Pick::Stable => f.write_str(&self.name),
            Pick::Candidate => write!(f, "{}@candidate", self.name),
            Pick::Version(version) => write!(f, "{}@{version}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, pick, again) in [
            ("tiny", Pick::Stable, "tiny"),
            ("tiny@stable", Pick::Stable, "tiny"),
            ("tiny@candidate", Pick::Candidate, "tiny@candidate"),
            ("tiny@01ab", Pick::Version("01ab".into()), "tiny@01ab"),
            (
                "hashed-words@1",
                Pick::Version("1".into()),
                "hashed-words@1",
            ),
        ] {
            let name: ModelName = text.parse().unwrap();
            assert_eq!((&name.pick, name.to_string()), (&pick, again.to_owned()));
        }
        for bad in [
            "",
            "@stable",
            "tiny@",
            "tiny@01a",
            "tiny@01AB",
            "tiny@best",
            "../x@stable",
            "a@b@c",
        ] {
            assert!(bad.parse::<ModelName>().is_err(), "{bad}");
        }
    }
}
