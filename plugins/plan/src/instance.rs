//! What must be done: operations with their predecessors, and the resources that can do each.

/// Defines a dense index as a newtype that knows nothing but its number.
macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in a dense array.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// An operation, counted from 0 in the order of the instance.
    OpId
}
index! {
    /// A job, counted from 0 in the order of the instance.
    JobId
}
index! {
    /// A resource, counted from 0 in the order of the instance.
    ResourceId
}

/// A group of operations that is done when all of them are.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What people call it.
    pub name: String,
    /// Before this, none of its operations starts.
    pub release: f64,
    /// How much its completion counts.
    pub weight: f64,
    /// When it should be done.
    pub due: Option<f64>,
    /// Whose it is, for fairness: an agent, a tenant.
    pub owner: u32,
}

impl Default for Job {
    /// Released at 0, with weight 1, due never.
    fn default() -> Self {
        Self {
            name: String::new(),
            release: 0.0,
            weight: 1.0,
            due: None,
            owner: 0,
        }
    }
}

/// Somebody who does one operation at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// What people call it.
    pub name: String,
    /// What a unit of its working time costs.
    pub price: f64,
    /// What it draws while it works.
    pub watts: f64,
}

/// One way to do an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Who does it.
    pub resource: ResourceId,
    /// How long it takes, in the instance's own unit of time.
    pub duration: f64,
}

/// The other end of a precedence, and what must be brought along it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    /// The predecessor or successor.
    pub op: OpId,
    /// The amount of data.
    pub data: f64,
}

/// How data travels between resources: `latency + data / bandwidth`; nothing within one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    n_resources: usize,
    /// Data per unit of time, by sender and receiver.
    bandwidth: Vec<f64>,
    latency: f64,
}

impl Network {
    /// A network in which each pair of resources has the bandwidth `of_pair` (sender, receiver)
    /// says; infinite means at once.
    pub fn new(
        n_resources: usize,
        latency: f64,
        mut of_pair: impl FnMut(ResourceId, ResourceId) -> f64,
    ) -> Self {
        let ids = |n| (0..n as u32).map(ResourceId);
        let bandwidth = ids(n_resources)
            .flat_map(|from| ids(n_resources).map(move |to| (from, to)))
            .map(|(from, to)| of_pair(from, to))
            .collect();
        Self {
            n_resources,
            bandwidth,
            latency,
        }
    }

    /// Data per unit of time from one resource to another.
    pub fn bandwidth(&self, from: ResourceId, to: ResourceId) -> f64 {
        self.bandwidth[from.index() * self.n_resources + to.index()]
    }

    /// Data per unit of time from one resource to each.
    pub fn bandwidths(&self, from: ResourceId) -> &[f64] {
        &self.bandwidth[from.index() * self.n_resources..][..self.n_resources]
    }

    /// What each transfer takes beside the time of its data.
    pub fn latency(&self) -> f64 {
        self.latency
    }

    /// How long `data` takes from one resource to another.
    pub fn delay(&self, data: f64, from: ResourceId, to: ResourceId) -> f64 {
        if from == to {
            0.0
        } else {
            self.latency + data / self.bandwidth(from, to)
        }
    }
}

/// Why an instance is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InstanceError {
    /// Nothing can be done.
    #[error("there are no resources, give at least one")]
    NoResources,
    /// An operation belongs to no known job.
    #[error("operation {op} belongs to unknown job {job}")]
    UnknownJob {
        /// The operation.
        op: usize,
        /// What it names.
        job: usize,
    },
    /// An operation can be done by nobody.
    #[error("operation {op} can be done by no resource, give it at least one")]
    NoModes {
        /// The operation.
        op: usize,
    },
    /// An operation names a resource that is not there.
    #[error("operation {op} names unknown resource {resource}")]
    UnknownResource {
        /// The operation.
        op: usize,
        /// What it names.
        resource: usize,
    },
    /// An operation has two durations on one resource.
    #[error("operation {op} names resource {resource} twice, keep one")]
    SameResource {
        /// The operation.
        op: usize,
        /// The resource.
        resource: usize,
    },
    /// A precedence names an operation that is not there.
    #[error("a precedence leads from operation {from} to {to}, there are {n_ops} operations")]
    UnknownOperation {
        /// Its start.
        from: usize,
        /// Its end.
        to: usize,
        /// How many there are.
        n_ops: usize,
    },
    /// Operations wait for each other.
    #[error("operation {op} comes after itself, by way of its predecessors")]
    Cycle {
        /// One operation of the cycle.
        op: usize,
    },
    /// A number is out of range.
    #[error("{what} is {value:?}, must be {must}")]
    BadNumber {
        /// Which number.
        what: String,
        /// What it is.
        value: f64,
        /// What it may be.
        must: &'static str,
    },
}

