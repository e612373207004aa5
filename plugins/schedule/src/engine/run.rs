//! A driver without Bevy: takes an engine through all that was handed in.

use std::mem;

use sim::SimTime;

use super::Engine;
use crate::fact::EngineFact;

impl Engine {
    /// Runs until nothing is left to do: every batch succeeds when its time is over, and only
    /// outages and timeouts fail anything. Gives the last instant. Facts are dropped; see
    /// [`Engine::run_with`].
    ///
    /// Under `Charge::Measured` batches of replicas have no end, and nobody here knows one: the run
    /// stops as soon as nothing else happens.
    pub fn run(&mut self) -> SimTime {
        self.run_with(|_, _| {})
    }

    /// Like [`Engine::run`]; hands each fact with its instant to `sink`.
    pub fn run_with(&mut self, sink: impl FnMut(SimTime, EngineFact)) -> SimTime {
        self.run_until(SimTime::MAX, sink)
    }

    /// Like [`Engine::run_with`], but stops before anything that happens after `stop`.
    pub fn run_until(
        &mut self,
        stop: SimTime,
        mut sink: impl FnMut(SimTime, EngineFact),
    ) -> SimTime {
        let mut due = Vec::new();
        let mut last = self.now;
        for fact in self.facts.drain(..) {
            sink(last, fact);
        }
        while let Some(next) = self.next_event().filter(|next| *next <= stop) {
            let now = self.now.max(next);
            last = now;
            if self.wants_step || !self.is_settled() || self.events.is_due(now) {
                self.step(now);
            } else {
                self.now = now;
            }
            self.take_due(now, &mut due);
            for &(_, batch, resource) in &due {
                self.succeed(now, resource, batch);
            }
            due.clear();
            self.wants_step &= !self.is_settled();
            self.drop_stale_events();
            if !self.facts.is_empty() {
                self.facts.drain(..).for_each(|fact| sink(now, fact));
            }
        }
        last
    }

    /// Moves what ends by `now` into `due`, by end and id.
    fn take_due(
        &mut self,
        now: SimTime,
        due: &mut Vec<(SimTime, crate::workload::BatchId, crate::pool::ResourceId)>,
    ) {
        while let Some((end, (batch, resource))) = self.ends.pop_due(now) {
            let on = &self.pool.resources[resource.index()];
            if on.running == Some(batch) && on.ends == Some(end) {
                due.push((end, batch, resource));
            }
        }
        if !self.generated.is_empty() {
            let generated = mem::take(&mut self.generated);
            due.extend(
                generated
                    .iter()
                    .map(|(on, sequence)| (now, sequence.batch, *on)),
            );
            self.generated = generated;
            due.sort_unstable();
        }
    }
}
