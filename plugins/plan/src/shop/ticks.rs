//! An instance in whole ticks and flat arrays.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

use crate::{
    instance::{Instance, ResourceId},
    schedule::{Assignment, Schedule},
    shop::Blueprint,
};

/// The longest horizon, in ticks, so that sums of two paths fit.
const MAX_TICKS: f64 = (1_u32 << 29) as f64;

/// An instance without travel times, ready for search. Whole numbers stay as they are unless they
/// are huge; other times are rounded to ticks, and the schedules made in the end are exact again.
pub(crate) struct Shop<'a> {
    pub(crate) instance: &'a Instance,
    /// How many operations there are.
    pub(crate) n: usize,
    pub(crate) n_machines: usize,
    /// Ticks per unit of the instance's time.
    pub(crate) ticks_per_unit: f64,
    /// By operation.
    pub(crate) release: Vec<i32>,
    mode_starts: Vec<u32>,
    /// Machine and duration of each mode, by operation.
    modes: Vec<(u32, i32)>,
    pred_starts: Vec<u32>,
    preds: Vec<u32>,
    succ_starts: Vec<u32>,
    succs: Vec<u32>,
    /// Where each operation stands in the topological order of the instance.
    rank: Vec<u32>,
}

impl<'a> Shop<'a> {
    /// The shop of an instance whose data travels at once; `None` for others.
    pub(crate) fn new(instance: &'a Instance) -> Option<Self> {
        if instance.network().is_some() {
            return None;
        }
        let ticks_per_unit = ticks_per_unit(instance);
        let ticks = |time: f64| (time * ticks_per_unit).round() as i32;
        let release = |op| instance.jobs()[instance.job(op).index()].release;
        let (mode_starts, modes) = flatten(instance, |op| {
            let modes = instance.modes(op).iter();
            modes.map(|mode| (mode.resource.0, ticks(mode.duration)))
        });
        let (pred_starts, preds) =
            flatten(instance, |op| instance.preds(op).iter().map(|arc| arc.op.0));
        let (succ_starts, succs) =
            flatten(instance, |op| instance.succs(op).iter().map(|arc| arc.op.0));
        let mut rank = vec![0; instance.n_ops()];
        for (at, op) in instance.topological().iter().enumerate() {
            rank[op.index()] = at as u32;
        }
        Some(Self {
            instance,
            n: instance.n_ops(),
            n_machines: instance.resources().len(),
            ticks_per_unit,
            release: instance.ops().map(|op| ticks(release(op))).collect(),
            mode_starts,
            modes,
            pred_starts,
            preds,
            succ_starts,
            succs,
            rank,
        })
    }

    /// Machine and duration of the ways to do an operation, by machine.
    pub(crate) fn modes(&self, op: u32) -> &[(u32, i32)] {
        &self.modes[self.mode_range(op)]
    }

    /// Where the modes of an operation stand among those of all.
    pub(crate) fn mode_range(&self, op: u32) -> Range<usize> {
        self.mode_starts[op as usize] as usize..self.mode_starts[op as usize + 1] as usize
    }

    /// How many modes all operations have.
    pub(crate) fn n_modes(&self) -> usize {
        self.modes.len()
    }

    /// How long an operation takes on a machine that can do it.
    pub(crate) fn duration(&self, op: u32, machine: u32) -> i32 {
        let modes = self.modes(op);
        if modes.len() == self.n_machines {
            return modes[machine as usize].1;
        }
        let mode = modes.iter().find(|mode| mode.0 == machine);
        mode.expect("only eligible machines are asked for. This is a bug.")
            .1
    }

    pub(crate) fn preds(&self, op: u32) -> &[u32] {
        let range = self.pred_starts[op as usize]..self.pred_starts[op as usize + 1];
        &self.preds[range.start as usize..range.end as usize]
    }

    pub(crate) fn succs(&self, op: u32) -> &[u32] {
        let range = self.succ_starts[op as usize]..self.succ_starts[op as usize + 1];
        &self.succs[range.start as usize..range.end as usize]
    }

    /// Machines and a sequence of all operations that say the same as a valid schedule.
    pub(crate) fn blueprint(&self, schedule: &Schedule) -> Blueprint {
        let start = |op: usize| schedule.assignments[op].start;
        let keys: Vec<f64> = (0..self.n).map(start).collect();
        Blueprint {
            machine: schedule
                .assignments
                .iter()
                .map(|assignment| assignment.resource.0)
                .collect(),
            order: self.linear_order(&keys),
        }
    }

    /// All operations, predecessors first, otherwise by key (not negative, a number).
    pub(crate) fn linear_order(&self, keys: &[f64]) -> Vec<u32> {
        let mut missing: Vec<usize> = (0..self.n as u32).map(|op| self.preds(op).len()).collect();
        // The bits of numbers that are not negative sort as the numbers do.
        let entry = |op: u32| Reverse((keys[op as usize].to_bits(), self.rank[op as usize], op));
        let sources = (0..self.n as u32).filter(|op| self.preds(*op).is_empty());
        let mut ready: BinaryHeap<_> = sources.map(entry).collect();
        let mut order = Vec::with_capacity(self.n);
        while let Some(Reverse((_, _, op))) = ready.pop() {
            order.push(op);
            for &succ in self.succs(op) {
                missing[succ as usize] -= 1;
                if missing[succ as usize] == 0 {
                    ready.push(entry(succ));
                }
            }
        }
        order
    }

    /// The schedule that starts each operation of a blueprint as early as its sequence lets it.
    pub(crate) fn schedule(&self, blueprint: &Blueprint) -> Schedule {
        let mut free = vec![0.0_f64; self.n_machines];
        let nothing = Assignment {
            resource: ResourceId(0),
            start: 0.0,
            end: 0.0,
        };
        let mut assignments = vec![nothing; self.n];
        for &op in &blueprint.order {
            let machine = blueprint.machine[op as usize];
            let id = crate::instance::OpId(op);
            let release = self.instance.jobs()[self.instance.job(id).index()].release;
            let ends = self.preds(op).iter();
            let ends = ends.map(|pred| assignments[*pred as usize].end);
            let start = ends.fold(release.max(free[machine as usize]), f64::max);
            let resource = ResourceId(machine);
            let duration = self.instance.duration(id, resource);
            let end = start + duration.expect("only eligible machines are used. This is a bug.");
            free[machine as usize] = end;
            assignments[op as usize] = Assignment {
                resource,
                start,
                end,
            };
        }
        Schedule { assignments }
    }
}

fn ticks_per_unit(instance: &Instance) -> f64 {
    let longest = |op| {
        let durations = instance.modes(op).iter().map(|mode| mode.duration);
        durations.fold(0.0, f64::max)
    };
    let work: f64 = instance.ops().map(longest).sum();
    let releases = instance.jobs().iter().map(|job| job.release);
    let horizon = work + releases.fold(0.0, f64::max);
    if (instance.is_whole() && horizon <= MAX_TICKS) || horizon == 0.0 {
        1.0
    } else {
        MAX_TICKS / horizon
    }
}

/// The lists of all operations in one array, and where each begins.
fn flatten<T, L: Iterator<Item = T>>(
    instance: &Instance,
    list: impl Fn(crate::instance::OpId) -> L,
) -> (Vec<u32>, Vec<T>) {
    let mut starts = vec![0];
    let mut items = Vec::new();
    for op in instance.ops() {
        items.extend(list(op));
        starts.push(items.len() as u32);
    }
    (starts, items)
}
