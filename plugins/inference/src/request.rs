//! What goes into the port and what comes back: requests, replies and the reasons for refusal.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    ask::{Ask, Skill},
    backend::BackendError,
    input::Input,
    output::Output,
};

/// Says that nobody waits for an answer any more; its clones say the same thing.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Gives up. Work that has not begun is skipped, work under way ends at the next safe point.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody gave up.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl AsRef<AtomicBool> for CancelFlag {
    fn as_ref(&self) -> &AtomicBool {
        &self.0
    }
}

/// Inputs for a model, with all that decides when and whether they are answered.
#[derive(Clone, Debug)]
pub struct Request {
    /// Chosen by the sender; comes back with the reply.
    pub key: u64,
    /// What is to be done with the inputs.
    pub ask: Ask,
    /// A model's name, alias or version; empty for whatever the replica has.
    pub model: String,
    /// Each is answered by one output.
    pub inputs: Vec<Input>,
    /// Higher goes first; equals go in the order in which they came.
    pub priority: u8,
    /// On whose behalf: tenants get equal shares.
    pub tenant: u32,
    /// After this instant nobody needs the answer.
    pub expires: Option<Instant>,
    /// Raised when nobody needs the answer.
    pub cancelled: CancelFlag,
    /// Whether generated text is wanted piece by piece, before the reply that holds all of it.
    pub stream: bool,
}

impl Request {
    /// A request of priority 0 that never expires.
    pub fn new(key: u64, ask: Ask, inputs: Vec<Input>) -> Self {
        Self {
            key,
            ask,
            model: String::new(),
            inputs,
            priority: 0,
            tenant: 0,
            expires: None,
            cancelled: CancelFlag::default(),
            stream: false,
        }
    }

    /// A request for the vectors of texts, of priority 0 and without end.
    pub fn embed(key: u64, texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let inputs = texts
            .into_iter()
            .map(|text| Input::Text(text.into()))
            .collect();
        Self::new(key, Ask::Embed, inputs)
    }

    /// Bytes of all inputs.
    pub fn bytes(&self) -> usize {
        self.inputs.iter().map(Input::bytes).sum()
    }

    /// About how many tokens all inputs have.
    pub(crate) fn estimated_tokens(&self) -> u64 {
        let tokens = self.inputs.iter().map(Input::estimated_tokens);
        tokens.map(u64::from).sum()
    }
}

/// What became of a request. Every admitted request gets exactly one.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The key of the request.
    pub key: u64,
    /// The answer, or why there is none.
    pub result: Result<Answer, RequestError>,
    /// How long the model ran in the passes that served this request; zero if it never ran.
    pub took: Duration,
    /// How long all that came before took.
    pub timings: Timings,
    /// How many other requests shared at least one of these passes.
    pub batched_with: usize,
    /// The replica that served it, counted from 0 in the order of opening, if one did.
    pub replica: Option<usize>,
}

/// How long a request took before its model ran. The parts do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// It waited: for a tokeniser, and then for a replica.
    pub queued: Duration,
    /// Its inputs were encoded.
    pub encoded: Duration,
    /// From the moment a replica took it until its first pass began.
    pub formed: Duration,
}

/// What a model says.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Which model answered: its name, `@` and the start of the SHA-256 of its weights.
    pub version: String,
    /// One for each input, in the order of the inputs.
    pub outputs: Vec<Output>,
    /// Tokens of all inputs, without padding.
    pub tokens: u32,
}

/// Why an admitted request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Its time was over before the model was free.
    #[error("the request expired before the model was free")]
    Expired,
    /// The sender gave it up.
    #[error("the request was cancelled")]
    Cancelled,
    /// The model answered with numbers that are not finite; it is made anew.
    #[error("the model's output holds NaN or infinity (first in batch item {item:?})")]
    Poisoned {
        /// The first bad output of the batch, counted from 0.
        item: usize,
    },
    /// The model panicked; it is made anew.
    #[error("the model panicked: {message:?}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// The model refused the batch and goes on.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The model cannot do what was asked.
    #[error("model {version:?} cannot {}", skill.name())]
    Unskilled {
        /// The model's version.
        version: String,
        /// What was asked.
        skill: Skill,
    },
    /// The model answered with another number of outputs than there were inputs; it is made anew.
    #[error("the model gave {got:?} outputs for {expected:?} inputs")]
    WrongCount {
        /// Inputs of the batch.
        expected: usize,
        /// Outputs of the batch.
        got: usize,
    },
    /// The model did not end its work within the limit. Its thread is left behind and its answer,
    /// should it come, is thrown away; another thread makes the model anew.
    #[error("the model hung: it was given up after {limit:?}")]
    Hung {
        /// The limit.
        limit: Duration,
    },
    /// The replica was killed while it served the request.
    #[error("the replica was killed")]
    Killed,
    /// One input alone needs more memory than a pass may have.
    #[error("a pass needs {needs:?} bytes by the model's estimate, and {most:?} are allowed")]
    TooMuchMemory {
        /// The estimate, in bytes.
        needs: u64,
        /// What the port allows.
        most: u64,
    },
    /// No replica serves what the request names any more.
    #[error("no replica serves {model:?} any more")]
    NoReplica {
        /// The model or the replica.
        model: String,
    },
    /// The port lost the request. This is a bug.
    #[error("the port lost the request; this is a bug")]
    Lost,
    /// The model failed too often in a row; the replica answers nothing any more.
    #[error("the replica is out of order after {restarts:?} restarts: {reason}")]
    WorkerDied {
        /// How often the model was made anew in vain.
        restarts: u32,
        /// What ended it.
        reason: String,
    },
}

impl RequestError {
    /// Whether the model goes on after it: a refusal leaves it usable, anything else may have
    /// broken it.
    pub(crate) fn leaves_model_usable(&self) -> bool {
        matches!(self, Self::Backend(error) if !matches!(error, BackendError::Lost { .. }))
    }
}

/// Why a request is not admitted. It is refused at once and gets no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many requests, or too many bytes or tokens of them, are on their way.
    #[error(
        "the port is full: {requests:?} requests with {bytes:?} bytes and {tokens:?} tokens are \
         on their way; receive replies, or send later"
    )]
    QueueFull {
        /// Requests without a received reply.
        requests: usize,
        /// Bytes of their inputs.
        bytes: usize,
        /// Tokens of their inputs, guessed where they have not been counted.
        tokens: u64,
    },
    /// The request alone is larger than the port ever admits.
    #[error("the request has {bytes:?} bytes and the port admits {most:?}; split it")]
    TooLarge {
        /// Bytes of its inputs.
        bytes: usize,
        /// What the port admits.
        most: usize,
    },
    /// The request alone has more tokens than the port ever admits.
    #[error("the request has about {tokens:?} tokens and the port admits {most:?}; split it")]
    TooLong {
        /// Tokens of its inputs, guessed from their bytes.
        tokens: u64,
        /// What the port admits.
        most: u64,
    },
    /// No replica has such a model.
    #[error("no replica has model {model:?}")]
    UnknownModel {
        /// What was asked for.
        model: String,
    },
    /// The replica is out of use.
    #[error("replica {replica:?} was taken away")]
    ReplicaGone {
        /// What was asked for.
        replica: usize,
    },
    /// There is no such replica.
    #[error("there is no replica {replica:?}; the port has {replicas:?}")]
    UnknownReplica {
        /// What was asked for.
        replica: usize,
        /// How many there are.
        replicas: usize,
    },
    /// The port closes.
    #[error("the port is closed")]
    Closed,
}
