//! The first and the last line of a journal: what was run, and how it ended.

use schedule::Skill;
use serde::{Deserialize, Serialize};
use sim::SimTime;

use crate::totals::Totals;

/// The journal format that is written and read.
pub const FORMAT: u32 = 1;

/// The identity of a run: all that decides what happens in it. The first line of its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "run")]
pub struct Run {
    /// The journal format, [`FORMAT`].
    pub format: u32,
    /// The version of Diorama.
    pub diorama: String,
    /// Which build of that version.
    pub build: String,
    /// The scene's name.
    pub scene: String,
    /// The BLAKE3 hash of the scene file, in hex.
    pub scene_hash: String,
    /// The transcript it was given, if any.
    pub input: Option<Input>,
    /// The seed of all random streams.
    pub seed: u64,
    /// The policy that placed subtasks.
    pub policy: String,
    /// How time was charged.
    pub time: TimeMode,
    /// Where outputs came from.
    pub outputs: OutputMode,
    /// The versions of the models that answered, which say exactly which weights.
    pub models: Vec<String>,
    /// The latency profiles that replicas went by instead of seconds of the scene's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileUsed>,
}

/// Whose measurements a skill of a replica took as long as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileUsed {
    /// The replica.
    pub replica: String,
    /// The skill.
    pub skill: Skill,
    /// What the profile is called.
    pub profile: String,
    /// Its SHA-256, in hex, which says exactly which numbers.
    pub hash: String,
}

/// A file that a run worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name, without folders.
    pub name: String,
    /// Its BLAKE3 hash, in hex.
    pub hash: String,
    /// How many turns it holds.
    pub turns: u32,
}

/// How the time of a batch is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeMode {
    /// From a latency profile: repeatable.
    Modelled,
    /// As long as the model took: not repeatable.
    Measured,
}

/// Where the outputs of models come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// The models ran.
    Real,
    /// There were none: scheduling only.
    None,
    /// From an earlier journal.
    Recorded,
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Nothing was left to happen.
    Finished,
    /// Somebody stopped it.
    Interrupted,
    /// It could not go on.
    Failed,
}

/// The last line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "end")]
pub struct End {
    /// How the run came to its end.
    pub how: How,
    /// How many facts stand before.
    pub facts: u64,
    /// The instant of the last fact.
    pub at: SimTime,
    /// What the facts add up to.
    pub totals: Totals,
    /// The BLAKE3 hash of all bytes before this line, in hex.
    pub blake3: String,
}
