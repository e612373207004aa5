//! Resources that fail and are mended by themselves, by script or by chance.

use sim::{SimSpan, SimTime};

use super::{Engine, events::Event};
use crate::{
    draws::{Draws, Purpose},
    hardware::Outages,
    pool::ResourceId,
};

impl Engine {
    /// Asks for the next failure or mending of a resource, counted from `from`.
    pub(super) fn await_outage(&mut self, from: SimTime, id: ResourceId) {
        let n = self.pool.resources[id.index()].n_outages;
        if let Some(at) = self.next_outage(from, id, n) {
            self.events.push(at, Event::Outage(id, n));
        }
    }

    /// When change number `n` of a resource comes, after the one before it at `from`: even numbers
    /// are failures, odd ones the mendings that follow.
    fn next_outage(&self, from: SimTime, id: ResourceId, n: u32) -> Option<SimTime> {
        let is_failure = n.is_multiple_of(2);
        match &self.pool.resources[id.index()].spec.outages {
            Outages::Never => None,
            Outages::Scripted(spans) => {
                let (down, up) = spans.get(n as usize / 2)?;
                Some(if is_failure { *down } else { *up })
            }
            Outages::Random {
                up,
                up_spread,
                down,
                down_spread,
            } => {
                let (mean, spread) = if is_failure {
                    (up, up_spread)
                } else {
                    (down, down_spread)
                };
                let seed = self.options.streams.seed();
                let factor = spread.factor(&mut Draws::new(seed, Purpose::Outage, id.0, n));
                let span = SimSpan(((mean.0 as f64 * factor).round() as u64).max(1));
                Some(from + span)
            }
        }
    }

    /// A resource fails or is mended. If nobody looked for a while, only the last change counts.
    pub(super) fn take_outage(&mut self, now: SimTime, at: SimTime, id: ResourceId) {
        let mut at = at;
        loop {
            let on = &mut self.pool.resources[id.index()];
            on.n_outages += 1;
            let n = on.n_outages;
            match self.next_outage(at, id, n) {
                Some(next) if next < now => at = next,
                _ => break,
            }
        }
        let on = &self.pool.resources[id.index()];
        let (up, is_off) = (on.n_outages.is_multiple_of(2), on.is_off);
        if !is_off {
            self.set_up(now, id, up);
        }
        self.await_outage(at, id);
    }
}
