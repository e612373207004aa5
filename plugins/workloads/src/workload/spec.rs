//! What a workload file says: the schema of format version 1, as typed RON.
//!
//! Seconds are decimal numbers, bytes and tokens whole ones. What is optional may be left out; `Some(…)`
//! is never needed. The README of this crate shows each field in a table.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    list::{Few, List, Part},
    name::Name,
    number::{Amount, Bytes, Count, Positive, Secs, Share, SomeSecs},
};

/// A workload: who can do what, and what there is to do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "workload")]
pub(super) struct WorkloadSpec<'a> {
    /// The version of the format: 1.
    #[serde(rename = "version")]
    pub(super) _version: Version,
    /// What people call it.
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    /// Where chance comes from.
    #[serde(default)]
    pub(super) seed: u64,
    /// How the engine runs.
    #[serde(default)]
    pub(super) options: OptionsSpec<'a>,
    /// Places in the network.
    #[serde(default)]
    pub(super) devices: Few<Name<'a>>,
    /// How data travels between devices; at once if left out.
    #[serde(default)]
    pub(super) network: Option<NetworkSpec<'a>>,
    /// Models that resources load.
    #[serde(default)]
    pub(super) models: Few<ModelSpec<'a>>,
    /// Who is served; all the same one if left out.
    #[serde(default)]
    pub(super) tenants: Few<Name<'a>>,
    /// Who does the work: [`ResourceSpec`].
    pub(super) resources: List<Part<'a>>,
    /// Who is switched on and off by load.
    #[serde(default)]
    pub(super) scaling: Few<ScalingSpec<'a>>,
    /// What is to be done: [`TaskSpec`].
    pub(super) tasks: List<Part<'a>>,
}

/// The version of the format.
#[derive(Debug)]
pub(super) struct Version;

/// How the engine runs; what is left out is as the engine has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "options")]
pub(super) struct OptionsSpec<'a> {
    /// Who goes first; `fifo` if left out.
    #[serde(borrow)]
    pub(super) policy: Option<Name<'a>>,
    /// Sigma of a log-normal factor with mean 1 on each batch; 0 if left out.
    pub(super) noise: Option<Amount>,
    /// How often a subtask is tried.
    pub(super) max_attempts: Option<Count>,
    /// The wait before the second attempt; doubles with each further one.
    pub(super) retry_delay_secs: Option<Secs>,
    /// How long a batch may take.
    pub(super) timeout_secs: Option<SomeSecs>,
    /// When a second copy of what takes long is started.
    pub(super) hedging: Option<HedgingSpec>,
    /// What a subtask of higher priority may do to those that run.
    pub(super) preemption: Option<schedule::Preemption>,
    /// Tasks that may be unfinished at once; what is released beyond that is refused.
    pub(super) max_open_tasks: Option<Count>,
}

/// When a second copy of a subtask is started elsewhere.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", rename = "hedging")]
pub(super) enum HedgingSpec {
    /// So many seconds after the first.
    After(SomeSecs),
    /// When it has run longer than this share of those like it did.
    Quantile(Share),
}

/// How data travels between devices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "network")]
pub(super) struct NetworkSpec<'a> {
    /// Before the first byte arrives.
    #[serde(default)]
    pub(super) latency_secs: Secs,
    /// How fast bytes follow; at once if left out.
    #[serde(default)]
    pub(super) bytes_per_sec: Option<Positive>,
    /// Exceptions, each for one direction.
    #[serde(borrow, default)]
    pub(super) links: Few<LinkSpec<'a>>,
}

/// A way between two devices that is not as usual.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "link")]
pub(super) struct LinkSpec<'a> {
    /// The sending device.
    #[serde(borrow)]
    pub(super) from: Name<'a>,
    /// The receiving device.
    pub(super) to: Name<'a>,
    /// Before the first byte arrives.
    #[serde(default)]
    pub(super) latency_secs: Secs,
    /// How fast bytes follow; at once if left out.
    #[serde(default)]
    pub(super) bytes_per_sec: Option<Positive>,
}

