//! Operations on identical processors: a whole-number view of an instance that can be turned around.

use crate::{
    instance::{Instance, OpId, ResourceId},
    schedule::{Assignment, Schedule},
};

/// No graph with longer chains than this is taken, so that sums of times stay far from overflow.
const LONGEST: f64 = 1e8;
/// No more precedences than this may come of leaving out operations that take no time.
const MOST_ARCS: usize = 4_000_000;

/// Tasks that any of `n_processors` can do, each one at a time, without data to wait for. Tasks that
/// take no time are left out; what waited for them waits for what they waited for.
#[derive(Clone)]
pub(super) struct Graph {
    pub(super) n_processors: usize,
    /// At least 1 each.
    pub(super) durations: Vec<u32>,
    /// The earliest start: the longest chain before the task, releases included.
    pub(super) heads: Vec<u32>,
    /// The longest chain behind the task.
    pub(super) tails: Vec<u32>,
    pub(super) preds: Vec<Vec<u32>>,
    pub(super) succs: Vec<Vec<u32>>,
    /// The task of each operation; `None` if it takes no time.
    tasks: Vec<Option<u32>>,
}

impl Graph {
    /// The graph of an instance; `None` if its resources are not identical, its times are not whole
    /// numbers, data takes time, or there is nothing to do.
    pub(super) fn of(instance: &Instance) -> Option<Self> {
        if !instance.is_whole() || !is_identical(instance) {
            return None;
        }
        let mut graph = Self {
            n_processors: instance.resources().len(),
            durations: Vec::new(),
            heads: Vec::new(),
            tails: Vec::new(),
            preds: Vec::new(),
            succs: Vec::new(),
            tasks: vec![None; instance.n_ops()],
        };
        graph.fill(instance)?;
        graph.reduce();
        let n = graph.n_tasks();
        graph.succs = vec![Vec::new(); n];
        for task in 0..n {
            for &before in &graph.preds[task] {
                graph.succs[before as usize].push(task as u32);
            }
        }
        // Tasks are in topological order.
        graph.tails = vec![0; n];
        for task in (0..n).rev() {
            for &after in &graph.succs[task] {
                let after = after as usize;
                let tail = graph.durations[after] + graph.tails[after];
                graph.tails[task] = graph.tails[task].max(tail);
            }
        }
        (n > 0).then_some(graph)
    }

    /// How many tasks there are.
    pub(super) fn n_tasks(&self) -> usize {
        self.durations.len()
    }

    /// Adds the tasks in topological order, with heads and predecessors.
    fn fill(&mut self, instance: &Instance) -> Option<()> {
        // What an operation without duration stands for: a time, and the tasks before it.
        let mut gates: Vec<(f64, Vec<u32>)> = vec![(0.0, Vec::new()); instance.n_ops()];
        let mut n_arcs = 0;
        for &op in instance.topological() {
            let mut head = instance.jobs()[instance.job(op).index()].release;
            let mut before = Vec::new();
            for arc in instance.preds(op) {
                if let Some(task) = self.tasks[arc.op.index()] {
                    let end = self.heads[task as usize] + self.durations[task as usize];
                    head = head.max(f64::from(end));
                    before.push(task);
                } else {
                    let (time, tasks) = &gates[arc.op.index()];
                    head = head.max(*time);
                    before.extend_from_slice(tasks);
                }
            }
            before.sort_unstable();
            before.dedup();
            n_arcs += before.len();
            let duration = instance.modes(op)[0].duration;
            if head + duration > LONGEST || n_arcs > MOST_ARCS {
                return None;
            }
            if duration == 0.0 {
                gates[op.index()] = (head, before);
                continue;
            }
            self.tasks[op.index()] = Some(self.n_tasks() as u32);
            self.durations.push(duration as u32);
            self.heads.push(head as u32);
            self.preds.push(before);
        }
        Some(())
    }

    /// Drops the precedences that follow from others, unless that costs too much.
    fn reduce(&mut self) {
        let n = self.n_tasks();
        if n > 4096 {
            return;
        }
        let n_words = n.div_ceil(64);
        let mut ancestors = vec![0_u64; n * n_words];
        for task in 0..n {
            let (earlier, own) = ancestors.split_at_mut(task * n_words);
            let own = &mut own[..n_words];
            // Nearest first: what comes before a later predecessor is not needed itself.
            let mut kept = Vec::new();
            for &before in self.preds[task].iter().rev() {
                let before = before as usize;
                if own[before / 64] >> (before % 64) & 1 == 1 {
                    continue;
                }
                kept.push(before as u32);
                own[before / 64] |= 1 << (before % 64);
                let theirs = &earlier[before * n_words..(before + 1) * n_words];
                for (word, theirs) in own.iter_mut().zip(theirs) {
                    *word |= theirs;
                }
            }
            kept.reverse();
            self.preds[task] = kept;
        }
    }

