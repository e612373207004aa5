//! Writes and reads the journal, and makes metrics, minutes and replays out of its facts.
//!
//! Add [`RecordPlugin`] to an app whose plugins state facts, read [`Live`], and call [`finish`] at
//! the end. Without an app, [`Journal`] reads facts from a file, [`Live`] folds them and [`verify`]
//! checks them.

mod any_fact;
mod atomic;
mod error;
mod fold;
mod live;
mod markdown;
mod metrics;
mod minutes;
mod reader;
mod recorder;
mod replay;
mod run;
mod totals;
mod writer;

pub use crate::{
    any_fact::AnyFact,
    atomic::write_atomically,
    error::RecordError,
    fold::{
        AgentRecord, LineRecord, PlacedRecord, ResourceRecord, RunState, RunningBatch,
        SubtaskRecord, TaskRecord, TurnRecord,
    },
    live::Live,
    markdown::MinutesFile,
    metrics::Metrics,
    minutes::{Answer, Approval, Attendee, Minutes, Question, Speaker, Topic},
    reader::Journal,
    recorder::{RecordPlugin, Recorder, finish},
    replay::{RecordedOutputs, Verified, verify},
    run::{End, FORMAT, How, Input, OutputMode, ProfileUsed, Run, TimeMode},
    totals::{ResourceTotals, Spread, SubtaskCounts, TableRow, TaskCounts, Totals},
    writer::{JournalSummary, JournalWriter},
};
