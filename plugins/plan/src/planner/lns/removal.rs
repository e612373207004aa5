//! Chooses the operations that are taken out of a schedule: neighbours in time, on a resource or in
//! a job, or any; more often those that helped. Pisinger and Ropke (2007), "A general heuristic for
//! vehicle routing problems".

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    decode::Decoder,
    instance::{Instance, JobId, OpId},
};

/// The most operations that are taken out at once, as one part in so many, and in number.
const PART: usize = 4;
const MOST: usize = 24;

/// How quickly the weights of the kinds follow their success.
const PACE: f64 = 0.005;

/// What the operations that are taken out have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// They start at about the same time.
    Window,
    /// They follow each other on one resource.
    Resource,
    /// They belong to one job, or a few.
    Job,
    /// They could be done by one resource, and start at about the same time.
    Rivals,
    /// Nothing.
    Any,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Window,
        Self::Resource,
        Self::Job,
        Self::Rivals,
        Self::Any,
    ];
}

/// The operations that are taken out, and what is known to choose them by.
pub(super) struct Removal {
    pub(super) removed: Vec<OpId>,
    /// By operation.
    pub(super) is_removed: Vec<bool>,
    /// By operation: where it stands in the topological order.
    pub(super) depth: Vec<u32>,
    /// By kind, in their order.
    weights: [f64; Kind::ALL.len()],
    /// All operations by start, and where each stands there.
    by_start: Vec<OpId>,
    place: Vec<usize>,
    /// By resource: its operations by start.
    lists: Vec<Vec<OpId>>,
    /// By job.
    ops_of_job: Vec<Vec<OpId>>,
    job: Vec<JobId>,
    resource: Vec<usize>,
    /// By operation: the resources that can do it.
    eligible: Vec<Vec<usize>>,
}

impl Removal {
    pub(super) fn new(instance: &Instance) -> Self {
        let n = instance.n_ops();
        let mut depth = vec![0; n];
        for (at, op) in instance.topological().iter().enumerate() {
            depth[op.index()] = at as u32;
        }
        let jobs = (0..instance.jobs().len() as u32).map(JobId);
        let eligible = instance.ops().map(|op| {
            let modes = instance.modes(op).iter();
            modes.map(|mode| mode.resource.index()).collect()
        });
        Self {
            removed: Vec::new(),
            is_removed: vec![false; n],
            depth,
            weights: [1.0; Kind::ALL.len()],
            by_start: instance.ops().collect(),
            place: vec![0; n],
            lists: vec![Vec::new(); instance.resources().len()],
            ops_of_job: jobs.map(|job| instance.ops_of(job).to_vec()).collect(),
            job: instance.ops().map(|op| instance.job(op)).collect(),
            resource: vec![0; n],
            eligible: eligible.collect(),
        }
    }

    /// Takes note of the schedule that operations will be taken out of.
    pub(super) fn look_at(&mut self, instance: &Instance, decoder: &Decoder<'_>) {
        let depth = &self.depth;
        self.by_start.sort_by(|a, b| {
            decoder
                .start(*a)
                .total_cmp(&decoder.start(*b))
                .then(depth[a.index()].cmp(&depth[b.index()]))
        });
        for list in &mut self.lists {
            list.clear();
        }
        for (at, &op) in self.by_start.iter().enumerate() {
            self.place[op.index()] = at;
            let resource = instance.modes(op)[decoder.mode(op) as usize].resource;
            self.resource[op.index()] = resource.index();
            self.lists[resource.index()].push(op);
        }
    }

    /// Takes operations out; says of which kind.
    pub(super) fn choose(&mut self, rng: &mut SmallRng) -> Kind {
        for op in self.removed.drain(..) {
            self.is_removed[op.index()] = false;
        }
        let n = self.by_start.len();
        let most = (n / PART).clamp(2, MOST).min(n);
        let wanted = rng.random_range(1..=most);
        let centre = self.by_start[rng.random_range(0..n)];
        let kind = self.draw(rng);
        match kind {
            Kind::Window => self.window(self.place[centre.index()], wanted),
            Kind::Resource => self.resource(centre, wanted),
            Kind::Job => self.jobs(centre, wanted, rng),
            Kind::Rivals => self.rivals(centre, wanted, rng),
            Kind::Any => {
                for _ in 0..wanted {
                    self.take(self.by_start[rng.random_range(0..n)]);
                }
            }
        }
        kind
    }

    /// Remembers whether a removal helped.
    pub(super) fn reward(&mut self, kind: Kind, is_better: bool, is_best: bool) {
        let success = match (is_best, is_better) {
            (true, _) => 10.0,
            (false, true) => 1.0,
            (false, false) => 0.0,
        };
        let weight = &mut self.weights[kind as usize];
        *weight += PACE * (success - *weight);
        *weight = weight.max(0.1);
    }

    fn draw(&self, rng: &mut SmallRng) -> Kind {
        let mut left = rng.random_range(0.0..self.weights.iter().sum());
        for kind in Kind::ALL {
            left -= self.weights[kind as usize];
            if left < 0.0 {
                return kind;
            }
        }
        Kind::Any
    }

    fn take(&mut self, op: OpId) {
        if !self.is_removed[op.index()] {
            self.is_removed[op.index()] = true;
            self.removed.push(op);
        }
    }

    fn window(&mut self, place: usize, wanted: usize) {
        let from = place.saturating_sub(wanted / 2);
        let to = (from + wanted).min(self.by_start.len());
        for at in from..to {
            self.take(self.by_start[at]);
        }
    }

    fn resource(&mut self, centre: OpId, wanted: usize) {
        let list = &self.lists[self.resource[centre.index()]];
        let at = list.iter().position(|op| *op == centre).unwrap_or(0);
        let from = at.saturating_sub(wanted / 2);
        let taken: Vec<OpId> = list.iter().skip(from).take(wanted).copied().collect();
        for op in taken {
            self.take(op);
        }
    }

    fn jobs(&mut self, centre: OpId, wanted: usize, rng: &mut SmallRng) {
        let mut job = self.job[centre.index()];
        // Jobs may be empty, and there may be few of them.
        for _ in 0..wanted {
            let ops = &self.ops_of_job[job.index()];
            let left = wanted - self.removed.len();
            let from = rng.random_range(0..=ops.len().saturating_sub(left));
            let taken: Vec<OpId> = ops.iter().skip(from).take(left).copied().collect();
            for op in taken {
                self.take(op);
            }
            if self.removed.len() >= wanted {
                return;
            }
            job = JobId(rng.random_range(0..self.ops_of_job.len() as u32));
        }
    }

    fn rivals(&mut self, centre: OpId, wanted: usize, rng: &mut SmallRng) {
        let eligible = &self.eligible[centre.index()];
        let resource = eligible[rng.random_range(0..eligible.len())];
        let (mut low, mut high) = (self.place[centre.index()], self.place[centre.index()]);
        self.take(centre);
        while self.removed.len() < wanted && (low > 0 || high + 1 < self.by_start.len()) {
            for at in [low.checked_sub(1), Some(high + 1)].into_iter().flatten() {
                if let Some(&op) = self.by_start.get(at)
                    && self.eligible[op.index()].contains(&resource)
                    && self.removed.len() < wanted
                {
                    self.take(op);
                }
            }
            low = low.saturating_sub(1);
            high = (high + 1).min(self.by_start.len() - 1);
        }
    }
}
