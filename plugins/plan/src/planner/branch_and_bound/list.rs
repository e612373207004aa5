//! List schedules on identical processors: whenever one is free, the ready task of the highest
//! priority starts. Graham (1969), "Bounds on multiprocessing timing anomalies".

use std::{cmp::Reverse, collections::BinaryHeap};

use super::graph::Graph;

/// Makes list schedules of one graph; keeps its buffers.
pub(super) struct Lister<'a> {
    graph: &'a Graph,
    missing: Vec<u32>,
    /// When all predecessors have ended.
    ready_at: Vec<u32>,
    /// Priority (highest first), task.
    ready: BinaryHeap<(u64, Reverse<u32>)>,
    /// When known to be ready, task.
    waiting: BinaryHeap<Reverse<(u32, u32)>>,
    free_at: BinaryHeap<Reverse<u32>>,
    /// The starts of the latest schedule, by task.
    pub(super) starts: Vec<u32>,
}

impl<'a> Lister<'a> {
    /// For schedules of `graph`.
    pub(super) fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            missing: Vec::new(),
            ready_at: Vec::new(),
            ready: BinaryHeap::new(),
            waiting: BinaryHeap::new(),
            free_at: BinaryHeap::new(),
            starts: vec![0; graph.n_tasks()],
        }
    }

    /// Makes the schedule in which high `priorities` go first; returns its value.
    pub(super) fn run(&mut self, priorities: &[u64]) -> u32 {
        let graph = self.graph;
        self.missing.clear();
        let n_preds = graph.preds.iter().map(|preds| preds.len() as u32);
        self.missing.extend(n_preds);
        self.ready_at.clear();
        self.ready_at.extend_from_slice(&graph.heads);
        self.free_at.clear();
        let n_useful = graph.n_processors.min(graph.n_tasks());
        self.free_at.extend((0..n_useful).map(|_| Reverse(0)));
        for task in 0..graph.n_tasks() {
            if self.missing[task] == 0 {
                self.waiting
                    .push(Reverse((self.ready_at[task], task as u32)));
            }
        }
        let mut now = 0;
        while let Some(Reverse(free_at)) = self.free_at.pop() {
            now = free_at.max(now);
            self.wake(now, priorities);
            if self.ready.is_empty() {
                let Some(&Reverse((next, _))) = self.waiting.peek() else {
                    break;
                };
                now = next;
                self.wake(now, priorities);
            }
            if let Some((_, Reverse(task))) = self.ready.pop() {
                self.start(task, now);
            }
        }
        graph.value(&self.starts)
    }

    /// Makes ready what waits no longer.
    fn wake(&mut self, now: u32, priorities: &[u64]) {
        while let Some(&Reverse((at, task))) = self.waiting.peek() {
            if at > now {
                break;
            }
            self.waiting.pop();
            self.ready.push((priorities[task as usize], Reverse(task)));
        }
    }

    fn start(&mut self, task: u32, now: u32) {
        let graph = self.graph;
        self.starts[task as usize] = now;
        let end = now + graph.durations[task as usize];
        self.free_at.push(Reverse(end));
        for &after in &graph.succs[task as usize] {
            let next = after as usize;
            self.ready_at[next] = self.ready_at[next].max(end);
            self.missing[next] -= 1;
            if self.missing[next] == 0 {
                self.waiting.push(Reverse((self.ready_at[next], after)));
            }
        }
    }
}
