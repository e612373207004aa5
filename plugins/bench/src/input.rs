//! What is run: instances, workloads and traces, read from files and known by the hash of what they
//! hold, and simulations that others bring along.

use std::{fmt, fs::File, io::Read as _, path::Path, sync::atomic::AtomicBool};

use plan::Instance;
use schedule::PolicyName;
use workloads::{
    FileError, Format, ReadOptions, Requests, TraceFormat, Workload, read_instance, read_text_file,
    read_trace_file,
};

use crate::{run::Run, runner::Runner, serving::Serving};

/// How much of a file is looked at to know a trace, in bytes.
const MOST_LOOKED_AT: u64 = 4096;

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
    /// A workload of the event engine, or a trace and who serves it: for online policies.
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

    /// Reads an instance, a workload from a file that ends in `.ron`, or a trace, which four standard
    /// replicas serve (see [`Serving`]).
    ///
    /// # Errors
    /// If the file cannot be read, or for the first thing that is wrong with it.
    pub fn read(path: &Path, options: &ReadOptions) -> Result<Self, InputError> {
        Self::read_served(path, options, &Serving::default())
    }

    /// Does the same, with others to serve traces.
    ///
    /// # Errors
    /// If the file cannot be read, or for the first thing that is wrong with it.
    pub fn read_served(
        path: &Path,
        options: &ReadOptions,
        serving: &Serving,
    ) -> Result<Self, InputError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{name}\n{options:?}\n").as_bytes());
        let kind = if path.extension().is_some_and(|end| end == "ron") {
            InputKind::Workload(Box::new(read_workload(path, &mut hasher)?))
        } else if let Some(format) = trace_format(path)? {
            let requests = read_trace_file(path, Some(format))?;
            hasher.update(serving.text().as_bytes());
            hash_requests(&mut hasher, &requests);
            let workload = serving.serve(&requests);
            InputKind::Workload(Box::new(workload.map_err(|what| refused(path, what))?))
        } else {
            let text = read_text_file(path)?;
            hasher.update(text.as_bytes());
            let format = Format::guess(path, &text)
                .ok_or_else(|| FileError::UnknownFormat { path: path.into() })?;
            let instance = read_instance(&text, format, &name, options);
            let invalid = |error| FileError::Invalid {
                path: path.into(),
                error,
            };
            InputKind::Instance(Box::new(instance.map_err(invalid)?))
        };
        Ok(Self {
            name: name.into_owned(),
            hash: hasher.finalize().to_hex().to_string(),
            kind,
        })
    }
}

/// Whether the file is a trace, and in which format. No more than its start is read.
fn trace_format(path: &Path) -> Result<Option<TraceFormat>, FileError> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_LOOKED_AT).read_to_end(&mut start));
    read.map_err(|cause| FileError::Unreadable {
        path: path.into(),
        cause,
    })?;
    Ok(TraceFormat::guess(path, &String::from_utf8_lossy(&start)))
}

/// A workload with the traces that it names.
fn read_workload(path: &Path, hasher: &mut blake3::Hasher) -> Result<Workload, FileError> {
    let text = read_text_file(path)?;
    hasher.update(text.as_bytes());
    let mut workload = Workload::read(&text).map_err(|error| FileError::Invalid {
        path: path.into(),
        error,
    })?;
    let missing = workload.missing_traces().into_iter().map(str::to_owned);
    for file in missing.collect::<Vec<_>>() {
        let beside = path.parent().unwrap_or(Path::new("")).join(&file);
        let requests = read_trace_file(&beside, None)?;
        hash_requests(hasher, &requests);
        workload.give_trace(&file, &requests);
    }
    Ok(workload)
}

fn hash_requests(hasher: &mut blake3::Hasher, requests: &Requests) {
    for request in requests.iter() {
        hasher.update(&request.arrival.0.to_le_bytes());
        hasher.update(&request.prompt_tokens.to_le_bytes());
        hasher.update(&request.output_tokens.to_le_bytes());
    }
}

fn refused(path: &Path, what: String) -> InputError {
    InputError {
        path: path.display().to_string(),
        line: 1,
        column: 1,
        what,
    }
}

impl From<FileError> for InputError {
    fn from(error: FileError) -> Self {
        // What is printed begins with the place.
        let printed = error.to_string();
        let (path, line, column) = match &error {
            FileError::Invalid { path, error } => (path, error.line, error.column),
            FileError::NotText { path, line, column } => (path, *line, *column),
            FileError::Unreadable { path, .. }
            | FileError::TooLarge { path }
            | FileError::UnknownFormat { path } => (path, 1, 1),
        };
        let path = path.display().to_string();
        let place = format!("{path}:{line}:{column}: ");
        let what = printed.strip_prefix(&place).unwrap_or(&printed).to_owned();
        Self {
            path,
            line,
            column,
            what,
        }
    }
}
