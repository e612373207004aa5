//! Lets free resources wait a little while more comes that can share their batch.
//!
//! A batch of `k` takes `s(k)`. Starting it now, the next one to come takes a batch of its own; all
//! `k + 1` end `k·s(k) + s(k) + s(1)` after now, taken together. Waiting `w` for it, they end
//! `(k + 1)·(w + s(k + 1))` after now. So waiting pays while the next one comes within
//! `s(1) / (k + 1) − (s(k + 1) − s(k))`: the gain of one more in the batch, by the latency profile.
//! This is the window. It opens anew with each arrival, and it is not used on a lane whose arrivals
//! have lately been further apart than that. After Deb, Serfozo (1973), "Optimal control of batch
//! service queues".

use sim::SimTime;

use super::{
    Criteria, Decisions, Policy, View,
    greedy::{Greedy, Order},
};
use crate::{
    fact::WaitReason,
    lane::{LaneId, Load},
    workload::SubtaskId,
};

/// How much of the mean gap between arrivals the last gap makes.
const SHARE_OF_LAST: f64 = 0.125;

/// What has come on a lane.
#[derive(Clone, Copy, Debug, Default)]
struct Arrivals {
    n_ready: u32,
    last: Option<SimTime>,
    /// The smoothed gap, in nanoseconds.
    mean_gap: Option<f64>,
    /// The work in the last.
    load: Load,
}

/// An order with windows in which batches fill.
#[derive(Debug)]
pub(super) struct Batching<O> {
    greedy: Greedy<O>,
    lanes: Vec<Arrivals>,
    /// By subtask: its lane, while it is ready.
    ready_on: Vec<Option<LaneId>>,
    /// By lane: until when it waits.
    windows: Vec<Option<SimTime>>,
}

impl<O: Order> Batching<O> {
    pub(super) fn new(order: O) -> Self {
        Self {
            greedy: Greedy::new(order),
            lanes: Vec::new(),
            ready_on: Vec::new(),
            windows: Vec::new(),
        }
    }

    fn count(&mut self, view: &View<'_>) {
        self.lanes.resize(view.lanes().len(), Arrivals::default());
        self.ready_on.resize(view.n_subtasks(), None);
        for &id in view.readiness_changes() {
            let lane = view.lane(id);
            let arrivals = &mut self.lanes[lane.index()];
            let ready_on = &mut self.ready_on[id.index()];
            match (view.is_ready(id), ready_on.is_some()) {
                (true, false) => {
                    *ready_on = Some(lane);
                    arrivals.n_ready += 1;
                    arrivals.load = view.load(id);
                    let now = view.ready_at(id);
                    if let Some(last) = arrivals.last.replace(now) {
                        let gap = now.since(last).0 as f64;
                        let mean = arrivals.mean_gap.unwrap_or(gap);
                        arrivals.mean_gap = Some(mean + SHARE_OF_LAST * (gap - mean));
                    }
                }
                (false, true) => {
                    *ready_on = None;
                    arrivals.n_ready -= 1;
                }
                _ => {}
            }
        }
    }

    /// Until when a lane waits for more; `None`: it goes now.
    fn window(&self, view: &View<'_>, lane: LaneId) -> Option<SimTime> {
        let arrivals = &self.lanes[lane.index()];
        let idle = self.greedy.board().idle().iter();
        let able: Vec<_> = idle.filter(|on| view.is_member(**on, lane)).collect();
        let room: u32 = able.iter().map(|on| view.slots(**on)).sum();
        if arrivals.n_ready == 0 || room <= arrivals.n_ready {
            return None;
        }
        // What each of them would get now.
        let k = arrivals.n_ready.div_ceil(able.len() as u32);
        let span = |on, n| {
            let load = (0..n).fold(Load::default(), |sum: Load, _| sum.plus(arrivals.load));
            Some(view.span(on, lane, load)?.0 as f64)
        };
        let mut widest = 0.0_f64;
        for &&on in able.iter().filter(|on| view.slots(***on) > k) {
            let gain = span(on, 1)? / f64::from(k + 1) - (span(on, k + 1)? - span(on, k)?);
            widest = widest.max(gain);
        }
        if arrivals.mean_gap.is_some_and(|gap| gap > widest) {
            return None;
        }
        let until = arrivals.last? + sim::SimSpan(widest as u64);
        (until > view.now()).then_some(until)
    }
}

impl<O: Order> Policy for Batching<O> {
    fn place(&mut self, view: &View<'_>, decisions: &mut Decisions) {
        self.count(view);
        self.greedy.update(view);
        let lanes = (0..view.lanes().len()).map(|n| LaneId(n as u32));
        let windows: Vec<_> = lanes.map(|lane| self.window(view, lane)).collect();
        decisions.wake_at = windows.iter().flatten().min().copied();
        self.windows = windows;
        let windows = &self.windows;
        self.greedy
            .fill(view, decisions, |lane| windows[lane.index()].is_none());
    }

    fn why_waits(&self, subtask: SubtaskId) -> Option<WaitReason> {
        let lane = (*self.ready_on.get(subtask.index())?)?;
        let until = (*self.windows.get(lane.index())?)?;
        Some(WaitReason::FillingBatch { until })
    }

    fn criteria(&self) -> Criteria {
        O::CRITERIA
    }
}
