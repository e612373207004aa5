//! Models and their states in words and for programs.

use inference::{Manifest, ModelState, Store};
use serde_json::{Value, json};

const MEBIBYTE: u64 = 1 << 20;

/// What a model can do.
pub(crate) fn skills(entry: &Manifest) -> Vec<&'static str> {
    entry.skills.iter().map(|skill| skill.name()).collect()
}

/// The aliases that name a version, the catalog's choice included.
pub(crate) fn aliases(store: &Store, entry: &Manifest) -> Vec<String> {
    let meant = |alias: &str| {
        store
            .resolve(&format!("{}@{alias}", entry.name))
            .is_ok_and(|meant| meant.version() == entry.version())
    };
    let mut aliases = Vec::new();
    if meant("stable") {
        aliases.push("stable".to_owned());
    }
    if meant("candidate") {
        let share = store
            .aliases(&entry.name)
            .map_or(0.0, |aliases| aliases.canary);
        aliases.push(match share {
            0.0 => "candidate".to_owned(),
            share => format!("candidate ({} %)", share * 100.0),
        });
    }
    aliases
}

/// A model and its state for programs.
pub(crate) fn describe(entry: &Manifest, state: &ModelState) -> Value {
    let (state, detail) = match state {
        ModelState::BuiltIn => ("built_in", Value::Null),
        ModelState::Ready { folder } => ("ready", json!(folder)),
        ModelState::Missing => ("missing", Value::Null),
        ModelState::Damaged { fault } => ("damaged", json!(fault.to_string())),
    };
    json!({
        "name": entry.name,
        "version": entry.version(),
        "skills": skills(entry),
        "architecture": entry.architecture.name(),
        "licence": entry.licence,
        "bytes": entry.bytes(),
        "state": state,
        "detail": detail,
    })
}

/// A model's state for people.
pub(crate) fn in_words(state: &ModelState) -> String {
    match state {
        ModelState::BuiltIn => "built in".to_owned(),
        ModelState::Ready { .. } => "ready".to_owned(),
        ModelState::Missing => "not fetched".to_owned(),
        ModelState::Damaged { fault } => format!("damaged: {fault}"),
    }
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        bytes => format!("{} MiB", bytes.div_ceil(MEBIBYTE)),
    }
}
