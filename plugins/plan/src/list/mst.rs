//! Minimum start time: each operation in turn goes to where it starts soonest. Hwang, Chow, Anger, Lee
//! (1989), "Scheduling precedence graphs in systems with interprocessor communication times", for
//! one operation at a time.

use super::in_order;
use crate::{instance::Instance, schedule::Schedule};

/// The schedule of the rule, in topological order.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    in_order::schedule(instance, |choice| choice.start)
}
