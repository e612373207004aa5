//! Workflows: tasks that ran once, the data that they handed on, and the machines they ran on.

mod draft;
mod wfformat;

use plan::{Instance, InstanceBuilder, InstanceError, Job, Mode, Network, OpId, ResourceId};

pub use self::wfformat::read_workflow;
use crate::instance::ReadOptions;

/// A workflow that ran once. Tasks and machines are in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workflow {
    /// The tasks.
    pub tasks: Vec<WorkflowTask>,
    /// What must be done before what, by start and then by end; each pair once, without cycles.
    pub arcs: Vec<WorkflowArc>,
    /// The machines that the tasks ran on; empty if the file does not say.
    pub machines: Vec<WorkflowMachine>,
}

/// A task of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowTask {
    /// Its id, unique in the workflow.
    pub id: String,
    /// How long it ran, in seconds.
    pub runtime_secs: f64,
    /// On which machine, if the file says it.
    pub machine: Option<u32>,
}

/// A precedence between two tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorkflowArc {
    /// The predecessor.
    pub from: u32,
    /// The successor.
    pub to: u32,
    /// The sizes of the files that the one writes and the other reads, in bytes.
    pub bytes: f64,
}

/// A machine of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowMachine {
    /// Its name, unique in the workflow.
    pub name: String,
    /// How many cores it has, if the file says it.
    pub cores: Option<u32>,
    /// How fast they are, in MHz, if the file says it.
    pub speed_mhz: Option<f64>,
}

impl Workflow {
    /// The workflow as one job, in seconds and bytes. The resources are identical processors if
    /// `options` say how many, else the machines of the file, one operation at a time each. A task
    /// takes its runtime; on a machine of another speed, its runtime times the ratio of the speeds.
    ///
    /// # Errors
    /// If there are neither processors nor machines, or the network of `options` makes no sense.
    pub fn instance(&self, name: &str, options: &ReadOptions) -> Result<Instance, InstanceError> {
        let n_resources = options
            .processors
            .map_or(self.machines.len(), |n| n as usize);
        let mut builder = InstanceBuilder::new(name, n_resources);
        if options.processors.is_none() {
            for (resource, machine) in builder.resources_mut().iter_mut().zip(&self.machines) {
                resource.name.clone_from(&machine.name);
            }
        }
        let job = builder.job(Job {
            name: name.to_owned(),
            ..Job::default()
        });
        for task in &self.tasks {
            let modes = (0..n_resources as u32).map(|resource| Mode {
                resource: ResourceId(resource),
                duration: match options.processors {
                    Some(_) => task.runtime_secs,
                    None => task.runtime_secs * self.slowdown(task.machine, resource),
                },
            });
            builder.operation(job, modes);
        }
        for arc in &self.arcs {
            builder.arc(OpId(arc.from), OpId(arc.to), arc.bytes);
        }
        if let Some(bandwidth) = options.bandwidth {
            let network = Network::new(n_resources, options.latency, |_, _| bandwidth);
            builder.network(network);
        }
        builder.build()
    }

    /// How much longer a task takes on `machine` than where it ran.
    fn slowdown(&self, ran_on: Option<u32>, machine: u32) -> f64 {
        let speed = |machine: u32| self.machines.get(machine as usize)?.speed_mhz;
        match (ran_on.and_then(speed), speed(machine)) {
            (Some(there), Some(here)) => there / here,
            _ => 1.0,
        }
    }
}
