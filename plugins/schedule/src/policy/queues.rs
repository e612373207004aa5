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

/// What stands in a queue: its rank, which subtask, and a stamp that tells whether that still holds.
type Entry = (Rank, SubtaskId, u32);

/// The stamp of what does not stand in a queue; no queue, where one is named.
const ABSENT: u32 = u32::MAX;

#[derive(Debug)]
struct Queue {
    lane: LaneId,
    group: u32,
    entries: BinaryHeap<Reverse<Entry>>,
    /// No entry that still holds comes before this; `None`: there are no entries.
    front: Option<Entry>,
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

impl Queue {
    fn head(&self, front: Entry, queue: u32, key: impl Fn(u32) -> i64) -> Head {
        let ((urgency, rank), subtask, _) = front;
        Head {
            urgency,
            key: key(self.group),
            rank,
            subtask,
            lane: self.lane,
            group: self.group,
            queue,
        }
    }
}

/// Ready subtasks in order.
#[derive(Debug, Default)]
pub(super) struct ReadyQueues {
    queues: Vec<Queue>,
    free: Vec<u32>,
    /// The queue of each lane in group 0, where most policies have all.
    by_lane: Vec<u32>,
    /// The queues of other groups.
    by_name: HashMap<(LaneId, u32), u32>,
    /// By subtask: the stamp of its entry.
    stamps: Vec<u32>,
    n_stamps: u32,
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
        self.stamps.resize(view.n_subtasks(), ABSENT);
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

    /// The subtask that is ready, if it is the only one and became ready since the last call: it
    /// need not stand in a queue. Drops what ceased to be ready.
    pub(super) fn lone(&mut self, view: &View<'_>) -> Option<SubtaskId> {
        if view.n_ready != 1 {
            return None;
        }
        let mut ready = view
            .readiness_changes()
            .iter()
            .filter(|id| view.is_ready(**id));
        let lone = *ready.next()?;
        // What started and stopped in one call is ranked anew each time.
        if ready.next().is_some() || self.taken.iter().any(|(id, _)| *id == lone) {
            return None;
        }
        self.stamps.resize(view.n_subtasks(), ABSENT);
        self.taken.clear();
        for &id in view.readiness_changes() {
            self.forget(id);
        }
        Some(lone)
    }

    /// Notes that what was alone is handed out.
    pub(super) fn take_lone(&mut self, id: SubtaskId, group: u32) {
        self.taken.push((id, group));
    }

    /// Gives a subtask another rank, if it is queued.
    pub(super) fn rerank(&mut self, view: &View<'_>, id: SubtaskId, group: u32, rank: i64) {
        if self.is_queued(id) {
            self.insert(view, id, group, rank);
        }
    }

    /// Begins to go through what is queued, on the lanes that are `open`; `key` ranks groups.
    pub(super) fn begin(&mut self, mut open: impl FnMut(LaneId) -> bool, key: impl Fn(u32) -> i64) {
        let mut heads = std::mem::take(&mut self.heads).into_vec();
        heads.clear();
        for (at, queue) in self.queues.iter().enumerate() {
            if let Some(front) = queue.front
                && open(queue.lane)
            {
                heads.push(Reverse(queue.head(front, at as u32, &key)));
            }
        }
        self.heads = heads.into();
    }

    /// The next head; its queue is done with unless the head is [taken](Self::take).
    pub(super) fn next(&mut self, key: impl Fn(u32) -> i64) -> Option<Head> {
        loop {
            let Reverse(head) = self.heads.pop()?;
            // Keys of groups only grow while subtasks are placed, and fronts only fall back.
            match self.front(head.queue, &key) {
                Some(now) if now == head => return Some(head),
                now => self.heads.extend(now.map(Reverse)),
            }
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

    /// The front of a queue, without what is out of date; frees the queue if nothing is left.
    fn front(&mut self, at: u32, key: &impl Fn(u32) -> i64) -> Option<Head> {
        let queue = &mut self.queues[at as usize];
        while let Some(&Reverse(entry)) = queue.entries.peek() {
            let (_, subtask, stamp) = entry;
            if self.stamps[subtask.index()] == stamp {
                queue.front = Some(entry);
                return Some(queue.head(entry, at, key));
            }
            queue.entries.pop();
        }
        if queue.front.take().is_some() {
            if queue.group == 0 {
                self.by_lane[queue.lane.index()] = ABSENT;
            } else {
                self.by_name.remove(&(queue.lane, queue.group));
            }
            self.free.push(at);
        }
        None
    }

    /// Puts a subtask into its queue.
    pub(super) fn insert(&mut self, view: &View<'_>, id: SubtaskId, group: u32, rank: i64) {
        let lane = view.lane(id);
        let rank = (-i64::from(view.priority(id)), rank);
        self.n_stamps = (self.n_stamps + 1) % ABSENT;
        self.stamps[id.index()] = self.n_stamps;
        let queue = self.queue(view, lane, group);
        let queue = &mut self.queues[queue as usize];
        let entry = (rank, id, self.n_stamps);
        queue.entries.push(Reverse(entry));
        queue.front = Some(queue.front.map_or(entry, |front| front.min(entry)));
    }

    fn queue(&mut self, view: &View<'_>, lane: LaneId, group: u32) -> u32 {
        self.by_lane.resize(view.lanes().len(), ABSENT);
        let known = match group {
            0 => self.by_lane[lane.index()],
            _ => self.by_name.get(&(lane, group)).copied().unwrap_or(ABSENT),
        };
        if known != ABSENT {
            return known;
        }
        let queue = self.free.pop().unwrap_or_else(|| {
            self.queues.push(Queue {
                lane,
                group,
                entries: BinaryHeap::new(),
                front: None,
            });
            self.queues.len() as u32 - 1
        });
        let entry = &mut self.queues[queue as usize];
        (entry.lane, entry.group) = (lane, group);
        if group == 0 {
            self.by_lane[lane.index()] = queue;
        } else {
            self.by_name.insert((lane, group), queue);
        }
        queue
    }

    fn is_queued(&self, id: SubtaskId) -> bool {
        let stamp = self.stamps.get(id.index());
        stamp.is_some_and(|stamp| *stamp != ABSENT)
    }

    fn forget(&mut self, id: SubtaskId) {
        self.stamps[id.index()] = ABSENT;
    }
}

/// Nanoseconds as a rank.
pub(super) fn nanos(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
