//! The best of the list schedulers, at once.

use crate::{list::ListName, planner::Planner, search::Search};

/// Asks each list scheduler for its one schedule.
pub(super) struct Lists;

impl Planner for Lists {
    fn run(&self, search: &Search<'_>) {
        for (at, list) in ListName::ALL.iter().enumerate() {
            // One schedule there must be.
            if at > 0 && search.is_over(0) {
                return;
            }
            search.offer(list.schedule(search.instance), list.name());
        }
    }
}
