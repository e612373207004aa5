//! `diorama models load` and `unload`: what is loaded whenever a run starts.

use std::time::Instant;

use inference::{DeviceChoice, Store};
use serde_json::json;

use super::{describe::size, download::Download};
use crate::{cli::OneNameArgs, error::AppError, interrupt, report};

/// Loads a version once, says what that takes, and has runs load it from now on.
///
/// # Errors
/// If it cannot be had or loaded.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a load takes on this machine is what is asked for"
)]
pub(super) fn load(store: &Store, args: &OneNameArgs) -> Result<(), AppError> {
    let bar = Download::new(&args.name);
    let before = resident_bytes();
    let start = Instant::now();
    let loaded = store.load(
        &args.name,
        DeviceChoice::Cpu,
        &mut |progress| bar.show(progress),
        interrupt::catch(),
    );
    let secs = start.elapsed().as_secs_f64();
    bar.finish();
    let model = loaded?;
    let memory = resident_bytes().zip(before);
    let memory = memory.map(|(after, before)| after.saturating_sub(before));
    let entry = store.preload(model.version(), true)?;
    let version = entry.full_name();
    if args.json {
        let value = json!({
            "version": version,
            "source": model.found().source,
            "secs": secs,
            "memory_bytes": memory,
            "preloaded": true,
        });
        report::print(&format!("{value:#}\n"));
    } else {
        let memory = memory.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        report::print(&format!(
            "{version}: loads in {secs:.2} s{memory}; runs load it when they start\n"
        ));
    }
    Ok(())
}

/// No longer has runs load a version.
///
/// # Errors
/// If there is no such version.
pub(super) fn unload(store: &Store, args: &OneNameArgs) -> Result<(), AppError> {
    let version = store.preload(&args.name, false)?.full_name();
    if args.json {
        let value = json!({ "version": version, "preloaded": false });
        report::print(&format!("{value:#}\n"));
    } else {
        report::print(&format!(
            "{version}: runs no longer load it unless a scene names it\n"
        ));
    }
    Ok(())
}

/// The memory that this process occupies, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}
