//! What must be done: operations with their predecessors, and the resources that can do each.

mod builder;

pub use self::builder::InstanceBuilder;

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
