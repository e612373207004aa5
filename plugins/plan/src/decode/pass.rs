//! One pass over the operations of an order, forward or backward in time.

use crate::{
    decode::{
        Encoding, Fit,
        timeline::{Busy, Group},
    },
    instance::{Arc, Instance, OpId},
};

/// Which way time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    /// Successors come first; releases are left out.
    Backward,
}

/// A way to do an operation.
#[derive(Clone, Copy, Debug)]
struct Way {
    resource: u32,
    duration: f64,
}

/// A group of alike resources that can do an operation.
#[derive(Clone, Copy, Debug)]
struct GroupWay {
    group: u32,
    duration: f64,
}

/// Where an operation would go.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    mode: u32,
    start: f64,
    end: f64,
    /// When its resource becomes free before it.
    free: f64,
}

impl Candidate {
    /// Ends sooner; ties: the resource has waited less. Of two equals the first stays.
    fn beats(&self, other: &Self) -> bool {
        self.end < other.end || (self.end == other.end && self.free > other.free)
    }
}

/// What travels costs, by sender and receiver.
#[derive(Clone, Debug)]
struct Travel {
    n_resources: usize,
    latency: f64,
    /// Time for one unit of data.
    pace: Vec<f64>,
}

impl Travel {
    fn new(instance: &Instance, direction: Direction) -> Option<Self> {
        let network = instance.network()?;
        let n_resources = instance.resources().len();
        let ids = || (0..n_resources as u32).map(crate::instance::ResourceId);
        let pace = |from, to| 1.0 / network.bandwidth(from, to);
        let pairs = ids().flat_map(|a| ids().map(move |b| (a, b)));
        Some(Self {
            n_resources,
            latency: network.latency(),
            pace: pairs
                .map(|(a, b)| match direction {
                    Direction::Forward => pace(a, b),
                    Direction::Backward => pace(b, a),
                })
                .collect(),
        })
    }

    fn delay(&self, data: f64, from: u32, to: u32) -> f64 {
        if from == to {
            return 0.0;
        }
        self.latency + data * self.pace[from as usize * self.n_resources + to as usize]
    }
}

/// An instance as flat arrays, and the schedule that comes of it.
pub(super) struct Pass {
    /// By operation.
    releases: Vec<f64>,
    way_starts: Vec<u32>,
    ways: Vec<Way>,
    before_starts: Vec<u32>,
    before: Vec<Arc>,
    travel: Option<Travel>,
    /// Empty unless some group has more than one resource and nothing travels.
    group_way_starts: Vec<u32>,
    group_ways: Vec<GroupWay>,
    groups: Vec<Group>,

    /// By resource.
    free: Vec<f64>,
    busy: Vec<Busy>,
    /// By operation: the schedule.
    pub(super) starts: Vec<f64>,
    pub(super) ends: Vec<f64>,
    pub(super) modes: Vec<u32>,
    on: Vec<u32>,
    pub(super) last_end: f64,
}

impl Pass {
    pub(super) fn new(instance: &Instance, direction: Direction) -> Self {
        let n_ops = instance.n_ops();
        let n_resources = instance.resources().len();
        let release = |op| match direction {
            Direction::Forward => instance.jobs()[instance.job(op).index()].release,
            Direction::Backward => 0.0,
        };
        let before = |op| match direction {
            Direction::Forward => instance.preds(op),
            Direction::Backward => instance.succs(op),
        };
        let way = |mode: &crate::instance::Mode| Way {
            resource: mode.resource.0,
            duration: mode.duration,
        };
        let mut pass = Self {
            releases: instance.ops().map(release).collect(),
            way_starts: starts(instance, |op| instance.modes(op).len()),
            ways: instance
                .ops()
                .flat_map(|op| instance.modes(op))
                .map(way)
                .collect(),
            before_starts: starts(instance, |op| before(op).len()),
            before: instance.ops().flat_map(before).copied().collect(),
            travel: Travel::new(instance, direction),
            group_way_starts: Vec::new(),
            group_ways: Vec::new(),
            groups: Vec::new(),
            free: vec![0.0; n_resources],
            busy: vec![Busy::default(); n_resources],
            starts: vec![0.0; n_ops],
            ends: vec![0.0; n_ops],
            modes: vec![0; n_ops],
            on: vec![0; n_ops],
            last_end: 0.0,
        };
        pass.group(instance);
        pass
    }

