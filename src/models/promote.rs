//! `diorama models promote`, `canary` and `rollback`: which version serves.

use inference::{Manifest, Store};
use serde_json::json;

use crate::{
    cli::{CanaryArgs, OneNameArgs},
    error::AppError,
    report,
};

/// Lets a version serve.
///
/// # Errors
/// If it is not known, not here or damaged.
pub(super) fn promote(store: &Store, args: &OneNameArgs) -> Result<(), AppError> {
    let (before, after) = store.promote(&args.name)?;
    tell(&before, &after, args.json);
    Ok(())
}

/// Lets the version serve that served before.
///
/// # Errors
/// If nothing served before, or it is not here or damaged.
pub(super) fn rollback(store: &Store, args: &OneNameArgs) -> Result<(), AppError> {
    let (before, after) = store.rollback(&args.name)?;
    tell(&before, &after, args.json);
    Ok(())
}

/// Lets a version answer a share of the requests.
///
/// # Errors
/// If it is not known, not here or damaged, or serves already.
pub(super) fn canary(store: &Store, args: &CanaryArgs) -> Result<(), AppError> {
    let candidate = store.canary(&args.name, args.share)?;
    let stable = store.resolve(&candidate.name)?;
    if args.json {
        let value = json!({
            "stable": stable.full_name(),
            "candidate": candidate.full_name(),
            "share": args.share,
        });
        report::print(&format!("{value:#}\n"));
    } else {
        report::print(&format!(
            "{}: is to answer {} % of the requests for {:?}; {} the others\n",
            candidate.full_name(),
            args.share * 100.0,
            candidate.name,
            stable.full_name(),
        ));
    }
    Ok(())
}

fn tell(before: &Manifest, after: &Manifest, json: bool) {
    if json {
        let value = json!({ "before": before.full_name(), "stable": after.full_name() });
        report::print(&format!("{value:#}\n"));
    } else {
        report::print(&format!(
            "{}: serves now, in the place of {}\n",
            after.full_name(),
            before.full_name()
        ));
    }
}
