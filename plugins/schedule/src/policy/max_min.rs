//! Max-min: of all ready subtasks, the one whose best completion is latest is mapped next, so that
//! long ones do not come last. Ibarra, Kim (1977), "Heuristic algorithms for scheduling independent
//! tasks on nonidentical processors"; Maheswaran and others (1999), "Dynamic mapping of a class of
//! independent tasks onto heterogeneous computing systems".

use super::mapped::Liking;

/// Likes what ends latest at best.
#[derive(Debug, Default)]
pub(super) struct MaxMin;

impl Liking for MaxMin {
    const RANK: &'static str = "minus the least completion time from now, in ns";

    fn key(&self, least: f64, _: f64, _: i64) -> f64 {
        -least
    }
}
