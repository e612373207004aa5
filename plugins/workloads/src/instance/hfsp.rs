//! Reads hybrid flow shops. Ruiz and Vázquez-Rodríguez (2010), "The hybrid flow shop scheduling
//! problem".
//!
//! The number of jobs, the number of stages, for each stage the number of its identical machines, and
//! for each job its duration in each stage. An operation is a job's visit to a stage; machines are
//! counted through the stages.

use super::{check_modes, sink::Sink};
use crate::{cursor::Cursor, error::ReadError};

pub(super) fn read(cursor: &mut Cursor<'_>, sink: &mut impl Sink) -> Result<(), ReadError> {
    let n_jobs = cursor.count("the number of jobs", 1, 1)?;
    let n_stages = cursor.count("the number of stages", 1, n_jobs + 1)?;
    // Where the machines of each stage begin; one more at the end.
    let mut starts = Vec::with_capacity(n_stages + 1);
    starts.push(0);
    let mut n_machines = 0;
    for _ in 0..n_stages {
        n_machines += cursor.machines("the number of machines of a stage", n_jobs)?;
        starts.push(n_machines);
        check_modes(cursor, n_machines.saturating_mul(n_jobs))?;
    }
    sink.resources(n_machines);
    let mut n_ops = 0;
    for _ in 0..n_jobs {
        sink.job();
        for stage in 0..n_stages {
            let duration = cursor.amount("a duration")?;
            sink.operation();
            for machine in starts[stage]..starts[stage + 1] {
                sink.mode(machine, duration);
            }
            if stage > 0 {
                sink.arc(n_ops - 1, n_ops);
            }
            n_ops += 1;
        }
    }
    cursor.end("job")
}
