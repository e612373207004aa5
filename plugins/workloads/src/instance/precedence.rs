//! Finds cycles in few bytes an arc, before anything is built.

use crate::error::Problem;

/// The arcs of a graph that must be acyclic.
#[derive(Clone, Debug)]
pub(crate) struct Precedence {
    n_tasks: usize,
    arcs: Vec<(u32, u32)>,
}

impl Precedence {
    /// No arcs yet; there will be about so many.
    pub(crate) fn new(n_tasks: usize, n_arcs: usize) -> Self {
        Self {
            n_tasks,
            arcs: Vec::with_capacity(n_arcs),
        }
    }

    pub(crate) fn add(&mut self, from: usize, to: usize) {
        self.arcs.push((from as u32, to as u32));
    }

    /// The arcs, by start and then by end after [`Precedence::check`].
    pub(crate) fn arcs(&self) -> &[(u32, u32)] {
        &self.arcs
    }

    /// Refuses a cycle.
    pub(crate) fn check(&mut self) -> Result<(), Problem> {
        match self.cycle() {
            None => Ok(()),
            Some(task) => Err(Problem::Cycle { task }),
        }
    }

    /// A task that comes after itself, if there is one.
    pub(crate) fn cycle(&mut self) -> Option<usize> {
        // Kahn (1962), "Topological sorting of large networks".
        self.arcs.sort_unstable();
        let mut missing = vec![0_u32; self.n_tasks];
        for (_, to) in &self.arcs {
            missing[*to as usize] += 1;
        }
        let mut free: Vec<u32> = (0..self.n_tasks as u32)
            .filter(|task| missing[*task as usize] == 0)
            .collect();
        let mut n_done = 0;
        while let Some(task) = free.pop() {
            n_done += 1;
            let start = self.arcs.partition_point(|(from, _)| *from < task);
            for (_, to) in self.arcs[start..]
                .iter()
                .take_while(|(from, _)| *from == task)
            {
                missing[*to as usize] -= 1;
                if missing[*to as usize] == 0 {
                    free.push(*to);
                }
            }
        }
        (n_done < self.n_tasks).then(|| self.on_cycle(&missing))
    }

    /// A task on a cycle: going back long enough among what still waits ends on one.
    fn on_cycle(&self, missing: &[u32]) -> usize {
        let mut before = vec![0_u32; self.n_tasks];
        for &(from, to) in &self.arcs {
            if missing[from as usize] > 0 {
                before[to as usize] = from;
            }
        }
        let mut task = missing.iter().position(|n| *n > 0).unwrap_or(0);
        for _ in 0..self.n_tasks {
            task = before[task] as usize;
        }
        task
    }
}
