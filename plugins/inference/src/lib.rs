//! Runs models beside a frame loop: requests, batching, worker threads, backends and the model store.
//!
//! Get a [`Model`] from a [`Store`], open replicas of it as a [`Port`], add the [`InferencePlugin`],
//! send [`Request`]s and read [`ReplyReceived`] messages. Nothing here ever waits for a model.

mod backend;
mod backends;
mod batch;
mod catalog;
mod check;
mod device;
mod gguf;
mod model;
mod permits;
#[cfg(feature = "bevy")]
mod plugin;
mod port;
mod request;
mod round;
mod safetensors_header;
mod scratch;
mod source;
mod store;
mod worker;

pub use crate::{
    backend::{Backend, BackendError, MakeBackend},
    backends::{
        hashed_words::HashedWords,
        minilm::{MiniLm, Weights},
        recorded::Recorded,
    },
    catalog::{Architecture, Catalog, CatalogError, FileEntry, FileHash, ModelEntry, SourceEntry},
    check::{CheckedModel, FileFault},
    device::DeviceChoice,
    gguf::{Gguf, GgufArray, GgufError, GgufValue, GgufWriter, TensorInfo, TensorKind, requantise},
    model::Model,
    port::{Port, PortOptions, ReplicaSetup, ReplicaState},
    request::{Answer, CancelFlag, Output, Refused, Reply, Request, RequestError},
    store::{Found, ModelState, Progress, Store, StoreError, StoreOptions},
};

#[cfg(feature = "bevy")]
pub use crate::plugin::{InferencePlugin, InferencePort, InferenceSystems, ReplyReceived};
