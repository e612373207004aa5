//! `diorama doctor`: tells what was found on this machine.

use std::{env, thread};

use inference::ModelState;
use serde_json::json;

use crate::{cli::DoctorArgs, error::AppError, memory, models, report};

/// Looks at display, GPU, threads, store and models.
///
/// # Errors
/// If there is no place for a store.
pub(crate) fn doctor(args: &DoctorArgs) -> Result<(), AppError> {
    let store = models::store()?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let display = display();
    let gpus = gpus();
    let found = store.list();
    if args.json {
        let value = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "desktop": cfg!(feature = "desktop"),
            "cuda": cfg!(feature = "cuda"),
            "display": display,
            "gpus": gpus,
            "threads": threads,
            "memory_bytes": memory::total(),
            "model_memory_bytes": memory::total().map(|_| memory::for_models(None)),
            "store": store.options().root,
            "models": found.iter().map(|(entry, state)| models::describe(entry, state)).collect::<Vec<_>>(),
        });
        report::print(&format!("{value:#}\n"));
        return Ok(());
    }
    let mut rows = vec![
        [
            "version".to_owned(),
            format!("diorama {}", env!("CARGO_PKG_VERSION")),
        ],
        ["display".to_owned(), window(display)],
        [
            "GPU".to_owned(),
            if gpus.is_empty() {
                "none found; models run on the CPU".to_owned()
            } else {
                gpus.join(", ")
            },
        ],
        ["threads".to_owned(), threads.to_string()],
        ["memory".to_owned(), in_memory()],
        [
            "store".to_owned(),
            store.options().root.display().to_string(),
        ],
    ];
    for (entry, state) in &found {
        let hint = match state {
            ModelState::Missing | ModelState::Damaged { .. } => {
                format!("; `diorama models pull {}` fetches it", entry.name)
            }
            ModelState::BuiltIn | ModelState::Ready { .. } => String::new(),
        };
        rows.push([
            format!("model {}", entry.name),
            models::in_words(state) + &hint,
        ]);
    }
    report::print(&report::listing(["", "found"], rows.into_iter()));
    Ok(())
}

fn window(display: Option<String>) -> String {
    let none = || "none found; `diorama run` works without one".to_owned();
    match cfg!(feature = "desktop") {
        true => display.unwrap_or_else(none),
        false => "this build has no window; `diorama run` works".to_owned(),
    }
}

/// How much memory there is, and how much of it models get.
fn in_memory() -> String {
    memory::total().map_or_else(
        || "unknown; models may take all".to_owned(),
        |all| {
            let models = models::size(memory::for_models(None));
            format!("{}, of which models may take {models}", models::size(all))
        },
    )
}

/// The display that a window would open on.
pub(crate) fn display() -> Option<String> {
    let named = |variable: &str| {
        let value = env::var(variable).ok().filter(|value| !value.is_empty())?;
        Some(format!("{variable}={value}"))
    };
    let wayland = if cfg!(feature = "wayland") {
        named("WAYLAND_DISPLAY")
    } else {
        None
    };
    wayland.or_else(|| named("DISPLAY"))
}

/// The NVIDIA cards that the driver lists.
fn gpus() -> Vec<String> {
    let Ok(cards) = std::fs::read_dir("/proc/driver/nvidia/gpus") else {
        return Vec::new();
    };
    let mut names: Vec<String> = cards
        .flatten()
        .filter_map(|card| {
            let information = std::fs::read_to_string(card.path().join("information")).ok()?;
            let model = information
                .lines()
                .find_map(|line| line.strip_prefix("Model:"))?;
            Some(model.trim().to_owned())
        })
        .collect();
    names.sort();
    names
}
