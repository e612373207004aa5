//! The best of the list schedulers, at once.

use crate::{list::ListName, planner::Planner, search::Search};

/// Asks each list scheduler for its one schedule.
pub(super) struct Lists;

impl Planner for Lists {
    fn run(&self, search: &Search<'_>) {
        for list in ListName::ALL {
            search.offer(list.schedule(search.instance), list.name());
        }
    }
}
