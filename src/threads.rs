//! Shares the cores out among the replicas, before anything computes.

use std::{env, thread};

/// What candle's matrix products ask at each call.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Cores that models may use: those asked for, else all.
pub(crate) fn n_cores(asked: Option<u16>) -> usize {
    asked.map_or_else(
        || thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    )
}

/// Cores that models may use beside a window, if nobody says: all but one, which draws.
pub(crate) fn beside_a_window() -> u16 {
    let others = n_cores(None).saturating_sub(1).max(1);
    u16::try_from(others).unwrap_or(u16::MAX)
}

/// Gives each of `n_replicas` the same share of `n_cores`, at least one core.
///
/// One replica to a core is faster than one matrix product over all cores.
pub(crate) fn share(n_cores: usize, n_replicas: usize) {
    let each = (n_cores / n_replicas.max(1)).max(1);
    #[expect(
        unsafe_code,
        reason = "no other thread runs yet, so nobody reads the environment meanwhile"
    )]
    // SAFETY: called once, by the main thread, before it starts any other.
    unsafe {
        env::set_var(VARIABLE, each.to_string());
    }
}
