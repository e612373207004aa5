//! First in, first out, with a window in which a batch may fill. Deb, Serfozo (1973), "Optimal
//! control of batch service queues".

use super::{batching::Batching, fifo::Fifo};

/// A fresh one.
pub(super) fn make() -> Batching<Fifo> {
    Batching::new(Fifo)
}
