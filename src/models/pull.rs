//! `diorama models pull`.

use inference::Store;
use serde_json::json;

use super::download::Download;
use crate::{cli::NameArgs, error::AppError, interrupt, report};

/// Fetches one model, or all of the catalog.
///
/// # Errors
/// If one cannot be had.
pub(super) fn pull(store: &Store, args: &NameArgs) -> Result<(), AppError> {
    interrupt::catch();
    let names = match &args.name {
        Some(name) => vec![name.clone()],
        None => {
            let models = store.catalog().models().iter();
            models.map(|entry| entry.name.clone()).collect()
        }
    };
    let mut told = Vec::new();
    for name in names {
        let bar = Download::new(&name);
        let found = store.pull(
            &name,
            &mut |progress| bar.show(progress),
            interrupt::catch(),
        );
        bar.finish();
        let found = found?;
        let version = store.resolve(&name)?.full_name();
        if args.json {
            told.push(
                json!({ "version": version, "source": found.source, "folder": found.folder }),
            );
            continue;
        }
        let place = found
            .folder
            .map_or_else(String::new, |folder| format!(", {}", folder.display()));
        report::print(&format!("{version}: ready, from {}{place}\n", found.source));
    }
    if args.json {
        report::print(&format!("{:#}\n", json!({ "models": told })));
    }
    Ok(())
}
