//! The threads, locks, counters and channels of the engine: the system's, or those of shuttle, which
//! runs a test in many orders of its threads.
//!
//! Everything that waits for another thread of this crate takes it from here. Flags that a caller
//! shares with a request are the system's.

#[cfg(not(feature = "shuttle"))]
mod system {
    pub(crate) use std::{
        sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic},
        thread::{Builder, JoinHandle},
    };
    use std::{thread::park_timeout, time::Duration, time::Instant};

    pub(crate) use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

    pub(crate) fn has_ended(thread: &JoinHandle<()>) -> bool {
        thread.is_finished()
    }

    /// Waits until a thread has ended, or until an instant. Says whether it has ended.
    pub(crate) fn wait_for(thread: &JoinHandle<()>, until: Instant) -> bool {
        while !thread.is_finished() && crate::shared::now() < until {
            park_timeout(Duration::from_millis(1));
        }
        thread.is_finished()
    }
}
#[cfg(feature = "shuttle")]
mod shuttled;

#[cfg(feature = "shuttle")]
pub(crate) use shuttled::{
    Builder, Condvar, JoinHandle, Mutex, MutexGuard, PoisonError, Receiver, RecvTimeoutError,
    Sender, atomic, bounded, has_ended, unbounded, wait_for,
};
#[cfg(not(feature = "shuttle"))]
pub(crate) use system::{
    Builder, Condvar, JoinHandle, Mutex, MutexGuard, PoisonError, Receiver, RecvTimeoutError,
    Sender, atomic, bounded, has_ended, unbounded, wait_for,
};

/// Locks what is left consistent by whoever panicked while holding it.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
