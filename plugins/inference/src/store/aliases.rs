//! Which version of a model serves, which is being tried, by how many, and what served before.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::lock::Locked;
use crate::manifest::ron_options;

/// The most bytes of a file of aliases.
const MAX_BYTES: u64 = 1 << 20;
/// How many promotions are remembered.
const MAX_HISTORY: usize = 100;

/// A version that served, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// The version.
    pub version: String,
    /// When another one took its place, in seconds since 1970.
    pub until_unix_secs: u64,
}

/// What the names of a model's versions stand for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aliases {
    /// The version that serves; `None`: the catalog's.
    pub stable: Option<String>,
    /// The version that is being tried.
    pub candidate: Option<String>,
    /// The share of requests that the candidate answers, from 0 to 1.
    pub canary: f64,
    /// Which versions served before, the last one last.
    pub history: Vec<Served>,
    /// Versions that are loaded when a run starts, whatever its scene names.
    pub preloaded: Vec<String>,
}

impl Aliases {
    /// The aliases that name a version.
    pub fn of(&self, version: &str) -> Vec<&'static str> {
        let names = [("stable", &self.stable), ("candidate", &self.candidate)];
        let named = names
            .iter()
            .filter(|(_, named)| named.as_deref() == Some(version));
        named.map(|(name, _)| *name).collect()
    }

    /// Lets another version serve, and remembers the one before.
    pub(super) fn put_stable(&mut self, version: String, before: Option<String>) {
        if let Some(before) = before.filter(|before| *before != version) {
            self.history.push(Served {
                version: before,
                until_unix_secs: now(),
            });
            let too_many = self.history.len().saturating_sub(MAX_HISTORY);
            self.history.drain(..too_many);
        }
        if self.candidate.as_ref() == Some(&version) {
            self.candidate = None;
        }
        self.canary = 0.0;
        self.stable = Some(version);
    }

    /// Forgets a version that is no longer there.
    pub(super) fn drop_version(&mut self, version: &str) {
        let is = |named: &Option<String>| named.as_deref() == Some(version);
        let (was_stable, was_candidate) = (is(&self.stable), is(&self.candidate));
        self.history.retain(|served| served.version != version);
        self.preloaded.retain(|preloaded| preloaded != version);
        if was_stable {
            self.stable = self.history.pop().map(|served| served.version);
        }
        if was_candidate {
            self.candidate = None;
            self.canary = 0.0;
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn file(root: &Path, name: &str) -> PathBuf {
    root.join("aliases").join(format!("{name}.ron"))
}

/// The aliases of a model; empty if none were ever given.
pub(super) fn read(root: &Path, name: &str) -> io::Result<Aliases> {
    let path = file(root, name);
    let wrong = |why: String| io::Error::other(format!("{path:?} is damaged: {why}; remove it"));
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Aliases::default()),
        Err(error) => return Err(error),
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            return Err(wrong(String::from("it is too long")));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(&path)?;
    let aliases: Aliases = ron_options()
        .from_str(&text)
        .map_err(|error| wrong(error.to_string()))?;
    if (0.0..=1.0).contains(&aliases.canary) {
        Ok(aliases)
    } else {
        Err(wrong(format!("its canary share is {:?}", aliases.canary)))
    }
}

impl Locked {
    /// Writes the aliases of a model down.
    pub(super) fn write_aliases(&self, name: &str, aliases: &Aliases) -> io::Result<()> {
        let text = ron::ser::to_string_pretty(aliases, ron::ser::PrettyConfig::default())
            .map_err(io::Error::other)?;
        self.write(&file(self.root(), name), &text)
    }
}
