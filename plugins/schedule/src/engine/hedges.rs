//! Hedged subtasks: a second copy of what takes long; the first to finish wins.

use sim::{SimSpan, SimTime};

use super::{Engine, events::Event};
use crate::{
    fact::EngineFact,
    lane::LaneId,
    options::HedgeAfter,
    pool::ResourceId,
    workload::{BatchId, SubtaskId, SubtaskState},
};

/// Spans that a quantile needs at least.
const MIN_SPANS: u32 = 20;

/// A second copy of a running subtask.
#[derive(Clone, Copy, Debug)]
struct Copied {
    subtask: SubtaskId,
    resource: ResourceId,
    batch: BatchId,
}

/// Second copies, and what says when one is wanted.
#[derive(Debug, Default)]
pub(super) struct Hedges {
    /// Subtasks that want a copy as soon as somebody is free.
    pub(super) wanted: Vec<SubtaskId>,
    copies: Vec<Copied>,
    /// By lane.
    spans: Vec<Histogram>,
}

/// Spans in buckets that are an eighth of an octave wide.
#[derive(Clone, Debug)]
struct Histogram {
    buckets: Vec<u32>,
    n: u32,
}

impl Hedges {
    pub(super) fn is_copy(&self, subtask: SubtaskId, batch: BatchId) -> bool {
        let mut copies = self.copies.iter();
        copies.any(|copy| (copy.subtask, copy.batch) == (subtask, batch))
    }

    /// Forgets the copies in a batch that ended.
    pub(super) fn forget(&mut self, batch: BatchId) {
        self.copies.retain(|copy| copy.batch != batch);
    }

    fn take(&mut self, subtask: SubtaskId) -> Option<Copied> {
        let at = self
            .copies
            .iter()
            .position(|copy| copy.subtask == subtask)?;
        Some(self.copies.remove(at))
    }

    pub(super) fn note_span(&mut self, lane: LaneId, span: SimSpan) {
        let empty = Histogram {
            buckets: vec![0; 512],
            n: 0,
        };
        if self.spans.len() <= lane.index() {
            self.spans.resize(lane.index() + 1, empty);
        }
        let histogram = &mut self.spans[lane.index()];
        histogram.n += 1;
        histogram.buckets[bucket(span.0)] += 1;
    }

    fn quantile(&self, lane: LaneId, share: f64) -> Option<SimSpan> {
        let histogram = self.spans.get(lane.index()).filter(|h| h.n >= MIN_SPANS)?;
        let wanted = (f64::from(histogram.n) * share).ceil() as u32;
        let mut sum = 0;
        let mut counts = histogram.buckets.iter().enumerate();
        let (at, _) = counts.find(|(_, n)| {
            sum += **n;
            sum >= wanted
        })?;
        Some(SimSpan(upper_end(at)))
    }
}

/// Which bucket a span falls into: eight for each power of two.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(8);
    let power = nanos.ilog2();
    let eighth = (nanos >> (power - 3)) & 7;
    (power as usize) * 8 + eighth as usize
}

/// The largest span of a bucket.
fn upper_end(bucket: usize) -> u64 {
    let (power, eighth) = (bucket / 8, (bucket % 8) as u64);
    let step = 1_u64 << power.saturating_sub(3);
    (8 + eighth + 1).saturating_mul(step) - 1
}

impl Engine {
    /// Sees to it that a subtask that starts now gets a copy when it takes too long.
    pub(super) fn watch_hedge(&mut self, now: SimTime, id: SubtaskId) {
        // One copy for each attempt: what starts now is that copy.
        if self.hedges.copies.iter().any(|copy| copy.subtask == id) {
            return;
        }
        let subtask = &self.subtasks[id.index()];
        let delay = match self.options.hedging {
            Some(HedgeAfter::Span(span)) => Some(span),
            Some(HedgeAfter::Quantile(share)) => self.hedges.quantile(self.lane_of(id), share),
            None => None,
        };
        if let Some(delay) = delay {
            self.events
                .push(now + delay, Event::Hedge(id, subtask.attempts));
        }
    }

    /// Starts the copies that are wanted, where somebody is free.
    pub(super) fn hedge(&mut self, now: SimTime) {
        if self.hedges.wanted.is_empty() || self.pool.free.is_empty() {
            return;
        }
        let wanted = std::mem::take(&mut self.hedges.wanted);
        for id in wanted {
            let has_copy = self.hedges.copies.iter().any(|copy| copy.subtask == id);
            let SubtaskState::Running { resource, .. } = self.subtasks[id.index()].state else {
                continue;
            };
            if has_copy {
                continue;
            }
            match self.best_for_copy(id, resource) {
                Some(to) => self.start_copy(now, id, to),
                None => self.hedges.wanted.push(id),
            }
        }
    }

    /// The free resource that would end a copy soonest.
    fn best_for_copy(&self, id: SubtaskId, not: ResourceId) -> Option<ResourceId> {
        let lane = self.lane_of(id);
        let members = &self.pool.lanes[lane.index()].members;
        let free = members
            .iter()
            .map(|(resource, _)| *resource)
            .filter(|resource| {
                let on = &self.pool.resources[resource.index()];
                *resource != not && on.tokens.is_none() && on.is_free() && on.members.is_empty()
            });
        let span = |resource: &ResourceId| self.pool.span(*resource, lane, &self.load(id));
        free.min_by_key(|resource| (span(resource), *resource))
    }

    fn start_copy(&mut self, now: SimTime, id: SubtaskId, resource: ResourceId) {
        let first = self.started.len();
        let batch = self.place_in_batch(id, resource);
        self.hedges.copies.push(Copied {
            subtask: id,
            resource,
            batch,
        });
        self.counts.hedged += 1;
        self.state(|_| EngineFact::SubtaskHedged {
            subtask: id,
            resource,
        });
        self.start_batches(now, first);
    }

    /// Goes on in the copy of a subtask whose first one was lost; `false` if it has none.
    pub(super) fn go_on_in_copy(&mut self, id: SubtaskId) -> bool {
        let Some(Copied {
            resource, batch, ..
        }) = self.hedges.take(id)
        else {
            return false;
        };
        self.set_state(id, SubtaskState::Running { resource, batch });
        self.subtasks[id.index()].on = resource.0;
        true
    }

    /// Stops the copy that lost, unless others run in its batch; `was` is the state before the end.
    pub(super) fn stop_rival(
        &mut self,
        now: SimTime,
        id: SubtaskId,
        was: SubtaskState,
        winner: BatchId,
    ) {
        let Some(copy) = self.hedges.take(id) else {
            return;
        };
        let (resource, batch) = match was {
            SubtaskState::Running { resource, batch } if copy.batch == winner => (resource, batch),
            _ => (copy.resource, copy.batch),
        };
        let on = &self.pool.resources[resource.index()];
        let is_vain = |id: &SubtaskId| self.subtasks[id.index()].state.is_ended();
        if on.running == Some(batch) && on.members.iter().all(is_vain) {
            let subtasks = self.end_batch(now, resource, batch);
            self.keep_buffer(resource, subtasks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_falls_into_them() {
        for nanos in [8, 9, 100, 12_345, 1_000_000_007, u64::MAX / 2] {
            let at = bucket(nanos);
            assert!(upper_end(at) >= nanos, "{nanos}");
            assert!(at == 24 || upper_end(at - 1) < nanos, "{nanos}");
        }
    }
}
