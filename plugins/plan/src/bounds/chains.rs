//! The longest chains of fastest modes before and behind each operation: no resource is ever short.
//! Kelley and Walker (1959), "Critical-path planning and scheduling".

use crate::instance::Instance;

/// What the precedences alone say of each operation.
pub(super) struct Chains {
    /// The shortest duration.
    pub(super) fastest: Vec<f64>,
    /// The earliest start.
    pub(super) heads: Vec<f64>,
    /// The least time from its end to the end of the schedule.
    pub(super) tails: Vec<f64>,
}

impl Chains {
    /// The chains of an instance.
    pub(super) fn of(instance: &Instance) -> Self {
        let n_ops = instance.n_ops();
        let fastest: Vec<f64> = instance
            .ops()
            .map(|op| {
                let durations = instance.modes(op).iter().map(|mode| mode.duration);
                durations.fold(f64::INFINITY, f64::min)
            })
            .collect();
        let mut heads = vec![0.0; n_ops];
        for &op in instance.topological() {
            let release = instance.jobs()[instance.job(op).index()].release;
            let ends = instance.preds(op).iter().map(|arc| {
                let before = arc.op.index();
                heads[before] + fastest[before]
            });
            heads[op.index()] = ends.fold(release, f64::max);
        }
        let mut tails = vec![0.0; n_ops];
        for &op in instance.topological().iter().rev() {
            let chains = instance.succs(op).iter().map(|arc| {
                let after = arc.op.index();
                fastest[after] + tails[after]
            });
            tails[op.index()] = chains.fold(0.0, f64::max);
        }
        Self {
            fastest,
            heads,
            tails,
        }
    }

    /// The longest of all chains.
    pub(super) fn longest(&self) -> f64 {
        let ends = self.heads.iter().zip(&self.fastest);
        ends.map(|(head, fastest)| head + fastest)
            .fold(0.0, f64::max)
    }
}

/// When each job is done at the earliest, by job.
pub(super) fn completions(instance: &Instance) -> Vec<f64> {
    let chains = Chains::of(instance);
    let mut ends: Vec<f64> = instance.jobs().iter().map(|job| job.release).collect();
    for op in instance.ops() {
        let end = &mut ends[instance.job(op).index()];
        *end = end.max(chains.heads[op.index()] + chains.fastest[op.index()]);
    }
    ends
}
