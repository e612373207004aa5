//! Lookahead HEFT: what has the most work behind it goes first, to the resource from which its
//! successors can end soonest. Bittencourt, Sakellariou, Madeira (2010), "DAG scheduling using a
//! lookahead variant of the heterogeneous earliest finish time algorithm".
//!
//! To stay quick it looks ahead from the [`MAX_RESOURCES`] resources that end the subtask soonest, at
//! [`MAX_CHILDREN`] successors of different demand at most.

use super::{
    Criteria, View,
    board::{Board, NEVER, Next},
    listed::Rule,
    queues::nanos,
    upward::UpwardRanks,
};
use crate::{
    lane::{LaneId, Load},
    pool::ResourceId,
    workload::SubtaskId,
};

/// From how many resources it looks ahead.
const MAX_RESOURCES: usize = 4;
/// At how many successors of different demand.
const MAX_CHILDREN: usize = 4;

/// Ranks by upward rank; scores by the last end among the successors.
#[derive(Debug, Default)]
pub(super) struct Lookahead {
    upward: UpwardRanks,
    /// By lane, load and the data that it gets from the subtask, in bytes.
    children: Vec<(LaneId, Load, u64)>,
    /// The spans of all children, each with the resource and the instant at which that is free.
    spans: Vec<Vec<(ResourceId, u64, u64)>>,
    /// The resources to look ahead from, with their ends and scores.
    scores: Vec<(u64, ResourceId, u64)>,
}

impl Lookahead {
    /// The last end among the children, if the subtask ends on `resource` at `end`.
    fn last_end(&self, view: &View<'_>, resource: ResourceId, end: u64) -> u64 {
        let child = |(spans, (.., bytes)): (&Vec<(ResourceId, u64, u64)>, &(LaneId, Load, u64))| {
            let ends = spans.iter().map(|&(child_on, free, span)| {
                let free = if child_on == resource { end } else { free };
                free.max(end) + view.travel(resource, child_on, *bytes).0 + span
            });
            ends.min().unwrap_or(end)
        };
        self.spans
            .iter()
            .zip(&self.children)
            .map(child)
            .max()
            .unwrap_or(end)
    }
}

impl Rule for Lookahead {
    const CRITERIA: Criteria = Criteria {
        rank: "minus the upward rank, in ns",
        score: "the expected last end among the successors, in ns",
    };
    const MAX_WAITERS: usize = 24;

    fn grow(&mut self, view: &View<'_>, changed: &mut Vec<SubtaskId>) {
        self.upward.grow(view, |id, _| changed.push(id));
    }

    fn rank(&self, id: SubtaskId) -> i64 {
        -nanos(self.upward.of(id))
    }

    fn look(&mut self, view: &View<'_>, board: &Board, id: SubtaskId) {
        self.children.clear();
        for child in view.successors(id).take(4 * MAX_CHILDREN) {
            let bytes = view.received(child, id);
            let demand = (view.lane(child), view.load(child), bytes);
            if self.children.contains(&demand) || self.children.len() == MAX_CHILDREN {
                continue;
            }
            let n = self.children.len();
            self.children.push(demand);
            if self.spans.len() == n {
                self.spans.push(Vec::new());
            }
            self.spans[n].clear();
            let open = view
                .spans(child)
                .filter_map(|(resource, span)| Some((resource, board.next(resource)?.end, span.0)));
            self.spans[n].extend(open);
        }
        let mut scores = std::mem::take(&mut self.scores);
        scores.clear();
        let ends = view.members(view.lane(id)).iter();
        scores.extend(ends.filter_map(|(resource, _)| {
            Some((board.with(view, *resource, id)?.end, *resource, 0))
        }));
        if scores.len() > MAX_RESOURCES {
            scores.select_nth_unstable(MAX_RESOURCES - 1);
            scores.truncate(MAX_RESOURCES);
        }
        for (end, resource, score) in &mut scores {
            *score = self.last_end(view, *resource, *end);
        }
        self.scores = scores;
    }

    fn score(&self, _: &View<'_>, resource: ResourceId, next: &Next) -> (u64, u64) {
        let mut scores = self.scores.iter();
        let known = scores.find(|(_, with_score, _)| *with_score == resource);
        known.map_or((NEVER, next.end), |(end, _, score)| (*score, *end))
    }
}
