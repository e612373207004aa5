//! Shortest job first, with a window in which a batch may fill. Deb, Serfozo (1973), "Optimal control
//! of batch service queues".

use super::{batching::Batching, sjf::Sjf};

/// A fresh one.
pub(super) fn make() -> Batching<Sjf> {
    Batching::new(Sjf)
}
