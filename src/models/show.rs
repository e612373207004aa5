//! `diorama models show`.

use std::fmt::Write as _;

use inference::{Manifest, ModelState, Store};
use serde_json::json;

use super::describe::{aliases, describe, in_words, size, skills};
use crate::{cli::OneNameArgs, error::AppError, report};

/// Tells all that is known of a version, and of the others of its name.
///
/// # Errors
/// If there is no such model.
pub(super) fn show(store: &Store, args: &OneNameArgs) -> Result<(), AppError> {
    let entry = store.resolve(&args.name)?;
    let named = store.aliases(&entry.name)?;
    let versions: Vec<_> = store.versions(&entry.name)?;
    let state = store.state_of(&entry);
    if args.json {
        let mut value = describe(&entry, &state);
        value["manifest"] = json!(entry);
        value["aliases"] = json!(aliases(store, &entry));
        value["versions"] = json!(versions.iter().map(Manifest::version).collect::<Vec<_>>());
        value["served_before"] = json!(named.history);
        value["canary"] = json!(named.canary);
        value["preloaded"] = json!(named.preloaded.contains(&entry.version()));
        report::print(&format!("{value:#}\n"));
        return Ok(());
    }
    let mut text = sheet(&entry, &state, &aliases(store, &entry));
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<13}{value}").expect("text takes all");
    };
    for other in versions
        .iter()
        .filter(|other| other.version() != entry.version())
    {
        let names = aliases(store, other).join(", ");
        line("other version", format!(" {} {names}", other.version()));
    }
    for served in named.history.iter().rev() {
        line("served before", format!(" {}", served.version));
    }
    if named.preloaded.contains(&entry.version()) {
        line("preloaded", "when a run starts".to_owned());
    }
    report::print(&text);
    Ok(())
}

fn sheet(entry: &Manifest, state: &ModelState, aliases: &[String]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            writeln!(text, "{name:<13}{value}").expect("text takes all");
        }
    };
    line("model", entry.full_name());
    line("alias", aliases.join(", "));
    line("about", entry.about.clone());
    line("skills", skills(entry).join(", "));
    line("architecture", entry.architecture.name().to_owned());
    line("licence", entry.licence.clone());
    line("state", in_words(state));
    line("size", size(entry.bytes()));
    line("memory", size(entry.memory_bytes()));
    let limit = |limit: Option<u32>| limit.map_or_else(String::new, |limit| limit.to_string());
    line("tokens", limit(entry.limits.max_tokens));
    line("dimensions", limit(entry.limits.dimensions));
    line("made from", entry.parent.clone().unwrap_or_default());
    line("trained on", entry.data_set.clone().unwrap_or_default());
    for (metric, value) in &entry.metrics {
        line("metric", format!("{metric} {value}"));
    }
    for file in &entry.files {
        let value = format!(
            "{} {} bytes, SHA-256 {}",
            file.name, file.bytes, file.sha256
        );
        line("file", value);
    }
    for source in &entry.sources {
        line("source", source.title());
    }
    text
}
