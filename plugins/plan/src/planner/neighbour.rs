//! Small changes of an encoding, what they are worth, and how they are taken back.

use rand::{Rng as _, rngs::SmallRng};

use crate::{
    decode::{Decoder, Encoding, Fit},
    instance::{Instance, OpId},
    list::ListName,
    objective::Objective,
    schedule::Schedule,
    search::Search,
};

/// A change that was made, with what it takes to undo it.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Nothing could be changed.
    Nothing,
    /// The operation had this mode.
    Reassign { op: OpId, mode: u32 },
    /// The operation at the first place went to the second.
    Shift { from: usize, to: usize },
    /// The operations at both places changed theirs.
    Swap { a: usize, b: usize },
}

/// Changes encodings of one instance and decodes them.
pub(super) struct Neighbours<'a> {
    instance: &'a Instance,
    objective: Objective,
    fit: Fit,
    pub(super) decoder: Decoder<'a>,
    /// Where each operation stands in the order of the encoding at hand.
    places: Vec<u32>,
    /// The operations that have a choice of resources.
    choices: Vec<OpId>,
}

impl<'a> Neighbours<'a> {
    pub(super) fn new(search: &Search<'a>) -> Self {
        let instance = search.instance;
        let has_choice = |op: &OpId| instance.modes(*op).len() > 1;
        Self {
            instance,
            objective: search.objective,
            // Where data travels, gaps are many.
            fit: if instance.network().is_some() {
                Fit::Gap
            } else {
                Fit::Append
            },
            decoder: Decoder::new(instance),
            places: vec![0; instance.n_ops()],
            choices: instance.ops().filter(has_choice).collect(),
        }
    }

    /// What an encoding is worth. Modes that were left open are written down.
    pub(super) fn value(&mut self, encoding: &mut Encoding) -> f64 {
        self.decoder.forward(encoding, self.fit);
        for op in self.instance.ops() {
            encoding.modes[op.index()] = self.decoder.mode(op);
        }
        self.decoder.value(self.objective)
    }

    /// Moves all operations to the right and to the left, and says what that is worth.
    pub(super) fn justified(&mut self, encoding: &mut Encoding) -> f64 {
        self.decoder.forward(encoding, self.fit);
        self.decoder.justify(encoding, self.fit);
        self.decoder.value(self.objective)
    }

    /// Takes up an encoding, before it is changed.
    pub(super) fn take_up(&mut self, encoding: &Encoding) {
        for (place, op) in encoding.order.iter().enumerate() {
            self.places[op.index()] = place as u32;
        }
    }

    /// Changes the encoding that was taken up and keeps the change if `accepts` its value, which
    /// is given; says whether it did.
    pub(super) fn step(
        &mut self,
        encoding: &mut Encoding,
        rng: &mut SmallRng,
        accepts: impl FnOnce(f64, &mut SmallRng) -> bool,
    ) -> Option<f64> {
        let change = self.change(encoding, rng);
        if matches!(change, Change::Nothing) {
            return None;
        }
        self.decoder.forward(encoding, self.fit);
        let value = self.decoder.value(self.objective);
        if accepts(value, rng) {
            if let Change::Reassign { op, .. } = change {
                encoding.modes[op.index()] = self.decoder.mode(op);
            }
            return Some(value);
        }
        self.undo(encoding, change);
        None
    }

    /// Takes so many steps that do not make the encoding worse than `value`; gives its new value.
    pub(super) fn climb(
        &mut self,
        encoding: &mut Encoding,
        mut value: f64,
        n_steps: u64,
        rng: &mut SmallRng,
    ) -> f64 {
        self.take_up(encoding);
        for _ in 0..n_steps {
            let best = value;
            value = self
                .step(encoding, rng, |value, _| value <= best)
                .unwrap_or(value);
        }
        value
    }

    /// Changes an encoding for good, by chance.
    pub(super) fn shake(&mut self, encoding: &mut Encoding, n_changes: u64, rng: &mut SmallRng) {
        self.take_up(encoding);
        for _ in 0..n_changes {
            self.change(encoding, rng);
        }
    }

    fn change(&mut self, encoding: &mut Encoding, rng: &mut SmallRng) -> Change {
        match rng.random_range(0..10_u8) {
            0..4 if !self.choices.is_empty() => self.reassign(encoding, rng),
            0..8 => self.shift(encoding, rng),
            _ => self.swap(encoding, rng),
        }
    }

    fn reassign(&self, encoding: &mut Encoding, rng: &mut SmallRng) -> Change {
        let op = self.choices[rng.random_range(0..self.choices.len())];
        let mode = encoding.modes[op.index()];
        encoding.modes[op.index()] = if rng.random_bool(0.2) {
            Encoding::SOONEST
        } else {
            rng.random_range(0..self.instance.modes(op).len() as u32)
        };
        if encoding.modes[op.index()] == mode {
            return Change::Nothing;
        }
        Change::Reassign { op, mode }
    }

