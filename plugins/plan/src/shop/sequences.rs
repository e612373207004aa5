//! One sequence of operations per machine, with the longest paths before and behind each operation,
//! kept up to date move by move.

use crate::shop::{Move, Shop};

/// No operation: before the first, behind the last.
pub(crate) const NONE: u32 = u32::MAX;

/// A schedule reduced to decisions: who does each operation, and one sequence of all of them that
/// respects every precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blueprint {
    /// By operation.
    pub(crate) machine: Vec<u32>,
    /// Operations, each behind its predecessors and behind what goes before it on its machine.
    pub(crate) order: Vec<u32>,
}

/// The working state of a search.
///
/// The *head* of an operation is when it starts at the earliest; its *tail* is the longest path
/// from its end to the end of the schedule.
pub(crate) struct Sequences {
    /// By operation.
    pub(crate) machine: Vec<u32>,
    /// By operation: how long it takes where it is.
    pub(crate) time: Vec<i32>,
    pub(crate) head: Vec<i32>,
    pub(crate) tail: Vec<i32>,
    /// By operation: its neighbours on its machine.
    pub(crate) before: Vec<u32>,
    pub(crate) behind: Vec<u32>,
    /// By machine.
    pub(crate) lists: Vec<Vec<u32>>,
    /// By operation: where it stands in the list of its machine.
    pub(crate) index: Vec<u32>,
    /// All operations, each behind all it waits for.
    pub(crate) order: Vec<u32>,
    /// By operation: where it stands in `order`.
    pub(crate) at: Vec<u32>,
    pub(crate) makespan: i32,
    /// By operation: the number of the last reordering that had to put it behind the moved one.
    mark: Vec<u32>,
    n_reorderings: u32,
    /// Operations to be put behind the moved one.
    later: Vec<u32>,
}

impl Sequences {
    /// Room for the operations of a shop; to be loaded.
    pub(crate) fn new(shop: &Shop<'_>) -> Self {
        let n = shop.n;
        Self {
            machine: vec![0; n],
            time: vec![0; n],
            head: vec![0; n],
            tail: vec![0; n],
            before: vec![NONE; n],
            behind: vec![NONE; n],
            lists: vec![Vec::new(); shop.n_machines],
            index: vec![0; n],
            order: vec![0; n],
            at: vec![0; n],
            makespan: 0,
            mark: vec![0; n],
            n_reorderings: 0,
            later: Vec::new(),
        }
    }

    /// Takes over the decisions of a blueprint.
    pub(crate) fn load(&mut self, shop: &Shop<'_>, blueprint: &Blueprint) {
        self.machine.copy_from_slice(&blueprint.machine);
        self.order.copy_from_slice(&blueprint.order);
        for list in &mut self.lists {
            list.clear();
        }
        for (at, &op) in blueprint.order.iter().enumerate() {
            let machine = blueprint.machine[op as usize];
            let list = &mut self.lists[machine as usize];
            let before = list.last().copied().unwrap_or(NONE);
            if before != NONE {
                self.behind[before as usize] = op;
            }
            self.before[op as usize] = before;
            self.behind[op as usize] = NONE;
            self.index[op as usize] = list.len() as u32;
            list.push(op);
            self.at[op as usize] = at as u32;
            self.time[op as usize] = shop.duration(op, machine);
        }
        self.refresh_heads(shop, 0);
        self.refresh_tails(shop, shop.n);
    }

    /// Writes the decisions down.
    pub(crate) fn save(&self, blueprint: &mut Blueprint) {
        blueprint.machine.clone_from(&self.machine);
        blueprint.order.clone_from(&self.order);
    }

    /// When an operation ends; 0 for none.
    pub(crate) fn end(&self, op: u32) -> i32 {
        if op == NONE {
            0
        } else {
            self.head[op as usize] + self.time[op as usize]
        }
    }

    /// The longest path from the start of an operation to the end; 0 for none.
    pub(crate) fn rest(&self, op: u32) -> i32 {
        if op == NONE {
            0
        } else {
            self.tail[op as usize] + self.time[op as usize]
        }
    }

    /// When an operation may start as far as precedences and release go.
    pub(crate) fn ready(&self, shop: &Shop<'_>, op: u32) -> i32 {
        let mut ready = shop.release[op as usize];
        for &pred in shop.preds(op) {
            ready = ready.max(self.head[pred as usize] + self.time[pred as usize]);
        }
        ready
    }

    /// The longest path behind an operation as far as precedences go.
    pub(crate) fn due(&self, shop: &Shop<'_>, op: u32) -> i32 {
        let mut due = 0;
        for &succ in shop.succs(op) {
            due = due.max(self.tail[succ as usize] + self.time[succ as usize]);
        }
        due
    }

    /// Carries a move out. Says no, and changes nothing, if operations would wait for each other.
    pub(crate) fn apply(&mut self, shop: &Shop<'_>, step: Move) -> bool {
        let op = step.op;
        let (old_machine, old_index) = (self.machine[op as usize], self.index[op as usize]);
        let (before, behind) = (self.before[op as usize], self.behind[op as usize]);
        self.unlink(op);
        self.link(op, step.machine, step.index);
        if !self.reorder(shop, op) {
            self.unlink(op);
            self.link(op, old_machine, old_index);
            return false;
        }
        if step.machine != old_machine {
            self.time[op as usize] = shop.duration(op, step.machine);
        }
        let position = |other: u32| (other != NONE).then(|| self.at[other as usize] as usize);
        let own = self.at[op as usize] as usize;
        let later = [position(behind), position(self.behind[op as usize])];
        let first = later.into_iter().flatten().fold(own, usize::min);
        let sooner = [position(before), position(self.before[op as usize])];
        let last = sooner.into_iter().flatten().fold(own, usize::max);
        self.refresh_heads(shop, first);
        self.refresh_tails(shop, last + 1);
        true
    }

