//! Contract net: agents bid. Each subtask that becomes ready is announced to all who can do it; each
//! of them, busy or not, bids what it would cost with them; the lowest bid gets the contract, which
//! binds. If the contractor fails, the subtask is announced again. Smith (1980), "The contract net
//! protocol: high-level communication and control in a distributed problem solver".
//!
//! A bid is `weight × delay + price × span`: the delay until the subtask would be done, counted in
//! seconds and weighted as the task is, plus what the seconds of work cost. The delay is what the
//! bidder has promised already and what the subtask adds to that, which is little if it can join a
//! batch, and the more the more sequences a continuous replica runs. So agents that are loaded, slow or dear bid high. The candidates of a decision are the bids.

use super::{
    View,
    bound::{Dispatch, Queues},
};
use crate::{pool::ResourceId, workload::SubtaskId};

/// Asks for bids and takes the lowest.
#[derive(Debug, Default)]
pub(super) struct ContractNet;

impl Dispatch for ContractNet {
    const SCORE: &'static str = "the bid: weight × delay + price × span, in millionths";

    fn score(&self, view: &View<'_>, queues: &Queues, id: SubtaskId, on: ResourceId) -> i64 {
        let adds = queues.addition(view, id, on);
        let delay = queues.wait(view, on).saturating_add(adds);
        let weight = view.task_of(id).spec.weight;
        let price = view.resources()[on.index()].spec.price_per_sec;
        // Nanoseconds to millionths of a second.
        ((weight * delay as f64 + price * adds as f64) / 1e3).round() as i64
    }
}
