//! Sends started batches to the replicas and hands in what comes of all batches that end.

use std::collections::BTreeMap;

use bevy::{
    log::warn,
    prelude::{MessageReader, Res, ResMut, Resource},
};
use inference::{Answer, InferencePort, Output, ReplyReceived, Request};
use schedule::{Batch, BatchStarted, Charge, EngineAccess, ResourceKind, SubtaskId};
use sim::{Clock, Holds, SimSpan};

use crate::{
    hear::Hearing,
    notes::{Notes, Outcome, Work},
    perform::perform,
    replicas::Replicas,
};

/// A model's answer to a subtask in an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedOutput {
    /// The version that answered.
    pub version: String,
    /// One vector for each input.
    pub vectors: Vec<Vec<f32>>,
}

/// Where the outputs of models come from.
#[derive(Clone, Debug)]
pub enum Outputs {
    /// From the replicas of [`InferencePort`]: [`Replicas`] says which replica is which resource.
    Real,
    /// From nowhere: work takes its time and leaves nothing behind.
    None,
    /// From an earlier run.
    Recorded(BTreeMap<SubtaskId, RecordedOutput>),
}

/// The answers that are there, by batch; and where answers come from.
#[derive(Resource, Debug)]
pub(crate) struct Performing {
    outputs: Outputs,
    charge: Charge,
    answers: BTreeMap<u64, Result<Answer, String>>,
}

impl Performing {
    pub(crate) fn new(outputs: Outputs, charge: Charge) -> Self {
        Self {
            outputs,
            charge,
            answers: BTreeMap::new(),
        }
    }
}

/// Sends the replicas' batches of this step to the models.
pub(crate) fn send(
    mut started: MessageReader<BatchStarted>,
    mut notes: ResMut<Notes>,
    mut performing: ResMut<Performing>,
    mut holds: ResMut<Holds>,
    mut engine: EngineAccess,
    hearing: Res<Hearing>,
    replicas: Res<Replicas>,
    port: Option<Res<InferencePort>>,
) {
    for BatchStarted(batch) in started.read() {
        if !matches!(performing.outputs, Outputs::Real) || !is_replica(&engine, batch) {
            continue;
        }
        let key = u64::from(batch.id.0);
        let inputs = inputs(batch, &mut notes, &hearing);
        let sent = match (&port, replicas.of_resource(batch.resource)) {
            (Some(port), Some(replica)) => port
                .submit(replica, Request::embed(key, inputs))
                .map_err(|refused| refused.to_string()),
            _ => Err("no models are loaded".to_owned()),
        };
        match (sent, batch.ends) {
            // Time waits for the reply where the batch ends, or at once where only the reply says
            // when that is.
            (Ok(()), Some(ends)) => holds.hold(key, ends),
            (Ok(()), None) => holds.hold(key, batch.started + SimSpan(1)),
            (Err(why), ends) => {
                performing.answers.insert(key, Err(why));
                if ends.is_none() {
                    engine.set_span(batch.id, SimSpan::ZERO);
                }
            }
        }
    }
}

/// Keeps replies for the step in which their batch ends; where time is measured, they say when.
pub(crate) fn receive(
    mut replies: MessageReader<ReplyReceived>,
    mut performing: ResMut<Performing>,
    mut holds: ResMut<Holds>,
    mut engine: EngineAccess,
) {
    for ReplyReceived(reply) in replies.read() {
        holds.release(reply.key);
        if performing.charge == Charge::Measured {
            let took = SimSpan(reply.took.as_nanos().try_into().unwrap_or(u64::MAX));
            engine.set_span(schedule::BatchId(reply.key as u32), took);
        }
        if let Err(error) = &reply.result {
            warn!("batch {} failed: {error}", reply.key);
        }
        let answer = reply.result.clone().map_err(|error| error.to_string());
        performing.answers.insert(reply.key, answer);
    }
}

/// Hands in the results of the batches that end now.
pub(crate) fn hand_in(
    mut notes: ResMut<Notes>,
    mut performing: ResMut<Performing>,
    mut engine: EngineAccess,
    hearing: Res<Hearing>,
    clock: Res<Clock>,
) {
    for batch in engine.due(clock.now()) {
        let results: Vec<_> = match is_replica(&engine, &batch) {
            true => take_answers(&batch, &mut performing, &notes),
            false => vec![Ok(None); batch.subtasks.len()],
        };
        let silent = matches!(performing.outputs, Outputs::None);
        let results: Vec<Result<(), String>> = batch
            .subtasks
            .iter()
            .zip(results)
            .map(|(subtask, answer)| {
                let outcome = match answer? {
                    Some(RecordedOutput { version, vectors }) => {
                        keep_vectors(&mut notes, *subtask, &vectors)?;
                        Outcome::Embedded { version, vectors }
                    }
                    None => perform(*subtask, &mut notes, &hearing, silent)?,
                };
                if outcome != Outcome::Quiet {
                    notes.outcomes.push((*subtask, outcome));
                }
                Ok(())
            })
            .collect();
        engine.finish(batch.id, &results);
    }
    if !notes.outcomes.is_empty() {
        engine.wake_at(clock.now());
    }
}

