//! What is known now as an instance to plan: the subtasks that wait, and as much of the resources as
//! is left beside what runs.
//!
//! Each slot is a resource of its own (up to [`MAX_SLOTS`]), on which a subtask takes as long as the
//! batch that it would be in. What keeps a slot or a subtask busy for a while becomes an operation on
//! it that comes first: it is followed by a long one on a resource of its own, which every ranking
//! puts before all else and which changes nothing for the others.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use plan::{Assignment, Instance, InstanceBuilder, Job, JobId, Mode, Network, OpId, Schedule};
use sim::{SimSpan, SimTime};

use super::{
    Key,
    chosen::Chosen,
    turns::{Item, Plan},
};
use crate::{
    lane::Load,
    policy::View,
    pool::ResourceId,
    workload::{SubtaskId, SubtaskState, TaskId},
};

/// How many slots of a resource are planned by themselves.
const MAX_SLOTS: u32 = 4;

/// An instance and what its parts stand for.
pub(super) struct Horizon {
    pub(super) instance: Instance,
    /// How many ways there are to do what is planned.
    pub(super) n_modes: usize,
    /// Whether some subtasks had no room.
    pub(super) is_cut: bool,
    /// The lowest priority of those that had.
    pub(super) least_priority: i32,
    /// By operation: what it stands for; `None`: something that keeps a resource busy.
    subtasks: Vec<Option<SubtaskId>>,
    /// By resource of the instance: whose slot it is.
    slots: Vec<Option<ResourceId>>,
    /// By operation: when the current plan starts it; what keeps a resource busy comes first, what
    /// is new comes last.
    known_starts: Vec<SimTime>,
}

/// The parts while they come together.
struct Parts {
    builder: InstanceBuilder,
    subtasks: Vec<Option<SubtaskId>>,
    slots: Vec<Option<ResourceId>>,
    /// By operation that keeps something busy: the resource of its own behind it.
    n_private: usize,
    blockers: JobId,
    /// Longer than any chain of what is planned.
    behind: f64,
    /// How long the longest of those that keep something busy does.
    longest_block: f64,
    /// The data of each precedence that has any.
    bytes: Vec<u64>,
}

impl Parts {
    /// Keeps `on` busy for `span` from now on.
    fn block(&mut self, on: usize, span: f64) -> OpId {
        let mode = |resource: usize, duration| Mode {
            resource: plan::ResourceId(resource as u32),
            duration,
        };
        let first = self.builder.operation(self.blockers, [mode(on, span)]);
        let private = self.slots.len() + self.n_private;
        self.n_private += 1;
        // All end together, so that none can begin later at no cost.
        let long = self.behind + (self.longest_block - span);
        let second = self.builder.operation(self.blockers, [mode(private, long)]);
        self.builder.arc(first, second, 0.0);
        self.subtasks.extend([None, None]);
        first
    }

    /// Lets data take time from slot to slot: as long as the mean amount, in proportion.
    fn connect(&mut self, view: &View<'_>, n_resources: usize) {
        if self.bytes.is_empty() {
            return;
        }
        let mean = self.bytes.iter().sum::<u64>() / self.bytes.len() as u64;
        let slot = |at: plan::ResourceId| self.slots.get(at.index()).copied().flatten();
        let network = Network::new(n_resources, 0.0, |from, to| match (slot(from), slot(to)) {
            (Some(from), Some(to)) => mean as f64 / view.travel(from, to, mean).0 as f64,
            _ => f64::INFINITY,
        });
        self.builder.network(network);
    }
}