/// A model that resources load.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "model")]
pub(super) struct ModelSpec<'a> {
    /// What people call it.
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    /// What it takes of the memory of a resource.
    #[serde(default)]
    pub(super) bytes: Bytes,
    /// How long loading it takes: the set-up on a model switch.
    #[serde(default)]
    pub(super) load_secs: Secs,
}

/// Somebody who does work, or several who are alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "resource")]
pub(super) struct ResourceSpec<'a> {
    /// What people call it; with a `count`, its members are `name/1`, `name/2` and so on.
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    /// How many there are; 1 if left out, and then there is no `/1`.
    #[serde(default)]
    pub(super) count: Option<Count>,
    /// Where it is in the network; the first device if left out.
    #[serde(default)]
    pub(super) device: Option<Name<'a>>,
    /// The model that it serves; left out for people and machines.
    #[serde(default)]
    pub(super) model: Option<Name<'a>>,
    /// Other models that it can load.
    #[serde(default)]
    pub(super) loads: Few<Name<'a>>,
    /// How much fits into it; anything if left out.
    #[serde(default)]
    pub(super) memory_bytes: Option<Bytes>,
    /// What it can do, and how long each takes it.
    pub(super) skills: BTreeMap<schedule::Skill, ProfileSpec>,
    /// Subtasks that it can start together; 1 if left out.
    #[serde(default)]
    pub(super) slots: Option<Count>,
    /// How fast it does `work_secs`; 1 if left out.
    #[serde(default)]
    pub(super) speed: Option<Positive>,
    /// What a second of its work costs.
    #[serde(default)]
    pub(super) price_per_sec: Amount,
    /// What it draws while it works.
    #[serde(default)]
    pub(super) watts: Amount,
    /// How fast data from outside reaches it; at once if left out.
    #[serde(default)]
    pub(super) bytes_per_sec: Option<Positive>,
    /// How a batch grows longer with more in it.
    #[serde(default)]
    pub(super) batch: BatchSpec,
    /// How its actual spans differ from the expected.
    #[serde(default)]
    pub(super) spread: SpreadSpec,
    /// When it fails by itself.
    #[serde(default)]
    pub(super) outages: OutagesSpec,
    /// Whether it batches token generation continuously, and how.
    #[serde(default)]
    pub(super) continuous: Option<ContinuousSpec>,
}

/// How long a batch takes: `fixed + per_item × items + per_token × tokens`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "profile")]
pub(super) struct ProfileSpec {
    /// For each batch, whatever is in it.
    pub(super) fixed_secs: Secs,
    /// For each input of the batch.
    pub(super) per_item_secs: Secs,
    /// For each token of the batch.
    pub(super) per_token_secs: Secs,
}

/// How a batch grows longer with more in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", rename = "batch curve")]
pub(super) enum BatchSpec {
    /// As the profile says for all inputs and tokens together.
    #[default]
    Profile,
    /// Factor number n times what the mean subtask of a batch of n takes alone; beyond the end of the
    /// table, the last step goes on.
    Factors(Few<Positive>),
}

/// How actual spans differ from expected ones: a factor with this distribution.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, rename = "spread")]
pub(super) enum SpreadSpec {
    /// Not at all.
    #[default]
    Exact,
    /// Log-normal with mean 1.
    LogNormal {
        /// The standard deviation of its logarithm.
        sigma: Amount,
    },
    /// Exponential with mean 1.
    Exponential,
    /// The sum of `k` exponential parts, with mean 1.
    Erlang {
        /// How many parts.
        k: Count,
    },
    /// Anything between two factors alike.
    Uniform {
        /// The smallest factor.
        low: Amount,
        /// The largest factor.
        high: Amount,
    },
    /// One of these factors, each as likely as the others.
    Empirical {
        /// The factors.
        factors: List<Positive>,
    },
}

/// When a resource fails and is mended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, rename = "outages")]
pub(super) enum OutagesSpec {
    /// Never.
    #[default]
    Never,
    /// From each first second to each second one.
    Scripted(List<(Secs, Secs)>),
    /// Again and again.
    Random {
        /// Mean time from being mended to the next failure.
        up_secs: SomeSecs,
        /// How that time is spread; exponentially if left out.
        up_spread: Option<SpreadSpec>,
        /// Mean time to be mended.
        down_secs: SomeSecs,
        /// How that time is spread; exponentially if left out.
        down_spread: Option<SpreadSpec>,
    },
}

