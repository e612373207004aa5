//! Reads job shops, as in the OR-Library. Fisher and Thompson (1963), Lawrence (1984).
//!
//! The head is `jobs machines`. Each job is a line of `machine duration` pairs, an operation each;
//! machines are counted from 0. The operations of a job follow each other.

use super::sink::Sink;
use crate::{cursor::Cursor, error::ReadError};

pub(super) fn read(cursor: &mut Cursor<'_>, sink: &mut impl Sink) -> Result<(), ReadError> {
    let n_jobs = cursor.count("the number of jobs", 1, 2)?;
    let n_machines = cursor.machines("the number of machines", cursor.room())?;
    sink.resources(n_machines);
    let mut n_ops = 0;
    for _ in 0..n_jobs {
        sink.job();
        let mut is_first = true;
        while is_first || !cursor.is_at_line_end() {
            let machine = cursor.whole("a machine", 0, n_machines - 1)?;
            sink.operation();
            sink.mode(machine, cursor.amount("a duration")?);
            if !is_first {
                sink.arc(n_ops - 1, n_ops);
            }
            is_first = false;
            n_ops += 1;
        }
    }
    cursor.end("job")
}
