//! Takes the parts of an instance in, either to check them or to build it.

use plan::{Instance, InstanceBuilder, InstanceError, Job, JobId, Mode, OpId, ResourceId};

/// Who takes the parts of an instance, in the order of the file.
pub(super) trait Sink {
    /// There are so many resources; said once, before all else.
    fn resources(&mut self, n: usize);

    /// A job begins.
    fn job(&mut self);

    /// An operation of the last job begins.
    fn operation(&mut self);

    /// A way to do the last operation.
    fn mode(&mut self, resource: usize, duration: f64);

    /// One operation comes before another.
    fn arc(&mut self, from: usize, to: usize);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checking;

impl Sink for Checking {
    fn resources(&mut self, _: usize) {}

    fn job(&mut self) {}

    fn operation(&mut self) {}

    fn mode(&mut self, _: usize, _: f64) {}

    fn arc(&mut self, _: usize, _: usize) {}
}

/// Builds the instance.
#[derive(Debug)]
pub(super) struct Building {
    name: String,
    builder: InstanceBuilder,
    n_jobs: u32,
    /// Of the operation that is being read.
    modes: Vec<Mode>,
    is_open: bool,
}

impl Building {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            builder: InstanceBuilder::default(),
            n_jobs: 0,
            modes: Vec::new(),
            is_open: false,
        }
    }

    /// Hands the operation that is being read to the builder.
    fn close(&mut self) {
        if self.is_open {
            let job = JobId(self.n_jobs - 1);
            self.builder.operation(job, self.modes.drain(..));
            self.is_open = false;
        }
    }

    pub(super) fn build(mut self) -> Result<Instance, InstanceError> {
        self.close();
        self.builder.build()
    }
}

impl Sink for Building {
    fn resources(&mut self, n: usize) {
        self.builder = InstanceBuilder::new(std::mem::take(&mut self.name), n);
    }

    fn job(&mut self) {
        self.close();
        self.builder.job(Job::default());
        self.n_jobs += 1;
    }

    fn operation(&mut self) {
        self.close();
        self.is_open = true;
    }

    fn mode(&mut self, resource: usize, duration: f64) {
        self.modes.push(Mode {
            resource: ResourceId(resource as u32),
            duration,
        });
    }

    fn arc(&mut self, from: usize, to: usize) {
        self.builder.arc(OpId(from as u32), OpId(to as u32), 0.0);
    }
}
