//! Lookahead HEFT: what has the most work behind it goes first, to the resource from which its
//! successors can end soonest. Bittencourt, Sakellariou, Madeira (2010), "DAG scheduling using a
//! lookahead variant of the heterogeneous earliest finish time algorithm".
//!
//! To stay quick it looks ahead from the [`MAX_RESOURCES`] resources that end the subtask soonest, at
//! [`MAX_CHILDREN`] successors of different demand at most.

use super::{
    Criteria, View,
    board::{Board, Choice, Next, choose_among},
    listed::Rule,
    queues::nanos,
    upward::UpwardRanks,
};
use crate::{
    fact::Candidate,
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
    /// The resources to look ahead from, and what they would do next with the subtask.
    nexts: Vec<(ResourceId, Next)>,
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

    fn look_at_children(&mut self, view: &View<'_>, board: &Board, id: SubtaskId) {
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

    fn choose(
        &mut self,
        view: &View<'_>,
        board: &Board,
        id: SubtaskId,
        candidates: &mut Vec<Candidate>,
    ) -> Option<Choice> {
        self.look_at_children(view, board, id);
        let mut nexts = std::mem::take(&mut self.nexts);
        nexts.clear();
        let members = view.members(view.lane(id)).iter();
        nexts.extend(members.filter_map(|(on, _)| Some((*on, board.with(view, *on, id)?))));
        if nexts.len() > MAX_RESOURCES {
            nexts.select_nth_unstable_by_key(MAX_RESOURCES - 1, |(on, next)| (next.end, *on));
            nexts.truncate(MAX_RESOURCES);
            nexts.sort_unstable_by_key(|(on, _)| *on);
        }
        let choice = choose_among(view, nexts.iter().copied(), candidates, |on, next| {
            (self.last_end(view, on, next.end), next.end)
        });
        self.nexts = nexts;
        choice
    }
}
