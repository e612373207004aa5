//! The planners: anytime searches for a whole schedule.

use std::{fmt, str::FromStr};

use crate::{list::ListName, search::Search};

/// Searches for a whole schedule within a budget.
pub trait Planner: Send + Sync {
    /// Offers ever better schedules to `search` until it is over.
    fn run(&self, search: &Search<'_>);
}

/// The built-in planners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlannerName {
    /// The best of the list schedulers.
    List,
}

impl PlannerName {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::List];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
        }
    }

    /// A planner of this name.
    pub fn make(self) -> Box<dyn Planner> {
        match self {
            Self::List => Box::new(Lists),
        }
    }
}

struct Lists;

impl Planner for Lists {
    fn run(&self, search: &Search<'_>) {
        for list in ListName::ALL {
            search.offer(list.schedule(search.instance), list.name());
        }
    }
}

impl fmt::Display for PlannerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no planner has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown planner {0:?}, must be one of {names}", names = PlannerName::ALL.map(PlannerName::name).join(", "))]
pub struct UnknownPlanner(pub String);

impl FromStr for PlannerName {
    type Err = UnknownPlanner;

    fn from_str(text: &str) -> Result<Self, UnknownPlanner> {
        Self::ALL
            .into_iter()
            .find(|planner| planner.name() == text)
            .ok_or_else(|| UnknownPlanner(text.to_owned()))
    }
}
