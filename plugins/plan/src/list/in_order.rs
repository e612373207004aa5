//! Places operations in topological order, each after the last one of the resource that is best by
//! one measure.

use super::placer::arrivals;
use crate::{
    instance::{Instance, Mode, ResourceId},
    schedule::{Assignment, Schedule},
};

/// What is known of a mode when its operation is placed.
pub(super) struct Choice {
    /// The mode.
    pub(super) mode: Mode,
    /// When its resource has done what it has.
    pub(super) free: f64,
    /// When the operation would start.
    pub(super) start: f64,
}

/// The schedule in which each operation goes to where `key` is smallest; ties go to the resource of
/// lower number.
pub(super) fn schedule(instance: &Instance, key: impl Fn(&Choice) -> f64) -> Schedule {
    let nowhere = Assignment {
        resource: ResourceId(u32::MAX),
        start: f64::NAN,
        end: f64::NAN,
    };
    let mut placed = vec![nowhere; instance.n_ops()];
    let mut busy_until = vec![0.0_f64; instance.resources().len()];
    let mut there = Vec::new();
    for &op in instance.topological() {
        arrivals(instance, &placed, op, &mut there);
        let mut best = f64::INFINITY;
        for (mode, arrival) in instance.modes(op).iter().zip(&there) {
            let free = busy_until[mode.resource.index()];
            let start = arrival.max(free);
            let choice = Choice {
                mode: *mode,
                free,
                start,
            };
            let value = key(&choice);
            if value < best || placed[op.index()].end.is_nan() {
                best = value;
                placed[op.index()] = Assignment {
                    resource: mode.resource,
                    start,
                    end: start + mode.duration,
                };
            }
        }
        let at = placed[op.index()];
        busy_until[at.resource.index()] = at.end;
    }
    Schedule {
        assignments: placed,
    }
}
