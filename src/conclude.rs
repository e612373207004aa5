//! Ends a run: closes its journal and writes the minutes.

use bevy::prelude::World;
use record::{How, JournalSummary, Live, Minutes, Recorder, Run, Totals, write_atomically};
use schedule::SubtaskState;

use crate::{error::AppError, session::Results};

/// What is left of a run when it has ended.
pub(crate) struct Conclusion {
    /// How it ended.
    pub(crate) how: How,
    /// What it was.
    pub(crate) run: Run,
    /// Its journal.
    pub(crate) journal: JournalSummary,
    /// What its facts add up to.
    pub(crate) totals: Totals,
    /// The minutes; `None` if the run had no outputs or was interrupted.
    pub(crate) minutes: Option<Minutes>,
    /// Where its results are.
    pub(crate) results: Results,
    /// How often somebody did something to its replicas.
    pub(crate) interventions: u32,
    /// The first subtask that failed for good.
    pub(crate) first_failure: Option<String>,
}

/// Closes the journal and, if the run went to its end, writes the minutes beside it.
///
/// # Errors
/// If a file cannot be written; what was written before is whole.
pub(crate) fn conclude(
    world: &mut World,
    how: How,
    results: &Results,
) -> Result<Conclusion, AppError> {
    let journal = record::finish(world, how)?.ok_or_else(|| {
        AppError::Usage("the journal of this run was closed before. This is a bug.".to_owned())
    })?;
    let run = world.resource::<Recorder>().run().clone();
    let live = world.resource::<Live>();
    // Without outputs nothing was understood, and half a meeting has no minutes.
    let understood = live
        .minutes
        .topics
        .values()
        .any(|topic| topic.name.is_some());
    let answered = live
        .minutes
        .questions
        .values()
        .any(|question| question.answer.is_some());
    let has_minutes = how != How::Interrupted && (understood || answered);
    let minutes = has_minutes.then(|| live.minutes.clone());
    if let Some(minutes) = &minutes {
        let hash = Some(journal.hash.as_str());
        write_atomically(
            &results.minutes_md(),
            minutes.to_markdown(&run, hash).as_bytes(),
        )?;
        write_atomically(
            &results.minutes_json(),
            minutes.to_json(&run, hash).as_bytes(),
        )?;
    }
    Ok(Conclusion {
        how,
        totals: live.totals(),
        minutes,
        run,
        journal,
        results: results.clone(),
        interventions: live.state.interventions,
        first_failure: first_failure(live),
    })
}

fn first_failure(live: &Live) -> Option<String> {
    let subtask = live
        .state
        .subtasks
        .iter()
        .find(|subtask| subtask.state == SubtaskState::Failed)?;
    let why = subtask
        .cause
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    Some(format!(
        "{:?} failed {} times: {why}",
        subtask.name, subtask.failures
    ))
}
