//! Reads flexible job shops with arbitrary precedence. Birgin et al. (2014), "A MILP model for an
//! extended version of the flexible job shop problem".
//!
//! The head is `operations arcs machines`. Then come the arcs `from to`, and for each operation `k` and
//! k times `machine duration`; operations and machines are counted from 0. All is one job.

use super::{fjsp, precedence::Precedence, sink::Sink};
use crate::{cursor::Cursor, error::ReadError};

pub(super) fn read(cursor: &mut Cursor<'_>, sink: &mut impl Sink) -> Result<(), ReadError> {
    let n_ops = cursor.count("the number of operations", 1, 3)?;
    let n_arcs = cursor.count("the number of arcs", 0, 2)?;
    let n_machines = cursor.machines("the number of machines", cursor.room())?;
    sink.resources(n_machines);
    sink.job();
    let mut precedence = Precedence::new(n_ops, n_arcs);
    for _ in 0..n_arcs {
        let from = cursor.whole("the start of an arc", 0, n_ops - 1)?;
        let to = cursor.whole("the end of an arc", 0, n_ops - 1)?;
        precedence.add(from, to);
        sink.arc(from, to);
    }
    precedence
        .check()
        .map_err(|problem| cursor.error_here(problem))?;
    let mut seen = vec![0; n_machines];
    for op in 1..=n_ops {
        sink.operation();
        fjsp::modes(cursor, sink, &mut seen, op as u32, 0)?;
    }
    cursor.end("operation")
}
