//! Puts an instance together and checks it.

use super::{Arc, Instance, InstanceError, Job, JobId, Lists, Mode, Network, OpId, Resource};

/// Collects the parts of an [`Instance`].
#[derive(Clone, Debug, Default)]
pub struct InstanceBuilder {
    name: String,
    jobs: Vec<Job>,
    resources: Vec<Resource>,
    op_jobs: Vec<JobId>,
    modes: Vec<(usize, Mode)>,
    arcs: Vec<(OpId, OpId, f64)>,
    network: Option<Network>,
}

impl InstanceBuilder {
    /// An instance with resources numbered from 0, free of charge.
    pub fn new(name: impl Into<String>, n_resources: usize) -> Self {
        Self {
            name: name.into(),
            resources: vec![Resource::default(); n_resources],
            ..Self::default()
        }
    }

    /// The resources, to name or price them.
    pub fn resources_mut(&mut self) -> &mut [Resource] {
        &mut self.resources
    }

    /// Adds a job.
    pub fn job(&mut self, job: Job) -> JobId {
        self.jobs.push(job);
        JobId(self.jobs.len() as u32 - 1)
    }

    /// Adds an operation to the end of a job; it follows nothing until an arc says so.
    pub fn operation(&mut self, job: JobId, modes: impl IntoIterator<Item = Mode>) -> OpId {
        let op = self.op_jobs.len();
        self.op_jobs.push(job);
        self.modes.extend(modes.into_iter().map(|mode| (op, mode)));
        OpId(op as u32)
    }

    /// Says that `to` starts when `from` has ended and its `data` has arrived. Saying it twice
    /// keeps the larger amount.
    pub fn arc(&mut self, from: OpId, to: OpId, data: f64) {
        self.arcs.push((from, to, data));
    }

    /// Says how data travels.
    pub fn network(&mut self, network: Network) {
        self.network = Some(network);
    }

    /// The instance, checked.
    ///
    /// # Errors
    /// Whatever makes no sense, by its number.
    pub fn build(mut self) -> Result<Instance, InstanceError> {
        self.check()?;
        let n_ops = self.op_jobs.len();
        self.modes.sort_by_key(|(op, mode)| (*op, mode.resource));
        for pair in self.modes.windows(2) {
            if (pair[0].0, pair[0].1.resource) == (pair[1].0, pair[1].1.resource) {
                return Err(InstanceError::SameResource {
                    op: pair[0].0,
                    resource: pair[0].1.resource.index(),
                });
            }
        }
        self.arcs
            .sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(b.2.total_cmp(&a.2)));
        self.arcs.dedup_by_key(|arc| (arc.0, arc.1));
        let succs = Lists::group(
            n_ops,
            self.arcs
                .iter()
                .map(|&(from, op, data)| (from.index(), Arc { op, data })),
        );
        let preds = Lists::group(
            n_ops,
            self.arcs
                .iter()
                .map(|&(op, to, data)| (to.index(), Arc { op, data })),
        );
        let topological = topological(&preds, &succs, n_ops)?;
        let ops_of_job = Lists::group(
            self.jobs.len(),
            self.op_jobs
                .iter()
                .enumerate()
                .map(|(op, job)| (job.index(), OpId(op as u32))),
        );
        let mut index_in_job = vec![0; n_ops];
        for job in 0..self.jobs.len() {
            for (index, op) in ops_of_job.get(job).iter().enumerate() {
                index_in_job[op.index()] = index as u32;
            }
        }
        let times = self.modes.iter().map(|(_, mode)| mode.duration);
        let times = times.chain(self.jobs.iter().map(|job| job.release));
        let is_whole = self.network.is_none()
            && times
                .chain(self.jobs.iter().filter_map(|job| job.due))
                .all(|time| time.fract() == 0.0);
        Ok(Instance {
            name: self.name,
            jobs: self.jobs,
            resources: self.resources,
            job: self.op_jobs,
            index_in_job,
            ops_of_job,
            modes: Lists::group(n_ops, self.modes.iter().copied()),
            preds,
            succs,
            topological,
            network: self.network,
            is_whole,
        })
    }

    fn check(&self) -> Result<(), InstanceError> {
        if self.resources.is_empty() {
            return Err(InstanceError::NoResources);
        }
        let must_be_amount = |what: &dyn Fn() -> String, value: f64| {
            if value.is_finite() && value >= 0.0 {
                return Ok(());
            }
            Err(InstanceError::BadNumber {
                what: what(),
                value,
                must: "finite and not negative",
            })
        };
        for (n, job) in self.jobs.iter().enumerate() {
            must_be_amount(&|| format!("release of job {n}"), job.release)?;
            must_be_amount(&|| format!("weight of job {n}"), job.weight)?;
            must_be_amount(&|| format!("due time of job {n}"), job.due.unwrap_or(0.0))?;
        }
        for resource in &self.resources {
            let name = &resource.name;
            must_be_amount(&|| format!("price of resource {name:?}"), resource.price)?;
            must_be_amount(&|| format!("watts of resource {name:?}"), resource.watts)?;
        }
        let n_ops = self.op_jobs.len();
        let mut has_mode = vec![false; n_ops];
        for &(op, mode) in &self.modes {
            if mode.resource.index() >= self.resources.len() {
                return Err(InstanceError::UnknownResource {
                    op,
                    resource: mode.resource.index(),
                });
            }
            must_be_amount(&|| format!("duration of operation {op}"), mode.duration)?;
            has_mode[op] = true;
        }
        for (op, job) in self.op_jobs.iter().enumerate() {
            if job.index() >= self.jobs.len() {
                return Err(InstanceError::UnknownJob {
                    op,
                    job: job.index(),
                });
            }
            if !has_mode[op] {
                return Err(InstanceError::NoModes { op });
            }
        }
        for &(from, to, data) in &self.arcs {
            if from.index() >= n_ops || to.index() >= n_ops {
                return Err(InstanceError::UnknownOperation {
                    from: from.index(),
                    to: to.index(),
                    n_ops,
                });
            }
            must_be_amount(
                &|| format!("data from operation {} to {}", from.0, to.0),
                data,
            )?;
        }
        Ok(())
    }
}

/// Predecessors first, ties by number. Kahn (1962), "Topological sorting of large networks".
fn topological(
    preds: &Lists<Arc>,
    succs: &Lists<Arc>,
    n_ops: usize,
) -> Result<Vec<OpId>, InstanceError> {
    use std::{cmp::Reverse, collections::BinaryHeap};
    let mut missing: Vec<usize> = (0..n_ops).map(|op| preds.get(op).len()).collect();
    let mut free: BinaryHeap<_> = (0..n_ops)
        .filter(|op| missing[*op] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(n_ops);
    while let Some(Reverse(op)) = free.pop() {
        order.push(OpId(op as u32));
        for arc in succs.get(op) {
            let next = arc.op.index();
            missing[next] -= 1;
            if missing[next] == 0 {
                free.push(Reverse(next));
            }
        }
    }
    if order.len() == n_ops {
        return Ok(order);
    }
    // What is left has a predecessor that is left; going back long enough ends on a cycle.
    let mut op = missing.iter().position(|n| *n > 0).unwrap_or(0);
    for _ in 0..n_ops {
        op = preds
            .get(op)
            .iter()
            .map(|arc| arc.op.index())
            .find(|before| missing[*before] > 0)
            .unwrap_or(op);
    }
    Err(InstanceError::Cycle { op })
}
