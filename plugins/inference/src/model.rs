//! A model that has been found, checked and read: replicas are made of it.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    ask::Skill,
    backend::{Backend, BackendError},
    backends::{
        bert_head::BertHead,
        hashed_words::HashedWords,
        llama::{Llama, LlamaOptions, LlamaWeights},
        minilm::{MiniLm, Weights},
        openai::{self, OpenAi, RemoteSettings},
        silero::VoiceActivity,
        static_words::StaticWords,
        whisper::{Whisper, WhisperWeights},
    },
    check::CheckedModel,
    child::{ChildOptions, InChild, Recipe},
    device::DeviceChoice,
    load_options::LoadOptions,
    manifest::{Architecture, Manifest},
    port::ReplicaSetup,
    precision::Precision,
    store::Found,
};

/// A model, ready to be opened as replicas, which share its weights. Clones share them too.
#[derive(Clone, Debug)]
pub struct Model {
    version: String,
    found: Found,
    device: DeviceChoice,
    parts: Parts,
}

#[derive(Clone, Debug)]
enum Parts {
    BertHead(BertHead),
    HashedWords,
    SentenceBert(Weights),
    Remote(Arc<openai::Client>),
    StaticWords(StaticWords),
    Llama(LlamaWeights, LlamaOptions),
    SileroVad(VoiceActivity),
    Whisper(WhisperWeights),
    InChild(Arc<(Recipe, ChildOptions)>),
}

/// Who makes models in child processes: the argument is a [`ChildOrder`], the files are the
/// manifest's.
pub(crate) const CHILD_MAKER: &str = "model";

/// What a child is told of the model that it is to make.
#[derive(Serialize, Deserialize)]
struct ChildOrder {
    manifest: String,
    precision: Precision,
    n_threads: usize,
}

impl Model {
    /// The built-in embedding, which is always there.
    pub fn hashed_words() -> Self {
        let found = Found {
            folder: None,
            source: String::from("built in"),
        };
        Self {
            version: HashedWords.version().to_owned(),
            found,
            device: DeviceChoice::Cpu,
            parts: Parts::HashedWords,
        }
    }

    /// A model of a server that is compatible with OpenAI's. Nothing is sent yet.
    pub fn remote(settings: RemoteSettings, name: &str) -> Self {
        Self {
            version: OpenAi::version_of(&settings, name),
            found: Found {
                folder: None,
                source: format!("server {}", settings.base_url()),
            },
            device: DeviceChoice::Cpu,
            parts: Parts::Remote(openai::Client::new(settings, name.to_owned())),
        }
    }

    /// The embedding that is part of this crate: a table of word vectors that were distilled from
    /// `all-minilm-l6-v2`. It answers where no source can be reached.
    pub fn embedded() -> Self {
        let words = StaticWords::embedded();
        Self {
            version: words.version().to_owned(),
            found: Found {
                folder: None,
                source: String::from("built in"),
            },
            device: DeviceChoice::Cpu,
            parts: Parts::StaticWords(words),
        }
    }

    /// A model whose every replica is made and runs in a child process of its own.
    ///
    /// `paths` are those of the manifest's files, in its order. Nothing is read here.
    pub(crate) fn in_child(
        entry: &Manifest,
        paths: Vec<PathBuf>,
        found: Found,
        how: LoadOptions,
        options: ChildOptions,
    ) -> Self {
        let order = ChildOrder {
            manifest: entry.to_ron(),
            precision: how.precision,
            n_threads: how.n_threads,
        };
        let recipe = Recipe {
            maker: CHILD_MAKER.to_owned(),
            argument: serde_json::to_string(&order)
                .expect("an order can be written. This is a bug"),
            files: paths,
        };
        Self {
            version: entry.full_name(),
            found,
            device: DeviceChoice::Cpu,
            parts: Parts::InChild(Arc::new((recipe, options))),
        }
    }

