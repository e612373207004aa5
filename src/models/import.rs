//! `diorama models import`.

use inference::{ImportOptions, Store};
use serde_json::json;

use crate::{cli::ImportArgs, error::AppError, interrupt, report};

/// Takes a model in from files.
///
/// # Errors
/// If they are refused, or cannot be kept.
pub(super) fn import(store: &Store, args: &ImportArgs) -> Result<(), AppError> {
    let options = ImportOptions {
        name: args.name.clone(),
        skills: args.skill.clone(),
        licence: args.licence.clone(),
        architecture: args.architecture,
        sha256: args.sha256,
        parent: args.parent.clone(),
        data_set: args.data_set.clone(),
        metrics: args.metric.iter().cloned().collect(),
    };
    let imported = store.import(&args.path, &options, interrupt::catch())?;
    let version = imported.manifest.full_name();
    if args.json {
        let value = json!({
            "version": version,
            "was_there": imported.was_there,
            "aliases": imported.aliases,
            "manifest": imported.manifest,
        });
        report::print(&format!("{value:#}\n"));
    } else {
        let there = if imported.was_there {
            "was there already"
        } else {
            "imported"
        };
        let named = match imported.aliases[..] {
            [] => String::new(),
            [..] => format!(", {}", imported.aliases.join(", ")),
        };
        report::print(&format!("{version}: {there}{named}\n"));
    }
    if args.licence.is_none() {
        report::note("note: its licence is not known; say --licence when it is");
    }
    Ok(())
}
