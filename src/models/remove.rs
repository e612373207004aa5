//! `diorama models rm`.

use inference::Store;
use serde_json::json;

use super::describe::size;
use crate::{cli::RemoveArgs, error::AppError, report};

/// Removes a version from the store.
///
/// # Errors
/// If it is not there, or an alias names it.
pub(super) fn remove(store: &Store, args: &RemoveArgs) -> Result<(), AppError> {
    let removed = store.remove(&args.name, args.force)?;
    if args.json {
        let value = json!({ "version": removed.version, "freed_bytes": removed.freed_bytes });
        report::print(&format!("{value:#}\n"));
    } else {
        report::print(&format!(
            "{}: removed, {} free again\n",
            removed.version,
            size(removed.freed_bytes)
        ));
    }
    Ok(())
}
