//! Judges a schedule on its numbers alone; shares no code with those who make schedules.

use crate::{
    instance::{Instance, OpId, ResourceId},
    schedule::Schedule,
};

/// A way in which a schedule cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// There are too many or too few assignments.
    #[error("the schedule has {found} operations, the instance has {expected}")]
    WrongLength {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A time is not a number, infinite or negative.
    #[error("operation {op:?} has the impossible time {value:?}")]
    BadTime {
        /// Which.
        op: OpId,
        /// Its time.
        value: f64,
    },
    /// An operation runs where it cannot.
    #[error("operation {op:?} runs on {resource:?}, which cannot do it")]
    CannotDo {
        /// Which.
        op: OpId,
        /// Where.
        resource: ResourceId,
    },
    /// An operation takes another time than its resource needs.
    #[error("operation {op:?} takes {found} on its resource, must take {expected}")]
    WrongDuration {
        /// Which.
        op: OpId,
        /// How long it must take.
        expected: f64,
        /// How long it takes.
        found: f64,
    },
    /// An operation starts before its job is released.
    #[error("operation {op:?} starts at {start}, its job is released at {release}")]
    BeforeRelease {
        /// Which.
        op: OpId,
        /// When it starts.
        start: f64,
        /// When it may.
        release: f64,
    },
    /// An operation starts before a predecessor has ended and its data has come.
    #[error("operation {op:?} starts at {start}, what it needs of {before:?} is there at {there}")]
    BeforePredecessor {
        /// Which.
        op: OpId,
        /// When it starts.
        start: f64,
        /// What must be done before.
        before: OpId,
        /// When that is done and has arrived.
        there: f64,
    },
    /// Two operations run on one resource at once.
    #[error("operations {first:?} and {second:?} overlap on {resource:?} at {at}")]
    Overlap {
        /// The one that starts first.
        first: OpId,
        /// The other.
        second: OpId,
        /// Where.
        resource: ResourceId,
        /// From when on.
        at: f64,
    },
}

/// All ways in which `schedule` breaks the rules of `instance`; empty if it is valid. Times may be
/// off by rounding: a part in 10⁹ of the makespan.
pub fn validate(instance: &Instance, schedule: &Schedule) -> Vec<Violation> {
    let expected = instance.n_ops();
    let found = schedule.assignments.len();
    if found != expected {
        return vec![Violation::WrongLength { expected, found }];
    }
    let mut violations = Vec::new();
    for op in instance.ops() {
        let assignment = schedule.assignments[op.index()];
        for value in [assignment.start, assignment.end] {
            if !value.is_finite() || value < 0.0 {
                violations.push(Violation::BadTime { op, value });
            }
        }
    }
    if !violations.is_empty() {
        return violations;
    }
    let slack = if instance.is_whole() {
        0.0
    } else {
        1e-9 * schedule.makespan()
    };
    for op in instance.ops() {
        check_operation(instance, schedule, op, slack, &mut violations);
    }
    check_overlaps(instance, schedule, slack, &mut violations);
    violations
}

fn check_operation(
    instance: &Instance,
    schedule: &Schedule,
    op: OpId,
    slack: f64,
    violations: &mut Vec<Violation>,
) {
    let own = schedule.assignments[op.index()];
    let mode = instance
        .modes(op)
        .iter()
        .find(|mode| mode.resource == own.resource);
    let Some(mode) = mode else {
        violations.push(Violation::CannotDo {
            op,
            resource: own.resource,
        });
        return;
    };
    let found = own.end - own.start;
    if (found - mode.duration).abs() > slack {
        violations.push(Violation::WrongDuration {
            op,
            expected: mode.duration,
            found,
        });
    }
    let release = instance.jobs()[instance.job(op).index()].release;
    if own.start < release - slack {
        violations.push(Violation::BeforeRelease {
            op,
            start: own.start,
            release,
        });
    }
    for arc in instance.preds(op) {
        let before = schedule.assignments[arc.op.index()];
        let travel = match instance.network() {
            Some(network) if before.resource != own.resource => {
                network.delay(arc.data, before.resource, own.resource)
            }
            _ => 0.0,
        };
        let there = before.end + travel;
        if own.start < there - slack {
            violations.push(Violation::BeforePredecessor {
                op,
                start: own.start,
                before: arc.op,
                there,
            });
        }
    }
}

fn check_overlaps(
    instance: &Instance,
    schedule: &Schedule,
    slack: f64,
    violations: &mut Vec<Violation>,
) {
    let mut order: Vec<OpId> = instance.ops().collect();
    // What takes no time occupies nothing.
    order.retain(|op| {
        let own = schedule.assignments[op.index()];
        own.end > own.start
    });
    order.sort_by(|a, b| {
        let (x, y) = (
            schedule.assignments[a.index()],
            schedule.assignments[b.index()],
        );
        x.resource
            .cmp(&y.resource)
            .then(x.start.total_cmp(&y.start))
    });
    for pair in order.windows(2) {
        let (first, second) = (
            schedule.assignments[pair[0].index()],
            schedule.assignments[pair[1].index()],
        );
        if first.resource == second.resource && second.start < first.end - slack {
            violations.push(Violation::Overlap {
                first: pair[0],
                second: pair[1],
                resource: first.resource,
                at: second.start,
            });
        }
    }
}