/// Lists of different lengths in one array.
#[derive(Clone, Debug, Default, PartialEq)]
struct Lists<T> {
    /// Where the list of each index begins; one more at the end.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// Groups `pairs` by their first part, in order.
    fn group(n: usize, pairs: impl Iterator<Item = (usize, T)> + Clone) -> Self {
        let mut starts = vec![0_u32; n + 1];
        for (at, _) in pairs.clone() {
            starts[at + 1] += 1;
        }
        for at in 0..n {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut items: Vec<Option<T>> = vec![None; starts[n] as usize];
        for (at, item) in pairs {
            items[next[at] as usize] = Some(item);
            next[at] += 1;
        }
        Self {
            starts,
            items: items.into_iter().flatten().collect(),
        }
    }

    fn get(&self, at: usize) -> &[T] {
        &self.items[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// An instance: operations that form an acyclic graph, jobs, and unrelated resources.
///
/// Times are in the unit of whoever wrote it. Classical instances hold whole numbers, which `f64`
/// adds without rounding up to 2⁵³.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    name: String,
    jobs: Vec<Job>,
    resources: Vec<Resource>,
    /// By operation.
    job: Vec<JobId>,
    index_in_job: Vec<u32>,
    ops_of_job: Lists<OpId>,
    modes: Lists<Mode>,
    preds: Lists<Arc>,
    succs: Lists<Arc>,
    topological: Vec<OpId>,
    network: Option<Network>,
    is_whole: bool,
}

impl Instance {
    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many operations there are.
    pub fn n_ops(&self) -> usize {
        self.job.len()
    }

    /// All operations, in their order.
    pub fn ops(&self) -> impl DoubleEndedIterator<Item = OpId> + ExactSizeIterator + use<> {
        (0..self.n_ops() as u32).map(OpId)
    }

    /// The jobs, by id.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The resources, by id.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The job of an operation.
    pub fn job(&self, op: OpId) -> JobId {
        self.job[op.index()]
    }

    /// Which of the operations of its job it is, from 0.
    pub fn index_in_job(&self, op: OpId) -> u32 {
        self.index_in_job[op.index()]
    }

    /// The operations of a job, in their order.
    pub fn ops_of(&self, job: JobId) -> &[OpId] {
        self.ops_of_job.get(job.index())
    }

    /// The ways to do an operation, by resource; never empty.
    pub fn modes(&self, op: OpId) -> &[Mode] {
        self.modes.get(op.index())
    }

    /// How long an operation takes on a resource; `None` if it cannot.
    pub fn duration(&self, op: OpId, on: ResourceId) -> Option<f64> {
        let modes = self.modes(op);
        if modes.len() == self.resources.len() {
            return Some(modes[on.index()].duration);
        }
        let at = modes.binary_search_by_key(&on, |mode| mode.resource).ok()?;
        Some(modes[at].duration)
    }

    /// What must be done before an operation; each once.
    pub fn preds(&self, op: OpId) -> &[Arc] {
        self.preds.get(op.index())
    }

    /// What waits for an operation; each once.
    pub fn succs(&self, op: OpId) -> &[Arc] {
        self.succs.get(op.index())
    }

    /// All operations, predecessors first; ties by number.
    pub fn topological(&self) -> &[OpId] {
        &self.topological
    }

    /// How data travels; `None`: at once.
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// How long the data of a precedence takes from one resource to another.
    pub fn delay(&self, data: f64, from: ResourceId, to: ResourceId) -> f64 {
        self.network
            .as_ref()
            .map_or(0.0, |network| network.delay(data, from, to))
    }

    /// Whether all durations, releases and due times are whole numbers and data takes no time, so
    /// that all times are whole numbers.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

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
