//! Orders of jobs that hold in all stages, with the cost of all places of a job at once.
//!
//! The jobs before a place are packed to the left and those behind it to the right. What both leave
//! free of the machines of a stage fits together best with the earliest free machine on one side
//! matched to the latest on the other; so an insertion costs as much as scheduling one job. It is
//! for identical parallel machines what Taillard (1990) is for single ones.

use rand::{Rng as _, rngs::SmallRng};

use crate::planner::iterated_greedy::flow::Flow;

/// An order of some of the jobs, and the machines' times before and behind each place.
pub(super) struct Permutation<'f> {
    flow: &'f Flow,
    pub(super) jobs: Vec<u32>,
    n_machines: usize,
    /// When each machine becomes free, by how many jobs are before, by stage ascending.
    before: Vec<f64>,
    /// How long before the end each machine becomes busy for good, by how many jobs are behind.
    behind: Vec<f64>,
    scratch: Vec<f64>,
}

impl<'f> Permutation<'f> {
    pub(super) fn new(flow: &'f Flow) -> Self {
        let n_machines = flow.resources.len();
        Self {
            flow,
            jobs: Vec::with_capacity(flow.n_jobs + 1),
            n_machines,
            before: vec![0.0; (flow.n_jobs + 2) * n_machines],
            behind: vec![0.0; (flow.n_jobs + 2) * n_machines],
            scratch: vec![0.0; n_machines],
        }
    }

    /// Takes over an order of all jobs.
    pub(super) fn set(&mut self, jobs: &[u32]) {
        self.jobs.clear();
        self.jobs.extend_from_slice(jobs);
        self.pack_before(0);
        self.pack_behind(0);
    }

    /// Takes out the job at a place.
    pub(super) fn remove(&mut self, at: usize) -> u32 {
        let job = self.jobs.remove(at);
        self.pack_before(at);
        self.pack_behind(self.jobs.len() - at);
        job
    }

    /// Puts a job to a place.
    pub(super) fn insert(&mut self, at: usize, job: u32) {
        let n_behind = self.jobs.len() - at;
        self.jobs.insert(at, job);
        self.pack_before(at);
        self.pack_behind(n_behind);
    }

    /// The place at which a job makes the end the earliest, and that end; ties by chance.
    pub(super) fn best_place(&mut self, job: u32, rng: &mut SmallRng) -> (usize, f64) {
        let width = self.n_machines;
        let n_placed = self.jobs.len();
        let (mut best, mut end, mut n_ties) = (0, f64::INFINITY, 0_u32);
        for at in 0..=n_placed {
            self.scratch
                .copy_from_slice(&self.before[at * width..(at + 1) * width]);
            push_job(self.flow, &mut self.scratch, job as usize);
            let behind = &self.behind[(n_placed - at) * width..(n_placed - at + 1) * width];
            let value = join(self.flow, &self.scratch, behind);
            if value < end {
                (best, end, n_ties) = (at, value, 1);
            } else if value == end {
                n_ties += 1;
                if rng.random_range(0..n_ties) == 0 {
                    best = at;
                }
            }
        }
        (best, end)
    }

    fn pack_before(&mut self, from: usize) {
        let width = self.n_machines;
        for at in from..self.jobs.len() {
            self.before
                .copy_within(at * width..(at + 1) * width, (at + 1) * width);
            let free = &mut self.before[(at + 1) * width..(at + 2) * width];
            push_job(self.flow, free, self.jobs[at] as usize);
        }
    }

    fn pack_behind(&mut self, n_valid: usize) {
        let width = self.n_machines;
        for at in n_valid..self.jobs.len() {
            self.behind
                .copy_within(at * width..(at + 1) * width, (at + 1) * width);
            let free = &mut self.behind[(at + 1) * width..(at + 2) * width];
            let job = self.jobs[self.jobs.len() - 1 - at] as usize;
            let mut ready = 0.0;
            for stage in (0..self.flow.n_stages).rev() {
                let duration = self.flow.durations[stage * self.flow.n_jobs + job];
                ready = push(&mut free[self.flow.machines(stage)], ready, duration);
            }
        }
    }
}

/// Schedules a job behind all others, from the first stage to the last.
fn push_job(flow: &Flow, free: &mut [f64], job: usize) {
    let mut ready = flow.releases[job];
    for stage in 0..flow.n_stages {
        let duration = flow.durations[stage * flow.n_jobs + job];
        ready = push(&mut free[flow.machines(stage)], ready, duration);
    }
}

/// Gives the operation to the machine that has waited least, or else becomes free first; `free` is
/// and stays ascending. Returns its end.
fn push(free: &mut [f64], ready: f64, duration: f64) -> f64 {
    let mut at = 0;
    while at + 1 < free.len() && free[at + 1] <= ready {
        at += 1;
    }
    let end = if free[at] > ready { free[at] } else { ready } + duration;
    while at + 1 < free.len() && free[at + 1] < end {
        free[at] = free[at + 1];
        at += 1;
    }
    free[at] = end;
    end
}

/// The end of the schedule that comes of two parts.
fn join(flow: &Flow, before: &[f64], behind: &[f64]) -> f64 {
    let mut end = 0.0_f64;
    for stage in 0..flow.n_stages {
        let machines = flow.machines(stage);
        let pairs = before[machines.clone()]
            .iter()
            .zip(behind[machines].iter().rev());
        for (left, right) in pairs {
            let sum = left + right;
            end = if sum > end { sum } else { end };
        }
    }
    end
}