impl Horizon {
    /// The instance of what waits now: what is `open`, and what comes after that or after what is
    /// `started`. `None` if nothing waits or nobody is up.
    pub(super) fn new(
        view: &View<'_>,
        current: &Plan,
        open: &[Key],
        started: &BTreeSet<SubtaskId>,
    ) -> Option<Self> {
        let Chosen {
            subtasks: chosen,
            is_cut,
            least_priority,
        } = Chosen::new(view, open, started);
        let mut slots = Vec::new();
        let mut first_slot = vec![None; view.resources().len()];
        for resource in view.resources().iter().filter(|resource| resource.up) {
            first_slot[resource.id.index()] = Some(slots.len());
            let n = view.slots(resource.id).min(MAX_SLOTS);
            slots.extend((0..n).map(|_| Some(resource.id)));
        }
        if chosen.is_empty() || slots.is_empty() {
            return None;
        }
        let is_delayed = |id: &&SubtaskId| matches!(view.state(**id), SubtaskState::Backoff { .. });
        let n_delayed = chosen.iter().filter(is_delayed).count();
        let n_resources = 2 * slots.len() + 2 * n_delayed;
        let mut builder = InstanceBuilder::new("horizon", n_resources);
        let weights: f64 = chosen.iter().map(|id| view.task_of(*id).spec.weight).sum();
        let blockers = builder.job(Job {
            weight: weights,
            ..Job::default()
        });
        let mut parts = Parts {
            builder,
            subtasks: Vec::new(),
            slots,
            n_private: 0,
            blockers,
            behind: longest_path(view, &chosen) + 1.0,
            longest_block: longest_block(view, &chosen),
            bytes: Vec::new(),
        };
        let mut ends_of_running = vec![None; view.resources().len()];
        for at in 0..parts.slots.len() {
            let Some(on) = parts.slots[at] else { continue };
            let left = view.free_at(on).since(view.now());
            if left > SimSpan::ZERO {
                let op = parts.block(at, left.0 as f64);
                ends_of_running[on.index()] = Some(op);
            }
        }
        let n_modes = add_subtasks(view, &mut parts, &chosen, &first_slot, &ends_of_running)?;
        parts.connect(view, n_resources);
        let known_starts = known_starts(current, &parts.subtasks);
        let instance = parts.builder.build().ok()?;
        Some(Self {
            instance,
            n_modes,
            is_cut,
            least_priority,
            subtasks: parts.subtasks,
            slots: parts.slots,
            known_starts,
        })
    }

    /// How many subtasks are planned.
    pub(super) fn n_subtasks(&self) -> usize {
        self.subtasks.iter().flatten().count()
    }

    /// A schedule to start from: in the order of the current plan, each where it ends soonest.
    pub(super) fn start(&self) -> Schedule {
        self.in_order(|op| self.known_starts[op.index()].0, |_| None)
    }

    /// A schedule in which what belongs to the task with the least work left for its weight goes
    /// first, each where it ends soonest. Smith (1956), "Various optimizers for single-stage
    /// production".
    pub(super) fn least_work_first(&self) -> Schedule {
        let instance = &self.instance;
        let least = |op: OpId| {
            let durations = instance.modes(op).iter().map(|mode| mode.duration);
            durations.fold(f64::INFINITY, f64::min)
        };
        let of_job = |job: usize| {
            let ops = instance.ops_of(JobId(job as u32)).iter();
            let work: f64 = ops.map(|op| least(*op)).sum();
            (work / instance.jobs()[job].weight) as u64
        };
        let left: Vec<_> = (0..instance.jobs().len()).map(of_job).collect();
        let key =
            |op: OpId| self.subtasks[op.index()].map_or(0, |_| left[instance.job(op).index()]);
        self.in_order(key, |_| None)
    }

    /// What comes of a schedule here: the same where no data travels; else in its order, each where
    /// it ends soonest, since a resource takes in the data of a subtask before it works on it, and
    /// does nothing else meanwhile.
    pub(super) fn as_run(&self, schedule: Schedule) -> Schedule {
        if self.instance.network().is_none() {
            return schedule;
        }
        self.in_order(|op| self.turn(&schedule, op), |_| None)
    }

    /// What comes of a schedule that a search found: in its order and on its resources, but behind
    /// all that keeps them busy, since a search may think of that as work that can wait.
    pub(super) fn as_found(&self, schedule: &Schedule) -> Schedule {
        let place = |op: OpId| Some(schedule.assignments[op.index()].resource);
        self.in_order(|op| self.turn(schedule, op), place)
    }

    /// When a schedule starts an operation; what keeps a resource busy comes first.
    fn turn(&self, schedule: &Schedule, op: OpId) -> u64 {
        let start = schedule.assignments[op.index()].start as u64;
        self.subtasks[op.index()].map_or(0, |_| start)
    }

