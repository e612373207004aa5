//! Reads Standard Task Graphs. Tobita and Kasahara (2002), "A standard task graph set for fair
//! evaluation of multiprocessor scheduling algorithms".
//!
//! The number of tasks without the two dummies, then for each task, dummies included, a line
//! `task duration predecessors` and the predecessors, counted from 0. All is one job; each line is an
//! operation, also those of the dummies. The processors are identical and not in the file.

use super::{check_modes, precedence::Precedence, sink::Sink};
use crate::{cursor::Cursor, error::ReadError};

pub(super) fn read(
    cursor: &mut Cursor<'_>,
    n_processors: usize,
    sink: &mut impl Sink,
) -> Result<(), ReadError> {
    let n_tasks = cursor.count("the number of tasks", 0, 3)? + 2;
    check_modes(cursor, n_tasks.saturating_mul(n_processors))?;
    sink.resources(n_processors);
    sink.job();
    let mut precedence = Precedence::new(n_tasks, cursor.room().saturating_sub(3 * n_tasks));
    for task in 0..n_tasks {
        cursor.whole("a task", task, task)?;
        let duration = cursor.amount("a duration")?;
        sink.operation();
        for processor in 0..n_processors {
            sink.mode(processor, duration);
        }
        for _ in 0..cursor.count("the number of predecessors", 0, 1)? {
            let from = cursor.whole("a predecessor", 0, n_tasks - 1)?;
            precedence.add(from, task);
            sink.arc(from, task);
        }
    }
    precedence
        .check()
        .map_err(|problem| cursor.error_here(problem))?;
    cursor.end("task")
}
