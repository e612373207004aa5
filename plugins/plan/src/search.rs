//! What a planner works within: the budget, the best schedule so far, and who hears of progress.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{bounds::lower_bound, instance::Instance, objective::Objective, schedule::Schedule};

/// When a search must end. It ends by itself before that if it proves its schedule the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Wall time; `None`: any.
    pub time: Option<Duration>,
    /// Iterations of each thread, of the planner's own kind; `None`: any. With one thread, the same
    /// seed and no limit of time, a search repeats.
    pub iterations: Option<u64>,
}

impl Budget {
    /// As long as `time`.
    pub fn of_time(time: Duration) -> Self {
        Self {
            time: Some(time),
            iterations: None,
        }
    }

    /// As many as `iterations`, however long they take.
    pub fn of_iterations(iterations: u64) -> Self {
        Self {
            time: None,
            iterations: Some(iterations),
        }
    }
}

/// A better schedule was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How long the search has run.
    pub elapsed: Duration,
    /// The objective of the best schedule so far.
    pub value: f64,
    /// Who found it.
    pub found_by: &'static str,
}

/// How many moves a search has looked at and made. Planners that make a whole schedule of each
/// thing they try count none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// An operation was thought of at another place of a machine, and the makespan it would lead to
    /// was estimated.
    pub weighed: u64,
    /// An operation went to another place, and the longest paths before and behind the others were
    /// brought up to date.
    pub performed: u64,
}

/// One search: what is sought, within which limits, and the best schedule so far. Shared by the
/// threads of a planner.
pub struct Search<'a> {
    /// What must be done.
    pub instance: &'a Instance,
    /// What is to be made small.
    pub objective: Objective,
    /// How many threads may work; at least 1.
    pub threads: usize,
    /// Where chance comes from.
    pub seed: u64,
    budget: Budget,
    started: Instant,
    best: Mutex<Option<(f64, Schedule)>>,
    /// The bits of the best value, to be read without the lock.
    best_value: AtomicU64,
    /// The bits of the best proven bound; planners may raise it.
    lower_bound: AtomicU64,
    is_stopped: AtomicBool,
    weighed: AtomicU64,
    performed: AtomicU64,
    on_progress: Box<dyn Fn(Progress) + Send + Sync + 'a>,
    /// Whose part it is: that search keeps the best schedule.
    whole: Option<&'a Self>,
    /// By how much this part has made the best schedule better, as a share.
    gain: Mutex<f64>,
}

impl<'a> Search<'a> {
    /// A search that begins now, on one thread, with seed 0, from nothing.
    #[expect(clippy::disallowed_methods, reason = "a budget is wall time")]
    pub fn new(instance: &'a Instance, objective: Objective, budget: Budget) -> Self {
        Self {
            instance,
            objective,
            threads: 1,
            seed: 0,
            budget,
            started: Instant::now(),
            best: Mutex::new(None),
            best_value: AtomicU64::new(f64::INFINITY.to_bits()),
            lower_bound: AtomicU64::new(lower_bound(instance, objective).to_bits()),
            is_stopped: AtomicBool::new(false),
            weighed: AtomicU64::new(0),
            performed: AtomicU64::new(0),
            on_progress: Box::new(|_| {}),
            whole: None,
            gain: Mutex::new(0.0),
        }
    }