fn is_replica(engine: &EngineAccess, batch: &Batch) -> bool {
    matches!(
        engine.resource(batch.resource).spec.kind,
        ResourceKind::Replica { .. }
    )
}

/// The texts of a batch, subtask after subtask.
fn inputs(batch: &Batch, notes: &mut Notes, hearing: &Hearing) -> Vec<String> {
    let mut inputs = Vec::new();
    for subtask in &batch.subtasks {
        match notes.work(*subtask).clone() {
            Work::EmbedTurn { turn } => {
                notes.write_down(turn, hearing);
                inputs.extend(notes.turns[turn].sentences.iter().map(|s| s.text.clone()));
            }
            Work::EmbedQuestion { question } => inputs.push(hearing.questions[question].clone()),
            Work::EmbedText { text } => inputs.push(notes.texts[text].clone()),
            _ => {}
        }
    }
    inputs
}

/// What a subtask of a batch got: vectors, nothing, or the reason why it failed.
type Share = Result<Option<RecordedOutput>, String>;

/// Shares a batch's answer out among its subtasks.
fn take_answers(batch: &Batch, performing: &mut Performing, notes: &Notes) -> Vec<Share> {
    match &performing.outputs {
        Outputs::None => vec![Ok(None); batch.subtasks.len()],
        Outputs::Recorded(recorded) => batch
            .subtasks
            .iter()
            .map(
                |subtask| match (recorded.get(subtask), n_inputs(notes, *subtask)) {
                    (_, 0) => Ok(None),
                    (Some(output), n) if output.vectors.len() == n => Ok(Some(output.clone())),
                    (Some(output), n) => Err(format!(
                        "the journal has {} vectors where {n} belong",
                        output.vectors.len()
                    )),
                    (None, _) => Err("the journal has no output for it".to_owned()),
                },
            )
            .collect(),
        Outputs::Real => {
            let answer = performing.answers.remove(&u64::from(batch.id.0));
            let answer = answer.unwrap_or_else(|| Err("no reply came".to_owned()));
            share_out(batch, answer, notes)
        }
    }
}

fn share_out(batch: &Batch, answer: Result<Answer, String>, notes: &Notes) -> Vec<Share> {
    let (version, mut outputs) = match answer {
        Ok(answer) => (answer.version, answer.outputs.into_iter()),
        Err(why) => return vec![Err(why); batch.subtasks.len()],
    };
    batch
        .subtasks
        .iter()
        .map(|subtask| match n_inputs(notes, *subtask) {
            0 => Ok(None),
            n => {
                let vectors: Vec<_> = outputs
                    .by_ref()
                    .take(n)
                    .filter_map(Output::embedding)
                    .collect();
                if vectors.len() < n {
                    return Err("the reply was too short".to_owned());
                }
                Ok(Some(RecordedOutput {
                    version: version.clone(),
                    vectors,
                }))
            }
        })
        .collect()
}

fn n_inputs(notes: &Notes, subtask: SubtaskId) -> usize {
    match notes.work(subtask) {
        Work::EmbedTurn { turn } => notes.turns[*turn].sentences.len(),
        Work::EmbedQuestion { .. } | Work::EmbedText { .. } => 1,
        _ => 0,
    }
}

fn keep_vectors(notes: &mut Notes, subtask: SubtaskId, vectors: &[Vec<f32>]) -> Result<(), String> {
    match notes.work(subtask).clone() {
        Work::EmbedTurn { turn } => {
            for (sentence, vector) in notes.turns[turn].sentences.iter_mut().zip(vectors) {
                sentence.vector.clone_from(vector);
            }
            Ok(())
        }
        Work::EmbedQuestion { question } => {
            notes.questions[question] = vectors.first().cloned();
            Ok(())
        }
        // The journal has it; nothing else is made of it.
        Work::EmbedText { .. } => Ok(()),
        work => Err(format!("vectors came for {work:?}")),
    }
}
