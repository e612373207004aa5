//! Checks a journal from its first byte to its totals, and takes recorded outputs out of it.

use std::{collections::BTreeMap, path::Path};

use agents::{AgentFact, RecordedOutput, decode_vectors};
use schedule::{EngineFact, SubtaskId};
use sim::SimTime;

use crate::{
    any_fact::AnyFact,
    error::RecordError,
    live::Live,
    reader::Journal,
    run::{End, Run},
};

/// A journal that was checked and found true.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What was run.
    pub run: Run,
    /// How it ended, and its totals.
    pub end: End,
    /// All that follows from its facts.
    pub live: Live,
}

/// Checks the journal at `path`: its hash, that no fact is missing or out of order, that none
/// contradicts another, that the totals in its last line are those that its facts add up to, and
/// that its schedule breaks no rule ([`schedule::validate`]). Keeps the engine's facts in memory.
///
/// # Errors
/// The first thing found to be wrong.
pub fn verify(path: &Path) -> Result<Verified, RecordError> {
    let mut journal = Journal::read(path)?;
    let run = journal.run().clone();
    let mut live = Live::new(&run);
    let mut engine_facts: Vec<(SimTime, EngineFact)> = Vec::new();
    for fact in &mut journal {
        let fact = fact?;
        live.apply(&fact)?;
        if let AnyFact::Engine(what) = fact.what {
            engine_facts.push((fact.at, what));
        }
    }
    let Some(end) = journal.end().cloned() else {
        return Err(RecordError::Cut {
            path: path.to_path_buf(),
            line: 0,
            facts: live.state.n_facts,
        });
    };
    if end.totals != live.totals() {
        return Err(RecordError::WrongTotals {
            path: path.to_path_buf(),
        });
    }
    let violations = schedule::validate(engine_facts.iter().map(|(at, fact)| (*at, fact)));
    if let Some(first) = violations.first() {
        let (path, n, first) = (path.to_path_buf(), violations.len(), first.to_string());
        return Err(RecordError::Infeasible { path, n, first });
    }
    Ok(Verified { run, end, live })
}

/// The outputs of the models in an earlier run, for one that runs no model.
#[derive(Clone, Debug, Default)]
pub struct RecordedOutputs {
    outputs: BTreeMap<SubtaskId, Encoded>,
}

/// What a model answered to one subtask, as the journal spells it.
#[derive(Clone, Debug)]
struct Encoded {
    version: String,
    vectors: String,
    width: u32,
}

impl RecordedOutputs {
    /// Reads the outputs out of the journal at `path`, which is checked on the way. Of several
    /// outputs of one subtask, the last one counts.
    ///
    /// # Errors
    /// If the journal is not as it was written.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let mut outputs = BTreeMap::new();
        for fact in Journal::read(path)? {
            if let AnyFact::Agent(AgentFact::OutputGiven {
                subtask,
                version,
                vectors,
                width,
            }) = fact?.what
            {
                outputs.insert(
                    subtask,
                    Encoded {
                        version,
                        vectors,
                        width,
                    },
                );
            }
        }
        Ok(Self { outputs })
    }

    /// How many subtasks have an output.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether no model answered anything.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The outputs as the agents take them.
    ///
    /// # Errors
    /// If the text of an output holds no vectors.
    pub fn into_outputs(self) -> Result<BTreeMap<SubtaskId, RecordedOutput>, RecordError> {
        let decoded = |(subtask, encoded): (SubtaskId, Encoded)| {
            let Encoded {
                version,
                vectors,
                width,
            } = encoded;
            match decode_vectors(&vectors, width as usize) {
                Ok(vectors) => Ok((subtask, RecordedOutput { version, vectors })),
                Err(why) => Err(RecordError::BadOutput {
                    subtask: subtask.0,
                    why: why.to_string(),
                }),
            }
        };
        self.outputs.into_iter().map(decoded).collect()
    }
}
