//! What the thread of a call and whoever waits for it know of each other: patience and giving up.

use std::time::{Duration, Instant};

use ureq::Agent;

use super::{
    error::{RemoteError, Stage},
    settings::Patience,
};
use crate::sync::{Condvar, Mutex, PoisonError, held};

/// Watches over one call. The waiting side calls [`Watch::tend`] now and then.
#[derive(Debug)]
pub(crate) struct Watch {
    patience: Patience,
    whole_until: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    // Shutting it down wakes the thread, whatever it reads or writes.
    agent: Option<Agent>,
    silent_until: Option<Instant>,
    // Why this attempt is over.
    attempt_over: Option<RemoteError>,
    // Why no further attempt is made either.
    over: Option<RemoteError>,
}

impl Watch {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience,
            whole_until: now() + patience.whole,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Begins an attempt, unless the call is over.
    pub(crate) fn begin(&self, agent: &Agent) -> Result<(), RemoteError> {
        let mut state = held(&self.state);
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        *state = State {
            agent: Some(agent.clone()),
            ..State::default()
        };
        Ok(())
    }

    /// A piece of the answer came: patience begins anew. Fails if the attempt or the call is over.
    pub(crate) fn heard(&self) -> Result<(), RemoteError> {
        let mut state = held(&self.state);
        state.silent_until = Some(now() + self.patience.silence);
        state.verdict().map_or(Ok(()), Err)
    }

    /// Ends an attempt, and says why it was ended from outside, if it was.
    pub(crate) fn end_attempt(&self) -> Option<RemoteError> {
        let mut state = held(&self.state);
        state.agent = None;
        state.silent_until = None;
        state.verdict()
    }

    /// Whether the call or its last attempt was ended from outside.
    pub(crate) fn is_over(&self) -> bool {
        held(&self.state).verdict().is_some()
    }

    /// Waits, unless the call is over or would be before the wait is.
    pub(crate) fn sleep(&self, wait: Duration) -> Result<(), RemoteError> {
        let until = now() + wait;
        if until >= self.whole_until {
            return Err(self.whole_is_over());
        }
        let mut state = held(&self.state);
        loop {
            if let Some(over) = &state.over {
                return Err(over.clone());
            }
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return Ok(());
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Gives the call up.
    pub(crate) fn cancel(&self) {
        let mut state = held(&self.state);
        state.over.get_or_insert(RemoteError::Cancelled);
        state.wake();
        self.changed.notify_all();
    }

    /// Ends what takes too long.
    pub(crate) fn tend(&self) {
        let now = now();
        let mut state = held(&self.state);
        if now >= self.whole_until {
            state.over.get_or_insert(self.whole_is_over());
        } else if state.silent_until.is_some_and(|until| now >= until) {
            state.attempt_over = Some(RemoteError::TimedOut {
                stage: Stage::Silence,
                limit: self.patience.silence,
            });
        } else {
            return;
        }
        state.wake();
        self.changed.notify_all();
    }

    /// That the limit for the whole is passed.
    pub(crate) fn whole_is_over(&self) -> RemoteError {
        RemoteError::TimedOut {
            stage: Stage::Whole,
            limit: self.patience.whole,
        }
    }
}

impl State {
    fn verdict(&self) -> Option<RemoteError> {
        self.over.clone().or_else(|| self.attempt_over.clone())
    }

    fn wake(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.shutdown();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "servers are waited for in wall time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
