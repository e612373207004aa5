//! Opportunistic load balancing: each operation in turn goes to the resource that is free first,
//! however long it takes there. Armstrong, Hensgen, Kidd (1998), "The relative performance of various
//! mapping algorithms is independent of sizable variances in run-time predictions".

use super::in_order;
use crate::{instance::Instance, schedule::Schedule};

/// The schedule of the paper, in topological order.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    in_order::schedule(instance, |choice| choice.free)
}