    /// In the order of a key, as far as precedences allow, ties by number; each where it is to be, or
    /// ends soonest.
    fn in_order(
        &self,
        key: impl Fn(OpId) -> u64,
        place: impl Fn(OpId) -> Option<plan::ResourceId>,
    ) -> Schedule {
        let instance = &self.instance;
        let mut free = vec![0.0_f64; instance.resources().len()];
        let nowhere = Assignment {
            resource: plan::ResourceId(0),
            start: 0.0,
            end: 0.0,
        };
        let mut assignments = vec![nowhere; instance.n_ops()];
        let mut missing: Vec<_> = instance.ops().map(|op| instance.preds(op).len()).collect();
        let key = |op: OpId| Reverse((key(op), op));
        let free_ops = instance.ops().filter(|op| missing[op.index()] == 0);
        let mut heap: BinaryHeap<_> = free_ops.map(key).collect();
        while let Some(Reverse((_, op))) = heap.pop() {
            for arc in instance.succs(op) {
                missing[arc.op.index()] -= 1;
                if missing[arc.op.index()] == 0 {
                    heap.push(key(arc.op));
                }
            }
            let place = place(op);
            let modes = instance.modes(op).iter();
            let modes = modes.filter(|mode| place.is_none_or(|on| on == mode.resource));
            let ends = modes.map(|mode| {
                let (mut start, mut travel) = (free[mode.resource.index()], 0.0);
                for arc in instance.preds(op) {
                    let before = assignments[arc.op.index()];
                    let delay = instance.delay(arc.data, before.resource, mode.resource);
                    start = before.end.max(start);
                    travel = delay.max(travel);
                }
                Assignment {
                    resource: mode.resource,
                    start,
                    end: start + travel + mode.duration,
                }
            });
            let best = ends
                .min_by(|a, b| a.end.total_cmp(&b.end))
                .unwrap_or(nowhere);
            free[best.resource.index()] = best.end;
            assignments[op.index()] = best;
        }
        Schedule { assignments }
    }

    /// The turns of each resource in a schedule.
    pub(super) fn plan(&self, view: &View<'_>, schedule: &Schedule) -> Plan {
        let mut turns = vec![Vec::new(); view.resources().len()];
        for (subtask, assignment) in self.subtasks.iter().zip(&schedule.assignments) {
            let slot = self
                .slots
                .get(assignment.resource.index())
                .copied()
                .flatten();
            if let (Some(subtask), Some(on)) = (*subtask, slot) {
                let start = view.now() + SimSpan(assignment.start as u64);
                turns[on.index()].push(Item { subtask, start });
            }
        }
        for turns in &mut turns {
            turns.sort_by_key(|item| (item.start, item.subtask));
        }
        Plan {
            turns: turns.into_iter().map(Into::into).collect(),
        }
    }
}

/// The longest chain of what is planned, at the mean speed, in nanoseconds; where data travels, all
/// together.
fn longest_path(view: &View<'_>, chosen: &BTreeSet<SubtaskId>) -> f64 {
    let n_together = view.resources().iter().map(|on| view.slots(on.id)).max();
    let (mut longest, mut total, mut has_data) = (0.0_f64, 0.0, false);
    let mut paths: BTreeMap<SubtaskId, f64> = BTreeMap::new();
    for &id in chosen {
        let own = view.mean_span(id).0 as f64;
        let before = view.predecessors(id).filter_map(|p| {
            has_data |= view.received(id, p) > 0;
            paths.get(&p)
        });
        let path = own + before.fold(0.0_f64, |most, path| most.max(*path));
        paths.insert(id, path);
        longest = longest.max(path);
        total += own;
    }
    // In a batch each takes as long as all of it.
    let most = f64::from(n_together.unwrap_or(1).min(chosen.len() as u32).max(1));
    if has_data {
        total * most
    } else {
        longest * most
    }
}

/// Until the last of those who are busy or wait for another attempt is free, in nanoseconds.
fn longest_block(view: &View<'_>, chosen: &BTreeSet<SubtaskId>) -> f64 {
    let up = view.resources().iter().filter(|on| on.up);
    let busy = up.map(|on| view.free_at(on.id).since(view.now()).0);
    let delays = chosen.iter().map(|id| delay(view, *id));
    busy.chain(delays).max().unwrap_or(0) as f64
}

