//! Demands: what subtasks that are alike but for their place in the graph share, kept once.

use sim::SimSpan;

use crate::{
    lane::{LaneId, Load, Pool},
    spread::Spread,
    workload::SubtaskSpec,
};

/// A demand, counted from 0 in the order in which demands first came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DemandId(u32);

/// How much is asked for, and of whom.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Who can meet it.
    pub(crate) lane: LaneId,
    /// Which distribution the actual work follows, in the engine's table.
    pub(crate) spread: u32,
    /// The work in one subtask.
    pub(crate) load: Load,
    /// Memory that one takes while it runs.
    pub(crate) memory_bytes: u64,
    /// Expected span of one alone, on average over those who could do it.
    pub(crate) mean_span: SimSpan,
}

/// All demands so far. A demand that comes again is found again if it is among the recent ones, and
/// else kept twice, which costs memory alone.
#[derive(Debug)]
pub(crate) struct Demands {
    all: Vec<Demand>,
    /// Distributions of actual work; the first is exact.
    spreads: Vec<Spread>,
    /// The last demand with each hash.
    recent: Box<[u32; N_RECENT]>,
}

const N_RECENT: usize = 1024;

impl Default for Demands {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            spreads: vec![Spread::Exact],
            recent: Box::new([u32::MAX; N_RECENT]),
        }
    }
}

impl Demands {
    /// The demand of a subtask; `None` if nobody in the pool can ever meet it.
    pub(crate) fn of(&mut self, spec: &SubtaskSpec, pool: &mut Pool) -> Option<DemandId> {
        let load = Load::of(spec);
        let at = place(spec, load);
        let known = self.recent[at];
        if let Some(demand) = self.all.get(known as usize)
            && demand.load == load
            && demand.memory_bytes == spec.memory_bytes
            && self.spreads[demand.spread as usize] == spec.spread
            && pool.lanes[demand.lane.index()].asks_like(spec)
        {
            return Some(DemandId(known));
        }
        let lane = pool.lane_for(spec)?;
        let id = DemandId(self.all.len() as u32);
        let spread = self.spread_number(&spec.spread);
        self.all.push(Demand {
            lane,
            spread,
            load,
            memory_bytes: spec.memory_bytes,
            mean_span: pool.mean_span(lane, &load),
        });
        self.recent[at] = id.0;
        Some(id)
    }

    #[inline]
    pub(crate) fn get(&self, id: DemandId) -> &Demand {
        &self.all[id.0 as usize]
    }

    pub(crate) fn spread(&self, demand: &Demand) -> &Spread {
        &self.spreads[demand.spread as usize]
    }

    /// Whether all actual work is as expected.
    pub(crate) fn are_exact(&self) -> bool {
        self.spreads.len() == 1
    }

    fn spread_number(&mut self, spread: &Spread) -> u32 {
        let known = self.spreads.iter().rposition(|known| known == spread);
        known.unwrap_or_else(|| {
            self.spreads.push(spread.clone());
            self.spreads.len() - 1
        }) as u32
    }
}

/// Where a demand is looked for: a multiplicative hash of its numbers.
fn place(spec: &SubtaskSpec, load: Load) -> usize {
    let numbers = [
        load.items,
        load.tokens,
        load.output_tokens,
        load.bytes,
        load.work.0,
        spec.memory_bytes,
        spec.skill as u64,
        spec.modes.first().map_or(0, |mode| mode.span.0),
    ];
    let hash = numbers.iter().fold(0_u64, |hash, number| {
        (hash.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (hash >> 54) as usize
}
