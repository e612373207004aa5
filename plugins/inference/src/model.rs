//! A model that has been found, checked and read: replicas are made of it.

use std::sync::Arc;

use crate::{
    ask::Skill,
    backend::{Backend, BackendError},
    backends::{
        bert_head::BertHead,
        hashed_words::HashedWords,
        llama::{Llama, LlamaOptions, LlamaWeights},
        minilm::{MiniLm, Weights},
        openai::{OpenAi, RemoteSettings},
        silero::VoiceActivity,
        static_words::StaticWords,
        whisper::{Whisper, WhisperWeights},
    },
    check::CheckedModel,
    load_options::LoadOptions,
    manifest::{Architecture, Manifest},
    port::ReplicaSetup,
    store::Found,
};

/// A model, ready to be opened as replicas, which share its weights. Clones share them too.
#[derive(Clone, Debug)]
pub struct Model {
    version: String,
    found: Found,
    parts: Parts,
}

#[derive(Clone, Debug)]
enum Parts {
    BertHead(BertHead),
    HashedWords,
    SentenceBert(Weights),
    Remote(Arc<RemoteSettings>, String),
    StaticWords(StaticWords),
    Llama(LlamaWeights, LlamaOptions),
    SileroVad(VoiceActivity),
    Whisper(WhisperWeights),
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
            parts: Parts::Remote(Arc::new(settings), name.to_owned()),
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
            parts: Parts::StaticWords(words),
        }
    }

    pub(crate) fn read(
        entry: &Manifest,
        files: CheckedModel,
        found: Found,
        how: LoadOptions,
    ) -> Result<Self, BackendError> {
        let parts = match entry.architecture {
            Architecture::HashedWords => return Ok(Self::hashed_words()),
            Architecture::SentenceBert => Parts::SentenceBert(Weights::read(&files, how)?),
            Architecture::BertClassifier => {
                Parts::BertHead(BertHead::read(&files, Skill::Classify, how.device)?)
            }
            Architecture::BertTagger => {
                Parts::BertHead(BertHead::read(&files, Skill::Tag, how.device)?)
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
            Parts::BertHead(head) => Box::new(head.clone()),
            Parts::HashedWords => Box::new(HashedWords),
            Parts::SentenceBert(weights) => Box::new(MiniLm::new(weights)?),
            Parts::Remote(settings, name) => {
                Box::new(OpenAi::new(RemoteSettings::clone(settings), name))
            }
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
