//! How an engine runs: its policy, how time is charged, and what it does about failures.

use sim::{SimSpan, Streams};

use crate::policy::PolicyName;

/// How an [`Engine`](crate::Engine) runs.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Who goes first.
    pub policy: PolicyName,
    /// What a batch is charged.
    pub charge: Charge,
    /// Where noise comes from.
    pub streams: Streams,
    /// How often a subtask is tried before its task fails; at least 1.
    pub max_attempts: u32,
    /// The wait before the second attempt; doubles with each further one.
    pub retry_delay: SimSpan,
    /// How long a batch may take; `None`: any time.
    pub timeout: Option<SimSpan>,
}

impl EngineOptions {
    /// Three attempts, one second before the second, no timeout.
    pub fn new(policy: PolicyName, charge: Charge, streams: Streams) -> Self {
        Self {
            policy,
            charge,
            streams,
            max_attempts: 3,
            retry_delay: SimSpan(1_000_000_000),
            timeout: None,
        }
    }
}

/// What a batch is charged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Charge {
    /// What the latency profile says, so that runs repeat.
    Modelled {
        /// Sigma of a log-normal factor with mean 1, drawn for each batch; 0: none.
        noise: f64,
    },
    /// What the work of a replica really took; agents are still charged by their profile.
    Measured,
}
