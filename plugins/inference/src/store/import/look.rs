//! Looks at files that are to be imported: what format they are, which of them matter, how they compute.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{backends::static_words::VOCABULARY_FILE, manifest::Architecture, pickle};

/// The largest configuration that is read.
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// How the names of files end that are pickles, or may be.
const PICKLE_EXTENSIONS: [&str; 6] = ["bin", "pt", "pth", "pkl", "pickle", "ckpt"];

/// How weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Safetensors,
    Gguf,
    CTranslate2,
}

impl Format {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF",
            Self::CTranslate2 => "CTranslate2",
        }
    }
}

/// What there is to import.
pub(super) struct Look {
    pub(super) format: Format,
    pub(super) architecture: Architecture,
    /// The name of the file with the weights.
    pub(super) weights: String,
    pub(super) tokenizer: Option<String>,
    /// Names in the store, and where the files are now.
    pub(super) files: Vec<(String, PathBuf)>,
    pub(super) dimensions: Option<u32>,
}

/// What a configuration says of how a model computes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    architectures: Vec<String>,
    model_type: String,
    hidden_size: Option<u32>,
}

/// Looks at a file or folder. Reads configurations and the starts of weights only.
pub(super) fn look(path: &Path, said: Option<Architecture>) -> Result<Look, String> {
    let metadata = fs::metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    if said == Some(Architecture::HashedWords) {
        return Err(unknown_architecture(
            "\"HashedWords\" has no weights, so it",
        ));
    }
    if metadata.is_dir() {
        return look_at_folder(path, said);
    }
    if !metadata.is_file() {
        return Err(String::from("it is neither a file nor a folder"));
    }
    look_at_file(path, said)
}

fn look_at_folder(folder: &Path, said: Option<Architecture>) -> Result<Look, String> {
    let names = list(folder)?;
    let ending =
        |end: &str| -> Vec<&String> { names.iter().filter(|name| name.ends_with(end)).collect() };
    let has = |name: &str| names.iter().any(|there| there == name);
    if has("model.bin") && starts_like_ctranslate2(&folder.join("model.bin")) {
        return ctranslate2(folder, &names, said);
    }
    match (&ending(".safetensors")[..], &ending(".gguf")[..]) {
        ([weights], _) => safetensors(folder, weights, &names, said),
        ([], [gguf]) => look_at_file(&folder.join(gguf), said),
        ([], []) => Err(no_weights(folder, &names)),
        (several, _) if several.len() > 1 => Err(format!(
            "its weights are in several files, {several:?}; join them into one model.safetensors"
        )),
        (_, several) => Err(format!(
            "it holds several models, {several:?}; name one of them"
        )),
    }
}

fn look_at_file(path: &Path, said: Option<Architecture>) -> Result<Look, String> {
    if starts_with(path, b"GGUF") {
        return Ok(Look {
            format: Format::Gguf,
            architecture: said.unwrap_or(Architecture::Llama),
            weights: String::from("model.gguf"),
            tokenizer: None,
            files: vec![(String::from("model.gguf"), path.to_owned())],
            dimensions: None,
        });
    }
    let name = String::from("model.safetensors");
    match (path.extension().and_then(|end| end.to_str()), said) {
        (Some("safetensors"), Some(architecture)) => Ok(Look {
            format: Format::Safetensors,
            architecture,
            weights: name.clone(),
            tokenizer: None,
            files: vec![(name, path.to_owned())],
            dimensions: None,
        }),
        (Some("safetensors"), None) => Err(String::from(
            "a file of safetensors alone does not say how it computes; name the folder with its config.json, or give --architecture",
        )),
        _ => Err(not_read(path)),
    }
}

fn safetensors(
    folder: &Path,
    weights: &str,
    names: &[String],
    said: Option<Architecture>,
) -> Result<Look, String> {
    let config = names
        .iter()
        .any(|name| name == "config.json")
        .then(|| read_config(&folder.join("config.json")))
        .transpose()?;
    let architecture = match (said, &config) {
        (Some(said), _) => said,
        (None, Some(config)) => of_config(config)?,
        (None, None) if names.iter().any(|name| name == VOCABULARY_FILE) => {
            Architecture::StaticWords
        }
        (None, None) => {
            return Err(String::from(
                "it has no config.json that says how it computes; add it, or give --architecture",
            ));
        }
    };
    let others: &[&str] = match architecture {
        Architecture::StaticWords => &[VOCABULARY_FILE],
        _ => &["config.json", "tokenizer.json"],
    };
    Ok(with_files(
        folder,
        Format::Safetensors,
        architecture,
        weights,
        others,
        names,
        config.and_then(|config| config.hidden_size),
    ))
}

fn ctranslate2(
    folder: &Path,
    names: &[String],
    said: Option<Architecture>,
) -> Result<Look, String> {
    for needed in ["config.json", "tokenizer.json"] {
        if !names.iter().any(|name| name == needed) {
            return Err(format!("{needed:?} is missing beside model.bin"));
        }
    }
    Ok(with_files(
        folder,
        Format::CTranslate2,
        said.unwrap_or(Architecture::Whisper),
        "model.bin",
        &["config.json", "tokenizer.json"],
        names,
        None,
    ))
}

