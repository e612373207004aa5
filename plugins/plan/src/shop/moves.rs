//! Where a critical operation may go, and how long the schedule will be then. After Mastrolilli and
//! Gambardella (2000), "Effective neighbourhood functions for the flexible job shop problem",
//! for any acyclic precedence, with the rest of the schedule counted in.

use crate::shop::{CriticalPath, Sequences, Shop, sequences::NONE};

/// An operation goes to another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) op: u32,
    pub(crate) machine: u32,
    /// Where it stands in the list of the machine afterwards.
    pub(crate) index: u32,
}

/// A move and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// The makespan, or a little more.
    pub(crate) makespan: i32,
    /// The longest path through the moved operation, or a little more.
    pub(crate) through: i32,
    /// How much longer the moved operation takes than now.
    pub(crate) added: i32,
}

/// The moves of one operation of a critical path.
pub(crate) struct Neighbourhood<'s> {
    shop: &'s Shop<'s>,
    state: &'s Sequences,
    op: u32,
    /// When its predecessors are done.
    ready: i32,
    /// The longest path behind its end by way of its successors.
    due: i32,
    /// The makespan without it.
    without: i32,
    /// The ends of its block: the operations of the path around it that follow each other on its
    /// machine.
    first: u32,
    last: u32,
}

impl<'s> Neighbourhood<'s> {
    /// The moves of the operation at a place of a path that has been weighed.
    pub(crate) fn of(
        shop: &'s Shop<'s>,
        state: &'s Sequences,
        path: &CriticalPath,
        place: usize,
    ) -> Self {
        let op = path.ops[place];
        Self {
            shop,
            state,
            op,
            ready: state.ready(shop, op),
            due: state.due(shop, op),
            without: path.without[place],
            first: block_end(path.ops[..=place].iter().rev(), &state.before),
            last: block_end(path.ops[place..].iter(), &state.behind),
        }
    }

    /// Shows each move: those to other machines that keep the graph acyclic by the lengths of its
    /// paths, one of those that are worth the same where the machine waits anyway, and all along
    /// its own machine as far as that is known to be acyclic.
    pub(crate) fn each(&self, mut visit: impl FnMut(Move, Estimate)) {
        let own = self.state.machine[self.op as usize];
        for &(machine, time) in self.shop.modes(self.op) {
            if machine == own {
                self.later(&mut visit);
                self.sooner(&mut visit);
            } else {
                self.elsewhere(machine, time, &mut visit);
            }
        }
    }

    fn estimate(&self, through: i32, time: i32) -> Estimate {
        Estimate {
            added: time - self.state.time[self.op as usize],
            makespan: through.max(self.without),
            through,
        }
    }

    /// Moves to another machine.
    fn elsewhere(&self, machine: u32, time: i32, visit: &mut impl FnMut(Move, Estimate)) {
        let list = &self.state.lists[machine as usize];
        // From here on they end after this one is ready: none of its predecessors waits for them.
        let low = list.partition_point(|other| self.state.end(*other) <= self.ready);
        // Up to here the path behind them is longer: none of them waits for its successors.
        let high = list.partition_point(|other| self.state.rest(*other) > self.due);
        if low > high {
            let step = Move {
                op: self.op,
                machine,
                index: ((low + high) / 2) as u32,
            };
            visit(step, self.estimate(self.ready + time + self.due, time));
            return;
        }
        for index in low..=high {
            let before = index.checked_sub(1).map_or(0, |i| self.state.end(list[i]));
            let behind = list.get(index).map_or(0, |other| self.state.rest(*other));
            let through = self.ready.max(before) + time + self.due.max(behind);
            let step = Move {
                op: self.op,
                machine,
                index: index as u32,
            };
            visit(step, self.estimate(through, time));
        }
    }

    /// Moves behind later operations of its own machine, which start sooner for it.
    fn later(&self, visit: &mut impl FnMut(Move, Estimate)) {
        let (state, op) = (self.state, self.op as usize);
        let machine = state.machine[op];
        let time = state.time[op];
        let mut end = state.end(state.before[op]);
        let mut other = state.behind[op];
        let mut is_inside = self.op != self.last;
        while other != NONE && is_inside && state.rest(other) > self.due {
            end = end.max(state.ready(self.shop, other)) + state.time[other as usize];
            let behind = state.behind[other as usize];
            let through = self.ready.max(end) + state.time[op] + self.due.max(state.rest(behind));
            is_inside = other != self.last;
            if self.op == self.first || !is_inside {
                let step = Move {
                    op: self.op,
                    machine,
                    index: state.index[other as usize],
                };
                visit(step, self.estimate(through, time));
            }
            other = behind;
        }
    }

    /// Moves before sooner operations of its own machine, whose tails shrink for it.
    fn sooner(&self, visit: &mut impl FnMut(Move, Estimate)) {
        let (state, op) = (self.state, self.op as usize);
        let machine = state.machine[op];
        let time = state.time[op];
        let mut rest = state.rest(state.behind[op]);
        let mut other = state.before[op];
        let mut is_inside = self.op != self.first;
        while other != NONE && is_inside && state.end(other) > self.ready {
            rest = rest.max(state.due(self.shop, other)) + state.time[other as usize];
            let before = state.before[other as usize];
            let through = self.ready.max(state.end(before)) + state.time[op] + self.due.max(rest);
            is_inside = other != self.first;
            if self.op == self.last || !is_inside {
                let step = Move {
                    op: self.op,
                    machine,
                    index: state.index[other as usize],
                };
                visit(step, self.estimate(through, time));
            }
            other = before;
        }
    }
}

/// The last of the leading operations of a path that are neighbours on one machine.
fn block_end<'o>(mut ops: impl Iterator<Item = &'o u32>, neighbour: &[u32]) -> u32 {
    let mut end = ops.next().copied().unwrap_or(NONE);
    for &op in ops {
        if neighbour[end as usize] != op {
            break;
        }
        end = op;
    }
    end
}
