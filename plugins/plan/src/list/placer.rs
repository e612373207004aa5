//! Places operations one by one, each into the first gap that is long enough on its resource.

use super::timeline::{Inserted, Timeline};
use crate::{
    instance::{Instance, OpId, ResourceId},
    schedule::{Assignment, Schedule},
};

/// What is placed so far.
pub(super) struct Placer<'a> {
    instance: &'a Instance,
    /// By operation; nonsense where nothing is placed yet.
    placed: Vec<Assignment>,
    /// By resource.
    busy: Vec<Timeline>,
    /// By resource: when it has done all that it has.
    free: Vec<f64>,
    /// By mode of the operation that is looked at: when it could begin, were its resource idle.
    arrivals: Vec<f64>,
    /// The modes that may end sooner in a gap than the best one after all gaps.
    rivals: Vec<u32>,
}

/// What [`Placer::place`] did, to be taken back.
pub(super) struct Placed {
    op: OpId,
    inserted: Option<Inserted>,
}

impl<'a> Placer<'a> {
    /// With nothing placed.
    pub(super) fn new(instance: &'a Instance) -> Self {
        let nowhere = Assignment {
            resource: ResourceId(u32::MAX),
            start: f64::NAN,
            end: f64::NAN,
        };
        let mut shortest = vec![f64::INFINITY; instance.resources().len()];
        for op in instance.ops() {
            for mode in instance.modes(op) {
                let known = &mut shortest[mode.resource.index()];
                *known = known.min(mode.duration);
            }
        }
        Self {
            instance,
            placed: vec![nowhere; instance.n_ops()],
            busy: shortest.into_iter().map(Timeline::new).collect(),
            free: vec![0.0; instance.resources().len()],
            arrivals: Vec::with_capacity(instance.resources().len()),
            rivals: vec![0; instance.resources().len()],
        }
    }

    /// What came of it, once all are placed.
    pub(super) fn into_schedule(self) -> Schedule {
        Schedule {
            assignments: self.placed,
        }
    }

    /// Fixes an operation, in a gap.
    pub(super) fn place(&mut self, op: OpId, at: Assignment) -> Placed {
        let timeline = &mut self.busy[at.resource.index()];
        let inserted = timeline.insert(at.start, at.end);
        self.free[at.resource.index()] = timeline.free();
        self.placed[op.index()] = at;
        Placed { op, inserted }
    }

    /// Takes back what was placed last.
    pub(super) fn undo(&mut self, placed: Placed) {
        let own = &mut self.placed[placed.op.index()];
        let timeline = &mut self.busy[own.resource.index()];
        timeline.undo(placed.inserted);
        self.free[own.resource.index()] = timeline.free();
        own.end = f64::NAN;
    }

    /// Where an operation ends first; ties go to the first resource. Predecessors that are not
    /// placed yet do not count.
    pub(super) fn earliest_finish(&mut self, op: OpId) -> Assignment {
        self.find_arrivals(op);
        let modes = self.instance.modes(op);
        // After the last of its resource an operation always fits: that bounds what gaps must beat,
        // and rules most of them out without a look at them.
        let mut best_end = f64::INFINITY;
        let mut best_at = 0;
        for (at, (mode, arrival)) in modes.iter().zip(&self.arrivals).enumerate() {
            let end = arrival.max(self.free[mode.resource.index()]) + mode.duration;
            if end < best_end {
                (best_end, best_at) = (end, at);
            }
        }
        let last = modes[best_at];
        let start = self.arrivals[best_at].max(self.free[last.resource.index()]);
        let mut best = Assignment {
            resource: last.resource,
            start,
            end: start + last.duration,
        };
        // Without a branch, since nobody can foretell it.
        let mut n_rivals = 0;
        for (at, (mode, arrival)) in modes.iter().zip(&self.arrivals).enumerate() {
            let is_early = arrival + mode.duration <= best.end;
            let has_gaps = *arrival < self.free[mode.resource.index()];
            self.rivals[n_rivals] = at as u32;
            n_rivals += usize::from(is_early & has_gaps);
        }
        for &at in &self.rivals[..n_rivals] {
            let at = at as usize;
            if self.arrivals[at] + modes[at].duration > best.end {
                continue;
            }
            let found = self.try_mode(op, at, best.end);
            if found.end < best.end || (found.end == best.end && at < best_at) {
                (best, best_at) = (found, at);
            }
        }
        best
    }

