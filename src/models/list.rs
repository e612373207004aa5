//! `diorama models list`.

use inference::Store;
use serde_json::json;

use super::describe::{aliases, describe, in_words, size, skills};
use crate::{error::AppError, report};

/// Lists every known version.
///
/// # Errors
/// None so far.
pub(super) fn list(store: &Store, json: bool) -> Result<(), AppError> {
    let models = store.list();
    if json {
        let models: Vec<_> = models
            .iter()
            .map(|(entry, state)| {
                let mut value = describe(entry, state);
                value["aliases"] = json!(aliases(store, entry));
                value
            })
            .collect();
        let value = json!({ "store": store.options().root, "models": models });
        report::print(&format!("{value:#}\n"));
        return Ok(());
    }
    let rows = models.iter().map(|(entry, state)| {
        [
            entry.full_name(),
            aliases(store, entry).join(", "),
            skills(entry).join(", "),
            size(entry.bytes()),
            entry.licence.clone(),
            in_words(state),
        ]
    });
    report::print(&report::listing(
        ["model", "alias", "skill", "size", "licence", "state"],
        rows,
    ));
    report::print(&format!("store {}\n", store.options().root.display()));
    Ok(())
}
