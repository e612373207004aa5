//! Why a model cannot be had, in words that say what to do about it.

use std::{io, path::PathBuf};

use super::options::{HUB_VARIABLE, STORE_VARIABLE};
use crate::{backend::BackendError, check::FileFault};

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
    #[error("model {model:?} is damaged: {fault}; `diorama models pull {model}` fetches it again")]
    Damaged {
        /// What was checked.
        model: String,
        /// The first file that is wrong.
        fault: FileFault,
    },
    /// The files are right and the model cannot be made of them.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

fn no_source(model: &str, tried: &[(String, String)]) -> String {
    let mut text = format!("no source has model {model:?}\n");
    for (source, why) in tried {
        text += &format!("  {source}: {why}\n");
    }
    text + &format!(
        "connect to the network and run `diorama models pull {model}`, or put its files into \
         assets/models/{model}, or set {HUB_VARIABLE} to a hub that can be reached, or use the \
         built-in model \"hashed-words\""
    )
}
