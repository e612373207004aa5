//! Predict earliest finish time: a table says how long the rest takes at best after an operation on
//! each resource; its means rank the operations, and it is added to the finish that is made small.
//! Arabnejad, Barbosa (2014), "List scheduling algorithm for heterogeneous systems by an optimistic
//! cost table".

use super::{
    placer::Placer,
    ranks::{Links, Travel},
    ready::Ready,
};
use crate::{instance::Instance, schedule::Schedule};

/// The schedule of the paper.
pub(super) fn schedule(instance: &Instance) -> Schedule {
    let table = OptimisticCosts::new(instance);
    let ranks: Vec<f64> = instance
        .ops()
        .map(|op| {
            let row = table.row(op.index());
            row.iter().sum::<f64>() / row.len() as f64
        })
        .collect();
    let mut placer = Placer::new(instance);
    let mut ready = Ready::new(instance, &ranks);
    while let Some(op) = ready.pop() {
        let row = table.row(op.index());
        let at = placer.best_by(op, |mode, at| at.end + row[mode]);
        placer.place(op, at);
    }
    placer.into_schedule()
}

/// How long it takes at best from the end of an operation to the end of all that follows it, by
/// operation and mode. Equation 4 of the paper.
struct OptimisticCosts {
    /// Where the row of each operation begins; one more at the end.
    starts: Vec<usize>,
    costs: Vec<f64>,
}

impl OptimisticCosts {
    fn new(instance: &Instance) -> Self {
        let travel = Travel::mean(instance, Links::Between);
        let mut starts = vec![0];
        for op in instance.ops() {
            starts.push(starts[op.index()] + instance.modes(op).len());
        }
        let mut costs = vec![0.0_f64; starts[instance.n_ops()]];
        // By resource: what is left if the next operation is done there; infinite if it cannot.
        let mut there = vec![f64::INFINITY; instance.resources().len()];
        for &op in instance.topological().iter().rev() {
            for arc in instance.succs(op) {
                let next = arc.op.index();
                let row = &costs[starts[next]..starts[next + 1]];
                let mut anywhere = f64::INFINITY;
                for (mode, cost) in instance.modes(arc.op).iter().zip(row) {
                    let left = cost + mode.duration;
                    there[mode.resource.index()] = left;
                    anywhere = anywhere.min(left + travel.of(arc.data));
                }
                let own = &mut costs[starts[op.index()]..starts[op.index() + 1]];
                for (mode, cost) in instance.modes(op).iter().zip(own) {
                    *cost = cost.max(anywhere.min(there[mode.resource.index()]));
                }
                for mode in instance.modes(arc.op) {
                    there[mode.resource.index()] = f64::INFINITY;
                }
            }
        }
        Self { starts, costs }
    }

    fn row(&self, op: usize) -> &[f64] {
        &self.costs[self.starts[op]..self.starts[op + 1]]
    }
}