    /// Finds resources that are alike, if that helps.
    fn group(&mut self, instance: &Instance) {
        let lists = alike(instance);
        if self.travel.is_some() || lists.len() == instance.resources().len() {
            return;
        }
        let mut group_of = vec![0_u32; instance.resources().len()];
        for (group, list) in lists.iter().enumerate() {
            for &resource in list {
                group_of[resource as usize] = group as u32;
            }
        }
        self.group_way_starts.push(0);
        for op in instance.ops() {
            for mode in instance.modes(op) {
                let group = group_of[mode.resource.index()];
                // Each group once: by its first resource.
                if lists[group as usize][0] == mode.resource.0 {
                    self.group_ways.push(GroupWay {
                        group,
                        duration: mode.duration,
                    });
                }
            }
            self.group_way_starts.push(self.group_ways.len() as u32);
        }
        self.groups = lists.into_iter().map(Group::new).collect();
    }

    /// Places the operations in order; gives the end of the last.
    pub(super) fn run(
        &mut self,
        order: impl Iterator<Item = OpId>,
        modes: &[u32],
        fit: Fit,
    ) -> f64 {
        self.last_end = 0.0;
        match fit {
            Fit::Gap => {
                for busy in &mut self.busy {
                    busy.clear();
                }
                for op in order {
                    self.place_in_gap(op.index(), modes[op.index()]);
                }
            }
            Fit::Append => self.append_all(order, modes),
        }
        self.last_end
    }

    fn append_all(&mut self, order: impl Iterator<Item = OpId>, modes: &[u32]) {
        self.free.fill(0.0);
        let is_grouped =
            !self.groups.is_empty() && modes.iter().all(|mode| *mode == Encoding::SOONEST);
        if is_grouped {
            for group in &mut self.groups {
                group.clear();
            }
            for op in order {
                self.append_to_group(op.index());
            }
        } else if self.travel.is_some() {
            for op in order {
                self.append(op.index(), modes[op.index()]);
            }
        } else {
            for op in order {
                self.append_at_once(op.index(), modes[op.index()]);
            }
        }
    }

    /// When the predecessors and the release allow an operation, if data travels at once.
    fn ready(&self, op: usize) -> f64 {
        let range = self.before_starts[op] as usize..self.before_starts[op + 1] as usize;
        let mut ready = self.releases[op];
        for arc in &self.before[range] {
            let end = self.ends[arc.op.index()];
            ready = if end > ready { end } else { ready };
        }
        ready
    }

    /// When an operation could start on a resource, for its predecessors and its release.
    fn ready_on(&self, op: usize, resource: u32) -> f64 {
        let Some(travel) = &self.travel else {
            return self.ready(op);
        };
        let range = self.before_starts[op] as usize..self.before_starts[op + 1] as usize;
        self.before[range]
            .iter()
            .map(|arc| {
                let before = arc.op.index();
                self.ends[before] + travel.delay(arc.data, self.on[before], resource)
            })
            .fold(self.releases[op], f64::max)
    }

    fn ways(&self, op: usize) -> &[Way] {
        &self.ways[self.way_starts[op] as usize..self.way_starts[op + 1] as usize]
    }

    /// The modes that may be chosen: all, or the one that is given.
    fn range(&self, op: usize, mode: u32) -> std::ops::Range<u32> {
        if mode == Encoding::SOONEST {
            0..self.way_starts[op + 1] - self.way_starts[op]
        } else {
            mode..mode + 1
        }
    }

    /// Appends an operation whose data travels at once.
    fn append_at_once(&mut self, op: usize, mode: u32) {
        let ready = self.ready(op);
        let at = |mode: u32| {
            let way = self.ways[(self.way_starts[op] + mode) as usize];
            after(self.free[way.resource as usize], ready, way.duration, mode)
        };
        let best = if mode == Encoding::SOONEST {
            let mut best = at(0);
            for mode in 1..self.way_starts[op + 1] - self.way_starts[op] {
                let candidate = at(mode);
                if candidate.beats(&best) {
                    best = candidate;
                }
            }
            best
        } else {
            at(mode)
        };
        self.put(op, best);
    }

