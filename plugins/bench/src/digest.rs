//! What is kept of a run beside its metrics, small enough for thousands of cells: curves and a
//! Gantt chart.

use serde::{Deserialize, Serialize};

use crate::{
    metric::{latencies, percentile},
    run::{Run, busy_spans, merged},
};

/// How many steps a curve of latencies has.
const LATENCY_STEPS: usize = 40;
/// How many bins of time a curve of queue depth has.
const DEPTH_BINS: usize = 120;
/// The most resources and agents that are told apart.
const MAX_ROWS: usize = 120;
/// The most boxes of a chart; beyond that, boxes tell shares of time.
const MAX_BARS: usize = 2000;

/// How a run went, as curves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Latencies of tasks: the quantiles 0, 1/40, 2/40, …, 1. Empty if no task was done.
    pub latency: Vec<f64>,
    /// How many subtasks waited that could have started: means over equal parts of the makespan.
    pub depth: Vec<f64>,
    /// The resources, up to a hundred or so.
    pub resources: Vec<String>,
    /// The share of the makespan in which each of them worked.
    pub utilisation: Vec<f64>,
}

/// Who worked when, to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gantt {
    /// The makespan.
    pub end: f64,
    /// How many pieces of work there were.
    pub n_pieces: usize,
    /// One row for each resource, coloured by agent.
    pub by_resource: Chart,
    /// One row for each agent (or job), coloured by resource.
    pub by_agent: Chart,
}

/// Rows of boxes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// How many rows were left out.
    pub rows_left_out: usize,
    /// Whether boxes stand for shares of time instead of single pieces of work.
    pub is_shares: bool,
    /// The row of each box.
    pub row: Vec<u32>,
    /// When each begins.
    pub start: Vec<f64>,
    /// When each ends.
    pub end: Vec<f64>,
    /// The number of the colour of each; for shares, how many hundredths of the time were work.
    pub shade: Vec<u32>,
    /// What each is; empty for shares.
    pub label: Vec<String>,
}

impl Curves {
    /// Those of a run.
    pub fn of(run: &Run) -> Self {
        let makespan = run.makespan();
        let share = |busy: f64| {
            if makespan > 0.0 {
                short(busy / makespan)
            } else {
                0.0
            }
        };
        let resources = run.resources.iter().take(MAX_ROWS);
        Self {
            latency: latency_curve(run),
            depth: depth_curve(run, makespan),
            resources: resources.map(|resource| resource.name.clone()).collect(),
            utilisation: busy_spans(run)
                .into_iter()
                .take(MAX_ROWS)
                .map(share)
                .collect(),
        }
    }
}

