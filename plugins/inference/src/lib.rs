//! Runs models beside a frame loop: requests, batching, worker threads, backends and the model store.
//!
//! Get a [`Model`] from a [`Store`], open replicas of it as a [`Port`], add the [`InferencePlugin`],
//! send [`Request`]s and read [`ReplyReceived`] messages. Nothing here ever waits for a model.

mod admission;
mod aliases;
mod ask;
mod backend;
mod backends;
mod batch;
mod card;
mod catalog;
mod check;
mod child;
mod ctranslate2;
mod device;
mod directory;
pub mod distil;
mod fairness;
mod file_hash;
mod gguf;
mod hall;
mod input;
mod json_shape;
mod kernels;
mod lives;
mod load_options;
mod loaded;
mod manifest;
mod model;
mod model_name;
mod options;
mod output;
mod passes;
mod permits;
mod pickle;
mod place;
#[cfg(feature = "bevy")]
mod plugin;
mod port;
mod precision;
mod profile;
mod queue;
mod request;
mod round;
mod safetensors_header;
mod scratch;
mod sequences;
mod shared;
mod source;
mod speech;
mod store;
mod swap;
mod sync;
mod ticket;
mod tokeniser;
mod usage;
mod watch;
mod watchdog;
mod wav;
mod worker;

pub use crate::{
    ask::{Ask, GenerateOptions, Skill, TextShape, TranscribeOptions},
    backend::{Backend, BackendError, Encoder, MakeBackend, SequenceId, SequenceStep},
    backends::{
        bert_head::BertHead,
        hashed_words::HashedWords,
        llama::{Llama, LlamaOptions, LlamaWeights},
        minilm::{MiniLm, Weights},
        openai::{
            Key, OpenAi, Patience, PerMinute, REMOTE_PREFIX, RemoteError, RemoteSettings, Retries,
            Stage,
        },
        recorded::{Recorded, Recording},
        silero::{VoiceActivity, VoiceMemory},
        static_words::{EMBEDDED_NAME, StaticWords},
        whisper::{Whisper, WhisperWeights},
    },
    card::{CardMemory, CardUsage, Cards},
    catalog::{Catalog, CatalogError},
    check::{CheckedModel, FileFault},
    child::{ChildOptions, InChild, Recipe, serve_if_child, serve_if_child_with},
    device::DeviceChoice,
    directory::ReplicaState,
    file_hash::FileHash,
    gguf::{Gguf, GgufArray, GgufError, GgufValue, GgufWriter, TensorInfo, TensorKind, requantise},
    input::{ChatMessage, ChatRole, Encoded, Input},
    json_shape::{JsonShape, JsonShapeError},
    load_options::LoadOptions,
    loaded::{InUse, LoadedModel, Models},
    manifest::{Architecture, FileEntry, Latency, Limits, Manifest, SourceEntry, WheelEntry},
    model::Model,
    model_name::{ModelName, Pick},
    options::PortOptions,
    output::{
        ClassScore, GeneratedText, GenerationEnd, Output, TagSpan, Transcript, TranscriptSegment,
    },
    pickle::find_pickle,
    port::{Arrival, Change, Piece, Port, PortLoad, ReplicaChange, ReplicaSetup},
    precision::Precision,
    profile::{
        CalibrateError, Cell, Compared, FitErrors, Grid, Machine, Measured, Meter, Profile,
        ProfileError, Subject, compare, compare_quantiles, measure, median, outliers, quantile,
        shipped, shipped_named, token_budget,
    },
    request::{Answer, CancelFlag, Refused, Reply, Request, RequestError, Timings},
    safetensors_header::check_safetensors,
    speech::{SpeechOptions, SpeechStream, SpokenPiece, speech},
    store::{
        Aliases, ChildModels, Found, ImportOptions, Imported, ModelState, Progress, Removed, Route,
        Served, Store, StoreError, StoreOptions,
    },
    usage::ReplicaUse,
    wav::{SAMPLE_RATE, WavError, read_wav, resample},
};

#[cfg(feature = "bevy")]
pub use crate::plugin::{
    InferencePlugin, InferencePort, InferenceSystems, PieceReceived, ReplicaChanged, ReplyReceived,
};
