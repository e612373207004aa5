//! Who decides in a cell: an online policy, a list scheduler or a planner.

use std::{fmt, str::FromStr};

use plan::{ListName, PlannerName};
use schedule::PolicyName;

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runner {
    /// An online policy in the event engine.
    Policy(PolicyName),
    /// A list scheduler: one pass, before anything runs.
    List(ListName),
    /// A search for a whole schedule, before anything runs.
    Planner(PlannerName),
}

/// `online:fifo`, `list:heft`, `plan:tabu`.
impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(name) => f.pad(&format!("online:{name}")),
            Self::List(name) => f.pad(&format!("list:{name}")),
            Self::Planner(name) => f.pad(&format!("plan:{name}")),
        }
    }
}

/// A name that nobody who decides has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {name:?}, must be \"all\" or of {known}")]
pub struct UnknownRunner {
    kind: &'static str,
    name: String,
    known: String,
}

impl Runner {
    /// The policies of a list such as `fifo,sjf`; `all` for all of them.
    ///
    /// # Errors
    /// A name that no policy has.
    pub fn policies(list: &str) -> Result<Vec<Self>, UnknownRunner> {
        named("policy", list, &PolicyName::ALL, Self::Policy)
    }

    /// The list schedulers of a list of names; `all` for all of them.
    ///
    /// # Errors
    /// A name that no list scheduler has.
    pub fn lists(list: &str) -> Result<Vec<Self>, UnknownRunner> {
        named("list scheduler", list, ListName::ALL, Self::List)
    }

    /// The planners of a list of names; `all` for all of them.
    ///
    /// # Errors
    /// A name that no planner has.
    pub fn planners(list: &str) -> Result<Vec<Self>, UnknownRunner> {
        named("planner", list, PlannerName::ALL, Self::Planner)
    }

    /// The policy that this runner is, by what a record calls it.
    pub(crate) fn policy_of(name: &str) -> Option<PolicyName> {
        name.strip_prefix("online:")?.parse().ok()
    }

    /// Whether it can run while nobody knows what will come.
    pub fn is_online(self) -> bool {
        matches!(self, Self::Policy(_))
    }
}

/// Whether the runner of a record does the same with each seed: a list scheduler draws no lots.
pub(crate) fn ignores_seed(runner: &str) -> bool {
    runner.starts_with("list:")
}

/// Whether the runner of a record is a planner.
pub(crate) fn is_search(runner: &str) -> bool {
    runner.starts_with("plan:")
}

fn named<N>(
    kind: &'static str,
    list: &str,
    all: &[N],
    runner: fn(N) -> Runner,
) -> Result<Vec<Runner>, UnknownRunner>
where
    N: Copy + FromStr + fmt::Display,
{
    let mut runners: Vec<Runner> = Vec::new();
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let found = if name == "all" {
            all.to_vec()
        } else {
            let found = name.parse::<N>().map_err(|_| UnknownRunner {
                kind,
                name: name.to_owned(),
                known: all.iter().map(N::to_string).collect::<Vec<_>>().join(", "),
            })?;
            vec![found]
        };
        for runner in found.into_iter().map(runner) {
            if !runners.contains(&runner) {
                runners.push(runner);
            }
        }
    }
    Ok(runners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names() {
        let fifo = Runner::Policy(PolicyName::Fifo);
        assert_eq!(Runner::policies("fifo, fifo"), Ok(vec![fifo]));
        assert_eq!(Runner::policies(""), Ok(Vec::new()));
        let all = Runner::planners("all").unwrap();
        assert_eq!(all.len(), PlannerName::ALL.len());
        let error = Runner::lists("hefty").unwrap_err().to_string();
        assert!(
            error.contains("list scheduler \"hefty\"") && error.contains("heft"),
            "{error}"
        );
        assert_eq!(fifo.to_string(), "online:fifo");
        let all = [all, Runner::lists("all").unwrap(), vec![fifo]].concat();
        for runner in all {
            let is_list = matches!(runner, Runner::List(_));
            assert_eq!(ignores_seed(&runner.to_string()), is_list, "{runner}");
            let is_planner = matches!(runner, Runner::Planner(_));
            assert_eq!(is_search(&runner.to_string()), is_planner, "{runner}");
        }
    }
}
