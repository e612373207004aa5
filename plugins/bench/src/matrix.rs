//! The matrix of an experiment: inputs × runners × seeds, each cell executed once.

mod traces;

use std::{
    collections::VecDeque,
    fs, io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{
    digest::{Curves, Gantt},
    execute::{CellOptions, Executed, Keep, execute},
    input::Input,
    metric::Metrics,
    run::Run,
    runner::{Runner, is_search},
    store::{Done, Outcome, Record, Store, StoreError},
};

/// Everything that is to be run.
#[derive(Debug)]
pub struct Matrix {
    /// What is run.
    pub inputs: Vec<Input>,
    /// Who decides.
    pub runners: Vec<Runner>,
    /// Where chance comes from.
    pub seeds: Vec<u64>,
    /// How.
    pub options: CellOptions,
    /// The program that runs it; see [`build_of_this_program`].
    pub build: String,
}

/// How far a matrix is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progressed {
    /// Cells that are finished, those of earlier goes with them.
    pub finished: usize,
    /// Cells in all.
    pub cells: usize,
    /// How many of those that are not finished are a planner's, which may take its whole budget.
    pub searches: usize,
}

/// One cell.
#[derive(Clone, Copy)]
struct Cell<'a> {
    input: &'a Input,
    /// The position of the input.
    number: usize,
    runner: Runner,
    seed: u64,
    /// Whether its Gantt chart is kept.
    is_first: bool,
}

/// A hash of the program that calls this, so that another build runs its cells anew.
///
/// # Errors
/// If the program cannot be read.
pub fn build_of_this_program() -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut fs::File::open(std::env::current_exe()?)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

impl Matrix {
    /// Runs on `threads` threads what `store` does not hold yet; a planner's cell takes as many of
    /// them as its options say. Each cell is kept at once and told of; ends early if `stop` is set,
    /// and what was not finished by then is not kept.
    ///
    /// # Errors
    /// If a finished cell cannot be kept.
    pub fn run(
        &self,
        store: &mut Store,
        threads: usize,
        stop: &AtomicBool,
        on_cell: impl FnMut(&Record, Progressed) + Send,
    ) -> Result<Progressed, StoreError> {
        self.run_where(|_, _, _| true, store, threads, stop, on_cell)
    }

