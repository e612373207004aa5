//! The traces of a matrix: one file for each input and runner, of its first seed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::{Cell, Matrix};
use crate::{
    execute::{Keep, execute_closely},
    run::Run,
    runner::Runner,
    store::{Outcome, Record, Store, StoreError},
    trace::{TraceOf, has_key, write_trace},
};

impl Matrix {
    /// The folder for traces beside the store in `dir`, if there are to be any.
    pub(super) fn begin_traces(&self, dir: &Path) -> Result<Option<PathBuf>, StoreError> {
        if self.options.keep != Keep::Traces {
            return Ok(None);
        }
        let path = Store::traces_in(dir);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Some(path)),
            Err(cause) => Err(StoreError::Io {
                path,
                doing: "make the folder",
                cause,
            }),
        }
    }

    /// Whether a cell is to have a trace in the folder and has none.
    pub(super) fn lacks_trace(&self, cell: &Cell<'_>, traces: Option<&Path>) -> bool {
        traces.is_some_and(|dir| {
            cell.is_first && !has_key(&dir.join(file_name(cell)), &self.key(cell))
        })
    }

    /// Writes the trace of a cell if it is to have one. What repeats is run again, with all that a
    /// trace can tell, so that the run that was measured had no more to do; a planner's is its `run`.
    pub(super) fn trace(
        &self,
        cell: &Cell<'_>,
        traces: Option<&Path>,
        run: Option<Run>,
        stop: &AtomicBool,
    ) -> Result<(), StoreError> {
        let Some(dir) = traces.filter(|_| cell.is_first) else {
            return Ok(());
        };
        let run = match cell.runner {
            Runner::Planner(_) => run,
            // One that fails has no trace; its record says why.
            _ => execute_closely(cell.input, cell.runner, cell.seed, stop).unwrap_or(None),
        };
        let Some(run) = run else { return Ok(()) };
        let (path, key) = (dir.join(file_name(cell)), self.key(cell));
        let runner = cell.runner.to_string();
        let of = TraceOf {
            input: &cell.input.name,
            runner: &runner,
            seed: cell.seed,
            key: &key,
        };
        write_trace(&path, &run, of).map_err(|cause| StoreError::Io {
            path,
            doing: "write",
            cause,
        })
    }

    /// How many finished cells are to have a trace and cannot have one any more: planners do not
    /// repeat what they did.
    pub fn n_untraceable(&self, store: &Store) -> usize {
        let traces = (self.options.keep == Keep::Traces).then(|| Store::traces_in(store.dir()));
        let is_done = |record: &&Record| matches!(record.outcome, Outcome::Done(_));
        let records = store.records().iter().filter(is_done);
        let done: BTreeSet<&str> = records.map(|record| record.key.as_str()).collect();
        let cells = self.cells();
        let cells = cells.iter().filter(|cell| {
            matches!(cell.runner, Runner::Planner(_))
                && done.contains(self.key(cell).as_str())
                && self.lacks_trace(cell, traces.as_deref())
        });
        cells.count()
    }
}

/// `mk01-online-fifo-1.json`; what could be no file name becomes a line.
fn file_name(cell: &Cell<'_>) -> String {
    let name = format!("{}-{}-{}", cell.input.name, cell.runner, cell.seed);
    let fits = |letter: char| letter.is_alphanumeric() || "-_.,+=@ ".contains(letter);
    let letters = name
        .chars()
        .map(|letter| if fits(letter) { letter } else { '-' });
    letters.collect::<String>() + ".json"
}