    /// Takes an operation out of the list of its machine.
    fn unlink(&mut self, op: u32) {
        let (before, behind) = (self.before[op as usize], self.behind[op as usize]);
        if before != NONE {
            self.behind[before as usize] = behind;
        }
        if behind != NONE {
            self.before[behind as usize] = before;
        }
        let list = &mut self.lists[self.machine[op as usize] as usize];
        let index = self.index[op as usize] as usize;
        list.remove(index);
        for other in &list[index..] {
            self.index[*other as usize] -= 1;
        }
    }

    /// Puts an operation into the list of a machine, to stand at `index`.
    fn link(&mut self, op: u32, machine: u32, index: u32) {
        let list = &mut self.lists[machine as usize];
        list.insert(index as usize, op);
        for other in &list[index as usize + 1..] {
            self.index[*other as usize] += 1;
        }
        let before = index.checked_sub(1).map_or(NONE, |i| list[i as usize]);
        let behind = list.get(index as usize + 1).copied().unwrap_or(NONE);
        self.machine[op as usize] = machine;
        self.index[op as usize] = index;
        self.before[op as usize] = before;
        self.behind[op as usize] = behind;
        if before != NONE {
            self.behind[before as usize] = op;
        }
        if behind != NONE {
            self.before[behind as usize] = op;
        }
    }

    /// Restores `order` after `op` got new neighbours: it must stand behind its predecessors and
    /// the one before it on its machine, and the others behind it. Only the window between them is
    /// touched, as in Pearce and Kelly (2007), "A dynamic topological sort algorithm for directed
    /// acyclic graphs". Says no, and changes nothing, if there is no such order.
    fn reorder(&mut self, shop: &Shop<'_>, op: u32) -> bool {
        let (before, behind) = (self.before[op as usize], self.behind[op as usize]);
        // The window, both ends included: from the first that must be later to the last that must
        // be sooner.
        let mut low = i64::MAX;
        let mut high = -1_i64;
        for sooner in shop.preds(op).iter().copied().chain([before]) {
            if sooner != NONE {
                high = high.max(i64::from(self.at[sooner as usize]));
            }
        }
        for later in shop.succs(op).iter().copied().chain([behind]) {
            if later != NONE {
                low = low.min(i64::from(self.at[later as usize]));
            }
        }
        let own = i64::from(self.at[op as usize]);
        if low > high {
            if own < high {
                self.shift(op, own as usize, high as usize);
            } else if own > low {
                self.shift(op, own as usize, low as usize);
            }
            return true;
        }
        self.split(shop, op, low as usize, high as usize)
    }

    /// Moves `op` from one position of `order` to another; those between make room.
    fn shift(&mut self, op: u32, from: usize, to: usize) {
        if from < to {
            for at in from..to {
                self.place(self.order[at + 1], at);
            }
        } else {
            for at in (to..from).rev() {
                self.place(self.order[at], at + 1);
            }
        }
        self.place(op, to);
    }

    fn place(&mut self, op: u32, at: usize) {
        self.order[at] = op;
        self.at[op as usize] = at as u32;
    }

    /// Puts those of the window `low..=high` that come after `op` behind it, the others before it.
    fn split(&mut self, shop: &Shop<'_>, op: u32, low: usize, high: usize) -> bool {
        self.n_reorderings += 1;
        let stamp = self.n_reorderings;
        let (before, behind) = (self.before[op as usize], self.behind[op as usize]);
        for at in low..=high {
            let other = self.order[at];
            if other == op {
                continue;
            }
            let sooner = self.before[other as usize];
            // What comes after the moved one by way of its machine begins with `behind`.
            let is_later = other == behind
                || (sooner != NONE && sooner != op && self.mark[sooner as usize] == stamp)
                || shop
                    .preds(other)
                    .iter()
                    .any(|pred| *pred == op || self.mark[*pred as usize] == stamp);
            if is_later {
                if other == before || shop.preds(op).contains(&other) {
                    return false;
                }
                self.mark[other as usize] = stamp;
            }
        }
        let own = self.at[op as usize] as usize;
        let mut last = high;
        if own > high {
            last = high + 1;
            self.shift(op, own, last);
        }
        self.later.clear();
        let mut to = low.min(own);
        for at in low.min(own)..=last {
            let other = self.order[at];
            if self.mark[other as usize] == stamp {
                self.later.push(other);
            } else if other != op {
                self.place(other, to);
                to += 1;
            }
        }
        self.place(op, to);
        for i in 0..self.later.len() {
            self.place(self.later[i], to + 1 + i);
        }
        true
    }

    /// Computes the heads from a position of `order` on, and the makespan.
    fn refresh_heads(&mut self, shop: &Shop<'_>, from: usize) {
        for at in from..self.order.len() {
            let op = self.order[at];
            let before = self.before[op as usize];
            let free = self.end(before);
            self.head[op as usize] = self.ready(shop, op).max(free);
        }
        self.makespan = 0;
        for machine in 0..self.lists.len() {
            let last = self.lists[machine].last().copied().unwrap_or(NONE);
            self.makespan = self.makespan.max(self.end(last));
        }
    }

    /// Computes the tails up to a position of `order`, which is not included.
    fn refresh_tails(&mut self, shop: &Shop<'_>, to: usize) {
        for at in (0..to).rev() {
            let op = self.order[at];
            let behind = self.behind[op as usize];
            let rest = self.rest(behind);
            self.tail[op as usize] = self.due(shop, op).max(rest);
        }
    }
}
