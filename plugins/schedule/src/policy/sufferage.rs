//! Sufferage: of all ready subtasks, the one that would lose most if it did not get its best resource
//! is mapped next. Maheswaran, Ali, Siegel, Hensgen, Freund (1999), "Dynamic mapping of a class of
//! independent tasks onto heterogeneous computing systems".
//!
//! Completion times are found anew after each subtask that is mapped. The paper does so after each
//! pass, in which every resource gets the one of those that want it most that suffers most.
//!
//! What only one resource can do suffers most of all.

use super::mapped::Liking;

/// Likes what has the most to lose.
#[derive(Debug, Default)]
pub(super) struct Sufferage;

impl Liking for Sufferage {
    const RANK: &'static str = "the least less the second least completion time, in ns";

    fn key(&self, least: f64, second: f64, _: i64) -> f64 {
        least - second
    }
}
