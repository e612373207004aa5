//! Experiments: runs matrices of workloads, policies, planners and seeds, and reports on them.
//!
//! Each cell of a [`Matrix`] is executed once and kept in a [`Store`] that survives being killed. A
//! [`Run`] is what happened in one cell, whoever ran it; everything that is measured or drawn comes
//! from it. [`write_report`] makes one HTML page of many cells.

mod best;
mod digest;
mod execute;
mod input;
mod matrix;
mod metric;
mod online;
mod report;
mod results;
mod run;
mod runner;
mod serving;
mod stats;
mod store;
mod table;
mod trace;
pub mod whatif;

pub use crate::{
    best::{BestError, BestKnown},
    digest::{Chart, Curves, Gantt},
    execute::{CellOptions, Keep},
    input::{Input, InputError, InputKind, Simulation},
    matrix::{Matrix, Progressed, build_of_this_program},
    metric::{Metric, Metrics, Quantity, metric_text},
    online::schedule_online,
    report::write_report,
    results::Results,
    run::{Decision, Piece, Run, RunBuilder, RunResource, RunTask, Unit},
    runner::{Runner, UnknownRunner},
    serving::Serving,
    stats::{Interval, mean_interval, t_quantile},
    store::{Done, Outcome, Record, Store, StoreError},
    table::{csv_head, csv_line},
    trace::{TraceOf, write_trace},
};
