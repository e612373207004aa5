//! Holds the crates to their ranks: each may import crates of lower ranks only.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The crates and their ranks, as plugins/README.md describes them.
const RANKS: [(&str, u8); 11] = [
    ("plan", 0),
    ("sim", 0),
    ("schedule", 1),
    ("inference", 1),
    ("rooms", 2),
    ("workloads", 2),
    ("agents", 3),
    ("record", 4),
    ("view", 5),
    ("panels", 5),
    ("bench", 5),
];
/// From this rank on a crate may draw.
const DRAWING: u8 = 5;
/// What only crates that draw may ask of Bevy or depend on.
const RENDERER: [&str; 6] = [
    "bevy_render",
    "bevy_pbr",
    "bevy_winit",
    "bevy_window",
    "bevy_egui",
    "bevy_panorbit_camera",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn ranks() -> BTreeMap<String, u8> {
    RANKS
        .iter()
        .map(|(name, rank)| ((*name).to_owned(), *rank))
        .collect()
}

/// The names that stand before `.` or `=` in the dependency tables of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                names.push(name.to_owned());
            }
        }
    }
    names
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else {
        return files;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_plugin_has_a_rank() {
    let mut found: Vec<_> = fs::read_dir(root().join("plugins"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    let known: Vec<_> = ranks().into_keys().collect();
    assert_eq!(
        found, known,
        "give the new crate a rank here and a paragraph in plugins/README.md"
    );
}

#[test]
fn crates_import_lower_ranks_only() {
    let ranks = ranks();
    for (name, rank) in &ranks {
        let manifest =
            fs::read_to_string(root().join(format!("plugins/{name}/Cargo.toml"))).unwrap();
        for dependency in dependencies(&manifest) {
            if let Some(other) = ranks.get(&dependency) {
                assert!(
                    other < rank,
                    "{name} (rank {rank}) imports {dependency} (rank {other})"
                );
            }
        }
    }
}

#[test]
fn only_the_top_draws() {
    for (name, rank) in ranks().into_iter().filter(|(_, rank)| *rank < DRAWING) {
        let manifest =
            fs::read_to_string(root().join(format!("plugins/{name}/Cargo.toml"))).unwrap();
        let manifest = match name.as_str() {
            "inference" => without_the_window_of_its_example(&manifest),
            _ => manifest,
        };
        for word in RENDERER {
            assert!(
                !manifest.contains(word),
                "{name} (rank {rank}) asks for {word}"
            );
        }
    }
}

/// The manifest of `inference` without feature `window`: example `ask` draws with it, and is to run
/// as it comes, so that the feature is a default. The workspace leaves the defaults out, and no code
/// of the library may use the feature or egui.
fn without_the_window_of_its_example(manifest: &str) -> String {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let ours = workspace
        .lines()
        .find(|line| line.starts_with("inference = "));
    assert!(ours.unwrap().contains("default-features = false"));
    for file in rust_files(&root().join("plugins/inference/src")) {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["feature = \"window\"", "bevy_egui"] {
            assert!(!text.contains(word), "{} uses {word}", file.display());
        }
    }
    let is_egui = |line: &&str| *line == "bevy_egui = { workspace = true, optional = true }";
    assert_eq!(manifest.lines().filter(is_egui).count(), 1);
    let (before, from) = manifest.split_once("\nwindow = [").unwrap();
    let (_, after) = from.split_once("\n]").unwrap();
    let lines = before.lines().chain(after.lines());
    lines
        .filter(|line| !is_egui(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn no_crate_asks_for_the_window_of_an_example() {
    let manifests = RANKS.iter().map(|(name, _)| format!("plugins/{name}/"));
    for dir in manifests.chain([String::new()]) {
        let manifest = fs::read_to_string(root().join(format!("{dir}Cargo.toml"))).unwrap();
        let mut users = manifest
            .lines()
            .filter(|line| line.starts_with("inference = ") || line.starts_with("inference."));
        assert!(
            users.all(|line| !line.contains("\"window\"")),
            "{dir}Cargo.toml draws with inference"
        );
    }
}

#[test]
fn the_window_is_optional() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for line in [
        "view = { workspace = true, optional = true }",
        "panels = { workspace = true, optional = true }",
    ] {
        assert!(
            manifest.contains(line),
            "the root manifest must say {line:?}"
        );
    }
}

#[test]
fn every_file_opens_with_a_sentence() {
    let files: Vec<_> = ["src", "plugins", "tests"]
        .iter()
        .flat_map(|dir| rust_files(&root().join(dir)))
        .collect();
    assert!(files.len() > 30, "only {} files found", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! "),
            "{} opens with {first:?}",
            file.display()
        );
    }
}

#[test]
fn the_code_map_names_every_crate() {
    let map = fs::read_to_string(root().join("plugins/README.md")).unwrap();
    for (name, _) in RANKS {
        assert!(
            map.contains(&format!("### `{name}`")),
            "plugins/README.md has no section on {name}"
        );
    }
    assert_eq!(
        map.matches("**Invariant:**").count(),
        RANKS.len(),
        "one invariant a crate"
    );
}
