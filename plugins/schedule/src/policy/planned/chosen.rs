//! What is planned together: as much of what is known as a plan has room for.

use std::collections::BTreeSet;

use super::{Key, turns::waits};
use crate::{
    policy::View,
    workload::{SubtaskId, SubtaskState},
};

/// How many subtasks are planned at most; the rest is planned when half of these have started.
pub(super) const MAX_PLANNED: usize = 256;

/// What is planned, by number: what is `open`, then what follows it or what runs.
pub(super) struct Chosen {
    pub(super) subtasks: BTreeSet<SubtaskId>,
    /// Whether some had no room.
    pub(super) is_cut: bool,
    /// The lowest priority of those that had.
    pub(super) least_priority: i32,
}

impl Chosen {
    pub(super) fn new(view: &View<'_>, open: &[Key], started: &BTreeSet<SubtaskId>) -> Self {
        let mut chosen = Self {
            subtasks: BTreeSet::new(),
            is_cut: false,
            least_priority: i32::MAX,
        };
        for &(_, id) in open {
            chosen.add(view, id);
        }
        // Successors have larger numbers, so they come up after all they follow.
        let mut next = BTreeSet::new();
        for &id in started.iter().chain(&chosen.subtasks) {
            next.extend(view.successors(id));
        }
        while let Some(id) = next.pop_first()
            && !chosen.is_cut
        {
            let mut before = view.predecessors(id);
            let follows = before.all(|p| !waits(view, p) || chosen.subtasks.contains(&p));
            if view.state(id) == SubtaskState::Blocked && follows && chosen.add(view, id) {
                next.extend(view.successors(id));
            }
        }
        chosen
    }

    /// Adds a subtask if there is room and somebody is up who can do it.
    fn add(&mut self, view: &View<'_>, id: SubtaskId) -> bool {
        let mut members = view.members(view.lane(id)).iter();
        if !members.any(|(on, _)| view.resources()[on.index()].up) {
            return false;
        }
        if self.subtasks.len() == MAX_PLANNED {
            self.is_cut = true;
            return false;
        }
        self.least_priority = self.least_priority.min(view.priority(id));
        self.subtasks.insert(id)
    }
}
