//! Why a model cannot be had, in words that say what to do about it.

use std::{io, path::PathBuf};

use super::options::{HUB_VARIABLE, STORE_VARIABLE};
use crate::{backend::BackendError, backends::openai::RemoteError, check::FileFault};

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The catalog has no such model.
    #[error("model {model:?} is not known; there are {known:?}")]
    UnknownModel {
        /// What was asked for.
        model: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is no name of a model.
    #[error("{text:?} names no model: {why}")]
    BadName {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is such a model, but no such version of it.
    #[error("{}", unknown_version(.model, *.is_ambiguous, .known))]
    UnknownVersion {
        /// What was asked for.
        model: String,
        /// Whether several versions fit.
        is_ambiguous: bool,
        /// The versions that there are.
        known: Vec<String>,
    },
    /// It cannot be done as things are; nothing was changed.
    #[error("model {model:?}: {why}")]
    State {
        /// The version.
        model: String,
        /// Why not, and what to do.
        why: String,
    },
    /// Somebody's files are no model that can be taken in; nothing was kept.
    #[error("{path:?} is refused: {why}")]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Models in use leave too little memory.
    #[error(
        "model {model:?} needs {} MiB of memory, and {} MiB of the {} MiB that models may take are in use; take \
         smaller models or fewer, or let them take more",
        in_mebibytes(*.needed), in_mebibytes(*.in_use), in_mebibytes(*.budget)
    )]
    NoMemory {
        /// The version.
        model: String,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes of models with running work.
        in_use: u64,
        /// Bytes that loaded models may have.
        budget: u64,
    },
    /// Nobody had it.
    #[error("{}", no_source(.model, .tried))]
    NoSource {
        /// What was asked for.
        model: String,
        /// Who was asked, and what came of it.
        tried: Vec<(String, String)>,
    },
    /// The disk is full. Nothing is left behind.
    #[error(
        "no space left in {path:?}: {needed:?} bytes are needed; free some, or set {STORE_VARIABLE} to another disk"
    )]
    NoSpace {
        /// The store.
        path: PathBuf,
        /// Bytes of the model's files, and of what they are unpacked from.
        needed: u64,
    },
    /// The store's folder cannot be read or written.
    #[error(
        "the store {path:?} cannot be used: {error}; set {STORE_VARIABLE} to a folder of yours"
    )]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Somebody gave up. Nothing is left behind.
    #[error("fetching was cancelled; nothing was kept")]
    Cancelled,
    /// There is no folder for the user's data.
    #[error("there is no home folder to keep models in; set {STORE_VARIABLE} to a folder")]
    NoHome,
    /// A model is not all right.
    #[error("model {model:?} is damaged: {fault}; {}", remedy(.model, *.is_imported))]
    Damaged {
        /// What was checked.
        model: String,
        /// The first file that is wrong.
        fault: Box<FileFault>,
        /// Whether no source has it.
        is_imported: bool,
    },
    /// The files are right and the model cannot be made of them.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The settings of a server contradict themselves.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

fn remedy(model: &str, is_imported: bool) -> String {
    if is_imported {
        String::from("import it again from where it came: `diorama models import PATH`")
    } else {
        format!("`diorama models pull {model}` fetches it again")
    }
}

fn in_mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn unknown_version(model: &str, is_ambiguous: bool, known: &[String]) -> String {
    if is_ambiguous {
        return format!("model {model:?} may be several of {known:?}; give more digits");
    }
    if model.ends_with("@candidate") {
        return format!(
            "model {model:?} is not set; `diorama models canary NAME@VERSION SHARE` or an import sets it; \
             there are {known:?}"
        );
    }
    format!("model {model:?} has no such version; there are {known:?}")
}

fn no_source(model: &str, tried: &[(String, String)]) -> String {
    let mut text = format!("no source has model {model:?}\n");
    for (source, why) in tried {
        text += &format!("  {source}: {why}\n");
    }
    text + &format!(
        "connect to the network and run `diorama models pull {model}`, or put its files into \
         assets/models/{model}, or set {HUB_VARIABLE} to a hub that can be reached, or use the \
         built-in model \"static-minilm\""
    )
}
