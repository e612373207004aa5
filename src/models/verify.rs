//! `diorama models verify`.

use inference::{ModelState, Store, StoreError};
use serde_json::json;

use super::describe::{describe, in_words};
use crate::{cli::NameArgs, error::AppError, report};

/// Checks the files of one model, or of all that are there.
///
/// # Errors
/// If a model is damaged, or the one that is asked for is not there.
pub(super) fn verify(store: &Store, args: &NameArgs) -> Result<(), AppError> {
    let entries = match &args.name {
        Some(name) => vec![store.resolve(name)?],
        None => store.known(),
    };
    let mut verdicts = Vec::new();
    let mut wrong = None;
    for entry in entries {
        let state = store.state_of(&entry);
        // What is not there is only missed by those who ask for it.
        if args.name.is_none() && state == ModelState::Missing {
            continue;
        }
        verdicts.push(describe(&entry, &state));
        if !args.json {
            report::print(&format!("{}: {}\n", entry.full_name(), in_words(&state)));
        }
        if matches!(state, ModelState::Missing | ModelState::Damaged { .. }) {
            wrong = wrong.or_else(|| store.verify(&entry.full_name()).err());
        }
    }
    if args.json {
        report::print(&format!("{:#}\n", json!({ "models": verdicts })));
    }
    wrong.map_or(Ok(()), |error: StoreError| Err(error.into()))
}