    /// Appends an operation whose data may travel.
    fn append(&mut self, op: usize, mode: u32) {
        let best = self.best(op, mode, |way, ready, mode| {
            after(self.free[way.resource as usize], ready, way.duration, mode)
        });
        self.put(op, best);
    }

    fn place_in_gap(&mut self, op: usize, mode: u32) {
        let best = self.best(op, mode, |way, ready, mode| {
            let start = match way.duration {
                0.0 => ready,
                _ => self.busy[way.resource as usize].first_gap(ready, way.duration),
            };
            Candidate {
                mode,
                start,
                end: start + way.duration,
                free: 0.0,
            }
        });
        self.put(op, best);
        if best.end > best.start {
            self.busy[self.on[op] as usize].occupy(best.start, best.end);
        }
    }

    fn best(
        &self,
        op: usize,
        mode: u32,
        candidate: impl Fn(Way, f64, u32) -> Candidate,
    ) -> Candidate {
        let mut best: Option<Candidate> = None;
        for mode in self.range(op, mode) {
            let way = self.ways(op)[mode as usize];
            let candidate = candidate(way, self.ready_on(op, way.resource), mode);
            if best.as_ref().is_none_or(|best| candidate.beats(best)) {
                best = Some(candidate);
            }
        }
        best.expect("each operation has a mode. This is a bug.")
    }

    fn put(&mut self, op: usize, at: Candidate) {
        let resource = self.ways[(self.way_starts[op] + at.mode) as usize].resource;
        if at.end > at.start {
            self.free[resource as usize] = at.end;
        }
        self.starts[op] = at.start;
        self.ends[op] = at.end;
        self.modes[op] = at.mode;
        self.on[op] = resource;
        self.last_end = self.last_end.max(at.end);
    }

    /// Appends an operation to whichever resource of its groups ends it soonest.
    fn append_to_group(&mut self, op: usize) {
        let ready = self.ready(op);
        let range = self.group_way_starts[op] as usize..self.group_way_starts[op + 1] as usize;
        let mut best: Option<(Candidate, u32, usize, u32)> = None;
        for way in &self.group_ways[range] {
            let group = &self.groups[way.group as usize];
            let position = group.pick(ready);
            let free = group.get(position);
            let candidate = after(free.at, ready, way.duration, 0);
            let is_better = best.as_ref().is_none_or(|(other, _, _, resource)| {
                candidate.beats(other) || !other.beats(&candidate) && free.resource < *resource
            });
            if is_better {
                best = Some((candidate, way.group, position, free.resource));
            }
        }
        let (mut best, group, position, resource) =
            best.expect("each operation has a mode. This is a bug.");
        if best.end > best.start {
            self.groups[group as usize].occupy(position, best.end);
        }
        let ways = self.ways(op);
        best.mode = ways.partition_point(|way| way.resource < resource) as u32;
        self.put(op, best);
    }
}

/// An operation on a resource that is free from `free` on.
fn after(free: f64, ready: f64, duration: f64, mode: u32) -> Candidate {
    // What takes no time occupies nothing.
    let start = if free > ready && duration > 0.0 {
        free
    } else {
        ready
    };
    Candidate {
        mode,
        start,
        end: start + duration,
        free,
    }
}

/// Where the list of each operation begins, and the end of the last.
fn starts(instance: &Instance, len: impl Fn(OpId) -> usize) -> Vec<u32> {
    let mut total = 0;
    let mut starts = vec![0];
    for op in instance.ops() {
        total += len(op) as u32;
        starts.push(total);
    }
    starts
}

/// The resources in groups that do the same operations in the same times, each by number, in the
/// order of their first.
fn alike(instance: &Instance) -> Vec<Vec<u32>> {
    let mut does: Vec<Vec<(u32, u64)>> = vec![Vec::new(); instance.resources().len()];
    for op in instance.ops() {
        for mode in instance.modes(op) {
            does[mode.resource.index()].push((op.0, mode.duration.to_bits()));
        }
    }
    let mut by_work: Vec<u32> = (0..does.len() as u32).collect();
    by_work.sort_by(|a, b| does[*a as usize].cmp(&does[*b as usize]).then(a.cmp(b)));
    let mut groups: Vec<Vec<u32>> = by_work
        .chunk_by(|a, b| does[*a as usize] == does[*b as usize])
        .map(<[u32]>::to_vec)
        .collect();
    groups.sort();
    groups
}
