//! The ready subtasks of a policy, in queues: one for each lane, or for each lane and group, such as
//! a tenant.
//!
//! Each queue is a heap by rank. What is no longer ready is dropped when it comes to the front, so
//! that a change costs no search.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use super::View;
use crate::{lane::LaneId, workload::SubtaskId};

/// What goes first: the smallest. The negated priority comes before the policy's rank.
pub(super) type Rank = (i64, i64);

/// No rank: not queued.
const ABSENT: Rank = (i64::MAX, i64::MAX);

#[derive(Debug)]
struct Queue {
    lane: LaneId,
    group: u32,
    entries: BinaryHeap<Reverse<(Rank, SubtaskId)>>,
}

/// The front of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    /// The negated priority.
    urgency: i64,
    /// The key of the group.
    pub(super) key: i64,
    /// The rank of the subtask within its group.
    pub(super) rank: i64,
    /// Which subtask.
    pub(super) subtask: SubtaskId,
    /// Its lane.
    pub(super) lane: LaneId,
    /// Its group.
    pub(super) group: u32,
    queue: u32,
}

/// Ready subtasks in order.
#[derive(Debug, Default)]
pub(super) struct ReadyQueues {
    queues: Vec<Queue>,
    /// Queues that hold something.
    active: Vec<u32>,
    free: Vec<u32>,
    by_name: HashMap<(LaneId, u32), u32>,
    /// By subtask: its rank while it is queued.
    ranks: Vec<Rank>,
    /// What was handed out by the last call: queued again if it did not start.
    taken: Vec<(SubtaskId, u32)>,
    heads: BinaryHeap<Reverse<Head>>,
}

impl ReadyQueues {
    /// Takes in what became ready, with its group and rank, and drops what ceased to be.
    pub(super) fn update(
        &mut self,
        view: &View<'_>,
        mut place: impl FnMut(SubtaskId) -> (u32, i64),
    ) {
        self.ranks.resize(view.n_subtasks(), ABSENT);
        let mut taken = std::mem::take(&mut self.taken);
        for (id, group) in taken.drain(..) {
            if view.is_ready(id) {
                let (_, rank) = place(id);
                self.insert(view, id, group, rank);
            }
        }
        self.taken = taken;
        for &id in view.readiness_changes() {
            if view.is_ready(id) {
                let (group, rank) = place(id);
                self.insert(view, id, group, rank);
            } else {
                self.forget(id);
            }
        }
    }

    /// Gives a subtask another rank, if it is queued.
    pub(super) fn rerank(&mut self, view: &View<'_>, id: SubtaskId, group: u32, rank: i64) {
        if self.ranks.get(id.index()).is_some_and(|r| *r != ABSENT) {
            self.insert(view, id, group, rank);
        }
    }

    /// Begins to go through what is queued, on the lanes that are `open`; `key` ranks groups.
    pub(super) fn begin(&mut self, mut open: impl FnMut(LaneId) -> bool, key: impl Fn(u32) -> i64) {
        let mut heads = std::mem::take(&mut self.heads).into_vec();
        heads.clear();
        let mut at = 0;
        while let Some(&queue) = self.active.get(at) {
            let lane = self.queues[queue as usize].lane;
            if !open(lane) {
                at += 1;
            } else if let Some(head) = self.front(queue, &key) {
                heads.push(Reverse(head));
                at += 1;
            } else {
                self.active.swap_remove(at);
                self.free.push(queue);
                let group = self.queues[queue as usize].group;
                self.by_name.remove(&(lane, group));
            }
        }
        self.heads = heads.into();
    }

    /// The next head; its queue is done with unless the head is [taken](Self::take).
    pub(super) fn next(&mut self, key: impl Fn(u32) -> i64) -> Option<Head> {
        loop {
            let Reverse(mut head) = self.heads.pop()?;
            // The key of a group only grows while subtasks are placed.
            let now = key(head.group);
            if now == head.key {
                return Some(head);
            }
            head.key = now;
            self.heads.push(Reverse(head));
        }
    }

    /// Removes a head that was [`next`](Self::next), so that the one behind it has its turn.
    pub(super) fn take(&mut self, head: &Head, key: impl Fn(u32) -> i64) {
        self.queues[head.queue as usize].entries.pop();
        self.forget(head.subtask);
        self.taken.push((head.subtask, head.group));
        if let Some(next) = self.front(head.queue, &key) {
            self.heads.push(Reverse(next));
        }
    }

    fn front(&mut self, queue: u32, key: &impl Fn(u32) -> i64) -> Option<Head> {
        let Queue {
            lane,
            group,
            entries,
        } = &mut self.queues[queue as usize];
        loop {
            let Reverse((rank, subtask)) = *entries.peek()?;
            if self.ranks[subtask.index()] == rank {
                return Some(Head {
                    urgency: rank.0,
                    key: key(*group),
                    rank: rank.1,
                    subtask,
                    lane: *lane,
                    group: *group,
                    queue,
                });
            }
            entries.pop();
        }
    }

    fn insert(&mut self, view: &View<'_>, id: SubtaskId, group: u32, rank: i64) {
        let lane = view.lane(id);
        let rank = (-i64::from(view.priority(id)), rank);
        let known = &mut self.ranks[id.index()];
        if *known == rank {
            return;
        }
        *known = rank;
        let queue = self.queue(lane, group);
        self.queues[queue as usize]
            .entries
            .push(Reverse((rank, id)));
    }

    fn queue(&mut self, lane: LaneId, group: u32) -> u32 {
        if let Some(queue) = self.by_name.get(&(lane, group)) {
            return *queue;
        }
        let queue = self.free.pop().unwrap_or_else(|| {
            self.queues.push(Queue {
                lane,
                group,
                entries: BinaryHeap::new(),
            });
            self.queues.len() as u32 - 1
        });
        let entry = &mut self.queues[queue as usize];
        (entry.lane, entry.group) = (lane, group);
        self.by_name.insert((lane, group), queue);
        self.active.push(queue);
        queue
    }

    fn forget(&mut self, id: SubtaskId) {
        self.ranks[id.index()] = ABSENT;
    }
}

/// Nanoseconds as a rank.
pub(super) fn nanos(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
