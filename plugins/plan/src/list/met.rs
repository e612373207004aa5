//! Minimum execution time: each operation in turn goes to where it takes least, busy or not.
//! Armstrong, Hensgen, Kidd (1998), "The relative performance of various mapping algorithms is
//! independent of sizable variances in run-time predictions".

use super::in_order;
use crate::{instance::Instance, schedule::Schedule};

/// The schedule of the paper, in topological order.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    in_order::schedule(instance, |choice| choice.mode.duration)
}
