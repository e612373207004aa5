//! The names of the built-in policies, in one table: what each does, its variant, its name, its maker.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sim::Streams;

use super::{Criteria, Policy, bound::Bound, greedy::Greedy, listed::Listed, mapped::Mapped, *};

/// Lists the policies: one sentence, variant, name and maker of each.
macro_rules! policies {
    ($streams:ident; $(#[doc = $about:literal] $variant:ident = $name:literal, $make:expr;)*) => {
        /// The built-in policies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum PolicyName {
            $(#[doc = $about] $variant,)*
        }

        impl PolicyName {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name used in scenes, on the command line and in journals.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it does, in one sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about.trim_ascii(),)*
                }
            }

            /// A fresh policy of this name; what is left to chance is drawn from `streams`.
            pub fn make(self, $streams: Streams) -> Box<dyn Policy> {
                match self {
                    $(Self::$variant => Box::new($make),)*
                }
            }
        }
    };
}

policies! { streams;
    /// First in, first out: what became ready first goes first, to the free resource that ends it soonest.
    Fifo = "fifo", Greedy::new(fifo::Fifo);
    /// As fifo, but a free resource waits a little if more may soon share its batch.
    BatchFifo = "batch-fifo", batch_fifo::make();
    /// As sjf, but a free resource waits a little if more may soon share its batch.
    BatchSjf = "batch-sjf", batch_sjf::make();
    /// Last in, first out: what became ready last goes first, to the free resource that ends it soonest.
    Lifo = "lifo", Greedy::new(lifo::Lifo::default());
    /// Anything that is ready goes to anyone who is free, by lot.
    Random = "random", Greedy::new(random::Random::new(streams));
    /// Shortest job first: what is expected to take the least time goes first.
    Sjf = "sjf", Greedy::new(sjf::Sjf);
    /// Shortest remaining time: what belongs to the task with the least work left goes first.
    Srpt = "srpt", Greedy::new(srpt::Srpt::default());
    /// Earliest deadline first.
    Edf = "edf", Greedy::new(edf::Edf);
    /// What has the least time to spare goes first: until its deadline, less the longest path behind it.
    LeastSlack = "least-slack", Greedy::new(least_slack::LeastSlack::default());
    /// Tenants share the resources by weight: whoever got least goes first.
    WeightedFair = "weighted-fair", Greedy::new(weighted_fair::WeightedFair::default());
    /// Each subtask goes to the next resource in turn, busy or not, and waits for that one.
    RoundRobin = "round-robin", Bound::new(round_robin::RoundRobin::default());
    /// Each subtask goes to the resource with the least work before it, and waits for that one.
    LeastLoaded = "least-loaded", Bound::new(least_loaded::LeastLoaded);
    /// Each subtask goes to the resource with the fewest subtasks, and waits for that one.
    JoinShortestQueue = "join-shortest-queue", Bound::new(join_shortest_queue::JoinShortestQueue);
    /// Each subtask goes to the resource with fewer subtasks of two drawn by lot, and waits for that one.
    PowerOfTwo = "power-of-two", Bound::new(power_of_two::PowerOfTwo::new(streams));
    /// Of all ready subtasks, the one that can be completed first is mapped next.
    MinMin = "min-min", Mapped::<min_min::MinMin>::default();
    /// Of all ready subtasks, the one whose best completion is latest is mapped next.
    MaxMin = "max-min", Mapped::<max_min::MaxMin>::default();
    /// Of all ready subtasks, the one that loses most if it misses its best resource is mapped next.
    Sufferage = "sufferage", Mapped::<sufferage::Sufferage>::default();
    /// Heterogeneous earliest finish time: the longest path behind goes first, to whoever ends it soonest, free or busy.
    Heft = "heft", Listed::<heft::Heft>::default();
    /// Predict earliest finish time: as heft, by the cost of what is behind on its best resources.
    Peft = "peft", Listed::<peft::Peft>::default();
    /// Critical path on a processor: each task's critical path goes to one resource, the rest as in heft.
    Cpop = "cpop", Listed::<cpop::Cpop>::default();
    /// Dynamic level scheduling: the pair of subtask and resource with the highest dynamic level goes first.
    Dls = "dls", Mapped::<dls::Dls>::default();
    /// Lookahead heft: as heft, to the resource from which the successors end soonest.
    Lookahead = "lookahead", Listed::<lookahead::Lookahead>::default();
    /// Contract net: each subtask is announced, agents bid what it would cost with them, the lowest bid binds.
    ContractNet = "contract-net", Bound::new(contract_net::ContractNet);
    /// Rolling horizon: follows a plan that is made anew, in simulated time, when something arrives or fails.
    Planned = "planned", planned::Planned::default();
    /// As planned, but each plan is improved by 200 iterations of large neighbourhood search.
    PlannedLns = "planned-lns", planned::Planned::searching(plan::PlannerName::Lns, 200);
}

impl PolicyName {
    /// What its numbers measure.
    pub fn criteria(self) -> Criteria {
        self.make(Streams::new(0)).criteria()
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no policy has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown policy {0:?}, must be one of {names}", names = PolicyName::ALL.map(PolicyName::name).join(", "))]
pub struct UnknownPolicy(pub String);

impl FromStr for PolicyName {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == text)
            .ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for policy in PolicyName::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert!(policy.about().ends_with('.'), "{policy}");
        }
        let error = "FIFO".parse::<PolicyName>().unwrap_err();
        assert!(error.to_string().contains("fifo, batch-fifo"), "{error}");
    }
}