    /// Does the same with those cells only whose input (by number), runner and seed are `wanted`.
    ///
    /// # Errors
    /// If a finished cell cannot be kept.
    pub fn run_where(
        &self,
        wanted: impl Fn(usize, Runner, u64) -> bool,
        store: &mut Store,
        threads: usize,
        stop: &AtomicBool,
        on_cell: impl FnMut(&Record, Progressed) + Send,
    ) -> Result<Progressed, StoreError> {
        let mut cells = self.cells();
        cells.retain(|cell| wanted(cell.number, cell.runner, cell.seed));
        let traces = self.begin_traces(store.dir())?;
        let (mut wide, mut narrow) = (VecDeque::new(), VecDeque::new());
        let mut untraced = VecDeque::new();
        for cell in &cells {
            let is_wide = matches!(cell.runner, Runner::Planner(_));
            if !store.holds(&self.key(cell)) {
                (if is_wide { &mut wide } else { &mut narrow }).push_back(*cell);
            } else if !is_wide && self.lacks_trace(cell, traces.as_deref()) {
                untraced.push_back(*cell);
            }
        }
        let progressed = Progressed {
            finished: cells.len() - wide.len() - narrow.len(),
            cells: cells.len(),
            searches: wide.len(),
        };
        let shared = Mutex::new(Shared {
            store,
            on_cell,
            progressed,
            error: None,
        });
        let keep = |cell: &Cell<'_>| {
            let Some((record, run)) = self.record(cell, stop) else {
                return true;
            };
            let traced = run.map_or(Ok(()), |run| {
                self.trace(cell, traces.as_deref(), Some(run), stop)
            });
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.keep(record, traced)
        };
        let trace = |cell: &Cell<'_>| {
            let traced = self.trace(cell, traces.as_deref(), None, stop);
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.note(traced)
        };
        // Planners in a phase of their own, so that nobody works beside one and takes its time.
        let threads = threads.max(1);
        drain(narrow, threads, stop, keep);
        drain(untraced, threads, stop, trace);
        let threads = (threads / self.options.threads.max(1)).max(1);
        drain(wide, threads, stop, keep);
        let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        shared.error.map_or(Ok(shared.progressed), Err)
    }

    /// How far this matrix is.
    pub fn progressed(&self, store: &Store) -> Progressed {
        let mut progressed = Progressed::default();
        for cell in self.cells() {
            let is_finished = store.holds(&self.key(&cell));
            progressed.cells += 1;
            progressed.finished += usize::from(is_finished);
            let is_search = matches!(cell.runner, Runner::Planner(_));
            progressed.searches += usize::from(is_search && !is_finished);
        }
        progressed
    }

    /// The finished cells of this matrix, in its order and with the names of its inputs.
    pub fn records(&self, store: &Store) -> Vec<Record> {
        let records = store.records().iter();
        let by_key: std::collections::BTreeMap<&str, &Record> = records
            .map(|record| (record.key.as_str(), record))
            .collect();
        let cells = self.cells();
        let finished = cells.iter().filter_map(|cell| {
            let record = by_key.get(self.key(cell).as_str()).copied()?;
            Some(Record {
                input: cell.input.name.clone(),
                ..record.clone()
            })
        });
        finished.collect()
    }

    /// How many pairs of an input and a runner make no sense and are left out.
    pub fn n_left_out(&self) -> usize {
        let all = self.inputs.iter().flat_map(|input| {
            let runners = self.runners.iter();
            runners.filter(|runner| !input.kind.suits(**runner))
        });
        all.count()
    }

    /// All cells that make sense (see [`suits`](crate::InputKind::suits)); a list scheduler draws no
    /// lots, so that one seed is enough.
    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = Vec::new();
        let keeps_charts = self.options.keep != Keep::Numbers;
        for (number, input) in self.inputs.iter().enumerate() {
            for &runner in &self.runners {
                if !input.kind.suits(runner) {
                    continue;
                }
                let n = if matches!(runner, Runner::List(_)) {
                    1
                } else {
                    self.seeds.len()
                };
                cells.extend(
                    self.seeds
                        .iter()
                        .take(n)
                        .enumerate()
                        .map(|(n, &seed)| Cell {
                            input,
                            number,
                            runner,
                            seed,
                            is_first: n == 0 && keeps_charts,
                        }),
                );
            }
        }
        cells
    }

    /// How a runner is told to run.
    fn options_text(&self, runner: Runner) -> String {
        let CellOptions {
            objective,
            budget,
            threads,
            keep: _,
        } = self.options;
        match runner {
            Runner::Planner(_) => {
                format!("{objective}, {} s, {threads} threads", budget.as_secs_f64())
            }
            Runner::Policy(_) | Runner::List(_) => objective.to_string(),
        }
    }

    fn key(&self, cell: &Cell<'_>) -> String {
        let options = self.options_text(cell.runner);
        let Cell {
            input,
            runner,
            seed,
            is_first,
            number: _,
        } = cell;
        let text = format!(
            "{}\n{runner}\n{options}\n{seed}\n{is_first}\n{}",
            input.hash, self.build
        );
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a cell took is wall time"
    )]
    fn record(&self, cell: &Cell<'_>, stop: &AtomicBool) -> Option<(Record, Option<Run>)> {
        let began = Instant::now();
        let executed = execute(cell.input, cell.runner, cell.seed, &self.options, stop);
        let wall_secs = began.elapsed().as_secs_f64();
        let (outcome, run) = match executed.transpose()? {
            Err(why) => (Outcome::Failed(why), None),
            Ok(Executed { run, lower_bound }) => {
                let done = Done {
                    unit: run.unit,
                    metrics: Metrics::of(&run),
                    lower_bound,
                    wall_secs,
                    n_pieces: run.pieces.len(),
                    curves: match self.options.keep {
                        Keep::Charts | Keep::Traces => Curves::of(&run),
                        Keep::Numbers => Curves::default(),
                    },
                    gantt: cell.is_first.then(|| Box::new(Gantt::of(&run))),
                };
                (Outcome::Done(Box::new(done)), Some(run))
            }
        };
        let record = Record {
            key: self.key(cell),
            input: cell.input.name.clone(),
            runner: cell.runner.to_string(),
            options: self.options_text(cell.runner),
            seed: cell.seed,
            build: self.build.clone(),
            outcome,
        };
        Some((record, run))
    }
}

/// Does `work` on each cell, on so many threads, until it says that it cannot go on.
fn drain(
    cells: VecDeque<Cell<'_>>,
    threads: usize,
    stop: &AtomicBool,
    work: impl Fn(&Cell<'_>) -> bool + Sync,
) {
    let queue = Mutex::new(cells);
    let has_failed = AtomicBool::new(false);
    let work = || {
        while !stop.load(Ordering::Relaxed) && !has_failed.load(Ordering::Relaxed) {
            let mut cells = queue.lock().unwrap_or_else(PoisonError::into_inner);
            let next = cells.pop_front();
            drop(cells);
            let Some(cell) = next else { return };
            if !work(&cell) {
                has_failed.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
}

/// What threads write to, one at a time.
struct Shared<'a, F> {
    store: &'a mut Store,
    on_cell: F,
    progressed: Progressed,
    error: Option<StoreError>,
}

impl<F: FnMut(&Record, Progressed)> Shared<'_, F> {
    /// Whether all went well.
    fn note(&mut self, done: Result<(), StoreError>) -> bool {
        let is_well = done.is_ok();
        if let Err(error) = done {
            self.error.get_or_insert(error);
        }
        is_well
    }

    /// Whether the cell is kept, and its trace was.
    fn keep(&mut self, record: Record, traced: Result<(), StoreError>) -> bool {
        if !self.note(traced) {
            return false;
        }
        let is_search = is_search(&record.runner);
        let finished = Progressed {
            finished: self.progressed.finished + 1,
            searches: self.progressed.searches - usize::from(is_search),
            ..self.progressed
        };
        // Two files may hold the same.
        if self.store.holds(&record.key) {
            self.progressed = finished;
            return true;
        }
        match self.store.append(record) {
            Ok(record) => {
                self.progressed = finished;
                (self.on_cell)(record, self.progressed);
                true
            }
            Err(error) => self.note(Err(error)),
        }
    }
}
