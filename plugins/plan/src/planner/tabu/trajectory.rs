//! One run of tabu search: the best move that is not forbidden, again and again.

use rand::{Rng as _, rngs::SmallRng};

use super::memory::Memory;
use crate::{
    search::{Moves, Search},
    shop::{Blueprint, CriticalPath, Estimate, Move, Neighbourhood, Sequences, Shop},
};

/// How many iterations go by between two looks at the clock.
const N_BETWEEN_LOOKS: u64 = 32;

/// What a run takes for the best move. Schedules of shops with many ways to do an operation get
/// stuck where much work is done by slow machines, others where little is; so runs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The shortest makespan, then the shortest path through the moved operation.
    Makespan,
    /// The shortest makespan, then the least added work.
    Work,
    /// The sum of makespan, path and added work.
    Sum,
    /// The sum of path and added work.
    Path,
}

impl Style {
    pub(super) const ALL: [Self; 4] = [Self::Makespan, Self::Work, Self::Sum, Self::Path];

    /// What moves are compared by; smaller is better.
    fn key(self, estimate: Estimate) -> (i32, i32) {
        let Estimate {
            makespan,
            through,
            added,
        } = estimate;
        match self {
            Self::Makespan => (makespan, through),
            Self::Work => (makespan, added),
            Self::Sum => (makespan + through + added, 0),
            Self::Path => (through + added, 0),
        }
    }
}

/// The working state of a run, and the best schedule it met.
pub(super) struct Trajectory<'s> {
    shop: &'s Shop<'s>,
    state: Sequences,
    path: CriticalPath,
    memory: Memory,
    /// Those of all runs.
    pub(super) n_iterations: u64,
    /// Those that the search has not heard of yet.
    moves: Moves,
    pub(super) best: Blueprint,
    pub(super) best_makespan: i32,
}

impl<'s> Trajectory<'s> {
    pub(super) fn new(shop: &'s Shop<'s>) -> Self {
        Self {
            shop,
            state: Sequences::new(shop),
            path: CriticalPath::default(),
            memory: Memory::new(shop),
            n_iterations: 0,
            moves: Moves::default(),
            best: Blueprint::default(),
            best_makespan: i32::MAX,
        }
    }

    /// Searches from a start until nothing better was found for `patience` iterations.
    pub(super) fn run(
        &mut self,
        search: &Search<'_>,
        start: &Blueprint,
        style: Style,
        patience: u64,
        rng: &mut SmallRng,
    ) {
        self.state.load(self.shop, start);
        self.memory.forget();
        self.keep(search);
        self.walk(search, style, patience, rng);
        search.report(std::mem::take(&mut self.moves));
    }

    /// Goes from move to move.
    fn walk(&mut self, search: &Search<'_>, style: Style, patience: u64, rng: &mut SmallRng) {
        let mut last_better = self.n_iterations;
        while self.n_iterations - last_better < patience {
            self.n_iterations += 1;
            if self.n_iterations.is_multiple_of(N_BETWEEN_LOOKS) {
                search.report(std::mem::take(&mut self.moves));
                if search.is_over(self.n_iterations) {
                    return;
                }
            }
            let Some(step) = self.choose(style, rng) else {
                return;
            };
            let (until_order, until_machine) = self.tenures(step, rng);
            self.memory
                .forbid(self.shop, &self.state, step, until_order, until_machine);
            let is_done = self.state.apply(self.shop, step);
            self.moves.performed += u64::from(is_done);
            if is_done && self.state.makespan < self.best_makespan {
                self.keep(search);
                last_better = self.n_iterations;
            }
        }
    }

    /// Writes the present schedule down as the best.
    fn keep(&mut self, search: &Search<'_>) {
        self.best_makespan = self.state.makespan;
        self.state.save(&mut self.best);
        let value = f64::from(self.best_makespan) / self.shop.ticks_per_unit;
        if value < search.best_value() {
            search.offer(self.shop.schedule(&self.best), "tabu");
        }
    }

    /// The last iterations at which the orders that a move changes, and the machine it leaves, are
    /// forbidden. Lengths as in the papers.
    fn tenures(&self, step: Move, rng: &mut SmallRng) -> (u64, u64) {
        let order = 10.0 + self.shop.n as f64 / self.shop.n_machines.pow(2) as f64;
        let order = (order * rng.random_range(1.0..1.4)) as u64;
        let machine = self.path.ops.len() + self.shop.modes(step.op).len();
        (
            self.n_iterations + order,
            self.n_iterations + machine as u64,
        )
    }

    /// The best move that is not forbidden, or leads to something better than ever; if there is
    /// none, any move.
    fn choose(&mut self, style: Style, rng: &mut SmallRng) -> Option<Move> {
        self.path.trace(self.shop, &self.state, rng);
        self.path.weigh(self.shop, &self.state);
        let mut best: Option<((i32, i32), Move)> = None;
        let mut n_best = 0_u32;
        let mut forbidden = None;
        let mut n_forbidden = 0_u32;
        let mut n_weighed = 0;
        for place in 0..self.path.ops.len() {
            let moves = Neighbourhood::of(self.shop, &self.state, &self.path, place);
            moves.each(|step, estimate| {
                n_weighed += 1;
                let key = style.key(estimate);
                if best.is_some_and(|(known, _)| key > known) {
                    return;
                }
                let (shop, state) = (self.shop, &self.state);
                if estimate.makespan >= self.best_makespan
                    && self.memory.forbids(shop, state, step, self.n_iterations)
                {
                    n_forbidden += 1;
                    if rng.random_range(0..n_forbidden) == 0 {
                        forbidden = Some(step);
                    }
                    return;
                }
                let is_tie = best.is_some_and(|(known, _)| key == known);
                n_best = if is_tie { n_best + 1 } else { 1 };
                if n_best == 1 || rng.random_range(0..n_best) == 0 {
                    best = Some((key, step));
                }
            });
        }
        self.moves.weighed += n_weighed;
        best.map(|(_, step)| step).or(forbidden)
    }
}
