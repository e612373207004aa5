//! Runs configurations × policies × seeds, in two rounds: everything once, then what comes near the
//! goals with all seeds.

use std::sync::atomic::{AtomicBool, Ordering};

use schedule::PolicyName;

use super::{
    choice::KEPT,
    goal::Met,
    point::{Configuration, Findings, Point, Question},
};
use crate::{
    matrix::{Matrix, Progressed},
    runner::Runner,
    store::{Record, Store, StoreError},
};

/// How thoroughly is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Everything once, then with all seeds what comes near the goals.
    Rounds,
    /// Everything with all seeds.
    Full,
}

/// A what-if question with all that it takes to answer it.
#[derive(Debug)]
pub struct Study {
    /// What is varied.
    pub knobs: Vec<super::Vary>,
    /// What is wanted.
    pub question: Question,
    /// One for each input of the matrix.
    pub configurations: Vec<Configuration>,
    /// Inputs, policies and seeds.
    pub matrix: Matrix,
    /// How thoroughly.
    pub effort: Effort,
}

/// How many runs a study takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// In the first round.
    pub first: usize,
    /// After it, at most.
    pub most_more: usize,
}

impl Study {
    /// How many runs it takes, those with it that are kept from earlier goes.
    pub fn planned(&self) -> Planned {
        let pairs = self.configurations.len() * self.matrix.runners.len();
        let n_seeds = self.matrix.seeds.len();
        if self.effort == Effort::Full || n_seeds <= 1 {
            return Planned {
                first: pairs * n_seeds,
                most_more: 0,
            };
        }
        let kept = self.matrix.runners.len().min(2 * KEPT) * self.configurations.len();
        Planned {
            first: pairs,
            most_more: kept * (n_seeds - 1),
        }
    }

    /// Runs on `threads` threads what `store` does not hold yet, as [`Matrix::run`] does.
    ///
    /// # Errors
    /// If a finished cell cannot be kept.
    pub fn run(
        &self,
        store: &mut Store,
        threads: usize,
        stop: &AtomicBool,
        mut on_cell: impl FnMut(&Record, Progressed) + Send,
    ) -> Result<Progressed, StoreError> {
        let matrix = &self.matrix;
        if self.planned().most_more == 0 {
            return matrix.run(store, threads, stop, on_cell);
        }
        let first = matrix.seeds[0];
        let wanted = |_, _, seed| seed == first;
        let progressed = matrix.run_where(wanted, store, threads, stop, &mut on_cell)?;
        if stop.load(Ordering::Relaxed) {
            return Ok(progressed);
        }
        // By the first seed alone, so that the choice is the same when all is there already.
        let points = self
            .findings_where(store, |record| record.seed == first)
            .points;
        let deserving = self.question.deserving(&points);
        let wanted = |number, runner, seed| {
            let Runner::Policy(policy) = runner else {
                return false;
            };
            seed == first || deserving.contains(&(number, policy))
        };
        matrix.run_where(wanted, store, threads, stop, on_cell)
    }

    /// What is known by what is finished.
    pub fn findings(&self, store: &Store) -> Findings {
        self.findings_where(store, |_| true)
    }

    fn findings_where(&self, store: &Store, counts: impl Fn(&Record) -> bool) -> Findings {
        let inputs = self.matrix.inputs.iter();
        let names: Vec<_> = inputs.map(|input| input.name.as_str()).collect();
        let mut records = self.matrix.records(store);
        records.retain(counts);
        Findings::of(&records, &names, &self.configurations, &self.question)
    }

    /// The answer to the question, by what is known.
    pub fn answer<'p>(&self, findings: &'p Findings) -> Answer<'p> {
        let question = &self.question;
        let points = &findings.points;
        let known: Vec<&Point> = points
            .iter()
            .filter(|point| point.n_runs >= question.n_seeds)
            .collect();
        let best = question.best(known.iter().copied());
        let nearest = question.nearest(known.iter().copied());
        let chosen = best.or(nearest);
        let is_less =
            |point: &&Point| best.is_some_and(|best| question.price(point) < question.price(best));
        let maybe = known.iter().copied().filter(|it| it.met == Met::Unsure);
        let maybe = maybe.filter(is_less);
        let fewer = points
            .iter()
            .filter(|point| chosen.is_some_and(|chosen| point.n_replicas < chosen.n_replicas));
        Answer {
            best,
            nearest,
            fewer: question.nearest(fewer),
            maybe: maybe.min_by(|a, b| question.price(a).total_cmp(&question.price(b))),
            rows: question.of_each_configuration(points),
            front: question.front(&known),
        }
    }

    /// The policies that are compared.
    pub fn policies(&self) -> impl Iterator<Item = PolicyName> + '_ {
        self.matrix
            .runners
            .iter()
            .filter_map(|runner| match runner {
                Runner::Policy(policy) => Some(*policy),
                Runner::List(_) | Runner::Planner(_) => None,
            })
    }
}

/// What the points say.
#[derive(Clone, Debug)]
pub struct Answer<'p> {
    /// The best that meets the goals for sure.
    pub best: Option<&'p Point>,
    /// The nearest to the goals, also where they are met.
    pub nearest: Option<&'p Point>,
    /// The nearest to the goals with fewer replicas than the best, or else than the nearest.
    pub fewer: Option<&'p Point>,
    /// The least that meets the goals on average only, where it is less than the best.
    pub maybe: Option<&'p Point>,
    /// The best policy of each configuration.
    pub rows: Vec<&'p Point>,
    /// The Pareto front of what was run with all seeds.
    pub front: Vec<&'p Point>,
}
