//! One sequence of jobs for each machine, with times that follow each move of one operation.
//!
//! The longest way through an operation at a place is known before it is put there: nothing behind
//! its own stage changes when it starts, nothing before its stage what comes after it.

use crate::{
    instance::Instance,
    planner::iterated_greedy::flow::Flow,
    schedule::{Assignment, Schedule},
};

/// A machine and how many jobs are before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) machine: usize,
    pub(super) at: usize,
}

/// A schedule as sequences. Operations are numbered `stage * n_jobs + job`.
pub(super) struct Machines<'f> {
    pub(super) flow: &'f Flow,
    /// By machine: its jobs in order.
    pub(super) sequences: Vec<Vec<u32>>,
    /// By operation; meaningless for those that take no time.
    places: Vec<Place>,
    /// By stage and job, one stage to the right: when the operation ends; releases come first.
    pub(super) ends: Vec<f64>,
    /// By operation: from its start to the end of all that waits for it; zeros come last.
    pub(super) tails: Vec<f64>,
    /// By machine: where it must be looked at again, first and last.
    stale: Vec<(usize, usize)>,
    /// Jobs whose times changed in this stage, and in the one before.
    changed: Vec<u32>,
    sources: Vec<u32>,
}

const FRESH: (usize, usize) = (usize::MAX, 0);

impl<'f> Machines<'f> {
    /// The sequences of a valid schedule.
    pub(super) fn new(flow: &'f Flow, schedule: &Schedule) -> Self {
        let (n_jobs, n_ops) = (flow.n_jobs, flow.ops.len());
        let nowhere = Place { machine: 0, at: 0 };
        let mut machines = Self {
            flow,
            sequences: vec![Vec::new(); flow.resources.len()],
            places: vec![nowhere; n_ops],
            ends: vec![0.0; n_ops + n_jobs],
            tails: vec![0.0; n_ops + n_jobs],
            stale: vec![FRESH; flow.resources.len()],
            changed: Vec::with_capacity(2 * n_jobs),
            sources: Vec::with_capacity(2 * n_jobs),
        };
        machines.load(schedule);
        machines
    }

