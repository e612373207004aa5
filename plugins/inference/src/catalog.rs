//! The models that are known by name, each with its manifest.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::manifest::{Manifest, ron_options};

/// All known models.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    models: Vec<Manifest>,
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
    models: Vec<Manifest>,
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
            ron_options()
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
            model.check().map_err(|why| CatalogError::Model {
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
    pub fn get(&self, name: &str) -> Option<&Manifest> {
        self.models.iter().find(|model| model.name == name)
    }

    /// All models, in the order of the catalog.
    pub fn models(&self) -> &[Manifest] {
        &self.models
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalog_is_sound() {
        let catalog = Catalog::built_in();
        let minilm = catalog.get("all-minilm-l6-v2").unwrap();
        assert_eq!(minilm.version(), "bbd64ada5a32");
        assert_eq!(minilm.bytes(), 90_868_376 + 612 + 466_247);
        for (name, n_files) in [
            ("smollm2-135m-instruct", 1),
            ("whisper-tiny.en", 3),
            ("whisper-base", 3),
            ("silero-vad", 1),
        ] {
            let model = catalog.get(name).unwrap();
            assert_eq!(model.files.len(), n_files, "{name}");
            assert_eq!(Manifest::parse(&model.to_ron()), Ok(model.clone()));
        }
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
                "weights: \"model.safetensors\"",
                "weights: \"x\"",
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
