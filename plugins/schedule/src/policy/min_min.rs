//! Min-min: of all ready subtasks, the one that can be completed first is mapped next. Ibarra, Kim
//! (1977), "Heuristic algorithms for scheduling independent tasks on nonidentical processors".

use super::mapped::Liking;

/// Likes what ends soonest.
#[derive(Debug, Default)]
pub(super) struct MinMin;

impl Liking for MinMin {
    const RANK: &'static str = "the least completion time from now, in ns";

    fn key(&self, least: f64, _: f64, _: i64) -> f64 {
        least
    }
}