/// Continuous batching of token generation.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "continuous batching")]
pub(super) struct ContinuousSpec {
    /// Tokens that one iteration takes in or generates at most.
    pub(super) budget: Count,
    /// Memory that each token of a sequence takes until the sequence ends.
    #[serde(default)]
    pub(super) kv_bytes_per_token: Bytes,
}

/// Switches alike resources on and off by load.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "scaling rule")]
pub(super) struct ScalingSpec<'a> {
    /// The resource with a `count` whose members are switched, in order.
    #[serde(borrow)]
    pub(super) resource: Name<'a>,
    /// How many are on at least; 1 if left out.
    #[serde(default)]
    pub(super) min: Option<Count>,
    /// How many are on or starting at most; all if left out.
    #[serde(default)]
    pub(super) max: Option<Count>,
    /// One more is started when more than this many ready subtasks wait for each that is on...
    pub(super) up_queue: Amount,
    /// ...for this long.
    #[serde(default)]
    pub(super) up_after_secs: Secs,
    /// One is switched off when it had nothing to do for this long.
    pub(super) down_after_secs: SomeSecs,
    /// How long starting one takes.
    #[serde(default)]
    pub(super) start_up_secs: Secs,
}

/// A task, or many of the same kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "task")]
pub(super) struct TaskSpec<'a> {
    /// What people call it; repeated tasks are `name/1`, `name/2` and so on.
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    /// Who is served; the first tenant if left out.
    #[serde(default)]
    pub(super) tenant: Option<Name<'a>>,
    /// Before this, none of its subtasks may start.
    #[serde(default)]
    pub(super) release_secs: Secs,
    /// How often it arrives, and how far apart; once if left out.
    #[serde(default)]
    pub(super) repeat: Option<RepeatSpec>,
    /// The trace that says when it arrives, instead of `repeat`, and how many tokens it has.
    #[serde(default)]
    pub(super) trace: Option<TraceSpec<'a>>,
    /// How much its completion counts; 1 if left out.
    #[serde(default)]
    pub(super) weight: Option<Positive>,
    /// How long after its release it should be done.
    #[serde(default)]
    pub(super) deadline_secs: Option<SomeSecs>,
    /// Larger goes first, whatever the policy's rank.
    #[serde(default)]
    pub(super) priority: i32,
    /// Its pieces: [`SubtaskSpec`].
    pub(super) subtasks: List<Part<'a>>,
}

/// How often a task arrives. The first time is its release.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "repeat")]
pub(super) struct RepeatSpec {
    /// How often.
    pub(super) count: Count,
    /// The mean time between two arrivals.
    pub(super) every_secs: Secs,
    /// How that time is spread; `exponential` makes it a Poisson process.
    #[serde(default)]
    pub(super) spread: SpreadSpec,
}

/// A trace of requests, each of which is a task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "trace")]
pub(super) struct TraceSpec<'a> {
    /// Its file, from the folder of the workload file.
    #[serde(borrow)]
    pub(super) file: Cow<'a, str>,
    /// How many times as fast its requests arrive; 1 if left out.
    #[serde(default)]
    pub(super) speed: Option<Positive>,
}

