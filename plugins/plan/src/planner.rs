//! The planners: anytime searches for a whole schedule.

mod annealing;
mod ants;
mod branch_and_bound;
mod genetic;
mod iterated_greedy;
mod lists;
mod lns;
mod neighbour;
mod portfolio;
mod tabu;
mod workflow;

use std::{fmt, str::FromStr};

use crate::search::Search;

/// Searches for a whole schedule within a budget.
pub trait Planner: Send + Sync {
    /// Offers ever better schedules to `search` until it is over.
    fn run(&self, search: &Search<'_>);

    /// Whether it is made for what is sought; if not, it offers little or nothing.
    fn suits(&self, search: &Search<'_>) -> bool {
        let _ = search;
        true
    }
}

/// Lists the planners: what each does, its variant, its name and its maker.
macro_rules! planners {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $make:expr;)*) => {
        /// The built-in planners.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PlannerName {
            $($(#[$doc])* $variant,)*
        }

        impl PlannerName {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name used on the command line and in files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// A planner of this name, with its usual settings.
            pub fn make(self) -> Box<dyn Planner> {
                match self {
                    $(Self::$variant => Box::new($make),)*
                }
            }
        }
    };
}

planners! {
    /// The best of the list schedulers.
    List = "list", lists::Lists;
    /// A proof of the shortest makespan on identical resources.
    BranchAndBound = "branch-and-bound", branch_and_bound::BranchAndBound;
    /// Large neighbourhood search over orders.
    Lns = "lns", lns::Lns;
    /// Several of the others, by the shape of the instance and by progress.
    Portfolio = "portfolio", portfolio::Portfolio;
    /// Tabu search over machine sequences.
    Tabu = "tabu", tabu::Tabu;
    /// Simulated annealing along the critical path, for task graphs whose data travels.
    Workflow = "workflow", workflow::Workflow;
    /// A genetic algorithm with local search.
    Genetic = "genetic", genetic::Genetic;
    /// Simulated annealing.
    Annealing = "annealing", annealing::Annealing;
    /// A MAX–MIN ant system.
    Ants = "ants", ants::Ants;
    /// Iterated greedy, for flow shops with identical machines in each stage.
    IteratedGreedy = "iterated-greedy", iterated_greedy::IteratedGreedy;
}

impl fmt::Display for PlannerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no planner has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown planner {0:?}, must be one of {names}", names = all_names())]
pub struct UnknownPlanner(pub String);

fn all_names() -> String {
    let names: Vec<_> = PlannerName::ALL.iter().map(|name| name.name()).collect();
    names.join(", ")
}

impl FromStr for PlannerName {
    type Err = UnknownPlanner;

    fn from_str(text: &str) -> Result<Self, UnknownPlanner> {
        Self::ALL
            .iter()
            .copied()
            .find(|planner| planner.name() == text)
            .ok_or_else(|| UnknownPlanner(text.to_owned()))
    }
}
