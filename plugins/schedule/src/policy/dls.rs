//! Dynamic level scheduling: of all pairs of a ready subtask and a resource, the one with the highest
//! dynamic level is mapped next: the work behind the subtask, less when the resource could start it,
//! plus how much faster the resource is than the mean. Sih, Lee (1993), "A compile-time scheduling
//! heuristic for interconnection-constrained heterogeneous processor architectures".
//!
//! Mean spans stand for the median ones of the paper. The work behind a subtask counts without the
//! time that data travels, as in the paper; when a resource could start it counts with it. Of the
//! level, only start and speed depend on the resource, and together they are the mean span less the
//! completion time; so the best resource for a subtask is the one that ends it soonest.

use super::{View, mapped::Liking, queues::nanos, upward::UpwardRanks};
use crate::workload::SubtaskId;

/// Likes the highest dynamic level.
#[derive(Debug)]
pub(super) struct Dls {
    levels: UpwardRanks,
}

impl Default for Dls {
    fn default() -> Self {
        Self {
            levels: UpwardRanks::of_work_alone(),
        }
    }
}

impl Liking for Dls {
    const RANK: &'static str = "minus the dynamic level, from now, in ns";

    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>) {
        self.levels.grow(view, |id, _| changed.push(id));
    }

    fn demerit(&self, view: &View<'_>, id: SubtaskId) -> i64 {
        let level = self.levels.of(id);
        -nanos(level.saturating_add(view.mean_span(id).0))
    }

    fn key(&self, least: f64, _: f64, demerit: i64) -> f64 {
        least + demerit as f64
    }
}
