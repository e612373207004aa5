//! Turns an order of operations, and maybe a choice of resources, into a valid schedule.
//!
//! Planners search over [`Encoding`]s; a [`Decoder`] says what they are worth. It is a workspace
//! that is made once for each instance and thread: decoding allocates nothing.

mod pass;
mod timeline;

use std::cmp::Ordering;

use crate::{
    decode::pass::{Direction, Pass},
    instance::{Instance, OpId},
    objective::{Objective, Valuer},
    schedule::{Assignment, Schedule},
};

/// How an operation is put on a resource that has others already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// After the last of them.
    Append,
    /// Into the first gap that is long enough.
    Gap,
}

/// What a planner searches over: who comes first, and who does it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// All operations, predecessors first.
    pub order: Vec<OpId>,
    /// By operation: which of its modes, or [`Encoding::SOONEST`].
    pub modes: Vec<u32>,
}

impl Encoding {
    /// Whichever resource ends the operation soonest; ties go to the resource that has waited
    /// least, then to the lower number.
    pub const SOONEST: u32 = u32::MAX;

    /// The topological order of an instance, each operation where it ends soonest.
    pub fn topological(instance: &Instance) -> Self {
        Self {
            order: instance.topological().to_vec(),
            modes: vec![Self::SOONEST; instance.n_ops()],
        }
    }
}

/// Decodes encodings of one instance. After a decode it holds the schedule that came of it.
///
/// Operations that take no time occupy no resource.
pub struct Decoder<'a> {
    instance: &'a Instance,
    forward: Pass,
    /// The same instance with time turned round; made when first needed.
    backward: Option<Box<Pass>>,
    /// Where each operation stands in the topological order.
    depth: Vec<u32>,
    /// Which of the modes of each operation `forward` chose, for [`Decoder::justify`].
    modes: Vec<u32>,
    order: Vec<OpId>,
    completions: Vec<f64>,
    valuer: Valuer,
}

impl<'a> Decoder<'a> {
    /// A workspace for this instance.
    pub fn new(instance: &'a Instance) -> Self {
        let mut depth = vec![0; instance.n_ops()];
        for (at, op) in instance.topological().iter().enumerate() {
            depth[op.index()] = at as u32;
        }
        Self {
            instance,
            forward: Pass::new(instance, Direction::Forward),
            backward: None,
            depth,
            modes: vec![Encoding::SOONEST; instance.n_ops()],
            order: instance.topological().to_vec(),
            completions: Vec::with_capacity(instance.jobs().len()),
            valuer: Valuer::new(instance),
        }
    }

    /// Places the operations in order, each as early as it can be; gives the end of the last.
    pub fn forward(&mut self, encoding: &Encoding, fit: Fit) -> f64 {
        self.forward
            .run(encoding.order.iter().copied(), &encoding.modes, fit)
    }

    /// Places the operations from the last of the order to the first, each as late as it can be,
    /// then moves them all to the left as far as that order allows; gives the end of the last.
    pub fn backward(&mut self, encoding: &Encoding, fit: Fit) -> f64 {
        let backward = self
            .backward
            .get_or_insert_with(|| Box::new(Pass::new(self.instance, Direction::Backward)));
        backward.run(encoding.order.iter().rev().copied(), &encoding.modes, fit);
        self.modes.copy_from_slice(&backward.modes);
        self.order.clone_from(&encoding.order);
        let (ends, depth) = (&backward.ends, &self.depth);
        self.order.sort_unstable_by(|a, b| {
            let (a, b) = (a.index(), b.index());
            latest_first(ends[a], ends[b]).then(depth[a].cmp(&depth[b]))
        });
        self.forward
            .run(self.order.iter().copied(), &self.modes, fit)
    }

    /// Moves all operations of the last schedule to the right, then to the left, each time in the
    /// order of their times; gives the end of the last. With [`Fit::Append`] and no releases the
    /// end never gets later. Valls, Ballestín, Quintanilla (2005), "Justification and RCPSP".
    pub fn justify(&mut self, encoding: &mut Encoding, fit: Fit) -> f64 {
        encoding.order.clear();
        encoding.order.extend(self.instance.ops());
        encoding.modes.copy_from_slice(&self.forward.modes);
        let (ends, depth) = (&self.forward.ends, &self.depth);
        encoding.order.sort_unstable_by(|a, b| {
            let (a, b) = (a.index(), b.index());
            ends[a].total_cmp(&ends[b]).then(depth[a].cmp(&depth[b]))
        });
        let end = self.backward(encoding, fit);
        self.encode(encoding);
        end
    }

    /// Writes the last schedule as an encoding: by start, with the resources it has.
    /// [`Decoder::forward`] makes a schedule of it in which no operation ends later.
    pub fn encode(&self, encoding: &mut Encoding) {
        encoding.modes.clone_from(&self.forward.modes);
        encoding.order.clear();
        encoding.order.extend(self.instance.ops());
        let (starts, depth) = (&self.forward.starts, &self.depth);
        encoding.order.sort_unstable_by(|a, b| {
            let (a, b) = (a.index(), b.index());
            starts[a]
                .total_cmp(&starts[b])
                .then(depth[a].cmp(&depth[b]))
        });
    }

    /// Takes over a schedule that somebody else made, which must be valid, as an encoding.
    pub fn encode_schedule(&self, schedule: &Schedule, encoding: &mut Encoding) {
        encoding.order.clear();
        encoding.order.extend(self.instance.ops());
        encoding.order.sort_unstable_by(|a, b| {
            let (x, y) = (schedule.of(*a).start, schedule.of(*b).start);
            x.total_cmp(&y)
                .then(self.depth[a.index()].cmp(&self.depth[b.index()]))
        });
        encoding.modes.clear();
        encoding.modes.extend(self.instance.ops().map(|op| {
            let on = schedule.of(op).resource;
            let at = self.instance.modes(op).iter();
            at.take_while(|mode| mode.resource < on).count() as u32
        }));
    }

    /// The objective of the last schedule.
    pub fn value(&mut self, objective: Objective) -> f64 {
        match objective {
            Objective::Makespan => self.forward.last_end,
            Objective::Cost | Objective::Energy => {
                let chosen = self
                    .instance
                    .ops()
                    .map(|op| self.instance.modes(op)[self.forward.modes[op.index()] as usize]);
                Valuer::working(self.instance, objective, chosen)
            }
            _ => {
                let jobs = self.instance.jobs().iter();
                self.completions.clear();
                self.completions.extend(jobs.map(|job| job.release));
                for op in self.instance.ops() {
                    let end = &mut self.completions[self.instance.job(op).index()];
                    *end = end.max(self.forward.ends[op.index()]);
                }
                self.valuer
                    .of_completions(self.instance, objective, &self.completions)
            }
        }
    }

    /// When an operation of the last schedule starts.
    pub fn start(&self, op: OpId) -> f64 {
        self.forward.starts[op.index()]
    }

    /// When an operation of the last schedule ends.
    pub fn end(&self, op: OpId) -> f64 {
        self.forward.ends[op.index()]
    }

    /// Which of its modes an operation of the last schedule has.
    pub fn mode(&self, op: OpId) -> u32 {
        self.forward.modes[op.index()]
    }

    /// The last schedule.
    pub fn schedule(&self) -> Schedule {
        let place = |op: OpId| Assignment {
            resource: self.instance.modes(op)[self.mode(op) as usize].resource,
            start: self.start(op),
            end: self.end(op),
        };
        Schedule {
            assignments: self.instance.ops().map(place).collect(),
        }
    }
}

fn latest_first(a: f64, b: f64) -> Ordering {
    b.total_cmp(&a)
}
