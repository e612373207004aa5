//! Keeps to what may be sent in a minute, and to the pauses that a server asks for.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::settings::PerMinute;

const MINUTE: Duration = Duration::from_secs(60);

/// What was sent in the last minute.
///
/// A sliding window: in no 60 seconds, wherever they begin, more is sent than is allowed.
#[derive(Debug)]
pub(crate) struct Limits {
    per_minute: PerMinute,
    sent: VecDeque<Sent>,
    next: u64,
    // The server asked for silence until then.
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Sent {
    ticket: Ticket,
    at: Instant,
    tokens: u64,
}

/// Names a request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Limits {
    pub(crate) fn new(per_minute: PerMinute) -> Self {
        Self {
            per_minute,
            sent: VecDeque::new(),
            next: 0,
            paused_until: None,
        }
    }

    /// Lets a request of about `tokens` through, or says how long to wait before asking again.
    ///
    /// A request above the limit of a whole minute goes when nothing else went in the last one.
    pub(crate) fn admit(&mut self, tokens: u64, now: Instant) -> Result<Ticket, Duration> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        self.paused_until = None;
        while self
            .sent
            .front()
            .is_some_and(|sent| now >= sent.at + MINUTE)
        {
            self.sent.pop_front();
        }
        let most = u64::from(self.per_minute.requests.max(1));
        let mut n_sent = self.sent.len() as u64;
        let mut n_tokens: u64 = self.sent.iter().map(|sent| sent.tokens).sum();
        let mut wait = Duration::ZERO;
        for sent in &self.sent {
            if n_sent < most && n_tokens.saturating_add(tokens) <= self.per_minute.tokens {
                break;
            }
            n_sent -= 1;
            n_tokens -= sent.tokens;
            wait = sent.at + MINUTE - now;
        }
        if wait > Duration::ZERO {
            return Err(wait);
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        // Nothing needs to be remembered where there is no limit.
        if self.per_minute != PerMinute::default() {
            self.sent.push_back(Sent {
                ticket,
                at: now,
                tokens,
            });
        }
        Ok(ticket)
    }

    /// Corrects the estimate of a request by what it really used.
    pub(crate) fn settle(&mut self, ticket: Ticket, tokens: u64) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.ticket == ticket) {
            sent.tokens = tokens;
        }
    }

    /// Sends nothing before `until`.
    pub(crate) fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant to count from; no time passes"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    /// Sends requests of these tokens as soon as they may go, and says when they went.
    fn times(requests: u32, tokens: u64, asked: &[u64]) -> Vec<u64> {
        let start = start();
        let mut limits = Limits::new(PerMinute { requests, tokens });
        let mut now = start;
        let send = |tokens: &u64| {
            while let Err(wait) = limits.admit(*tokens, now) {
                now += wait;
            }
            now += secs(1.0);
            (now - start).as_secs() - 1
        };
        asked.iter().map(send).collect()
    }

    #[test]
    fn no_minute_sees_more_than_is_allowed() {
        assert_eq!(times(u32::MAX, u64::MAX, &[1, 1, 1]), [0, 1, 2]);
        assert_eq!(times(2, u64::MAX, &[1; 5]), [0, 1, 60, 61, 120]);
        assert_eq!(times(9, 100, &[60, 40, 50, 50]), [0, 1, 60, 61]);
        // Too large for any minute: alone, after a minute of silence.
        assert_eq!(times(9, 100, &[60, 500, 10]), [0, 60, 120]);
        assert_eq!(times(0, 0, &[1, 1]), [0, 60]);
    }

    #[test]
    fn estimates_are_settled_and_pauses_kept() {
        let now = start();
        let mut limits = Limits::new(PerMinute {
            requests: 9,
            tokens: 100,
        });
        let ticket = limits.admit(90, now).unwrap();
        assert_eq!(limits.admit(20, now), Err(secs(60.0)));
        limits.settle(ticket, 10);
        assert!(limits.admit(20, now).is_ok());
        limits.pause(now + secs(5.0));
        limits.pause(now + secs(3.0));
        assert_eq!(limits.admit(1, now + secs(1.0)), Err(secs(4.0)));
        assert!(limits.admit(1, now + secs(5.0)).is_ok());
    }
}
