//! List schedulers: one pass over the operations, each placed once and for good.

mod heft;

use std::{fmt, str::FromStr};

use crate::{instance::Instance, schedule::Schedule};

/// The list schedulers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListName {
    /// Heterogeneous earliest finish time.
    Heft,
}

impl ListName {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Heft];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heft => "heft",
        }
    }

    /// The schedule it makes.
    pub fn schedule(self, instance: &Instance) -> Schedule {
        match self {
            Self::Heft => heft::schedule(instance),
        }
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no list scheduler has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown list scheduler {0:?}, must be one of {names}", names = ListName::ALL.map(ListName::name).join(", "))]
pub struct UnknownListScheduler(pub String);

impl FromStr for ListName {
    type Err = UnknownListScheduler;

    fn from_str(text: &str) -> Result<Self, UnknownListScheduler> {
        Self::ALL
            .into_iter()
            .find(|list| list.name() == text)
            .ok_or_else(|| UnknownListScheduler(text.to_owned()))
    }
}
