//! How an engine runs: its policy, how time is charged, and what it does about failures.

use serde::{Deserialize, Serialize};
use sim::{SimSpan, Streams};

use crate::{hardware::DeviceMemory, network::Network, policy::PolicyName, pool::ResourceId};

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
    /// What is stated.
    pub facts: FactLevel,
    /// What it takes to bring data from one device to another.
    pub network: Network,
    /// Devices whose memory is limited, each once.
    pub device_memory: Vec<DeviceMemory>,
    /// When a second copy of what takes long is started; `None`: never.
    pub hedging: Option<HedgeAfter>,
    /// What a subtask of higher priority may do to those that run.
    pub preemption: Preemption,
    /// Who is switched on and off by load.
    pub scaling: Vec<ScalingRule>,
    /// Tasks that may be unfinished at once; what is released beyond that is refused. `None`: any.
    pub max_open_tasks: Option<u32>,
}

/// What an engine states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactLevel {
    /// Nothing: what happened is only counted.
    Quiet,
    /// Everything but the candidates of decisions and the policy's reasons for waiting.
    Events,
    /// Everything.
    #[default]
    All,
}

/// When a second copy of a subtask is started elsewhere; the first to finish wins, the other is
/// cancelled. Dean, Barroso (2013), "The tail at scale".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HedgeAfter {
    /// This long after the first was started.
    Span(SimSpan),
    /// When it has run longer than this share of those like it did, once there were 20 of them.
    Quantile(f64),
}

/// What a subtask of higher priority may do to those that run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preemption {
    /// Nothing: it waits.
    #[default]
    Never,
    /// Take the place of one with lower priority, which starts anew later.
    Restart,
    /// Take the place of one with lower priority, which goes on later where it stopped.
    Resume,
}

/// Switches alike resources on and off by load. Whoever is needed by a subtask that nobody else can
/// do is started at once, whatever the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingRule {
    /// Whom it switches, in this order; at the start, the first `min` are on.
    pub members: Vec<ResourceId>,
    /// How many are on at least.
    pub min: u32,
    /// How many are on or starting at most.
    pub max: u32,
    /// One more is started when more than this many ready subtasks wait for each that is on...
    pub up_queue: f64,
    /// ...for this long.
    pub up_after: SimSpan,
    /// One is switched off when it had nothing to do for this long.
    pub down_after: SimSpan,
    /// How long starting one takes.
    pub start_up: SimSpan,
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
            facts: FactLevel::All,
            network: Network::default(),
            device_memory: Vec::new(),
            hedging: None,
            preemption: Preemption::Never,
            scaling: Vec::new(),
            max_open_tasks: None,
        }
    }
}

impl HedgeAfter {
    pub(crate) fn fault(self) -> Option<(f64, &'static str)> {
        match self {
            Self::Quantile(share) if !(share > 0.0 && share < 1.0) => {
                Some((share, "between 0 and 1"))
            }
            _ => None,
        }
    }
}

impl ScalingRule {
    pub(crate) fn fault(&self, n_resources: usize) -> Option<(f64, &'static str)> {
        let unknown = self.members.iter().find(|m| m.index() >= n_resources);
        if let Some(unknown) = unknown {
            return Some((f64::from(unknown.0), "members that are in the pool"));
        }
        if self.min > self.max {
            return Some((f64::from(self.min), "at most the largest number"));
        }
        if !(self.up_queue.is_finite() && self.up_queue >= 0.0) {
            return Some((self.up_queue, "finite and not negative"));
        }
        None
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
