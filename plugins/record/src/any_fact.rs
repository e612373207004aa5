//! Joins the facts of the engine and of the agents into the one order in which the journal keeps them.

use std::borrow::Cow;

use agents::{AgentFact, Quote};
use schedule::EngineFact;
use serde::{Deserialize, Serialize};
use sim::{Fact, SimTime};

/// A fact of either crate that states facts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AnyFact {
    /// What the engine states.
    Engine(EngineFact),
    /// What the agents state.
    Agent(AgentFact),
}

impl AnyFact {
    /// Whether every number in it can be written as JSON.
    pub(crate) fn is_finite(&self) -> bool {
        let quotes_finite = |quotes: &[Quote]| quotes.iter().all(|quote| quote.score.is_finite());
        match self {
            Self::Engine(EngineFact::ResourceJoined {
                price_per_sec,
                watts,
                ..
            }) => price_per_sec.is_finite() && watts.is_finite(),
            Self::Engine(EngineFact::TaskArrived { weight, .. }) => weight.is_finite(),
            Self::Agent(AgentFact::TopicSummarised { sentences, .. }) => quotes_finite(sentences),
            Self::Agent(AgentFact::QuestionAnswered { cited, score, .. }) => {
                score.is_finite() && quotes_finite(cited)
            }
            _ => true,
        }
    }
}

/// The types of [`EngineFact`], as the journal spells them.
const ENGINE_TYPES: [&str; 23] = [
    "resource_joined",
    "model_loaded",
    "task_arrived",
    "subtask_added",
    "subtask_ready",
    "subtask_placed",
    "batch_started",
    "batch_finished",
    "subtask_finished",
    "subtask_preempted",
    "tokens_evicted",
    "tokens_readmitted",
    "subtask_hedged",
    "subtask_failed",
    "subtask_cancelled",
    "task_finished",
    "task_failed",
    "task_cancelled",
    "task_refused",
    "deadline_missed",
    "resource_down",
    "resource_starting",
    "resource_up",
];

/// The types of [`AgentFact`], as the journal spells them.
const AGENT_TYPES: [&str; 15] = [
    "agent_joined",
    "turn_spoken",
    "stretch_closed",
    "question_asked",
    "said",
    "output_given",
    "topic_found",
    "topic_summarised",
    "topic_named",
    "question_answered",
    "intervened",
    "replica_serves",
    "replica_lost",
    "load_failed",
    "minutes_approved",
];

/// What every line after the first says about itself.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    seq: Option<u64>,
    at: SimTime,
}

/// A line after the first.
pub(crate) enum Line {
    /// A fact.
    Fact(Fact<AnyFact>),
    /// The last line, yet to be parsed.
    End,
}

/// Why a line cannot be read.
#[derive(Debug)]
pub(crate) enum LineError {
    /// It is no JSON, or misses something.
    Malformed(String),
    /// Nobody knows this type of fact.
    UnknownType(String),
}

impl From<serde_json::Error> for LineError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(explain(&error))
    }
}

/// The message of `error` without its line, which is always 1 here.
pub(crate) fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text
        .rfind(" at line ")
        .map_or(text.as_str(), |at| &text[..at]);
    format!("{message} (column {})", error.column())
}

/// Parses a line after the first; the type alone decides what it is parsed as.
pub(crate) fn parse_line(line: &[u8]) -> Result<Line, LineError> {
    let Head { kind, seq, at } = serde_json::from_slice(line)?;
    if kind == "end" {
        return Ok(Line::End);
    }
    let what = if ENGINE_TYPES.contains(&kind.as_ref()) {
        AnyFact::Engine(serde_json::from_slice(line)?)
    } else if AGENT_TYPES.contains(&kind.as_ref()) {
        AnyFact::Agent(serde_json::from_slice(line)?)
    } else {
        return Err(LineError::UnknownType(kind.into_owned()));
    };
    let seq = seq.ok_or_else(|| LineError::Malformed("missing field `seq`".to_owned()))?;
    Ok(Line::Fact(Fact { seq, at, what }))
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    /// The types that serde knows of `T`, out of what it says about one that it does not.
    fn types_of<T: DeserializeOwned>() -> Vec<String> {
        let error = serde_json::from_str::<T>(r#"{"type":"?"}"#)
            .err()
            .unwrap()
            .to_string();
        let (_, known) = error.split_once("expected one of ").unwrap();
        known
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_type_of_fact_is_known() {
        assert_eq!(types_of::<EngineFact>(), ENGINE_TYPES);
        assert_eq!(types_of::<AgentFact>(), AGENT_TYPES);
    }

    #[test]
    fn no_type_belongs_to_both() {
        assert!(ENGINE_TYPES.iter().all(|kind| !AGENT_TYPES.contains(kind)));
    }
}