/// A piece of a task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "subtask")]
pub(super) struct SubtaskSpec<'a> {
    /// What people call it, unique in its task.
    #[serde(borrow)]
    pub(super) name: Name<'a>,
    /// What it needs done.
    pub(super) skill: schedule::Skill,
    /// The model that must do it; any with the skill if left out.
    #[serde(default)]
    pub(super) model: Option<Name<'a>>,
    /// What must be done before, and what it gets from there.
    #[serde(default)]
    pub(super) after: List<AfterSpec<'a>>,
    /// Independent inputs in it; 1 if left out.
    #[serde(default)]
    pub(super) items: Option<u32>,
    /// Tokens over all inputs.
    #[serde(default)]
    pub(super) tokens: u32,
    /// Tokens to generate, where batching is continuous.
    #[serde(default)]
    pub(super) output_tokens: u32,
    /// Data to bring to the resource from outside.
    #[serde(default)]
    pub(super) bytes: Bytes,
    /// Work beside what inputs and tokens say, at speed 1.
    #[serde(default)]
    pub(super) work_secs: Secs,
    /// Who can do it and how long it takes each, instead of skills and profiles.
    #[serde(default)]
    pub(super) modes: List<ModeSpec<'a>>,
    /// How its actual work differs from the expected.
    #[serde(default)]
    pub(super) spread: SpreadSpec,
    /// Memory that it takes while it runs.
    #[serde(default)]
    pub(super) memory_bytes: Bytes,
    /// How long an attempt may take; as the options say if left out.
    #[serde(default)]
    pub(super) timeout_secs: Option<SomeSecs>,
    /// How often it is tried; as the options say if left out.
    #[serde(default)]
    pub(super) max_attempts: Option<Count>,
}

/// A predecessor in the same task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "predecessor")]
pub(super) struct AfterSpec<'a> {
    /// Which.
    #[serde(borrow)]
    pub(super) subtask: Name<'a>,
    /// What comes from there.
    #[serde(default)]
    pub(super) bytes: Bytes,
}

/// A way to do a subtask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "mode")]
pub(super) struct ModeSpec<'a> {
    /// Who; with a `count`, each of them.
    #[serde(borrow)]
    pub(super) resource: Name<'a>,
    /// How long it takes.
    pub(super) secs: Secs,
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = u32::deserialize(deserializer)?;
        if version == 1 {
            return Ok(Self);
        }
        let message = format_args!("version {version} is unknown; this program reads version 1");
        Err(D::Error::custom(message))
    }
}

impl SpreadSpec {
    /// As the engine has it, or what is wrong with it.
    pub(super) fn spread(&self) -> Result<schedule::Spread, &'static str> {
        Ok(match self {
            Self::Exact => schedule::Spread::Exact,
            Self::LogNormal { sigma } => schedule::Spread::LogNormal { sigma: sigma.0 },
            Self::Exponential => schedule::Spread::Exponential,
            Self::Erlang { k } => schedule::Spread::Erlang { k: k.0 },
            Self::Uniform { low, high } if low > high => {
                return Err("its `uniform` spread has `low` above `high`; swap them");
            }
            Self::Uniform { low, high } => schedule::Spread::Uniform {
                low: low.0,
                high: high.0,
            },
            Self::Empirical { factors } if factors.is_empty() => {
                return Err("its `empirical` spread has no factors; add some");
            }
            Self::Empirical { factors } => schedule::Spread::Empirical {
                factors: factors.iter().map(|factor| factor.0).collect(),
            },
        })
    }
}

impl OutagesSpec {
    /// As the engine has it, or what is wrong with it.
    pub(super) fn outages(&self) -> Result<schedule::Outages, &'static str> {
        let spread = |spread: &Option<SpreadSpec>| {
            let usual = SpreadSpec::Exponential;
            spread.as_ref().unwrap_or(&usual).spread()
        };
        Ok(match self {
            Self::Never => schedule::Outages::Never,
            Self::Scripted(spans) => {
                let ends = spans.iter().flat_map(|(from, to)| [from.0, to.0]);
                if ends
                    .clone()
                    .zip(ends.skip(1))
                    .any(|(earlier, later)| earlier >= later)
                {
                    return Err("its `scripted` outages overlap or run backwards; sort them");
                }
                let time = |secs: Secs| sim::SimTime::from_secs_f64(secs.0);
                let spans = spans.iter().map(|(from, to)| (time(*from), time(*to)));
                schedule::Outages::Scripted(spans.collect())
            }
            Self::Random {
                up_secs,
                up_spread,
                down_secs,
                down_spread,
            } => schedule::Outages::Random {
                up: up_secs.span(),
                up_spread: spread(up_spread)?,
                down: down_secs.span(),
                down_spread: spread(down_spread)?,
            },
        })
    }
}
