//! Why a command ended without what was asked for, and the exit code that says so.

use std::{io, path::PathBuf, process::ExitCode};

use agents::TranscriptError;
use inference::StoreError;
use record::RecordError;
use rooms::SceneError;
use schedule::PoolError;
use workloads::FileError;

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    /// A scene file is wrong.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// A meeting file is wrong.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// A journal cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An instance or a schedule is wrong.
    #[error(transparent)]
    Workload(#[from] FileError),
    /// A model cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The resources of a scene make no pool.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// An option does not go with another, or not with this scene.
    #[error("{0}")]
    Usage(String),
    /// A thread could not be started.
    #[error("cannot start a thread for a model: {0}")]
    Thread(io::Error),
    /// A file cannot be read or written.
    #[error("cannot {doing} {path:?}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// There is nowhere to open a window.
    #[cfg(feature = "desktop")]
    #[error("no display to open a window on ({0}); `diorama run SCENE` runs without one")]
    NoDisplay(String),
    /// This program was built without its window.
    #[cfg(not(feature = "desktop"))]
    #[error("this build of diorama has no window; `diorama run SCENE` runs without one")]
    NoDesktop,
    /// The run ended, but tasks failed.
    #[error("{failed} of {tasks} tasks failed; the journal {journal:?} says why: {first}")]
    TasksFailed {
        /// How many.
        failed: usize,
        /// Out of how many.
        tasks: usize,
        /// Where it is written down.
        journal: PathBuf,
        /// The first failure.
        first: String,
    },
    /// A model was asked, and did not answer all.
    #[error("{failed} of {asked} requests have no answer; the first: {first}")]
    Unanswered {
        /// How many.
        failed: usize,
        /// Out of how many.
        asked: usize,
        /// The first of them, and why.
        first: String,
    },
    /// A what-if came to its end, and nothing meets its goal.
    #[error("nothing is sure to keep {0}")]
    GoalNotMet(String),
    /// Ctrl-C.
    #[error("interrupted{0}")]
    Interrupted(String),
    /// Several inputs are wrong; each was reported.
    #[error("{0}")]
    Checked(String),
}

impl AppError {
    /// The exit code that `diorama --help` documents.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::TasksFailed { .. } | Self::Unanswered { .. } | Self::GoalNotMet(_) => 1,
            Self::Usage(_) => 2,
            Self::Scene(_)
            | Self::Transcript(_)
            | Self::Workload(_)
            | Self::Pool(_)
            | Self::Checked(_) => 3,
            Self::Record(error) => match error {
                RecordError::Io { doing: "read", .. } => 3,
                RecordError::Io { .. } | RecordError::DiskFull { .. } => 5,
                _ => 3,
            },
            Self::Store(StoreError::Cancelled) => 130,
            Self::Store(
                StoreError::UnknownModel { .. }
                | StoreError::UnknownVersion { .. }
                | StoreError::BadName { .. }
                | StoreError::State { .. },
            ) => 2,
            Self::Store(StoreError::Refused { .. }) => 3,
            Self::Store(StoreError::NoSpace { .. } | StoreError::Io { .. }) => 5,
            Self::Store(_) => 4,
            Self::Io { doing: "read", .. } => 3,
            Self::Io { .. } | Self::Thread(_) => 5,
            #[cfg(feature = "desktop")]
            Self::NoDisplay(_) => 6,
            #[cfg(not(feature = "desktop"))]
            Self::NoDesktop => 6,
            Self::Interrupted(_) => 130,
        })
    }
}
