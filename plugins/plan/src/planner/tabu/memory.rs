//! What a tabu search must not return to for a while.

use crate::shop::{Move, Sequences, Shop};

/// The most pairs of operations that are kept apart from each other.
const MAX_SLOTS: usize = 1 << 20;

/// Forbidden machines of operations, and forbidden orders of two operations on a machine.
pub(super) struct Memory {
    /// By mode of each operation: the last iteration at which it is forbidden.
    machines: Vec<u64>,
    /// By pair of operations: the last iteration at which the one must not be put before the
    /// other. Pairs share a slot where there are more than slots.
    orders: Vec<u64>,
    n_ops: usize,
}

impl Memory {
    pub(super) fn new(shop: &Shop<'_>) -> Self {
        let n_pairs = shop.n.saturating_mul(shop.n);
        Self {
            machines: vec![0; shop.n_modes()],
            orders: vec![0; n_pairs.clamp(1, MAX_SLOTS)],
            n_ops: shop.n,
        }
    }

    pub(super) fn forget(&mut self) {
        self.machines.fill(0);
        self.orders.fill(0);
    }

    /// Whether a move leads back to a forbidden machine, or to any forbidden order.
    pub(super) fn forbids(
        &self,
        shop: &Shop<'_>,
        state: &Sequences,
        step: Move,
        iteration: u64,
    ) -> bool {
        if state.machine[step.op as usize] != step.machine {
            return self.machines[mode(shop, step.op, step.machine)] >= iteration;
        }
        let (passed, is_later) = passed(state, step);
        passed.iter().any(|&other| {
            let slot = if is_later {
                self.slot(other, step.op)
            } else {
                self.slot(step.op, other)
            };
            self.orders[slot] >= iteration
        })
    }

    /// Forbids to take a move back: the orders it changes, or the machine it leaves, each until an
    /// iteration.
    pub(super) fn forbid(
        &mut self,
        shop: &Shop<'_>,
        state: &Sequences,
        step: Move,
        until_order: u64,
        until_machine: u64,
    ) {
        let machine = state.machine[step.op as usize];
        if machine != step.machine {
            self.machines[mode(shop, step.op, machine)] = until_machine;
            return;
        }
        let (passed, is_later) = passed(state, step);
        for &other in passed {
            let slot = if is_later {
                self.slot(step.op, other)
            } else {
                self.slot(other, step.op)
            };
            self.orders[slot] = until_order;
        }
    }

    fn slot(&self, sooner: u32, later: u32) -> usize {
        (sooner as usize * self.n_ops + later as usize) % self.orders.len()
    }
}

fn mode(shop: &Shop<'_>, op: u32, machine: u32) -> usize {
    let place = shop.modes(op).iter().position(|mode| mode.0 == machine);
    shop.mode_range(op).start + place.expect("only eligible machines are used. This is a bug.")
}

/// The operations that a move along a machine passes, and whether it leads behind them.
fn passed(state: &Sequences, step: Move) -> (&[u32], bool) {
    let list = &state.lists[step.machine as usize];
    let (from, to) = (state.index[step.op as usize] as usize, step.index as usize);
    if from < to {
        (&list[from + 1..=to], true)
    } else {
        (&list[to..from], false)
    }
}
