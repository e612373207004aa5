//! Shuttle's threads and locks, and channels made of them.
//!
//! No time passes: whoever waits on a [`Condvar`] is woken by others or never, which tells a wake-up
//! that was missed; whoever waits for a channel with a limit gives up at once if nothing is there.

use std::{collections::VecDeque, sync::Arc, time::Duration, time::Instant};

pub(crate) use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, TryRecvError};
use shuttle::thread::yield_now;
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic},
    thread::{Builder, JoinHandle},
};

/// Nobody can tell: every thread is kept, to be joined.
pub(crate) fn has_ended(_: &JoinHandle<()>) -> bool {
    false
}

/// It ends, as no time passes until the join.
pub(crate) fn wait_for(_: &JoinHandle<()>, _: Instant) -> bool {
    true
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    n_senders: usize,
    n_receivers: usize,
}

#[derive(Debug)]
struct Channel<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

impl<T> Channel<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end of a channel.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Channel<T>>);

/// The other end. Clones take turns.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Channel<T>>);

/// A channel without a bound.
pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel {
        state: Mutex::new(State {
            items: VecDeque::new(),
            n_senders: 1,
            n_receivers: 1,
        }),
        changed: Condvar::new(),
    });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// A channel that nobody fills over its bound.
pub(crate) fn bounded<T>(_: usize) -> (Sender<T>, Receiver<T>) {
    unbounded()
}

impl<T> Sender<T> {
    pub(crate) fn send(&self, item: T) -> Result<(), SendError<T>> {
        let mut state = self.0.state();
        if state.n_receivers == 0 {
            return Err(SendError(item));
        }
        state.items.push_back(item);
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl<T> Receiver<T> {
    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        let mut state = self.0.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Ok(item);
            }
            if state.n_senders == 0 {
                return Err(RecvError);
            }
            let waited = self.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut state = self.0.state();
        match state.items.pop_front() {
            Some(item) => Ok(item),
            None if state.n_senders == 0 => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Lets others go on once; what has not come by then does not come in time.
    pub(crate) fn recv_timeout(&self, _: Duration) -> Result<T, RecvTimeoutError> {
        yield_now();
        self.try_recv().map_err(|error| match error {
            TryRecvError::Empty => RecvTimeoutError::Timeout,
            TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state().n_senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.state().n_receivers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state().n_senders -= 1;
        self.0.changed.notify_all();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.state().n_receivers -= 1;
    }
}
