//! What is run: instances and workloads, read from files and known by the hash of their bytes, and
//! simulations that others bring along.

use std::{fmt, fs, path::Path, sync::atomic::AtomicBool};

use plan::Instance;
use schedule::PolicyName;
use workloads::{Format, ReadOptions, Workload, read_instance};

use crate::{run::Run, runner::Runner};

/// Something to be run, by whoever can.
#[derive(Debug)]
pub struct Input {
    /// What people call it: the name of its file.
    pub name: String,
    /// A hash of what it is read from, and of how it is read.
    pub hash: String,
    /// What it is.
    pub kind: InputKind,
}

/// What can be run.
#[derive(Debug)]
pub enum InputKind {
    /// A benchmark instance: for online policies, list schedulers and planners.
    Instance(Box<Instance>),
    /// A workload of the event engine: for online policies.
    Workload(Box<Workload>),
    /// A simulation, such as that of a scene: for online policies.
    Simulation(Simulation),
}

/// Something that only whoever brings it along can run.
pub struct Simulation(Box<Simulate>);

type Simulate = dyn Fn(PolicyName, u64, &AtomicBool) -> Result<Option<Run>, String> + Send + Sync;

impl Simulation {
    /// What `run` runs under a policy with a seed, on any thread and on several at once: the same
    /// for the same two. It ends soon once the flag is set, and gives `None` then; an error says why
    /// it cannot be run.
    pub fn new(
        run: impl Fn(PolicyName, u64, &AtomicBool) -> Result<Option<Run>, String>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Box::new(run))
    }

    /// Runs it once; `Ok(None)` if it was stopped.
    ///
    /// # Errors
    /// Why it cannot be run.
    pub fn run(
        &self,
        policy: PolicyName,
        seed: u64,
        stop: &AtomicBool,
    ) -> Result<Option<Run>, String> {
        (self.0)(policy, seed, stop)
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulation")
    }
}

impl InputKind {
    /// Whether `runner` can run it: only instances are known as a whole before they run, so that
    /// list schedulers and planners take nothing else.
    pub fn suits(&self, runner: Runner) -> bool {
        matches!(self, Self::Instance(_)) || runner.is_online()
    }
}

/// Why an input cannot be used. Printed: `path:line:column: what; what to do`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {what}")]
pub struct InputError {
    /// Which file.
    pub path: String,
    /// Which line, from 1.
    pub line: usize,
    /// Which column, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

impl Input {
    /// A simulation; `hash` is one of all that decides what happens in it, beside policy and seed.
    pub fn simulation(name: impl Into<String>, hash: String, simulation: Simulation) -> Self {
        Self {
            name: name.into(),
            hash,
            kind: InputKind::Simulation(simulation),
        }
    }

    /// Reads an instance, or a workload from a file that ends in `.ron`.
    ///
    /// # Errors
    /// If the file cannot be read, or for the first thing that is wrong with it.
    pub fn read(path: &Path, options: &ReadOptions) -> Result<Self, InputError> {
        let refuse = |line, column, what: String| InputError {
            path: path.display().to_string(),
            line,
            column,
            what,
        };
        let text = fs::read_to_string(path).map_err(|cause| refuse(1, 1, cause.to_string()))?;
        let invalid = |error: workloads::ReadError| {
            refuse(error.line, error.column, error.problem.to_string())
        };
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let kind = if path.extension().is_some_and(|end| end == "ron") {
            InputKind::Workload(Box::new(Workload::read(&text).map_err(invalid)?))
        } else {
            let format = Format::guess(path, &text).ok_or_else(|| {
                refuse(1, 1, "the format cannot be told from the file".to_owned())
            })?;
            let instance = read_instance(&text, format, &name, options).map_err(invalid)?;
            InputKind::Instance(Box::new(instance))
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{name}\n{options:?}\n").as_bytes());
        hasher.update(text.as_bytes());
        Ok(Self {
            name,
            hash: hasher.finalize().to_hex().to_string(),
            kind,
        })
    }
}
