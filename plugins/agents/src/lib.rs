//! Gives agents their behaviour: they take tasks on, decompose them and do their share of the work.
//!
//! Systems by phase, each in a file of its own: `hear` and `report` perceive, `faults` and
//! `decompose` decompose, `dispatch` sends batches out and hands results in, with `perform` for
//! what agents do themselves. `replicas` carries out what people do to those. `notes` is what they know.

mod decompose;
mod dispatch;
mod fact;
mod faults;
mod hear;
mod notes;
mod perform;
mod plugin;
mod replicas;
mod report;
pub mod text;
mod transcript;
mod vectors;

pub use crate::{
    dispatch::{Outputs, RecordedOutput},
    fact::{AgentFact, Quote},
    hear::AskRequest,
    plugin::{AgentsPlugin, MeetingInput, answers_questions},
    replicas::{Intervention, ReplicaModels, ReplicaRequest, Replicas},
    transcript::{Format, Transcript, TranscriptError, Turn},
    vectors::{VectorsError, decode_vectors, encode_vectors},
};