    /// The first and last place that precedences leave to an operation.
    fn room(&self, op: OpId) -> (usize, usize) {
        let place = |op: OpId| self.places[op.index()] as usize;
        let preds = self.instance.preds(op).iter();
        let succs = self.instance.succs(op).iter();
        let first = preds.map(|arc| place(arc.op) + 1).max().unwrap_or(0);
        let last = succs.map(|arc| place(arc.op) - 1).min();
        (first, last.unwrap_or(self.places.len() - 1))
    }

    fn shift(&mut self, encoding: &mut Encoding, rng: &mut SmallRng) -> Change {
        let from = rng.random_range(0..encoding.order.len());
        let (first, last) = self.room(encoding.order[from]);
        // Near places change little and are kept more often.
        let reach = if rng.random_bool(0.7) {
            1 + encoding.order.len() / 20
        } else {
            encoding.order.len()
        };
        let first = first.max(from.saturating_sub(reach));
        let last = last.min(from + reach);
        let to = rng.random_range(first..=last);
        if from == to {
            return Change::Nothing;
        }
        self.shift_to(encoding, from, to);
        Change::Shift { from, to }
    }

    fn shift_to(&mut self, encoding: &mut Encoding, from: usize, to: usize) {
        let (low, high) = (from.min(to), from.max(to));
        if from < to {
            encoding.order[low..=high].rotate_left(1);
        } else {
            encoding.order[low..=high].rotate_right(1);
        }
        for place in low..=high {
            self.places[encoding.order[place].index()] = place as u32;
        }
    }

    fn swap(&mut self, encoding: &mut Encoding, rng: &mut SmallRng) -> Change {
        let n_ops = encoding.order.len();
        let x = rng.random_range(0..n_ops);
        let reach = 2 + n_ops / 10;
        let y = rng.random_range(x.saturating_sub(reach)..=(x + reach).min(n_ops - 1));
        let (a, b) = (x.min(y), x.max(y));
        let is_free =
            a < b && self.room(encoding.order[a]).1 >= b && self.room(encoding.order[b]).0 <= a;
        if !is_free {
            return Change::Nothing;
        }
        self.swap_places(encoding, a, b);
        Change::Swap { a, b }
    }

    fn swap_places(&mut self, encoding: &mut Encoding, a: usize, b: usize) {
        encoding.order.swap(a, b);
        self.places[encoding.order[a].index()] = a as u32;
        self.places[encoding.order[b].index()] = b as u32;
    }

    fn undo(&mut self, encoding: &mut Encoding, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Reassign { op, mode } => encoding.modes[op.index()] = mode,
            Change::Shift { from, to } => self.shift_to(encoding, to, from),
            Change::Swap { a, b } => self.swap_places(encoding, a, b),
        }
    }
}

/// What a search starts from, the best first: the best schedule so far, if any, and those of the
/// list schedulers, as far as a tenth of the budget goes. All are offered.
pub(super) fn starts(search: &Search<'_>) -> Vec<Schedule> {
    let value = |schedule: &Schedule| search.objective.of(search.instance, schedule);
    let mut starts: Vec<(f64, Schedule)> = search.best().into_iter().collect();
    for list in ListName::ALL {
        if !starts.is_empty() && (search.spent() > 0.1 || search.is_over(0)) {
            break;
        }
        let schedule = list.schedule(search.instance);
        starts.push((value(&schedule), schedule.clone()));
        search.offer(schedule, list.name());
    }
    starts.sort_by(|a, b| a.0.total_cmp(&b.0));
    starts.into_iter().map(|(_, schedule)| schedule).collect()
}

/// How much of the budget is spent after so many iterations; each million is a budget if there is
/// none.
pub(super) fn spent(search: &Search<'_>, n_iterations: u64) -> f64 {
    let budget = search.budget();
    match budget.iterations {
        Some(limit) => search
            .spent()
            .max(n_iterations as f64 / limit.max(1) as f64),
        None if budget.time.is_some() => search.spent(),
        None => n_iterations as f64 / 1e6,
    }
}

/// The stream of chance of one thread.
pub(super) fn rng(search: &Search<'_>, thread: u64) -> SmallRng {
    use rand::SeedableRng as _;
    SmallRng::seed_from_u64(search.seed ^ (thread + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Runs `work` on all threads of a search, each with its number.
pub(super) fn on_threads(search: &Search<'_>, work: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for thread in 1..search.threads as u64 {
            let work = &work;
            scope.spawn(move || work(thread));
        }
        work(0);
    });
}