/// Until a subtask may be tried again, in nanoseconds.
fn delay(view: &View<'_>, id: SubtaskId) -> u64 {
    match view.state(id) {
        SubtaskState::Backoff { until } => until.since(view.now()).0,
        _ => 0,
    }
}

/// When the current plan starts each operation.
fn known_starts(current: &Plan, subtasks: &[Option<SubtaskId>]) -> Vec<SimTime> {
    let items = current.turns.iter().flatten();
    let starts: BTreeMap<_, _> = items.map(|item| (item.subtask, item.start)).collect();
    let start_of = |subtask: &Option<SubtaskId>| match subtask {
        Some(id) => starts.get(id).copied().unwrap_or(SimTime::MAX),
        None => SimTime::ZERO,
    };
    subtasks.iter().map(start_of).collect()
}

/// Adds the subtasks with their modes and precedences; gives the number of modes.
fn add_subtasks(
    view: &View<'_>,
    parts: &mut Parts,
    chosen: &BTreeSet<SubtaskId>,
    first_slot: &[Option<usize>],
    ends_of_running: &[Option<OpId>],
) -> Option<usize> {
    let mut jobs: BTreeMap<TaskId, JobId> = BTreeMap::new();
    let mut ops: BTreeMap<SubtaskId, OpId> = BTreeMap::new();
    let mut on_lane = BTreeMap::new();
    for id in chosen {
        *on_lane.entry(view.lane(*id)).or_insert(0_u32) += 1;
    }
    let mut n_modes = 0;
    for &id in chosen {
        let (task, lane) = (view.task_id(id), view.lane(id));
        let job = *jobs.entry(task).or_insert_with(|| {
            parts.builder.job(Job {
                weight: view.task_of(id).spec.weight,
                ..Job::default()
            })
        });
        let modes = modes(view, id, on_lane[&lane], first_slot)?;
        n_modes += modes.len();
        // The private resources follow the slots and those of what runs.
        let delay = delay(view, id);
        let waits_for = (delay > 0).then(|| {
            let private = parts.slots.len() + parts.n_private;
            parts.n_private += 1;
            parts.block(private, delay as f64)
        });
        let op = parts.builder.operation(job, modes);
        parts.subtasks.push(Some(id));
        if let Some(before) = waits_for {
            parts.builder.arc(before, op, 0.0);
        }
        for before in view.predecessors(id) {
            let running = match view.state(before) {
                SubtaskState::Running { resource, .. } => ends_of_running[resource.index()],
                _ => None,
            };
            if let Some(from) = ops.get(&before).copied() {
                let bytes = view.received(id, before);
                parts.bytes.extend((bytes > 0).then_some(bytes));
                parts.builder.arc(from, op, bytes as f64);
            } else if let Some(from) = running {
                parts.builder.arc(from, op, 0.0);
            }
        }
        ops.insert(id, op);
    }
    Some(n_modes)
}

/// The ways to do a subtask, of `n` with the same demand: in a slot of each resource, together with
/// its share of the others.
fn modes(
    view: &View<'_>,
    id: SubtaskId,
    n: u32,
    first_slot: &[Option<usize>],
) -> Option<Vec<Mode>> {
    let lane = view.lane(id);
    let fill = (n / view.members(lane).len() as u32).max(1);
    let mut modes = Vec::new();
    for &(on, _) in view.members(lane) {
        let Some(first) = first_slot[on.index()] else {
            continue;
        };
        let n = view.slots(on).min(fill);
        let load = (0..n).fold(Load::default(), |sum: Load, _| sum.plus(view.load(id)));
        // Data of what has started comes from where that runs.
        let span = view.span(on, lane, load)? + view.transfer(id, on);
        let duration = span.0 as f64;
        for slot in first..first + view.slots(on).min(MAX_SLOTS) as usize {
            modes.push(Mode {
                resource: plan::ResourceId(slot as u32),
                duration,
            });
        }
    }
    Some(modes)
}
