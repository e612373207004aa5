//! Reads flexible job shops. Brandimarte (1993), "Routing and scheduling in a flexible job shop by
//! tabu search".
//!
//! The head is `jobs machines`, often followed by the mean number of machines of an operation.
//! Each job is `operations`, then for each operation `k` and k times `machine duration`; machines are
//! counted from 1. The operations of a job follow each other.

use super::{check_modes, sink::Sink};
use crate::{
    cursor::Cursor,
    error::{Problem, ReadError},
};

pub(super) fn read(cursor: &mut Cursor<'_>, sink: &mut impl Sink) -> Result<(), ReadError> {
    let n_jobs = cursor.count("the number of jobs", 1, 4)?;
    let n_machines = cursor.machines("the number of machines", cursor.room())?;
    if !cursor.is_at_line_end() {
        cursor.amount("the mean number of machines of an operation")?;
    }
    sink.resources(n_machines);
    let mut n_ops = 0;
    let mut n_modes = 0;
    let mut seen = vec![0_u32; n_machines];
    for _ in 0..n_jobs {
        sink.job();
        for index in 0..cursor.count("the number of operations of a job", 1, 3)? {
            sink.operation();
            if index > 0 {
                sink.arc(n_ops - 1, n_ops);
            }
            n_ops += 1;
            n_modes += modes(cursor, sink, &mut seen, n_ops as u32, 1)?;
            check_modes(cursor, n_modes)?;
        }
    }
    cursor.end("job")
}

/// Reads `k (machine duration)×k`, with machines counted from `base`; says what k is. `seen` holds, by
/// machine, the last operation (numbers from 1) that named it.
pub(super) fn modes(
    cursor: &mut Cursor<'_>,
    sink: &mut impl Sink,
    seen: &mut [u32],
    op: u32,
    base: usize,
) -> Result<usize, ReadError> {
    let last = seen.len() - 1 + base;
    let n = cursor.count("the number of machines of an operation", 1, 2)?;
    for _ in 0..n {
        let machine = cursor.whole("a machine", base, last)?;
        if std::mem::replace(&mut seen[machine - base], op) == op {
            return Err(cursor.error_here(Problem::SameMachine { machine }));
        }
        sink.mode(machine - base, cursor.amount("a duration")?);
    }
    Ok(n)
}