    /// Takes over a valid schedule.
    pub(super) fn load(&mut self, schedule: &Schedule) {
        let flow = self.flow;
        let mut machine_of = vec![
            0;
            flow.resources
                .iter()
                .map(|id| id.index() + 1)
                .max()
                .unwrap_or(0)
        ];
        for (machine, resource) in flow.resources.iter().enumerate() {
            machine_of[resource.index()] = machine;
        }
        for sequence in &mut self.sequences {
            sequence.clear();
        }
        for (op, id) in flow.ops.iter().enumerate() {
            let machine = machine_of[schedule.of(*id).resource.index()];
            // What takes no time occupies nothing.
            if flow.durations[op] > 0.0 {
                self.sequences[machine].push((op % flow.n_jobs) as u32);
            } else {
                self.places[op] = Place { machine, at: 0 };
            }
        }
        for stage in 0..flow.n_stages {
            for machine in flow.machines(stage) {
                self.sequences[machine].sort_by(|a, b| {
                    let of = |job: u32| schedule.of(flow.ops[stage * flow.n_jobs + job as usize]);
                    let (a, b) = (of(*a), of(*b));
                    a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end))
                });
                self.renumber(stage, machine, 0);
            }
        }
        self.ends[..flow.n_jobs].copy_from_slice(&flow.releases);
        // All jobs are news to each stage.
        let all = 0..flow.n_jobs as u32;
        for stage in 0..flow.n_stages {
            self.changed.clear();
            self.changed.extend(all.clone());
            self.mark(stage, true);
            for machine in flow.machines(stage) {
                self.stale[machine] = FRESH;
                self.time_forward(stage, machine, (0, usize::MAX));
            }
        }
        for stage in (0..flow.n_stages).rev() {
            self.changed.clear();
            self.changed.extend(all.clone());
            self.mark(stage, false);
            for machine in flow.machines(stage) {
                self.stale[machine] = FRESH;
                self.time_backward(stage, machine, (0, usize::MAX));
            }
        }
        self.changed.clear();
    }

    /// The end of the last operation.
    pub(super) fn makespan(&self) -> f64 {
        let last = self.flow.n_stages - 1;
        if self.flow.movable.len() < self.flow.ops.len() {
            return self.completions().iter().copied().fold(0.0, f64::max);
        }
        let ends = self.flow.machines(last).map(|machine| {
            let job = self.sequences[machine].last();
            job.map_or(0.0, |job| {
                self.ends[(last + 1) * self.flow.n_jobs + *job as usize]
            })
        });
        ends.fold(0.0, f64::max)
    }

    /// When each job is done.
    pub(super) fn completions(&self) -> &[f64] {
        &self.ends[self.flow.ops.len()..]
    }

    /// Where an operation that takes time is.
    pub(super) fn place(&self, op: usize) -> Place {
        self.places[op]
    }

    /// The longest way through an operation.
    pub(super) fn through(&self, op: usize) -> f64 {
        self.ends[op + self.flow.n_jobs] + self.tails[op] - self.flow.durations[op]
    }

    /// Takes an operation from its machine, with the times of its stage only.
    pub(super) fn lift(&mut self, op: usize) -> Place {
        let place = self.places[op];
        let stage = op / self.flow.n_jobs;
        self.sequences[place.machine].remove(place.at);
        self.changed.clear();
        if place.at < self.sequences[place.machine].len() {
            self.time_forward(stage, place.machine, (place.at, place.at));
        }
        // What changed is kept for `put`, which hands it on to later stages.
        std::mem::swap(&mut self.changed, &mut self.sources);
        self.changed.clear();
        if place.at > 0 {
            self.time_backward(stage, place.machine, (place.at - 1, place.at - 1));
        }
        place
    }

    /// Puts a lifted operation back to where it was.
    pub(super) fn put_back(&mut self, op: usize, place: Place) {
        let stage = op / self.flow.n_jobs;
        let job = (op % self.flow.n_jobs) as u32;
        self.sequences[place.machine].insert(place.at, job);
        self.time_forward(stage, place.machine, (place.at, usize::MAX));
        self.time_backward(stage, place.machine, (0, place.at));
    }

    /// Puts an operation that was lifted from `old` to another place; all times follow.
    pub(super) fn put(&mut self, op: usize, old: Place, new: Place) {
        let (stage, job) = (op / self.flow.n_jobs, (op % self.flow.n_jobs) as u32);
        self.sequences[new.machine].insert(new.at, job);
        if old.machine == new.machine {
            self.renumber(stage, old.machine, old.at.min(new.at));
        } else {
            self.renumber(stage, old.machine, old.at);
            self.renumber(stage, new.machine, new.at);
        }
        std::mem::swap(&mut self.changed, &mut self.sources);
        self.time_forward(stage, new.machine, (new.at, new.at + 1));
        self.changed.push(job);
        self.spread_forward(stage + 1);
        self.changed.clear();
        self.time_backward(stage, new.machine, (new.at.saturating_sub(1), new.at));
        // Whatever was before the old place may have changed when the operation left.
        let n_before = self.sequences[old.machine].len().min(old.at + 1);
        self.changed
            .extend_from_slice(&self.sequences[old.machine][..n_before]);
        self.changed.push(job);
        self.spread_backward(stage);
    }

    /// Exchanges the operations at two places on different machines of a stage; all times follow.
    pub(super) fn swap(&mut self, stage: usize, a: Place, b: Place) {
        let (in_a, in_b) = (
            self.sequences[a.machine][a.at],
            self.sequences[b.machine][b.at],
        );
        for (place, job) in [(a, in_b), (b, in_a)] {
            self.sequences[place.machine][place.at] = job;
            self.places[stage * self.flow.n_jobs + job as usize] = place;
        }
        // The next one must be looked at even if the newcomer ends when the other one did before.
        self.retime(stage, [a, b], 1);
    }

    /// Lets two machines of a stage exchange all that they do from two places on; all times follow.
    pub(super) fn cross(&mut self, stage: usize, a: Place, b: Place) {
        let mut from_a = std::mem::take(&mut self.sources);
        from_a.clear();
        from_a.extend(self.sequences[a.machine].drain(a.at..));
        let mut sequence = std::mem::take(&mut self.sequences[a.machine]);
        sequence.extend(self.sequences[b.machine].drain(b.at..));
        self.sequences[a.machine] = sequence;
        self.sequences[b.machine].extend_from_slice(&from_a);
        self.sources = from_a;
        self.renumber(stage, a.machine, a.at);
        self.renumber(stage, b.machine, b.at);
        self.retime(stage, [a, b], 0);
    }

    /// Times everything anew that hangs on so many operations behind the places, and on the last
    /// ones before them.
    fn retime(&mut self, stage: usize, places: [Place; 2], n_new: usize) {
        self.changed.clear();
        for place in places {
            if place.at < self.sequences[place.machine].len() {
                self.time_forward(stage, place.machine, (place.at, place.at + n_new));
            }
        }
        self.spread_forward(stage + 1);
        self.changed.clear();
        for place in places {
            if place.at + n_new > 0 {
                let first = place.at.saturating_sub(1);
                let last = place.at + n_new - 1;
                self.time_backward(stage, place.machine, (first, last));
            }
        }
        self.spread_backward(stage);
    }

    /// The schedule, as the instance counts.
    pub(super) fn schedule(&self, instance: &Instance) -> Schedule {
        let flow = self.flow;
        let mut assignments = vec![
            Assignment {
                resource: flow.resources[0],
                start: 0.0,
                end: 0.0,
            };
            instance.n_ops()
        ];
        for (op, id) in flow.ops.iter().enumerate() {
            let end = self.ends[op + flow.n_jobs];
            assignments[id.index()] = Assignment {
                resource: flow.resources[self.places[op].machine],
                start: end - flow.durations[op],
                end,
            };
        }
        Schedule { assignments }
    }

    fn renumber(&mut self, stage: usize, machine: usize, from: usize) {
        for (at, job) in self.sequences[machine].iter().enumerate().skip(from) {
            self.places[stage * self.flow.n_jobs + *job as usize] = Place { machine, at };
        }
    }

    /// Times the operations of a machine anew, from the first stale one until behind the last
    /// nothing changes any more.
    fn time_forward(&mut self, stage: usize, machine: usize, (first, last): (usize, usize)) {
        let n_jobs = self.flow.n_jobs;
        let sequence = &self.sequences[machine];
        let (ready, ends) = self.ends[stage * n_jobs..].split_at_mut(n_jobs);
        let durations = &self.flow.durations[stage * n_jobs..];
        let mut end = if first > 0 {
            ends[sequence[first - 1] as usize]
        } else {
            0.0
        };
        for (at, &job) in sequence.iter().enumerate().skip(first) {
            let job = job as usize;
            end = if ready[job] > end { ready[job] } else { end } + durations[job];
            if ends[job] != end {
                ends[job] = end;
                self.changed.push(job as u32);
            } else if at >= last {
                break;
            }
        }
    }

    fn time_backward(&mut self, stage: usize, machine: usize, (first, last): (usize, usize)) {
        let n_jobs = self.flow.n_jobs;
        let sequence = &self.sequences[machine];
        if sequence.is_empty() {
            return;
        }
        let last = last.min(sequence.len() - 1);
        let (tails, behind) = self.tails[stage * n_jobs..].split_at_mut(n_jobs);
        let durations = &self.flow.durations[stage * n_jobs..];
        let next = sequence.get(last + 1);
        let mut tail = next.map_or(0.0, |job| tails[*job as usize]);
        for at in (0..=last).rev() {
            let job = sequence[at] as usize;
            tail = if behind[job] > tail {
                behind[job]
            } else {
                tail
            } + durations[job];
            if tails[job] != tail {
                tails[job] = tail;
                self.changed.push(job as u32);
            } else if at <= first {
                break;
            }
        }
    }

    fn spread_forward(&mut self, from: usize) {
        for stage in from..self.flow.n_stages {
            if self.mark(stage, true) {
                return;
            }
            for machine in self.flow.machines(stage) {
                let range = std::mem::replace(&mut self.stale[machine], FRESH);
                if range != FRESH {
                    self.time_forward(stage, machine, range);
                }
            }
        }
    }

    fn spread_backward(&mut self, until: usize) {
        for stage in (0..until).rev() {
            if self.mark(stage, false) {
                return;
            }
            for machine in self.flow.machines(stage) {
                let range = std::mem::replace(&mut self.stale[machine], FRESH);
                if range != FRESH {
                    self.time_backward(stage, machine, range);
                }
            }
        }
    }

    /// Marks where the machines of a stage have the jobs that changed; says whether none did.
    /// Operations that take no time hand on what they hear, as it is.
    fn mark(&mut self, stage: usize, is_forward: bool) -> bool {
        let n_jobs = self.flow.n_jobs;
        std::mem::swap(&mut self.changed, &mut self.sources);
        self.changed.clear();
        for &job in &self.sources {
            let op = stage * n_jobs + job as usize;
            if self.flow.durations[op] > 0.0 {
                let place = self.places[op];
                let (first, last) = &mut self.stale[place.machine];
                *first = place.at.min(*first);
                *last = place.at.max(*last);
                continue;
            }
            if is_forward {
                self.ends[op + n_jobs] = self.ends[op];
            } else {
                self.tails[op] = self.tails[op + n_jobs];
            }
            self.changed.push(job);
        }
        self.sources.is_empty()
    }
}