    /// Makes the model of a recipe, in the child.
    pub(crate) fn make_in_child(recipe: &Recipe) -> Result<Box<dyn Backend>, BackendError> {
        let bad = |file: &str, why: String| BackendError::BadFile {
            model: String::from("in a child process"),
            file: file.to_owned(),
            why,
        };
        let order: ChildOrder = serde_json::from_str(&recipe.argument)
            .map_err(|error| bad("manifest", error.to_string()))?;
        let entry = Manifest::parse(&order.manifest).map_err(|why| bad("manifest", why))?;
        let files = CheckedModel::read_from(&entry, &recipe.files)
            .map_err(|fault| bad(&entry.full_name(), fault.to_string()))?;
        let found = Found {
            folder: None,
            source: String::from("local store"),
        };
        let how = LoadOptions {
            device: DeviceChoice::Cpu,
            precision: order.precision,
            n_threads: order.n_threads,
        };
        Self::read(&entry, files, found, how)?.backend()
    }

    pub(crate) fn read(
        entry: &Manifest,
        mut files: CheckedModel,
        found: Found,
        how: LoadOptions,
    ) -> Result<Self, BackendError> {
        let parts = match entry.architecture {
            Architecture::HashedWords => return Ok(Self::hashed_words()),
            Architecture::SentenceBert => Parts::SentenceBert(Weights::read(&mut files, how)?),
            Architecture::BertClassifier => {
                Parts::BertHead(BertHead::read(&mut files, Skill::Classify, how)?)
            }
            Architecture::BertTagger => {
                Parts::BertHead(BertHead::read(&mut files, Skill::Tag, how)?)
            }
            Architecture::StaticWords => Parts::StaticWords(StaticWords::read(&files)?),
            Architecture::Llama => {
                // The manifest names one of its files.
                let file = entry.weights.as_deref().unwrap_or_default();
                let bytes = files.file(file).unwrap_or_default();
                let options = LlamaOptions {
                    n_threads: how.n_threads,
                    ..LlamaOptions::default()
                };
                Parts::Llama(LlamaWeights::read(&files.version, file, bytes)?, options)
            }
            Architecture::SileroVad => Parts::SileroVad(VoiceActivity::read(&files)?),
            Architecture::Whisper => Parts::Whisper(WhisperWeights::read(&files, how)?),
        };
        Ok(Self {
            version: files.version,
            found,
            device: entry.architecture.device(how.device),
            parts,
        })
    }

    /// Which model this is: its name, `@` and its version, as in every answer.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it came from.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Where it computes, whatever was asked for; nothing if that is the business of its server.
    pub fn device(&self) -> Option<DeviceChoice> {
        match &self.parts {
            Parts::Remote(_) => None,
            _ => Some(self.device),
        }
    }

    /// Why it does not compute on the device that was asked for; nothing if it does.
    pub fn misses(&self, asked: DeviceChoice) -> Option<BackendError> {
        let why = match self.device() {
            Some(device) if device == asked => return None,
            None if asked == DeviceChoice::Cpu => return None,
            Some(_) => "models of this kind compute on the processor only",
            None => "the model computes on its server",
        };
        Some(BackendError::no_device(asked, why))
    }

    /// The model that hears where somebody speaks, if it is one.
    pub fn voice_activity(&self) -> Option<&VoiceActivity> {
        match &self.parts {
            Parts::SileroVad(model) => Some(model),
            _ => None,
        }
    }

    /// Makes a replica's own backend.
    ///
    /// # Errors
    /// [`BackendError`] if the weights do not fit the model.
    pub fn backend(&self) -> Result<Box<dyn Backend>, BackendError> {
        Ok(match &self.parts {
            Parts::BertHead(head) => Box::new(head.replica()),
            Parts::HashedWords => Box::new(HashedWords),
            Parts::SentenceBert(weights) => Box::new(MiniLm::new(weights)?),
            Parts::InChild(child) => Box::new(InChild::start(&child.0, &child.1)?),
            Parts::Remote(client) => Box::new(OpenAi::sharing(Arc::clone(client))),
            Parts::StaticWords(words) => Box::new(words.clone()),
            Parts::Llama(weights, options) => Box::new(Llama::new(weights, *options)),
            Parts::SileroVad(_) => {
                return Err(BackendError::Failed {
                    model: self.version.clone(),
                    why: String::from("it serves other models and answers no requests itself"),
                });
            }
            Parts::Whisper(weights) => Box::new(Whisper::new(weights)),
        })
    }

    /// A replica of this model, to be opened by a [`crate::Port`].
    pub fn replica(&self, name: impl Into<String>) -> ReplicaSetup {
        let model = self.clone();
        ReplicaSetup {
            name: name.into(),
            make: Arc::new(move || model.backend()),
        }
    }
}
