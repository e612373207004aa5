//! Decides among all ready operations and their resources at once, each placed after the last one of
//! its resource.

use super::placer::arrivals;
use crate::{
    instance::{Instance, Mode, OpId, ResourceId},
    schedule::{Assignment, Schedule},
};

/// When an operation whose predecessors are all placed may be decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wave {
    /// At once.
    Each,
    /// When all that were ready before it are placed.
    All,
}

/// What is compared, and what breaks ties.
pub(super) type Key = [f64; 2];

/// Worse than all.
const NEVER: Key = [f64::INFINITY; 2];

/// How a heuristic judges.
pub(super) struct Rules<K, P> {
    /// When operations join.
    pub(super) wave: Wave,
    /// What makes a resource good for an operation that would start there then; small is good. It
    /// must not fall as the start grows.
    pub(super) key: K,
    /// What makes an operation come first, given its smallest and its second smallest key (infinite
    /// if it has one resource only); small is good.
    pub(super) priority: P,
}

/// A ready operation.
struct Entry {
    op: OpId,
    /// By mode: when all data is there.
    arrivals: Vec<f64>,
    best: usize,
    second: usize,
    /// The keys of both.
    keys: (Key, Key),
    priority: Key,
}

/// The schedule that the rules make. Ties go to the operation, then the resource of lower number.
pub(super) fn schedule<K, P>(instance: &Instance, rules: &Rules<K, P>) -> Schedule
where
    K: Fn(OpId, Mode, f64) -> Key,
    P: Fn(OpId, Key, Key) -> Key,
{
    let mut frontier = Frontier::new(instance, rules);
    while let Some((op, at)) = frontier.take() {
        frontier.place(op, at);
    }
    Schedule {
        assignments: frontier.placed,
    }
}

struct Frontier<'a, K, P> {
    instance: &'a Instance,
    rules: &'a Rules<K, P>,
    /// By operation; nonsense where nothing is placed yet.
    placed: Vec<Assignment>,
    /// When each resource has done what it has.
    free: Vec<f64>,
    /// Predecessors that are not placed yet, by operation.
    missing: Vec<u32>,
    /// Who may be decided on, and who joins when all of those are placed.
    entries: Vec<Entry>,
    waiting: Vec<Entry>,
    /// Arrays to use again.
    spare: Vec<Vec<f64>>,
}

impl<'a, K, P> Frontier<'a, K, P>
where
    K: Fn(OpId, Mode, f64) -> Key,
    P: Fn(OpId, Key, Key) -> Key,
{
    fn new(instance: &'a Instance, rules: &'a Rules<K, P>) -> Self {
        let nowhere = Assignment {
            resource: ResourceId(u32::MAX),
            start: f64::NAN,
            end: f64::NAN,
        };
        let missing: Vec<u32> = instance
            .ops()
            .map(|op| instance.preds(op).len() as u32)
            .collect();
        let mut frontier = Self {
            instance,
            rules,
            placed: vec![nowhere; instance.n_ops()],
            free: vec![0.0; instance.resources().len()],
            missing,
            entries: Vec::new(),
            waiting: Vec::new(),
            spare: Vec::new(),
        };
        for op in instance.ops() {
            if frontier.missing[op.index()] == 0 {
                frontier.join(op);
            }
        }
        frontier
    }

    /// The operation that comes first, and where.
    fn take(&mut self) -> Option<(OpId, Assignment)> {
        if self.entries.is_empty() {
            std::mem::swap(&mut self.entries, &mut self.waiting);
            for entry in &mut self.entries {
                judge(self.instance, self.rules, &self.free, entry);
            }
        }
        let first = (0..self.entries.len()).min_by(|a, b| {
            let (a, b) = (&self.entries[*a], &self.entries[*b]);
            a.priority[0]
                .total_cmp(&b.priority[0])
                .then(a.priority[1].total_cmp(&b.priority[1]))
                .then(a.op.cmp(&b.op))
        })?;
        let entry = self.entries.swap_remove(first);
        let mode = self.instance.modes(entry.op)[entry.best];
        let start = entry.arrivals[entry.best].max(self.free[mode.resource.index()]);
        self.spare.push(entry.arrivals);
        let at = Assignment {
            resource: mode.resource,
            start,
            end: start + mode.duration,
        };
        Some((entry.op, at))
    }

    /// Fixes an operation, lets those join that waited for it alone, and judges those again whose
    /// choice is touched.
    fn place(&mut self, op: OpId, at: Assignment) {
        self.placed[op.index()] = at;
        self.free[at.resource.index()] = at.end;
        for entry in &mut self.entries {
            let modes = self.instance.modes(entry.op);
            // Keys of this resource only grow, so others stay the best.
            let is_touched = [entry.best, entry.second]
                .iter()
                .any(|mode| modes[*mode].resource == at.resource);
            if is_touched {
                judge(self.instance, self.rules, &self.free, entry);
            }
        }
        for arc in self.instance.succs(op) {
            self.missing[arc.op.index()] -= 1;
            if self.missing[arc.op.index()] == 0 {
                self.join(arc.op);
            }
        }
    }

    fn join(&mut self, op: OpId) {
        let mut there = self.spare.pop().unwrap_or_default();
        arrivals(self.instance, &self.placed, op, &mut there);
        let mut entry = Entry {
            op,
            arrivals: there,
            best: 0,
            second: 0,
            keys: (NEVER, NEVER),
            priority: NEVER,
        };
        judge(self.instance, self.rules, &self.free, &mut entry);
        match self.rules.wave {
            Wave::Each => self.entries.push(entry),
            Wave::All => self.waiting.push(entry),
        }
    }
}

fn judge<K, P>(instance: &Instance, rules: &Rules<K, P>, free: &[f64], entry: &mut Entry)
where
    K: Fn(OpId, Mode, f64) -> Key,
    P: Fn(OpId, Key, Key) -> Key,
{
    let (mut best, mut second) = (0, 0);
    let mut keys = (NEVER, NEVER);
    let modes = instance.modes(entry.op).iter().zip(&entry.arrivals);
    for (at, (mode, arrival)) in modes.enumerate() {
        let start = arrival.max(free[mode.resource.index()]);
        let key = (rules.key)(entry.op, *mode, start);
        if key < keys.0 {
            (second, best) = (best, at);
            keys = (key, keys.0);
        } else if key < keys.1 {
            second = at;
            keys.1 = key;
        }
    }
    entry.best = best;
    entry.second = second;
    entry.keys = keys;
    entry.priority = (rules.priority)(entry.op, keys.0, keys.1);
}