/// Six digits are enough to draw.
fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powi(5 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

fn latency_curve(run: &Run) -> Vec<f64> {
    let mut sorted: Vec<f64> = latencies(run).collect();
    if sorted.is_empty() {
        return Vec::new();
    }
    sorted.sort_by(f64::total_cmp);
    (0..=LATENCY_STEPS)
        .map(|step| short(percentile(&sorted, step as f64 / LATENCY_STEPS as f64)))
        .collect()
}

fn depth_curve(run: &Run, makespan: f64) -> Vec<f64> {
    let mut depth = vec![0.0; DEPTH_BINS];
    if makespan <= 0.0 {
        return depth;
    }
    let width = makespan / DEPTH_BINS as f64;
    for piece in run.pieces.iter().filter(|piece| piece.start > piece.ready) {
        spread(piece.ready, piece.start, width, &mut depth);
    }
    depth.iter_mut().for_each(|sum| *sum = short(*sum / width));
    depth
}

/// Adds the part of a span that lies in each bin to that bin.
fn spread(from: f64, to: f64, width: f64, bins: &mut [f64]) {
    let first = ((from / width) as usize).min(bins.len() - 1);
    let last = ((to / width) as usize).min(bins.len() - 1);
    for (n, bin) in bins.iter_mut().enumerate().take(last + 1).skip(first) {
        let (start, end) = (n as f64 * width, (n + 1) as f64 * width);
        *bin += (to.min(end) - from.max(start)).max(0.0);
    }
}

impl Gantt {
    /// That of a run.
    pub fn of(run: &Run) -> Self {
        let resources: Vec<String> = run.resources.iter().map(|r| r.name.clone()).collect();
        Self {
            end: short(run.makespan()),
            n_pieces: run.pieces.len(),
            by_resource: Chart::of(run, &resources, |piece| (piece.resource, piece.agent)),
            by_agent: Chart::of(run, &run.agents, |piece| (piece.agent, piece.resource)),
        }
    }
}

impl Chart {
    /// `place` says in which row a piece is drawn, and with which colour.
    fn of(run: &Run, names: &[String], place: impl Fn(&crate::Piece) -> (u32, u32)) -> Self {
        let n_rows = names.len().min(MAX_ROWS);
        let mut chart = Self {
            rows: names[..n_rows].to_vec(),
            rows_left_out: names.len() - n_rows,
            is_shares: run.pieces.len() > MAX_BARS,
            ..Self::default()
        };
        if chart.is_shares {
            chart.add_shares(run, &place);
            return chart;
        }
        for piece in &run.pieces {
            let (row, shade) = place(piece);
            if (row as usize) < n_rows {
                chart.push(row, piece.start, piece.end, shade);
                let mark = if piece.is_done { "" } else { " (failed)" };
                chart.label.push(format!("{}{mark}", piece.name));
            }
        }
        chart
    }

    fn push(&mut self, row: u32, start: f64, end: f64, shade: u32) {
        self.row.push(row);
        self.start.push(short(start));
        self.end.push(short(end));
        self.shade.push(shade);
    }

    fn add_shares(&mut self, run: &Run, place: &impl Fn(&crate::Piece) -> (u32, u32)) {
        let n_bins = (MAX_BARS / self.rows.len().max(1)).clamp(10, 400);
        let width = run.makespan() / n_bins as f64;
        let mut spans = vec![Vec::new(); self.rows.len()];
        for piece in &run.pieces {
            if let Some(spans) = spans.get_mut(place(piece).0 as usize) {
                spans.push((piece.start, piece.end));
            }
        }
        for (row, spans) in spans.into_iter().enumerate() {
            let mut bins = vec![0.0; n_bins];
            for (from, to) in merged(spans) {
                spread(from, to, width, &mut bins);
            }
            for (n, sum) in bins.into_iter().enumerate().filter(|(_, sum)| *sum > 0.0) {
                let percent = (100.0 * sum / width).round().clamp(1.0, 100.0);
                let start = n as f64 * width;
                self.push(row as u32, start, start + width, percent as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Piece, RunResource, RunTask};

    fn run(n: u32) -> Run {
        let piece = |id| Piece {
            id,
            task: 0,
            agent: 0,
            resource: id % 2,
            ready: 0.0,
            start: f64::from(id / 2),
            end: f64::from(id / 2 + 1),
            is_done: true,
            name: "piece".into(),
            decision: None,
        };
        let resource = |name: &str| RunResource {
            name: name.to_owned(),
            ..RunResource::default()
        };
        Run {
            resources: vec![resource("a"), resource("b")],
            agents: vec!["ada".to_owned()],
            tasks: vec![RunTask {
                end: Some(f64::from(n / 2)),
                ..RunTask::default()
            }],
            pieces: (0..n).map(piece).collect(),
            ..Run::default()
        }
    }

    #[test]
    fn curves_by_hand() {
        let curves = Curves::of(&run(240));
        assert_eq!(curves.utilisation, [1.0, 1.0]);
        assert_eq!(curves.latency, vec![120.0; 41]);
        // 240 are ready at 0, and two start in each unit of time: 238 wait through the first.
        assert_eq!((curves.depth[0], curves.depth[119]), (238.0, 0.0));
    }

    #[test]
    fn many_pieces_become_shares() {
        let few = Gantt::of(&run(240)).by_resource;
        assert!(!few.is_shares && few.row.len() == 240 && few.label.len() == 240);
        let many = Gantt::of(&run(40_000)).by_resource;
        assert!(many.is_shares && many.row.len() <= MAX_BARS && many.label.is_empty());
        assert!(many.shade.iter().all(|shade| *shade == 100));
    }

    #[test]
    fn six_digits_are_kept() {
        for (value, expected) in [
            (1.0 / 3.0, 0.333_333),
            (0.0, 0.0),
            (123_456_789.0, 123_457_000.0),
        ] {
            assert!((short(value) - expected).abs() <= 1e-9 * expected);
        }
    }
}
