//! Places ready subtasks in some order, each on the free resource that ends it soonest, counting
//! what was given to that resource already: the list scheduling of Graham (1966), "Bounds for
//! certain multiprocessing anomalies".
//!
//! Work spreads by itself: with two free replicas, the second subtask ends sooner in a batch of its
//! own than as a second one in the first batch, unless the model takes no longer for two.

use super::{
    Criteria, Decisions, Placement, Policy, View,
    board::{Board, Choice, NEVER, Reach},
    queues::ReadyQueues,
};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Which subtask goes first; smaller numbers go before larger ones.
pub(super) trait Order: Send + Sync {
    /// What the numbers measure.
    const CRITERIA: Criteria;

    /// Whether subtasks stand in groups, so that the key of the group is what ranks.
    const GROUPED: bool = false;

    /// Sees the state before anything is ranked.
    fn observe(&mut self, _view: &View<'_>, _queues: &mut ReadyQueues) {}

    /// The rank of a subtask (within its group) when it becomes ready.
    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64;

    /// The group of a subtask.
    fn group(&self, _view: &View<'_>, _id: SubtaskId) -> u32 {
        0
    }

    /// The key of a group; may only grow while subtasks are placed.
    fn key(&self, _group: u32) -> i64 {
        0
    }

    /// What a resource is worth that would end the subtask at `end`.
    fn score(&mut self, end: u64) -> u64 {
        end
    }

    /// Hears of what was placed.
    fn placed(&mut self, _view: &View<'_>, _id: SubtaskId, _choice: &Choice) {}
}

/// Hands free resources out in an order.
#[derive(Debug, Default)]
pub(super) struct Greedy<O> {
    order: O,
    queues: ReadyQueues,
    board: Board,
}

impl<O: Order> Greedy<O> {
    pub(super) fn new(order: O) -> Self {
        Self {
            order,
            queues: ReadyQueues::default(),
            board: Board::default(),
        }
    }

    /// Brings order and queues up to date and looks at the resources.
    pub(super) fn update(&mut self, view: &View<'_>) {
        self.order.observe(view, &mut self.queues);
        self.enqueue(view);
        self.board.begin(view, Reach::Free);
    }

    /// Takes in what became ready.
    fn enqueue(&mut self, view: &View<'_>) {
        let Self { order, queues, .. } = self;
        queues.update(view, |id| (order.group(view, id), order.rank(view, id)));
    }

    /// The resources as the last call left them.
    pub(super) fn board(&self) -> &Board {
        &self.board
    }

    /// What [`fill`](Self::fill) does where nothing else is ready: nobody has been given anything.
    fn place_lone(&mut self, view: &View<'_>, decisions: &mut Decisions, id: SubtaskId) {
        let Self { order, queues, .. } = self;
        let (group, rank) = (order.group(view, id), order.rank(view, id));
        let mut best: Option<(u64, ResourceId, u64)> = None;
        for &resource in view.free() {
            let Some(end) = Board::end_alone(view, resource, id) else {
                continue;
            };
            let score = order.score(end);
            if score != NEVER && best.is_none_or(|(least, ..)| score < least) {
                best = Some((score, resource, end));
            }
        }
        let Some((_, resource, end)) = best else {
            return queues.insert(view, id, group, rank);
        };
        let choice = Board::alone(view, resource, id, end);
        decisions.placements.push(Placement {
            subtask: id,
            resource: choice.resource,
            rank: if O::GROUPED { order.key(group) } else { rank },
            candidates: Vec::new(),
        });
        order.placed(view, id, &choice);
        queues.take_lone(id, group);
    }

    /// What [`fill`](Self::fill) does where one resource alone is free and takes one subtask: the
    /// first that it can do.
    fn place_first(&mut self, view: &View<'_>, decisions: &mut Decisions, resource: ResourceId) {
        let Self { order, queues, .. } = self;
        queues.begin(
            |lane| view.is_member(resource, lane),
            |group| order.key(group),
        );
        while let Some(head) = queues.next(|group| order.key(group)) {
            let Some(end) = Board::end_alone(view, resource, head.subtask) else {
                continue;
            };
            if order.score(end) == NEVER {
                continue;
            }
            decisions.placements.push(Placement {
                subtask: head.subtask,
                resource,
                rank: if O::GROUPED { head.key } else { head.rank },
                candidates: Vec::new(),
            });
            let choice = Board::alone(view, resource, head.subtask, end);
            order.placed(view, head.subtask, &choice);
            queues.take(&head, |group| order.key(group));
            return;
        }
    }

    /// Places what stands on lanes that are `open` while there is room.
    pub(super) fn fill(
        &mut self,
        view: &View<'_>,
        decisions: &mut Decisions,
        open: impl Fn(crate::LaneId) -> bool,
    ) {
        let Self {
            order,
            queues,
            board,
        } = self;
        queues.begin(
            |lane| board.has_room(view, lane) && open(lane),
            |group| order.key(group),
        );
        while board.has_any_room()
            && let Some(head) = queues.next(|group| order.key(group))
        {
            if !board.has_room(view, head.lane) {
                continue;
            }
            let mut candidates = Vec::new();
            let choice = board.choose(view, head.subtask, &mut candidates, |_, next| {
                (order.score(next.end), 0)
            });
            let Some(choice) = choice else {
                continue;
            };
            board.put(view, &choice);
            decisions.placements.push(Placement {
                subtask: head.subtask,
                resource: choice.resource,
                rank: if O::GROUPED { head.key } else { head.rank },
                candidates,
            });
            order.placed(view, head.subtask, &choice);
            queues.take(&head, |group| order.key(group));
        }
    }
}

impl<O: Order> Policy for Greedy<O> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.order.observe(view, &mut self.queues);
        let lone = if view.explains() {
            None
        } else {
            self.queues.lone(view)
        };
        match lone {
            Some(id) => self.place_lone(view, decisions, id),
            None => {
                self.enqueue(view);
                match *view.free() {
                    [resource] if view.takes_one(resource) => {
                        self.place_first(view, decisions, resource);
                    }
                    _ => {
                        self.board.begin(view, Reach::Free);
                        self.fill(view, decisions, |_| true);
                    }
                }
            }
        }
    }

    fn criteria(&self) -> Criteria {
        O::CRITERIA
    }
}

/// How resources are compared by all who look at ends alone.
pub(super) const SOONEST: &str = "the expected end, in ns";
