//! Draws moves of single operations for the annealing of a makespan.
//!
//! There are three kinds: an operation goes to another place of its stage, changes places with one
//! of another machine, or two machines exchange all that they do from some place on. Only the last
//! two keep machines equally busy. Nothing before a stage changes what comes after it, and nothing
//! behind it when an operation can start, so the longest new way is known without carrying a move
//! out. A move is drawn among those whose longest new way is no longer than a random threshold
//! allows, the shorter ones more often: heat-bath sampling, Geman and Geman (1984).

use rand::{Rng as _, rngs::SmallRng};

use crate::planner::iterated_greedy::machines::{Machines, Place};

/// Ways that are shorter than the longest by more temperatures than this are all as good.
const MAX_GAIN: f64 = 5.0;

/// One draw among ways.
struct Draw<'r, T> {
    longest: f64,
    temperature: f64,
    threshold: f64,
    total: f64,
    drawn: Option<T>,
    rng: &'r mut SmallRng,
}

impl<'r, T> Draw<'r, T> {
    /// Nothing is drawn yet; `longest` is the way that all are compared with.
    fn new(longest: f64, temperature: f64, rng: &'r mut SmallRng) -> Self {
        let threshold = longest - temperature * (1.0 - rng.random::<f64>()).ln();
        Self {
            longest,
            temperature,
            threshold,
            total: 0.0,
            drawn: None,
            rng,
        }
    }

    /// Lets a move take part whose longest new way is `way`.
    fn offer(&mut self, way: f64, what: T) {
        if way > self.threshold {
            return;
        }
        let gain = (self.longest - way) / self.temperature;
        let weight = gain.min(MAX_GAIN).exp();
        self.total += weight;
        if self.rng.random::<f64>() * self.total < weight {
            self.drawn = Some(what);
        }
    }
}

/// What is known of a stage: ends of the operations before and in it, tails in and behind it.
struct Stage<'m> {
    index: usize,
    ready: &'m [f64],
    ends: &'m [f64],
    tails: &'m [f64],
    behind: &'m [f64],
    durations: &'m [f64],
}

impl<'m> Stage<'m> {
    fn of(machines: &'m Machines<'_>, op: usize) -> (Self, usize) {
        let n_jobs = machines.flow.n_jobs;
        let (index, first) = (op / n_jobs, op / n_jobs * n_jobs);
        let stage = Self {
            index,
            ready: &machines.ends[first..first + n_jobs],
            ends: &machines.ends[first + n_jobs..first + 2 * n_jobs],
            tails: &machines.tails[first..first + n_jobs],
            behind: &machines.tails[first + n_jobs..first + 2 * n_jobs],
            durations: &machines.flow.durations[first..first + n_jobs],
        };
        (stage, op - first)
    }

    /// When the operations before a place are done.
    fn before(&self, sequence: &[u32], at: usize) -> f64 {
        match at {
            0 => 0.0,
            _ => self.ends[sequence[at - 1] as usize],
        }
    }

    /// How long it takes from the start of the operation at a place to the end.
    fn after(&self, sequence: &[u32], at: usize) -> f64 {
        sequence
            .get(at)
            .map_or(0.0, |job| self.tails[*job as usize])
    }

    /// The longest way through a job between two times of its machine.
    fn through(&self, job: usize, before: f64, after: f64) -> f64 {
        before.max(self.ready[job]) + self.durations[job] + after.max(self.behind[job])
    }

    /// The first place of a machine behind which there is no more left than `limit`.
    fn first(&self, sequence: &[u32], limit: f64) -> usize {
        // Tails fall along a machine.
        sequence.partition_point(|job| self.tails[*job as usize] > limit)
    }
}

/// A place for a lifted operation, other than the old one.
pub(super) fn shift(
    machines: &Machines<'_>,
    op: usize,
    old: Place,
    (longest, temperature): (f64, f64),
    rng: &mut SmallRng,
) -> Option<Place> {
    let (stage, job) = Stage::of(machines, op);
    let mut draw = Draw::new(longest, temperature, rng);
    let alone = stage.durations[job] + stage.behind[job];
    for machine in machines.flow.machines(stage.index) {
        let sequence = &machines.sequences[machine];
        let limit = draw.threshold - stage.ready[job] - stage.durations[job];
        for at in stage.first(sequence, limit)..=sequence.len() {
            let before = stage.before(sequence, at);
            if before + alone > draw.threshold {
                break;
            }
            let place = Place { machine, at };
            if place != old {
                let way = stage.through(job, before, stage.after(sequence, at));
                draw.offer(way, place);
            }
        }
    }
    draw.drawn
}

/// An operation of another machine to change places with.
pub(super) fn swap(
    machines: &Machines<'_>,
    op: usize,
    (longest, temperature): (f64, f64),
    rng: &mut SmallRng,
) -> Option<Place> {
    let (stage, job) = Stage::of(machines, op);
    let mut draw = Draw::new(longest, temperature, rng);
    let own = machines.place(op);
    let own_sequence = &machines.sequences[own.machine];
    let own_before = stage.before(own_sequence, own.at);
    let own_after = stage.after(own_sequence, own.at + 1);
    let alone = stage.durations[job] + stage.behind[job];
    for machine in machines.flow.machines(stage.index) {
        if machine == own.machine {
            continue;
        }
        let sequence = &machines.sequences[machine];
        let limit = draw.threshold - stage.ready[job] - stage.durations[job];
        let first = stage.first(sequence, limit).saturating_sub(1);
        for (at, &other) in sequence.iter().enumerate().skip(first) {
            let before = stage.before(sequence, at);
            if before + alone > draw.threshold {
                break;
            }
            let way = stage.through(job, before, stage.after(sequence, at + 1));
            let other_way = stage.through(other as usize, own_before, own_after);
            draw.offer(way.max(other_way), Place { machine, at });
        }
    }
    draw.drawn
}

/// Where the machine of an operation and another one exchange the rest of their sequences: before
/// or behind the operation, and at the place drawn.
pub(super) fn cross(
    machines: &Machines<'_>,
    op: usize,
    (longest, temperature): (f64, f64),
    rng: &mut SmallRng,
) -> Option<(Place, Place)> {
    let (stage, _) = Stage::of(machines, op);
    let mut own = machines.place(op);
    own.at += usize::from(rng.random_bool(0.5));
    let mut draw = Draw::new(longest, temperature, rng);
    let own_sequence = &machines.sequences[own.machine];
    let own_before = stage.before(own_sequence, own.at);
    let own_after = stage.after(own_sequence, own.at);
    for machine in machines.flow.machines(stage.index) {
        if machine == own.machine {
            continue;
        }
        let sequence = &machines.sequences[machine];
        for at in stage.first(sequence, draw.threshold - own_before)..=sequence.len() {
            let before = stage.before(sequence, at);
            if before + own_after > draw.threshold {
                break;
            }
            // Machines that exchange all or nothing stay what they are.
            let is_nothing = own.at == own_sequence.len() && at == sequence.len();
            if own.at + at > 0 && !is_nothing {
                let way = own_before + stage.after(sequence, at);
                draw.offer(way.max(before + own_after), Place { machine, at });
            }
        }
    }
    draw.drawn.map(|other| (own, other))
}
