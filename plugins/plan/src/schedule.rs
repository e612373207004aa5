//! Who does what when.

use crate::instance::{Instance, OpId, ResourceId};

/// Where and when an operation is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assignment {
    /// Who does it.
    pub resource: ResourceId,
    /// When it starts, in the instance's own unit of time.
    pub start: f64,
    /// When it ends.
    pub end: f64,
}

/// A whole schedule: one assignment for each operation of an instance, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// By operation.
    pub assignments: Vec<Assignment>,
}

impl Schedule {
    /// Where and when `op` is done.
    pub fn of(&self, op: OpId) -> Assignment {
        self.assignments[op.index()]
    }

    /// When the last operation ends; 0 if there is none.
    pub fn makespan(&self) -> f64 {
        self.assignments
            .iter()
            .map(|assignment| assignment.end)
            .fold(0.0, f64::max)
    }

    /// When each job is done, by job; its release if it has no operations.
    pub fn completions(&self, instance: &Instance) -> Vec<f64> {
        let mut ends: Vec<f64> = instance.jobs().iter().map(|job| job.release).collect();
        for op in instance.ops() {
            let end = &mut ends[instance.job(op).index()];
            *end = end.max(self.of(op).end);
        }
        ends
    }

    /// The operations of each resource, by start (ties: by end, then by number).
    pub fn by_resource(&self, instance: &Instance) -> Vec<Vec<OpId>> {
        let mut lists = vec![Vec::new(); instance.resources().len()];
        for op in instance.ops() {
            lists[self.of(op).resource.index()].push(op);
        }
        for list in &mut lists {
            list.sort_by(|a: &OpId, b: &OpId| {
                let (x, y) = (self.of(*a), self.of(*b));
                x.start
                    .total_cmp(&y.start)
                    .then(x.end.total_cmp(&y.end))
                    .then(a.cmp(b))
            });
        }
        lists
    }
}
