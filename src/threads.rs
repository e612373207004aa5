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