    /// Where `key` (of resource, start and end) is smallest; ties go to the first resource.
    pub(super) fn best_by(
        &mut self,
        op: OpId,
        mut key: impl FnMut(usize, Assignment) -> f64,
    ) -> Assignment {
        self.find_arrivals(op);
        let mut best = self.try_mode(op, 0, f64::INFINITY);
        let mut best_key = key(0, best);
        for at in 1..self.arrivals.len() {
            let found = self.try_mode(op, at, f64::INFINITY);
            let found_key = key(at, found);
            if found_key < best_key {
                (best, best_key) = (found, found_key);
            }
        }
        best
    }

    /// Where an operation ends first on each resource that can do it, into `options`.
    pub(super) fn find_options(&mut self, op: OpId, options: &mut Vec<Assignment>) {
        self.find_arrivals(op);
        let all = 0..self.arrivals.len();
        options.clear();
        options.extend(all.map(|at| self.try_mode(op, at, f64::INFINITY)));
    }

    /// Where an operation ends first on one resource; `None` if that cannot do it.
    pub(super) fn on(&mut self, op: OpId, resource: ResourceId) -> Option<Assignment> {
        let modes = self.instance.modes(op);
        let at = modes.iter().position(|mode| mode.resource == resource)?;
        self.find_arrivals(op);
        Some(self.try_mode(op, at, f64::INFINITY))
    }

    fn try_mode(&self, op: OpId, at: usize, limit: f64) -> Assignment {
        let mode = self.instance.modes(op)[at];
        let timeline = &self.busy[mode.resource.index()];
        let start = timeline.first_gap(self.arrivals[at], mode.duration, limit);
        Assignment {
            resource: mode.resource,
            start,
            end: start + mode.duration,
        }
    }

    /// When all data is there, by mode.
    fn find_arrivals(&mut self, op: OpId) {
        arrivals(self.instance, &self.placed, op, &mut self.arrivals);
    }
}

/// When the job of `op` is released and the data of all placed predecessors is there, by mode.
pub(super) fn arrivals(
    instance: &Instance,
    placed: &[Assignment],
    op: OpId,
    arrivals: &mut Vec<f64>,
) {
    let modes = instance.modes(op);
    let release = instance.jobs()[instance.job(op).index()].release;
    arrivals.clear();
    arrivals.resize(modes.len(), release);
    let is_dense = modes.len() == instance.resources().len();
    for arc in instance.preds(op) {
        let before = placed[arc.op.index()];
        if before.end.is_nan() {
            continue;
        }
        let Some(network) = instance.network() else {
            for arrival in arrivals.iter_mut() {
                *arrival = arrival.max(before.end);
            }
            continue;
        };
        let (from, latency) = (before.resource.index(), network.latency());
        let bandwidths = network.bandwidths(before.resource);
        if is_dense {
            let own = arrivals[from].max(before.end);
            for (arrival, bandwidth) in arrivals.iter_mut().zip(bandwidths) {
                let there = before.end + (latency + arc.data / bandwidth);
                *arrival = if there > *arrival { there } else { *arrival };
            }
            // Within one resource, data takes no time.
            arrivals[from] = own;
            continue;
        }
        for (arrival, mode) in arrivals.iter_mut().zip(modes) {
            let delay = network.delay(arc.data, before.resource, mode.resource);
            *arrival = arrival.max(before.end + delay);
        }
    }
}
