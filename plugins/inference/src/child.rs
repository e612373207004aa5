//! Runs models from outside the project in a child process, with limits of its own.
//!
//! A model file is input from elsewhere: what reads it may hang, eat all memory, crash, or be led
//! astray. So this executable is started anew as a child ([`serve_if_child`], first in `main`) which
//! limits itself before it reads anything, makes the model, and answers over its standard input and
//! output. [`InChild`] is the [`crate::Backend`] in front of it. Whatever becomes of the child ends
//! the requests it has with a reason; nothing of the parent dies.
//!
//! | limit | how | where |
//! |---|---|---|
//! | memory | `RLIMIT_DATA` | Linux |
//! | open files; no byte written to a file; no core dump | `RLIMIT_NOFILE`, `RLIMIT_FSIZE`, `RLIMIT_CORE` | Linux |
//! | processor time, if wanted | `RLIMIT_CPU` | Linux |
//! | reads the model's files and what the processor is, and no others, opens nothing to write, starts no program | Landlock | Linux ≥ 5.13 |
//! | no TCP connection | Landlock | Linux ≥ 6.7 |
//! | no signal to, and no abstract socket of, other processes | Landlock | Linux ≥ 6.12 |
//! | an empty environment: no key, no proxy | | everywhere |
//! | ends with its parent | its input closes; on Linux also `PR_SET_PDEATHSIG` | everywhere |
//! | patience: to start, to encode, to answer | the parent kills it | everywhere |
//!
//! Where a limit cannot be had, the child says so when it starts, and the parent logs it.

mod in_child;
mod limits;
mod link;
mod process;
mod protocol;
mod serve;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use self::{
    in_child::InChild,
    serve::{serve_if_child, serve_if_child_with},
};

/// Set in the environment of a child; holds what it needs to know before it listens.
const VARIABLE: &str = "DIORAMA_MODEL_CHILD";

/// Whether this executable would serve if it were started as a child.
static CAN_SERVE: AtomicBool = AtomicBool::new(false);

/// Whether `main` has called [`serve_if_child`]. Without it there are no children: this executable
/// started anew would be a second app.
fn can_serve() -> bool {
    CAN_SERVE.load(Ordering::Acquire)
}

/// How a child makes its model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Which maker makes it.
    pub maker: String,
    /// What the maker is told.
    pub argument: String,
    /// The files and folders that the child may read.
    pub files: Vec<PathBuf>,
}

/// The limits of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildOptions {
    /// Bytes of memory that it may take for its data.
    pub memory_bytes: u64,
    /// Files that it may have open at once.
    pub open_files: u64,
    /// Seconds of processor time in its whole life, all threads together; `None` for no limit.
    pub cpu_secs: Option<u64>,
    /// How long it may take to start and to make its model.
    pub start: Duration,
    /// How long it may take to encode an input.
    pub encode: Duration,
    /// How long it may take to answer a batch, or to bring its sequences a step further.
    pub answer: Duration,
    /// The program to start; `None` for this executable. It must serve as a child, too.
    pub program: Option<PathBuf>,
}

impl ChildOptions {
    /// The usual limits, with memory for a model whose files have so many bytes: the files, what is
    /// made of them, and batches.
    pub fn for_files(bytes: u64) -> Self {
        Self {
            memory_bytes: (1 << 30) + 4u64.saturating_mul(bytes),
            ..Self::default()
        }
    }
}

impl Default for ChildOptions {
    fn default() -> Self {
        Self {
            memory_bytes: 4 << 30,
            open_files: 64,
            cpu_secs: None,
            // All below the patience of a port, which would say less.
            start: Duration::from_secs(50),
            encode: Duration::from_secs(10),
            answer: Duration::from_secs(50),
            program: None,
        }
    }
}

/// What a child knows before it listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Errand {
    /// The process that it serves, and ends with.
    parent: u32,
    memory_bytes: u64,
    open_files: u64,
    cpu_secs: Option<u64>,
    files: Vec<PathBuf>,
}
