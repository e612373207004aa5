//! A critical path, and how long the schedule would be without each of its operations.

use rand::{Rng as _, rngs::SmallRng};

use crate::shop::{Sequences, Shop, sequences::NONE};

/// Paths that are shorter than the makespan by more than one part in so many count as short.
pub(super) const SHORTER: i32 = 16;

/// A longest path, and for each operation on it the longest path that avoids it.
#[derive(Default)]
pub(crate) struct CriticalPath {
    /// The operations, first to last.
    pub(crate) ops: Vec<u32>,
    /// By place on the path: the makespan if the operation were taken out.
    pub(crate) without: Vec<i32>,
    /// By operation: how many of the path's operations stand up to it in the order.
    passed: Vec<u32>,
    /// By level, then place: the longest path that avoids the 2^level operations from there on.
    levels: Vec<Vec<i32>>,
    /// By number of operations passed: the longest path that ends, or begins, there.
    ending: Vec<i32>,
    beginning: Vec<i32>,
}

impl CriticalPath {
    /// Follows a longest path back from its end, by chance where several are critical.
    pub(crate) fn trace(&mut self, shop: &Shop<'_>, state: &Sequences, rng: &mut SmallRng) {
        self.ops.clear();
        let lasts = state.lists.iter().filter_map(|list| list.last().copied());
        let mut op = choose(lasts.filter(|op| state.end(*op) == state.makespan), rng);
        while op != NONE {
            self.ops.push(op);
            let head = state.head[op as usize];
            let before = state.before[op as usize];
            let sooner = shop.preds(op).iter().copied().chain([before]);
            op = choose(
                sooner.filter(|sooner| *sooner != NONE && state.end(*sooner) == head),
                rng,
            );
        }
        self.ops.reverse();
    }

    /// Computes `without`: for each operation on the path, the longest path of the schedule from
    /// which it was taken out, its neighbours joined. All in one sweep over the arcs: a path avoids
    /// an operation if it steps over its place in the order, and no head before that place and no
    /// tail behind it depends on the operation.
    pub(crate) fn weigh(&mut self, shop: &Shop<'_>, state: &Sequences) {
        let n = self.ops.len();
        let n_levels = (n.max(1).ilog2() + 1) as usize;
        self.passed.resize(shop.n, 0);
        self.levels
            .resize_with(n_levels.max(self.levels.len()), Vec::new);
        for level in &mut self.levels[..n_levels] {
            level.clear();
            level.resize(n, 0);
        }
        for list in [&mut self.ending, &mut self.beginning] {
            list.clear();
            list.resize(n + 1, 0);
        }
        self.sweep(shop, state);
        for level in (1..n_levels).rev() {
            let half = 1 << (level - 1);
            let (below, above) = self.levels.split_at_mut(level);
            for at in 0..=n - 2 * half {
                let length = above[0][at];
                let below = &mut below[level - 1];
                below[at] = below[at].max(length);
                below[at + half] = below[at + half].max(length);
            }
        }
        self.gather(state);
    }

    /// Enters each arc at those operations that it steps over. Arcs on short paths only are left
    /// out: it does not matter how much shorter than now the schedule would be.
    fn sweep(&mut self, shop: &Shop<'_>, state: &Sequences) {
        let least = state.makespan - state.makespan / SHORTER;
        let mut n_passed = 0_usize;
        for &op in &state.order {
            let rest = state.rest(op);
            if state.head[op as usize] + rest >= least {
                let before = state.before[op as usize];
                if before != NONE {
                    self.enter(state, before, rest, n_passed);
                }
                for &sooner in shop.preds(op) {
                    self.enter(state, sooner, rest, n_passed);
                }
                let begin = shop.release[op as usize] + rest;
                self.beginning[n_passed] = self.beginning[n_passed].max(begin);
                n_passed += usize::from(self.ops.get(n_passed) == Some(&op));
                self.ending[n_passed] = self.ending[n_passed].max(state.end(op));
            }
            self.passed[op as usize] = n_passed as u32;
        }
    }

    /// Enters the arc from `sooner` to an operation before which the path has passed `to`.
    fn enter(&mut self, state: &Sequences, sooner: u32, rest: i32, to: usize) {
        let from = self.passed[sooner as usize] as usize;
        if from < to {
            let level = (to - from).ilog2();
            let length = state.end(sooner) + rest;
            let lengths = &mut self.levels[level as usize];
            let right = to - (1 << level);
            lengths[from] = lengths[from].max(length);
            lengths[right] = lengths[right].max(length);
        }
    }

    /// Adds the paths that end before or begin behind each operation, and the joint of its
    /// neighbours.
    fn gather(&mut self, state: &Sequences) {
        let n = self.ops.len();
        self.without.clear();
        self.without.resize(n, 0);
        let mut longest = 0;
        for at in 0..n {
            longest = longest.max(self.ending[at]);
            self.without[at] = longest.max(self.levels[0][at]);
        }
        longest = 0;
        for at in (0..n).rev() {
            longest = longest.max(self.beginning[at + 1]);
            let op = self.ops[at] as usize;
            let joint = state.end(state.before[op]) + state.rest(state.behind[op]);
            self.without[at] = self.without[at].max(longest).max(joint);
        }
    }
}

/// One of the candidates, all with the same chance; [`NONE`] if there is none.
fn choose(candidates: impl Iterator<Item = u32>, rng: &mut SmallRng) -> u32 {
    let mut chosen = NONE;
    for (n, candidate) in candidates.enumerate() {
        if n == 0 || rng.random_range(0..=n as u32) == 0 {
            chosen = candidate;
        }
    }
    chosen
}
