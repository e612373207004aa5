//! Proves the shortest makespan on identical processors: local search finds good schedules, a tree
//! search forwards and backwards in time shows that there is none better, or finds it, and what comes
//! after each task is solved first as a problem of its own.

mod climb;
mod dolls;
mod energy;
mod graph;
mod list;
mod memo;
mod tree;

#[cfg(test)]
mod tests;

use rand::{SeedableRng as _, rngs::SmallRng};

use self::{
    climb::Climber,
    graph::Graph,
    tree::{Outcome, Tree},
};
use super::Planner;
use crate::{objective::Objective, search::Search};

const NAME: &str = "branch-and-bound";
/// Larger problems are left to the local search.
const MOST_TASKS: usize = 1500;
const LATEST_TARGET: u32 = 50_000;
const MEMO_LOG2: u32 = 18;

/// For the makespan of operations that take the same whole time on each resource, and whose data
/// takes none. Does nothing for other problems.
pub(super) struct BranchAndBound;

impl Planner for BranchAndBound {
    fn suits(&self, search: &Search<'_>) -> bool {
        search.objective == Objective::Makespan && Graph::of(search.instance).is_some()
    }

    fn run(&self, search: &Search<'_>) {
        if search.objective != Objective::Makespan {
            return;
        }
        let Some(graph) = Graph::of(search.instance) else {
            return;
        };
        let graphs = [graph.clone(), graph.reversed()];
        let worker = |thread| Worker {
            search,
            graphs: &graphs,
            thread,
        };
        std::thread::scope(|scope| {
            for thread in 1..search.threads {
                scope.spawn(move || worker(thread).run());
            }
            worker(0).run();
        });
    }
}

struct Worker<'a> {
    search: &'a Search<'a>,
    /// As it is, and with time running backwards.
    graphs: &'a [Graph; 2],
    thread: usize,
}

impl Worker<'_> {
    fn run(&self) {
        let seed = self.search.seed.wrapping_mul(1_000_003) + self.thread as u64;
        let rng = SmallRng::seed_from_u64(seed);
        let mut climber = Climber::new(&self.graphs[0], &self.graphs[1], rng);
        self.offer(climber.starts());
        if self.climb(&mut climber, 20, 0) {
            return;
        }
        let is_small = self.graphs[0].n_tasks() <= MOST_TASKS && self.best() <= LATEST_TARGET;
        if !is_small {
            while !self.climb(&mut climber, 50, 0) {}
            return;
        }
        let mut graphs = self.graphs.clone();
        let mut nodes = self.search_trees(&graphs, &mut climber, 20_000, 0);
        let mut limit = 200;
        let mut is_partial = true;
        while !self.search.is_over(nodes) {
            if is_partial {
                is_partial = self.lengthen(&mut graphs, limit, &mut nodes);
            }
            limit *= 4;
            nodes += self.search_trees(&graphs, &mut climber, limit * 200, nodes);
        }
    }

    /// Lengthens the tails in both directions of time, this thread's own first; says whether more
    /// effort could lengthen them more.
    fn lengthen(&self, graphs: &mut [Graph; 2], limit: u64, nodes: &mut u64) -> bool {
        let mut is_partial = false;
        for turn in [self.thread % 2, (self.thread + 1) % 2] {
            let before = *nodes;
            let is_over = |more: u64| self.search.is_over(before + more);
            let pass = dolls::lengthen_tails(&mut graphs[turn], limit, &is_over);
            graphs[1 - turn].heads.clone_from(&graphs[turn].tails);
            *nodes += pass.nodes;
            is_partial |= pass.is_partial;
            self.search
                .raise_lower_bound(f64::from(graphs[turn].longest()));
        }
        is_partial
    }

    /// Searches for schedules that reach the lower bound, in turns with local search, until the
    /// trees have had about `limit` events; returns how many they had.
    fn search_trees(
        &self,
        graphs: &[Graph; 2],
        climber: &mut Climber<'_>,
        limit: u64,
        before: u64,
    ) -> u64 {
        let is_over = |nodes: u64| self.search.is_over(before + nodes);
        let mut trees =
            [0, 1].map(|turn| Tree::new(&graphs[turn], self.bound(), MEMO_LOG2, &is_over));
        let mut slice = 1000;
        let mut nodes = 0;
        for round in self.thread.. {
            if self.climb(climber, 50, before + nodes) || nodes > limit {
                break;
            }
            let turn = round % 2;
            let tree = &mut trees[turn];
            tree.aim(self.bound());
            match tree.run(slice) {
                Outcome::Found if turn == 0 => self.offer(&tree.starts()),
                Outcome::Found => self.offer(&self.graphs[1].turned(&tree.starts())),
                Outcome::Impossible => {
                    let bound = f64::from(tree.target() + 1);
                    self.search.raise_lower_bound(bound);
                }
                Outcome::Stopped => slice += slice / 4,
            }
            nodes = trees.iter().map(Tree::nodes).sum();
        }
        nodes
    }

    /// Some steps of local search; says whether the search is over.
    fn climb(&self, climber: &mut Climber<'_>, n_steps: u32, nodes: u64) -> bool {
        for _ in 0..n_steps {
            if self.search.is_over(nodes) {
                return true;
            }
            if climber.step() {
                self.offer(climber.starts());
            }
        }
        if climber.value() > self.best() {
            climber.restart();
        }
        self.search.is_over(nodes)
    }

    fn best(&self) -> u32 {
        self.search.best_value() as u32
    }

    fn bound(&self) -> u32 {
        self.search.lower_bound().ceil() as u32
    }

    fn offer(&self, starts: &[u32]) {
        let graph = &self.graphs[0];
        if f64::from(graph.value(starts)) < self.search.best_value() {
            let schedule = graph.schedule(self.search.instance, starts);
            self.search.offer(schedule, NAME);
        }
    }
}