    /// A part of this search, for one of several planners: it has threads, a seed and a budget of
    /// its own, ends when the whole ends, and shares the best schedule.
    #[expect(clippy::disallowed_methods, reason = "a budget is wall time")]
    pub fn part<'s>(&'s self, threads: usize, seed: u64, budget: Budget) -> Search<'s> {
        Search {
            instance: self.instance,
            objective: self.objective,
            threads: threads.max(1),
            seed,
            lower_bound: AtomicU64::new(self.lower_bound().to_bits()),
            budget,
            started: Instant::now(),
            best: Mutex::new(None),
            best_value: AtomicU64::new(f64::INFINITY.to_bits()),
            is_stopped: AtomicBool::new(false),
            weighed: AtomicU64::new(0),
            performed: AtomicU64::new(0),
            on_progress: Box::new(|_| {}),
            whole: Some(self),
            gain: Mutex::new(0.0),
        }
    }

    /// The budget it was given.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// With so many threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With a first schedule, which must be valid.
    #[must_use]
    pub fn with_start(self, schedule: &Schedule) -> Self {
        self.offer(schedule.clone(), "start");
        self
    }

    /// With somebody who hears of each better schedule.
    #[must_use]
    pub fn with_progress(mut self, on_progress: impl Fn(Progress) + Send + Sync + 'a) -> Self {
        self.on_progress = Box::new(on_progress);
        self
    }

    /// How long the search has run.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How much of the wall time is spent, from 0 to 1; 0 if it is not limited.
    pub fn spent(&self) -> f64 {
        let own = self.budget.time.map_or(0.0, |time| {
            (self.elapsed().as_secs_f64() / time.as_secs_f64()).min(1.0)
        });
        own.max(self.whole.map_or(0.0, Search::spent))
    }

    /// Whether to end now, after so many iterations of this thread. Cheap enough for each few
    /// microseconds, not for each nanosecond.
    pub fn is_over(&self, iterations: u64) -> bool {
        if self.is_stopped.load(Ordering::Relaxed) {
            return true;
        }
        let is_over = self.budget.iterations.is_some_and(|n| iterations >= n)
            || self.budget.time.is_some_and(|time| self.elapsed() >= time)
            || self.whole.is_some_and(|whole| whole.is_over(0))
            || self.is_proven();
        if is_over && self.budget.iterations.is_none() {
            self.stop();
        }
        is_over
    }

    /// Ends the search for all threads; the whole goes on when a part ends.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the best schedule reaches the lower bound.
    pub fn is_proven(&self) -> bool {
        self.best_value() <= self.lower_bound() * (1.0 + 1e-12)
    }

    /// No schedule is better than this.
    pub fn lower_bound(&self) -> f64 {
        if let Some(whole) = self.whole {
            return whole.lower_bound();
        }
        f64::from_bits(self.lower_bound.load(Ordering::Relaxed))
    }

    /// Tells all threads that no schedule is better than `value`; says whether that was news. The
    /// search is over once the best schedule reaches it.
    pub fn raise_lower_bound(&self, value: f64) -> bool {
        if let Some(whole) = self.whole {
            return whole.raise_lower_bound(value);
        }
        // The bits of numbers that are not negative are in the order of the numbers.
        value > 0.0
            && self
                .lower_bound
                .fetch_max(value.to_bits(), Ordering::Relaxed)
                < value.to_bits()
    }

    /// The objective of the best schedule so far; infinite if there is none.
    pub fn best_value(&self) -> f64 {
        if let Some(whole) = self.whole {
            return whole.best_value();
        }
        f64::from_bits(self.best_value.load(Ordering::Relaxed))
    }

    /// The best schedule so far and its value.
    pub fn best(&self) -> Option<(f64, Schedule)> {
        if let Some(whole) = self.whole {
            return whole.best();
        }
        self.best
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The moves of all threads so far, those of parts included. Threads report now and then, and
    /// when they end.
    pub fn moves(&self) -> Moves {
        Moves {
            weighed: self.weighed.load(Ordering::Relaxed),
            performed: self.performed.load(Ordering::Relaxed),
        }
    }

    /// Adds moves that a thread has counted by itself since its last report.
    pub(crate) fn report(&self, moves: Moves) {
        self.weighed.fetch_add(moves.weighed, Ordering::Relaxed);
        self.performed.fetch_add(moves.performed, Ordering::Relaxed);
        if let Some(whole) = self.whole {
            whole.report(moves);
        }
    }

    /// By how much this part has made the best schedule better, as a share.
    pub(crate) fn gain(&self) -> f64 {
        *self.gain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a schedule if it is better than the best so far; says whether it was.
    pub fn offer(&self, schedule: Schedule, found_by: &'static str) -> bool {
        if let Some(whole) = self.whole {
            let before = self.best_value();
            let is_better = whole.offer(schedule, found_by);
            if is_better && before.is_finite() {
                let gain = (before - self.best_value()) / before.abs().max(f64::MIN_POSITIVE);
                let mut sum = self.gain.lock().unwrap_or_else(PoisonError::into_inner);
                *sum += gain;
            }
            return is_better;
        }
        let value = self.objective.of(self.instance, &schedule);
        if value >= self.best_value() {
            return false;
        }
        let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        if best.as_ref().is_some_and(|(known, _)| *known <= value) {
            return false;
        }
        *best = Some((value, schedule));
        self.best_value.store(value.to_bits(), Ordering::Relaxed);
        (self.on_progress)(Progress {
            elapsed: self.elapsed(),
            value,
            found_by,
        });
        true
    }
}
