//! The formats of instances: their names, and how to tell them apart.

use std::{fmt, path::Path, str::FromStr};

use crate::instance;

/// A format of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Flexible job shop, as Brandimarte (1993) wrote it.
    Fjsp,
    /// Flexible job shop with arbitrary precedence, as Birgin et al. (2014) wrote it.
    Fajsp,
    /// Job shop, as in the OR-Library.
    Jsp,
    /// Hybrid flow shop.
    Hfsp,
    /// Standard Task Graph of Kasahara et al.
    Stg,
    /// `WfFormat` 1.3 to 1.6 of `WfCommons`.
    WfFormat,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Fjsp,
        Self::Fajsp,
        Self::Jsp,
        Self::Hfsp,
        Self::Stg,
        Self::WfFormat,
    ];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fjsp => "fjsp",
            Self::Fajsp => "fajsp",
            Self::Jsp => "jsp",
            Self::Hfsp => "hfsp",
            Self::Stg => "stg",
            Self::WfFormat => "wfformat",
        }
    }

    /// The format of a file: by its extension where that says it, else by what it holds. A text
    /// that several formats fit is of the one that a folder of the path is named after. `None` if
    /// no format or more than one is left.
    pub fn guess(path: &Path, text: &str) -> Option<Self> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if extension == "stg" {
            return Some(Self::Stg);
        }
        if extension == "json" {
            return Some(Self::WfFormat);
        }
        let mut fitting = Self::ALL
            .into_iter()
            .filter(|format| instance::fits(text, *format));
        let first = fitting.next()?;
        let others: Vec<Self> = fitting.collect();
        if others.is_empty() {
            return Some(first);
        }
        let is_named = |format: Self| {
            path.components().rev().any(|part| {
                let part = part.as_os_str().to_string_lossy();
                part.eq_ignore_ascii_case(format.name())
            })
        };
        let mut named = [first]
            .into_iter()
            .chain(others)
            .filter(|format| is_named(*format));
        let only = named.next();
        if named.next().is_some() { None } else { only }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?}, must be one of {names}", names = Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}
