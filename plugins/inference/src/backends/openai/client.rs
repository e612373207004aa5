//! What all calls to one server share, and the loop of attempts that each of them makes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ureq::Agent;

use super::{
    call::{Answered, Failure, Question, attempt},
    error::RemoteError,
    limits::{Limits, Ticket},
    retry::backoff,
    settings::RemoteSettings,
    watch::{Watch, now},
};
use crate::sync::{Mutex, held};

/// A model of a server.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) settings: RemoteSettings,
    pub(crate) model: String,
    limits: Mutex<Limits>,
    // The length of the model's vectors; 0 until the first came.
    dimensions: AtomicUsize,
}

impl Client {
    pub(crate) fn new(settings: RemoteSettings, model: String) -> Arc<Self> {
        if settings.bares_key() {
            tracing::warn!(
                "the key travels to {:?} in clear text; use https:// instead",
                settings.host()
            );
        }
        Arc::new(Self {
            limits: Mutex::new(Limits::new(settings.per_minute)),
            dimensions: AtomicUsize::new(0),
            settings,
            model,
        })
    }

    /// Connections of its own: what shuts them down shuts down no others.
    pub(crate) fn agent(&self) -> Agent {
        let patience = &self.settings.patience;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry the key to whoever the server says.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(1)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_send_request(Some(patience.first_byte))
            .timeout_send_body(Some(patience.first_byte))
            .timeout_recv_response(Some(patience.first_byte))
            .timeout_global(Some(patience.whole));
        let config = if self.settings.is_local() {
            config.proxy(None)
        } else {
            config
        };
        config.build().new_agent()
    }

    /// The length of the model's vectors, once one has come.
    pub(crate) fn dimensions(&self) -> Option<usize> {
        Some(self.dimensions.load(Ordering::Acquire)).filter(|n| *n > 0)
    }

    /// Holds the model to the length of its first vectors.
    pub(crate) fn settle_dimensions(&self, got: usize) -> Result<(), RemoteError> {
        let settled = self
            .dimensions
            .compare_exchange(0, got, Ordering::AcqRel, Ordering::Acquire);
        match settled {
            Err(expected) if expected != got => Err(RemoteError::WrongLength { expected, got }),
            _ => Ok(()),
        }
    }

    /// Sends nothing before then.
    pub(crate) fn pause(&self, until: Instant) {
        held(&self.limits).pause(until);
    }

    /// Waits until a request of so many tokens may go.
    fn admit(&self, watch: &Watch, tokens: u64) -> Result<Ticket, RemoteError> {
        loop {
            let admitted = held(&self.limits).admit(tokens, now());
            match admitted {
                Ok(ticket) => return Ok(ticket),
                Err(wait) => watch.sleep(wait)?,
            }
        }
    }

    /// Asks, and asks again where that may help.
    ///
    /// `number` names the call: its waits are drawn from it. `agent` is made anew when it was shut
    /// down.
    pub(crate) fn ask(
        &self,
        agent: &mut Agent,
        watch: &Watch,
        number: u64,
        question: &Question,
        tell: &mut dyn FnMut(String),
    ) -> Result<Answered, RemoteError> {
        let mut nth = 0;
        loop {
            let ticket = self.admit(watch, question.estimated_tokens())?;
            let failure = match attempt(self, agent, watch, question, tell) {
                Ok(answered) => {
                    // What was given up at the last moment is answered, over a dead connection.
                    if watch.is_over() {
                        *agent = self.agent();
                    }
                    if let Some(tokens) = answered.tokens {
                        held(&self.limits).settle(ticket, tokens);
                    }
                    return Ok(answered);
                }
                Err(failure) => failure,
            };
            // It may have been shut down, and a broken connection is of no use.
            *agent = self.agent();
            nth = self.wait_for_another(watch, number, nth, failure)?;
        }
    }

    /// Waits before the next attempt and counts it, or says why there is none.
    fn wait_for_another(
        &self,
        watch: &Watch,
        number: u64,
        nth: u32,
        failure: Failure,
    ) -> Result<u32, RemoteError> {
        let Failure { error, may_repeat } = failure;
        if !may_repeat || nth >= self.settings.retries.most {
            return Err(error);
        }
        let mut wait = backoff(&self.settings.retries, number, nth);
        if let RemoteError::RateLimit { retry_after, .. } = &error {
            let asked = retry_after.unwrap_or(Duration::ZERO);
            // All calls to this server wait, and come back spread out.
            self.pause(now() + asked);
            wait += asked;
        }
        tracing::debug!(
            "asking {:?} again in {wait:?}: {error}",
            self.settings.host()
        );
        match watch.sleep(wait) {
            Ok(()) => Ok(nth + 1),
            Err(RemoteError::Cancelled) => Err(RemoteError::Cancelled),
            // There is no time left for another attempt: what failed says more than that.
            Err(_) => Err(error),
        }
    }
}
