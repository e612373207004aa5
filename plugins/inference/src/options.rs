//! The limits of a port: how much waits, how much runs at once, how long anything may take.

use std::time::Duration;

/// The limits of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortOptions {
    /// Requests that may be on their way: sent, and their reply not yet received.
    pub queue_len: usize,
    /// Bytes that the inputs of these requests may have together.
    pub queue_bytes: usize,
    /// Tokens that these requests may have together; guessed from the bytes until they are counted.
    pub queue_tokens: u64,
    /// Tokens that a model reads in one pass, and that a worker takes at once.
    /// A single input or request above it goes alone. Calibration finds the best value.
    pub max_batch_tokens: u32,
    /// How long a free replica waits for more to come while its batch is not full; zero serves
    /// what is there.
    pub batch_delay: Duration,
    /// A request that has waited so long goes as if it had one priority more, and so on, up to the
    /// highest that waits: nothing starves.
    pub ageing: Duration,
    /// Threads that cut text into tokens, for all replicas together; at least 1.
    pub tokenisers: usize,
    /// Replicas that may compute at the same time; at least 1.
    pub most_at_once: usize,
    /// How long one pass, one step or the encoding of one request may take. What takes longer is
    /// given up with a reason, and its thread is left behind: a thread cannot be stopped.
    pub pass_limit: Duration,
    /// How long a model may take until it is ready.
    pub load_limit: Duration,
    /// Bytes that one pass may need by the model's own estimate. Larger passes are split; an input
    /// that needs more alone is refused before it is tried.
    pub pass_bytes: u64,
    /// How often in a row a failing model is made anew before its replica is out of order.
    pub max_restarts: u32,
    /// How long to wait before a model is made anew for the second time in a row; the first time
    /// comes at once, and each further pause is twice as long, up to five seconds.
    pub restart_pause: Duration,
}

impl Default for PortOptions {
    fn default() -> Self {
        Self {
            queue_len: 1024,
            queue_bytes: 16 << 20,
            queue_tokens: 4 << 20,
            max_batch_tokens: 2048,
            batch_delay: Duration::ZERO,
            ageing: Duration::from_secs(1),
            tokenisers: 1,
            most_at_once: usize::MAX,
            pass_limit: Duration::from_secs(60),
            load_limit: Duration::from_secs(120),
            pass_bytes: u64::MAX,
            max_restarts: 3,
            restart_pause: Duration::from_millis(10),
        }
    }
}

/// The longest pause between two attempts to make a model.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl PortOptions {
    /// The pause before the nth restart in a row, counted from 1.
    pub(crate) fn pause_before(&self, restart: u32) -> Duration {
        match restart {
            0 | 1 => Duration::ZERO,
            n => self
                .restart_pause
                .saturating_mul(1 << (n - 2).min(16))
                .min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let options = PortOptions {
            restart_pause: Duration::from_millis(10),
            ..PortOptions::default()
        };
        let millis: Vec<_> = (0..14)
            .map(|n| options.pause_before(n).as_millis())
            .collect();
        assert_eq!(
            millis,
            [
                0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000
            ]
        );
        assert_eq!(options.pause_before(u32::MAX), LONGEST_PAUSE);
    }
}
