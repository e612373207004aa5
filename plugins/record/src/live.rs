//! Folds facts into everything that is shown: the state, the totals, the minutes, the latest facts.

use std::{collections::VecDeque, path::Path};

use bevy::prelude::Resource;
use sim::{Fact, SimTime};

use crate::{
    any_fact::AnyFact, error::RecordError, fold::RunState, metrics::Metrics, minutes::Minutes,
    reader::Journal, run::Run, totals::Totals,
};

/// How many of the latest facts are kept to be shown.
const MAX_RECENT: usize = 500;

/// All that follows from the facts so far. A resource of a running app, and a plain value of playback.
#[derive(Resource, Clone, Debug, Default)]
pub struct Live {
    /// Tasks, subtasks, resources, agents and what was said.
    pub state: RunState,
    /// What came out of the meeting: topics, questions and answers.
    pub minutes: Minutes,
    /// The last 500 facts, oldest first.
    pub recent: VecDeque<Fact<AnyFact>>,
    metrics: Metrics,
}

impl Live {
    /// Before the first fact of `run`.
    pub fn new(run: &Run) -> Self {
        Self {
            minutes: Minutes::new(run),
            ..Self::default()
        }
    }

    /// Takes in the next fact.
    ///
    /// # Errors
    /// If it contradicts those before it.
    pub fn apply(&mut self, fact: &Fact<AnyFact>) -> Result<(), RecordError> {
        self.state.apply(fact)?;
        self.metrics.apply(fact, &self.state);
        if let AnyFact::Agent(what) = &fact.what {
            self.minutes.apply(fact.at, what);
        }
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(fact.clone());
        Ok(())
    }

    /// What the facts add up to so far. Walks over all distinct waits and run times, so ask when
    /// something has changed rather than each frame.
    pub fn totals(&self) -> Totals {
        self.metrics.totals(&self.state)
    }

    /// Folds the journal at `path` up to and including the instant `until`.
    ///
    /// # Errors
    /// If the journal cannot be read that far.
    pub fn at(path: &Path, until: SimTime) -> Result<Self, RecordError> {
        let journal = Journal::read(path)?;
        let mut live = Self::new(journal.run());
        for fact in journal {
            let fact = fact?;
            if fact.at > until {
                break;
            }
            live.apply(&fact)?;
        }
        Ok(live)
    }
}
