//! Why a schedule ends when it does: the chain of operations that fixes its makespan, each with what
//! kept it from starting earlier.

use crate::{
    instance::{Instance, OpId, ResourceId},
    schedule::{Assignment, Schedule},
};

/// What kept an operation from starting earlier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    /// Its job was released no earlier.
    Release,
    /// A predecessor ended no earlier.
    Predecessor(OpId),
    /// The data of a predecessor arrived no earlier.
    Data {
        /// Whose data.
        from: OpId,
        /// How long it travelled.
        travel: f64,
    },
    /// Its resource did another operation until then.
    Resource {
        /// The resource.
        resource: ResourceId,
        /// The operation before it.
        after: OpId,
    },
}

impl Cause {
    /// The operation that caused it.
    pub fn op(self) -> Option<OpId> {
        match self {
            Self::Release => None,
            Self::Predecessor(op)
            | Self::Data { from: op, .. }
            | Self::Resource { after: op, .. } => Some(op),
        }
    }
}

/// An operation of the critical path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticalLink {
    /// Which.
    pub op: OpId,
    /// Where and when.
    pub assignment: Assignment,
    /// Why not earlier.
    pub cause: Cause,
    /// How long it then waited for no reason; 0 if it started as early as the others let it.
    pub idle: f64,
}

/// The chain of operations that fixes the makespan of a valid schedule, from its first to the one
/// that ends last (ties: the lower number). Each link but the first is caused by the link before it.
/// Where several causes are equal, a predecessor comes before data, data before the resource, and
/// the resource before the release.
pub fn critical_path(instance: &Instance, schedule: &Schedule) -> Vec<CriticalLink> {
    let before = before_on_resource(instance, schedule);
    let slack = 1e-9 * schedule.makespan();
    let last = instance.ops().min_by(|a, b| {
        let (a, b) = (schedule.of(*a).end, schedule.of(*b).end);
        b.total_cmp(&a)
    });
    let mut links = Vec::new();
    let mut next = last;
    while let Some(op) = next {
        let assignment = schedule.of(op);
        let (mut at, mut cause) = (f64::NEG_INFINITY, Cause::Release);
        let causes = causes(instance, schedule, op, before[op.index()]);
        for (there, why) in causes {
            if there > at + slack {
                (at, cause) = (there, why);
            }
        }
        let wait = assignment.start - at;
        links.push(CriticalLink {
            op,
            assignment,
            cause,
            idle: if wait > slack { wait } else { 0.0 },
        });
        // Rounding could make a ring of operations that take next to no time.
        next = cause.op().filter(|_| links.len() < instance.n_ops());
    }
    links.reverse();
    links
}

/// All that an operation had to wait for, with the time it was there, the more telling first.
fn causes(
    instance: &Instance,
    schedule: &Schedule,
    op: OpId,
    before: Option<OpId>,
) -> Vec<(f64, Cause)> {
    let own = schedule.of(op);
    let mut causes = Vec::new();
    let mut data = Vec::new();
    for arc in instance.preds(op) {
        let pred = schedule.of(arc.op);
        let travel = instance.delay(arc.data, pred.resource, own.resource);
        if travel > 0.0 {
            let from = arc.op;
            data.push((pred.end + travel, Cause::Data { from, travel }));
        } else {
            causes.push((pred.end, Cause::Predecessor(arc.op)));
        }
    }
    causes.append(&mut data);
    causes.extend(before.map(|after| {
        let resource = own.resource;
        (schedule.of(after).end, Cause::Resource { resource, after })
    }));
    let release = instance.jobs()[instance.job(op).index()].release;
    causes.push((release, Cause::Release));
    causes
}

/// What the resource of each operation did last before it; what takes no time occupies nothing.
fn before_on_resource(instance: &Instance, schedule: &Schedule) -> Vec<Option<OpId>> {
    let mut before = vec![None; instance.n_ops()];
    for list in schedule.by_resource(instance) {
        let mut last: Option<OpId> = None;
        for op in list {
            let own = schedule.of(op);
            if own.end > own.start {
                before[op.index()] = last;
                last = Some(op);
            }
        }
    }
    before
}