    /// The same problem with time running backwards: its schedules are those of this graph, read
    /// from the end.
    pub(super) fn reversed(&self) -> Self {
        Self {
            heads: self.tails.clone(),
            tails: self.heads.clone(),
            preds: self.succs.clone(),
            succs: self.preds.clone(),
            ..self.clone()
        }
    }

    /// The graph of what comes after a task, which ends at 0.
    pub(super) fn behind(&self, task: usize) -> Self {
        let n = self.n_tasks();
        let mut is_behind = vec![false; n];
        let mut stack: Vec<u32> = self.succs[task].clone();
        while let Some(next) = stack.pop() {
            if !std::mem::replace(&mut is_behind[next as usize], true) {
                stack.extend_from_slice(&self.succs[next as usize]);
            }
        }
        let mut order: Vec<usize> = (0..n).filter(|&task| is_behind[task]).collect();
        // Heads grow along precedences.
        order.sort_by_key(|&task| self.heads[task]);
        let mut number = vec![0; n];
        for (new, &old) in order.iter().enumerate() {
            number[old] = new as u32;
        }
        let renumbered = |tasks: &[u32]| -> Vec<u32> {
            let inside = tasks.iter().filter(|&&old| is_behind[old as usize]);
            inside.map(|&old| number[old as usize]).collect()
        };
        let mut graph = Self {
            n_processors: self.n_processors,
            durations: order.iter().map(|&old| self.durations[old]).collect(),
            heads: Vec::new(),
            tails: order.iter().map(|&old| self.tails[old]).collect(),
            preds: order
                .iter()
                .map(|&old| renumbered(&self.preds[old]))
                .collect(),
            succs: order
                .iter()
                .map(|&old| renumbered(&self.succs[old]))
                .collect(),
            tasks: Vec::new(),
        };
        for preds in &graph.preds {
            let ends = preds.iter().map(|&before| {
                let before = before as usize;
                graph.heads[before] + graph.durations[before]
            });
            let head = ends.max().unwrap_or(0);
            graph.heads.push(head);
        }
        graph
    }

    /// The longest chain through any task.
    pub(super) fn longest(&self) -> u32 {
        let heads = self.heads.iter().zip(&self.durations).zip(&self.tails);
        heads
            .map(|((head, duration), tail)| head + duration + tail)
            .max()
            .unwrap_or(0)
    }

    /// When the last chain ends if the tasks start at `starts`.
    pub(super) fn value(&self, starts: &[u32]) -> u32 {
        let ends = starts.iter().zip(&self.durations).zip(&self.tails);
        ends.map(|((start, duration), tail)| start + duration + tail)
            .max()
            .unwrap_or(0)
    }

    /// The starts of a schedule of this graph for the reversed graph, or the other way round.
    pub(super) fn turned(&self, starts: &[u32]) -> Vec<u32> {
        let value = self.value(starts);
        let ends = starts.iter().zip(&self.durations);
        ends.map(|(start, duration)| value - start - duration)
            .collect()
    }

    /// The schedule of an instance whose graph this is, from the starts of the tasks.
    pub(super) fn schedule(&self, instance: &Instance, starts: &[u32]) -> Schedule {
        let processors = self.processors(starts);
        let mut assignments: Vec<Assignment> = Vec::new();
        let nothing = Assignment {
            resource: ResourceId(0),
            start: 0.0,
            end: 0.0,
        };
        assignments.resize(instance.n_ops(), nothing);
        for &op in instance.topological() {
            assignments[op.index()] = if let Some(task) = self.tasks[op.index()] {
                let task = task as usize;
                Assignment {
                    resource: ResourceId(processors[task]),
                    start: f64::from(starts[task]),
                    end: f64::from(starts[task] + self.durations[task]),
                }
            } else {
                let release = instance.jobs()[instance.job(op).index()].release;
                let ends = instance.preds(op).iter();
                let start = ends
                    .map(|arc| assignments[arc.op.index()].end)
                    .fold(release, f64::max);
                Assignment {
                    start,
                    end: start,
                    ..nothing
                }
            };
        }
        Schedule { assignments }
    }

    /// A processor for each task, none for two tasks at once.
    fn processors(&self, starts: &[u32]) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.n_tasks()).collect();
        order.sort_by_key(|&task| starts[task]);
        let mut free_at = vec![0_u32; self.n_processors];
        let mut processors = vec![0; self.n_tasks()];
        for task in order {
            let mut ids = 0..self.n_processors;
            let processor = ids
                .find(|&id| free_at[id] <= starts[task])
                .expect("no more tasks run at once than there are processors. This is a bug.");
            free_at[processor] = starts[task] + self.durations[task];
            processors[task] = processor as u32;
        }
        processors
    }
}

/// Whether each operation takes the same time everywhere.
fn is_identical(instance: &Instance) -> bool {
    let n_resources = instance.resources().len();
    instance.ops().all(|op: OpId| {
        let modes = instance.modes(op);
        modes.len() == n_resources && modes.iter().all(|mode| mode.duration == modes[0].duration)
    })
}
