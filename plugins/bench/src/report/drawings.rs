//! What is drawn of single cells: curves and Gantt charts of one seed of each input and runner.

use serde::Serialize;

use super::cells::Cells;
use crate::{
    digest::{Curves, Gantt},
    run::Unit,
    store::Done,
};

/// The most boxes of all Gantt charts together; the page stays below some 30 MB.
const MAX_BOXES: usize = 500_000;

/// One cell.
#[derive(Debug, Serialize)]
pub(super) struct Drawing<'a> {
    input: usize,
    runner: usize,
    seed: u64,
    unit: &'static str,
    n_pieces: usize,
    makespan: f64,
    curves: &'a Curves,
    /// `None` if none was kept, or there are too many.
    gantt: Option<&'a Gantt>,
}

/// For each input and runner the cell with a Gantt chart, else the one with the lowest seed.
pub(super) fn of<'a>(cells: &Cells<'a>) -> Vec<Drawing<'a>> {
    let mut left = MAX_BOXES;
    let mut drawings = Vec::new();
    for input in 0..cells.inputs.len() {
        for runner in 0..cells.runners.len() {
            let seeds = || cells.seeds(input, runner);
            let drawn = seeds().find(|(_, done)| done.gantt.is_some());
            let Some((seed, done)) = drawn.or_else(|| seeds().next()) else {
                continue;
            };
            let gantt = done.gantt.as_deref().filter(|gantt| {
                let n_boxes = gantt.by_resource.row.len() + gantt.by_agent.row.len();
                let fits = n_boxes <= left;
                left -= if fits { n_boxes } else { 0 };
                fits
            });
            drawings.push(drawing((input, runner, seed), done, gantt));
        }
    }
    drawings
}

fn drawing<'a>(
    (input, runner, seed): (usize, usize, u64),
    done: &'a Done,
    gantt: Option<&'a Gantt>,
) -> Drawing<'a> {
    Drawing {
        input,
        runner,
        seed,
        unit: unit_text(done.unit),
        n_pieces: done.n_pieces,
        makespan: done.metrics.get(crate::Metric::Makespan),
        curves: &done.curves,
        gantt,
    }
}

pub(super) fn unit_text(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Own => "",
    }
}
