//! What must be done within intervals that begin later: the bound of Fernandez and Bussell (1973) for
//! what a partial schedule leaves to do.

use super::graph::Graph;

/// What a partial schedule leaves to do.
pub(super) struct Rest<'a> {
    pub(super) graph: &'a Graph,
    pub(super) target: u32,
    pub(super) now: u32,
    /// End and task.
    pub(super) running: &'a [(u32, u32)],
    pub(super) is_started: &'a [bool],
    /// The end of each started task.
    pub(super) ends: &'a [u32],
    /// The latest start of each task.
    pub(super) latest: &'a [u32],
}

/// Checks rests of one graph; keeps its buffers.
pub(super) struct Energy {
    /// Predecessors first.
    order: Vec<u32>,
    /// The earliest start of each task that is left.
    earliest: Vec<u32>,
    left: Vec<u32>,
    begins: Vec<u32>,
    /// By how much the work that is due grows faster or slower, by time.
    changes: Vec<i32>,
}

impl Energy {
    /// For rests of `graph`.
    pub(super) fn new(graph: &Graph) -> Self {
        let mut order: Vec<u32> = (0..graph.n_tasks() as u32).collect();
        // All tasks take time, so heads grow along precedences.
        order.sort_by_key(|&task| graph.heads[task as usize]);
        Self {
            order,
            earliest: vec![0; graph.n_tasks()],
            left: Vec::new(),
            begins: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Whether all that is left can be done in time, as far as chains and intervals tell.
    pub(super) fn fits(&mut self, rest: &Rest<'_>) -> bool {
        if !self.find_earliest(rest) {
            return false;
        }
        self.begins.clear();
        let begins = self.left.iter().map(|&task| self.earliest[task as usize]);
        self.begins.extend(begins.filter(|begin| *begin > rest.now));
        self.begins.sort_unstable();
        self.begins.dedup();
        self.changes.resize(rest.target as usize + 2, 0);
        (0..self.begins.len()).all(|at| self.fits_from(rest, self.begins[at]))
    }

    /// The earliest starts along the chains; says whether they are early enough.
    fn find_earliest(&mut self, rest: &Rest<'_>) -> bool {
        let graph = rest.graph;
        self.left.clear();
        for &task in &self.order {
            let at = task as usize;
            if rest.is_started[at] {
                continue;
            }
            let mut earliest = rest.now.max(graph.heads[at]);
            for &before in &graph.preds[at] {
                let before = before as usize;
                let end = if rest.is_started[before] {
                    rest.ends[before]
                } else {
                    self.earliest[before] + graph.durations[before]
                };
                earliest = earliest.max(end);
            }
            if earliest > rest.latest[at] {
                return false;
            }
            self.earliest[at] = earliest;
            self.left.push(task);
        }
        true
    }

    /// Whether the work of each interval from `begin` on fits into it.
    fn fits_from(&mut self, rest: &Rest<'_>, begin: u32) -> bool {
        for &task in &self.left {
            let at = task as usize;
            let duration = rest.graph.durations[at];
            let end = self.earliest[at] + duration;
            if end > begin {
                let from = rest.latest[at].max(begin);
                let until = from + duration.min(end - begin);
                self.changes[from as usize] += 1;
                self.changes[until as usize] -= 1;
            }
        }
        for &(end, _) in rest.running {
            if end > begin {
                self.changes[begin as usize] += 1;
                self.changes[end as usize] -= 1;
            }
        }
        let mut slope = -(rest.graph.n_processors as i32);
        let mut excess = 0;
        let mut worst = 0;
        for change in &mut self.changes[begin as usize..=rest.target as usize] {
            worst = worst.max(excess);
            slope += *change;
            excess += slope;
            *change = 0;
        }
        worst <= 0
    }
}