fn with_files(
    folder: &Path,
    format: Format,
    architecture: Architecture,
    weights: &str,
    others: &[&str],
    names: &[String],
    dimensions: Option<u32>,
) -> Look {
    let there = others
        .iter()
        .filter(|other| names.iter().any(|name| name == *other));
    // Whatever the file is called where it comes from.
    let kept = match format {
        Format::Safetensors => "model.safetensors",
        _ => weights,
    };
    let tokenizer = match architecture {
        Architecture::StaticWords => VOCABULARY_FILE,
        _ => "tokenizer.json",
    };
    let files = [(kept, weights)]
        .into_iter()
        .chain(there.map(|name| (*name, *name)));
    Look {
        format,
        architecture,
        weights: kept.to_owned(),
        tokenizer: names.iter().find(|name| *name == tokenizer).cloned(),
        files: files
            .map(|(kept, name)| (kept.to_owned(), folder.join(name)))
            .collect(),
        dimensions,
    }
}

fn read_config(path: &Path) -> Result<Config, String> {
    let wrong = |why: String| format!("\"config.json\" cannot be used: {why}");
    let size = fs::metadata(path)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if size > MAX_CONFIG_BYTES {
        return Err(wrong(format!("it has {size:?} bytes")));
    }
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

fn of_config(config: &Config) -> Result<Architecture, String> {
    for name in &config.architectures {
        match name.as_str() {
            "BertModel" => return Ok(Architecture::SentenceBert),
            "BertForSequenceClassification" => return Ok(Architecture::BertClassifier),
            "BertForTokenClassification" => return Ok(Architecture::BertTagger),
            _ => {}
        }
    }
    if config.architectures.is_empty() && config.model_type == "bert" {
        return Ok(Architecture::SentenceBert);
    }
    Err(unknown_architecture(&format!(
        "{:?} ({:?})",
        config.architectures, config.model_type
    )))
}

/// That no architecture of this project computes what somebody's files say.
pub(super) fn unknown_architecture(what: &str) -> String {
    let known: Vec<_> = Architecture::ALL
        .into_iter()
        .filter(|known| *known != Architecture::HashedWords)
        .map(Architecture::name)
        .collect();
    format!(
        "its architecture {what} is unknown; there are {}; if it is one of them by another name, give --architecture",
        known.join(", ")
    )
}

/// Checks the head of a `CTranslate2` model; its loader checks all of it.
pub(super) fn check_ctranslate2(path: &Path) -> Result<(), String> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut head))
        .map_err(|error| error.to_string())?;
    let specification = specification(&head).ok_or("it is no model of CTranslate2")?;
    if specification == b"WhisperSpec" {
        Ok(())
    } else {
        let name = String::from_utf8_lossy(specification);
        Err(unknown_architecture(&format!("{name:?}")))
    }
}

/// The name of the specification: format (4 bytes), length with a NUL (2 bytes), name.
fn specification(head: &[u8]) -> Option<&[u8]> {
    let (format, rest) = head.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let name = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
    let name = name.strip_suffix(b"\0")?;
    let is_name = name.iter().all(u8::is_ascii_alphanumeric);
    ((1..=16).contains(&u32::from_le_bytes(*format)) && is_name).then_some(name)
}

fn starts_like_ctranslate2(path: &Path) -> bool {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut head))
        .is_ok_and(|_| specification(&head).is_some())
}

fn starts_with(path: &Path, magic: &[u8]) -> bool {
    let mut head = vec![0; magic.len()];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok()
        && head == magic
}

fn list(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be listed: {error}");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Links to files are followed, as model hubs keep them.
        if entry.path().is_file()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Why nothing in a folder can be imported.
fn no_weights(folder: &Path, names: &[String]) -> String {
    let is_suspect = |name: &&String| {
        let end = Path::new(name).extension().and_then(|end| end.to_str());
        end.is_some_and(|end| PICKLE_EXTENSIONS.contains(&end))
    };
    for name in names.iter().filter(is_suspect) {
        if let Ok(Some(kind)) = pickle::find_in_file(&folder.join(name)) {
            return format!("{name:?}: {}", pickle_reason(kind));
        }
    }
    String::from(
        "it holds no weights: there must be one .safetensors or .gguf file, or a model.bin of CTranslate2",
    )
}

/// Why a file is none of the formats that are read.
fn not_read(path: &Path) -> String {
    match pickle::find_in_file(path) {
        Ok(Some(kind)) => pickle_reason(kind),
        Ok(None) if starts_with(path, b"PK\x03\x04") => {
            String::from("it is a zip archive; unpack it and name the folder")
        }
        _ => String::from("its format is not read; there are safetensors, GGUF and CTranslate2"),
    }
}

/// Why pickles are not read.
pub(super) fn pickle_reason(kind: &str) -> String {
    format!(
        "it is {kind}, which can run any code when it is read; \
         load it where you trust it, save its tensors as safetensors, and import those"
    )
}
