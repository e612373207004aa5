//! List schedulers: one pass over the operations, each placed once and for good.

mod cpop;
mod dls;
mod etf;
mod frontier;
mod heft;
mod in_order;
mod lookahead;
mod max_min;
mod mct;
mod met;
mod min_min;
mod mst;
mod olb;
mod peft;
mod placer;
mod ranks;
mod ready;
mod sufferage;
mod timeline;

use std::{fmt, str::FromStr};

use crate::{instance::Instance, list::ranks::Links, schedule::Schedule};

/// Lists the list schedulers: what each does, its variant, its name and how it is called.
macro_rules! lists {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $make:expr;)*) => {
        /// The list schedulers. All know communication, unrelated resources of which some can do
        /// some operations only, and releases.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ListName {
            $($(#[$doc])* $variant,)*
        }

        impl ListName {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name used on the command line and in files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The schedule it makes.
            pub fn schedule(self, instance: &Instance) -> Schedule {
                match self {
                    $(Self::$variant => $make(instance),)*
                }
            }
        }
    };
}

lists! {
    /// Heterogeneous earliest finish time, with SAGA's mean of travel: over all links, that of each
    /// resource to itself included.
    Heft = "heft", |instance| heft::schedule(instance, Links::All);
    /// Heterogeneous earliest finish time, with the mean of travel of the paper of 2002: latency and
    /// mean bandwidth between different resources.
    Heft2002 = "heft-2002", |instance| heft::schedule(instance, Links::Between);
    /// Critical path on a processor, with SAGA's ranks.
    Cpop = "cpop", |instance| cpop::schedule(instance, Links::All);
    /// Critical path on a processor, with the ranks of the paper of 2002.
    Cpop2002 = "cpop-2002", |instance| cpop::schedule(instance, Links::Between);
    /// Predict earliest finish time.
    Peft = "peft", peft::schedule;
    /// Dynamic level scheduling.
    Dls = "dls", dls::schedule;
    /// Earliest task first.
    Etf = "etf", etf::schedule;
    /// The ready operation that can end soonest goes first.
    MinMin = "min-min", min_min::schedule;
    /// The ready operation whose soonest end is last goes first.
    MaxMin = "max-min", max_min::schedule;
    /// The ready operation that would lose most goes first.
    Sufferage = "sufferage", sufferage::schedule;
    /// Minimum completion time, in topological order.
    Mct = "mct", mct::schedule;
    /// Minimum execution time, in topological order.
    Met = "met", met::schedule;
    /// Minimum start time, in topological order.
    Mst = "mst", mst::schedule;
    /// Opportunistic load balancing, in topological order.
    Olb = "olb", olb::schedule;
    /// HEFT that looks one step ahead; it takes far longer than the others.
    Lookahead = "lookahead", lookahead::schedule;
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no list scheduler has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown list scheduler {0:?}, must be one of {names}", names = all_names())]
pub struct UnknownListScheduler(pub String);

fn all_names() -> String {
    let names: Vec<_> = ListName::ALL.iter().map(|name| name.name()).collect();
    names.join(", ")
}

impl FromStr for ListName {
    type Err = UnknownListScheduler;

    fn from_str(text: &str) -> Result<Self, UnknownListScheduler> {
        Self::ALL
            .iter()
            .copied()
            .find(|list| list.name() == text)
            .ok_or_else(|| UnknownListScheduler(text.to_owned()))
    }
}
