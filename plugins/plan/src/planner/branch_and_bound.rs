//! Proves the shortest makespan on identical processors: local search finds good schedules, a tree
//! search forwards and backwards in time shows that there is none better, or finds it.

mod climb;
mod graph;
mod list;
mod memo;
mod tree;

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

/// For the makespan of operations that take the same whole time on each resource, and whose data
/// takes none. Does nothing for other problems.
pub(super) struct BranchAndBound;

impl Planner for BranchAndBound {
    fn run(&self, search: &Search<'_>) {
        if search.objective != Objective::Makespan {
            return;
        }
        let Some(graph) = Graph::of(search.instance) else {
            return;
        };
        let reversed = graph.reversed();
        let worker = |thread| Worker {
            search,
            graph: &graph,
            reversed: &reversed,
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
    graph: &'a Graph,
    reversed: &'a Graph,
    thread: usize,
}

impl Worker<'_> {
    fn run(&self) {
        let seed = self.search.seed.wrapping_mul(1_000_003) + self.thread as u64;
        let rng = SmallRng::seed_from_u64(seed);
        let mut climber = Climber::new(self.graph, self.reversed, rng);
        self.offer(self.graph, climber.starts());
        let is_over = |_: u64| self.search.is_over(0);
        if self.climb(&mut climber, 20, 0) {
            return;
        }
        let is_small = self.graph.n_tasks() <= MOST_TASKS && self.best() <= LATEST_TARGET;
        let graphs = [self.graph, self.reversed];
        let mut trees =
            graphs.map(|graph| is_small.then(|| Tree::new(graph, self.bound(), &is_over)));
        let mut slice = 1000;
        let mut nodes = 0;
        for round in 0.. {
            if self.climb(&mut climber, 50, nodes) {
                return;
            }
            let turn = (round + self.thread) % 2;
            let Some(tree) = &mut trees[turn] else {
                continue;
            };
            tree.aim(self.bound());
            match tree.run(slice) {
                Outcome::Found => {
                    let starts = tree.starts();
                    if turn == 0 {
                        self.offer(self.graph, &starts);
                    } else {
                        self.offer(self.graph, &self.reversed.turned(&starts));
                    }
                }
                Outcome::Impossible => {
                    self.search.raise_lower_bound(f64::from(tree.target() + 1));
                }
                Outcome::Stopped => slice += slice / 4,
            }
            nodes = trees.iter().flatten().map(Tree::nodes).sum();
        }
    }

    /// Some steps of local search; says whether the search is over.
    fn climb(&self, climber: &mut Climber<'_>, n_steps: u32, nodes: u64) -> bool {
        for _ in 0..n_steps {
            if self.search.is_over(nodes) {
                return true;
            }
            if climber.step() {
                self.offer(self.graph, climber.starts());
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

    fn offer(&self, graph: &Graph, starts: &[u32]) {
        if f64::from(graph.value(starts)) < self.search.best_value() {
            let schedule = graph.schedule(self.search.instance, starts);
            self.search.offer(schedule, NAME);
        }
    }
}
