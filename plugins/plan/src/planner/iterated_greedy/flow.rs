//! A flow shop with identical machines in each stage: how it is recognised, as flat arrays.

use crate::instance::{Instance, JobId, Mode, OpId, ResourceId};

/// Each job goes through all stages in the same order; any machine of a stage will do.
pub(super) struct Flow {
    pub(super) n_jobs: usize,
    pub(super) n_stages: usize,
    /// By job.
    pub(super) releases: Vec<f64>,
    /// By stage and job: `stage * n_jobs + job`.
    pub(super) durations: Vec<f64>,
    /// By stage and job.
    pub(super) ops: Vec<OpId>,
    /// Where the machines of each stage begin; one more at the end.
    pub(super) machine_starts: Vec<usize>,
    /// By machine.
    pub(super) resources: Vec<ResourceId>,
    /// The operations, by stage and job, that take time.
    pub(super) movable: Vec<u32>,
}

impl Flow {
    /// The flow shop that an instance is; `None` if it is none.
    pub(super) fn recognise(instance: &Instance) -> Option<Self> {
        let jobs = || (0..instance.jobs().len() as u32).map(JobId);
        let first = instance.ops_of(jobs().next()?);
        let (n_jobs, n_stages) = (instance.jobs().len(), first.len());
        if n_stages == 0 || instance.network().is_some() {
            return None;
        }
        let mut flow = Self {
            n_jobs,
            n_stages,
            releases: instance.jobs().iter().map(|job| job.release).collect(),
            durations: Vec::with_capacity(instance.n_ops()),
            ops: Vec::with_capacity(instance.n_ops()),
            machine_starts: vec![0],
            resources: Vec::new(),
            movable: Vec::new(),
        };
        let chains: Vec<Vec<OpId>> = jobs()
            .map(|job| chain(instance, job, n_stages))
            .collect::<Option<_>>()?;
        for stage in 0..n_stages {
            let machines = instance.modes(chains[0][stage]);
            for chain in &chains {
                let modes = instance.modes(chain[stage]);
                if !is_same(machines, modes) {
                    return None;
                }
                flow.durations.push(modes[0].duration);
                flow.ops.push(chain[stage]);
            }
            flow.resources
                .extend(machines.iter().map(|mode| mode.resource));
            flow.machine_starts.push(flow.resources.len());
        }
        let n_ops = flow.ops.len() as u32;
        let takes_time = |op: &u32| flow.durations[*op as usize] > 0.0;
        flow.movable = (0..n_ops).filter(takes_time).collect();
        let mut each_once = flow.resources.clone();
        each_once.sort_unstable();
        each_once.dedup();
        (each_once.len() == flow.resources.len()).then_some(flow)
    }

    /// The machines of a stage.
    pub(super) fn machines(&self, stage: usize) -> std::ops::Range<usize> {
        self.machine_starts[stage]..self.machine_starts[stage + 1]
    }

    /// The mean duration of an operation.
    pub(super) fn mean_duration(&self) -> f64 {
        self.durations.iter().sum::<f64>() / self.durations.len() as f64
    }
}

/// The operations of a job, each with no predecessor but the one before it.
fn chain(instance: &Instance, job: JobId, n_stages: usize) -> Option<Vec<OpId>> {
    let mut ops = instance.ops_of(job).to_vec();
    if ops.len() != n_stages {
        return None;
    }
    // A chain in any numbering: by how many come before.
    let first = *ops.iter().find(|op| instance.preds(**op).is_empty())?;
    ops[0] = first;
    for at in 1..n_stages {
        let [next] = instance.succs(ops[at - 1]) else {
            return None;
        };
        let [_] = instance.preds(next.op) else {
            return None;
        };
        if instance.job(next.op) != job {
            return None;
        }
        ops[at] = next.op;
    }
    instance.succs(ops[n_stages - 1]).is_empty().then_some(ops)
}

/// Whether `modes` names the machines of the stage, with one duration on all of them.
fn is_same(machines: &[Mode], modes: &[Mode]) -> bool {
    machines.len() == modes.len()
        && machines
            .iter()
            .zip(modes)
            .all(|(machine, mode)| machine.resource == mode.resource)
        && modes.iter().all(|mode| mode.duration == modes[0].duration)
}
