//! Climbs by list schedules: the order of the best schedule is disturbed, scheduled forwards,
//! then justified to the right and to the left. Valls, Ballestín, Quintanilla (2005), "Justification
//! and RCPSP: a technique that pays".

use rand::{Rng as _, rngs::SmallRng};

use super::{graph::Graph, list::Lister};

/// A local search; both graphs are the same problem, one read backwards.
pub(super) struct Climber<'a> {
    graph: &'a Graph,
    forwards: Lister<'a>,
    backwards: Lister<'a>,
    rng: SmallRng,
    priorities: Vec<u64>,
    /// The best starts this search accepted, and their value.
    starts: Vec<u32>,
    value: u32,
}

impl<'a> Climber<'a> {
    /// Starts from the rule of the longest chain: Hu (1961), "Parallel sequencing and assembly line
    /// problems".
    pub(super) fn new(graph: &'a Graph, reversed: &'a Graph, rng: SmallRng) -> Self {
        let mut climber = Self {
            graph,
            forwards: Lister::new(graph),
            backwards: Lister::new(reversed),
            rng,
            priorities: Vec::new(),
            starts: Vec::new(),
            value: u32::MAX,
        };
        climber.restart();
        climber
    }

    /// The value of the current schedule.
    pub(super) fn value(&self) -> u32 {
        self.value
    }

    /// The current schedule.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Begins anew, by chains with a random admixture of successors and durations.
    pub(super) fn restart(&mut self) {
        let graph = self.graph;
        let is_first = self.value == u32::MAX;
        let mut weight = || {
            if is_first {
                0.0
            } else {
                self.rng.random::<f64>()
            }
        };
        let (by_succs, by_duration, by_chance) = (3.0 * weight(), 3.0 * weight(), 20.0 * weight());
        self.priorities.clear();
        for task in 0..graph.n_tasks() {
            let chain = f64::from(graph.durations[task] + graph.tails[task]);
            let succs = graph.succs[task].len() as f64;
            let duration = f64::from(graph.durations[task]);
            let chance = self.rng.random::<f64>();
            let priority = chain + by_succs * succs + by_duration * duration + by_chance * chance;
            let tie = 1e-3 * succs;
            self.priorities.push(((priority + tie) * 1024.0) as u64);
        }
        self.value = self.forwards.run(&self.priorities);
        self.starts.clone_from(&self.forwards.starts);
        self.justify();
    }

    /// Disturbs the current schedule; keeps what is no worse. Says whether it got better.
    pub(super) fn step(&mut self) -> bool {
        let strength = 1 << self.rng.random_range(3..14);
        let share = self.rng.random::<f64>().powi(2);
        let latest = self.value;
        self.priorities.clear();
        for task in 0..self.graph.n_tasks() {
            let mut priority = u64::from(latest - self.starts[task]) * 1024 + (1 << 20);
            if self.rng.random::<f64>() < share {
                priority += self.rng.random_range(0..2 * strength * 1024 / 16);
            }
            self.priorities.push(priority);
        }
        let value = self.forwards.run(&self.priorities);
        let before = self.value;
        let kept = (value > before).then(|| self.starts.clone());
        self.value = value;
        self.starts.clone_from(&self.forwards.starts);
        self.justify();
        if self.value > before {
            self.value = before;
            self.starts = kept.unwrap_or_default();
        }
        self.value < before
    }

    /// Schedules backwards by ends, then forwards by starts, as long as that helps.
    fn justify(&mut self) {
        loop {
            self.priorities.clear();
            let ends = self.starts.iter().zip(&self.graph.durations);
            self.priorities
                .extend(ends.map(|(start, duration)| u64::from(start + duration)));
            self.backwards.run(&self.priorities);
            let latest = u64::from(u32::MAX);
            let turned = self.backwards.starts.iter().zip(&self.graph.durations);
            self.priorities.clear();
            // In the reversed graph, what ends last starts first.
            self.priorities
                .extend(turned.map(|(start, duration)| latest.min(u64::from(start + duration))));
            let value = self.forwards.run(&self.priorities);
            if value > self.value {
                return;
            }
            let is_better = value < self.value;
            self.value = value;
            self.starts.clone_from(&self.forwards.starts);
            if !is_better {
                return;
            }
        }
    }
}
