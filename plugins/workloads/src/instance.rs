//! Instances: one file a format, each read twice, first to check and then to build.

mod fajsp;
mod fjsp;
mod hfsp;
mod jsp;
mod precedence;
mod sink;
mod stg;

use plan::Instance;

pub(crate) use self::precedence::Precedence;
use self::sink::{Building, Checking, Sink};
use crate::{
    cursor::Cursor,
    error::{Problem, ReadError},
    format::Format,
    workflow::read_workflow,
};

/// The most processors that a caller may ask for.
const MOST_PROCESSORS: usize = 4096;

/// The most pairs of operation and resource.
const MOST_MODES: usize = 1 << 23;

/// What a file does not say itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// How many identical processors there are, for the formats that do not say; at most 4096.
    pub processors: Option<u32>,
    /// Data per unit of time between any two resources (`WfFormat`: bytes per second); `None`: data
    /// arrives at once.
    pub bandwidth: Option<f64>,
    /// How long any data takes at least, if there is a bandwidth.
    pub latency: f64,
}

/// The instance that a text holds. Jobs, operations and resources are counted from 0 in the order of
/// the text; see the README of this crate for each format.
///
/// The text is checked as a whole before anything is built, so that a bad one costs next to nothing.
///
/// # Errors
/// The first thing that is wrong, with line, column, and what to do.
pub fn read_instance(
    text: &str,
    format: Format,
    name: &str,
    options: &ReadOptions,
) -> Result<Instance, ReadError> {
    if format == Format::WfFormat {
        return of_workflow(text, name, options);
    }
    read(text, format, options, &mut Checking)?;
    let mut building = Building::new(name);
    read(text, format, options, &mut building)?;
    building
        .build()
        .map_err(|problem| ReadError::at(text, 0, problem.into()))
}

fn of_workflow(text: &str, name: &str, options: &ReadOptions) -> Result<Instance, ReadError> {
    let workflow = read_workflow(text)?;
    if options.processors.is_some() || workflow.machines.is_empty() {
        processors(text, Format::WfFormat, options)?;
    }
    let n_resources = options
        .processors
        .map_or(workflow.machines.len(), |n| n as usize);
    let found = n_resources.saturating_mul(workflow.tasks.len());
    check_modes(&Cursor::new(text), found)?;
    workflow
        .instance(name, options)
        .map_err(|problem| ReadError::at(text, 0, problem.into()))
}

/// How many processors there are to be.
fn processors(text: &str, format: Format, options: &ReadOptions) -> Result<usize, ReadError> {
    options
        .processors
        .map(|n| n as usize)
        .filter(|n| (1..=MOST_PROCESSORS).contains(n))
        .ok_or_else(|| {
            let most = MOST_PROCESSORS;
            ReadError::at(text, 0, Problem::NoProcessors { format, most })
        })
}

/// Whether a text is an instance of a format; with processors, if it needs to be told of them.
pub(crate) fn fits(text: &str, format: Format) -> bool {
    let options = ReadOptions {
        processors: Some(1),
        ..ReadOptions::default()
    };
    read(text, format, &options, &mut Checking).is_ok()
}

fn read(
    text: &str,
    format: Format,
    options: &ReadOptions,
    sink: &mut impl Sink,
) -> Result<(), ReadError> {
    let mut cursor = Cursor::new(text);
    match format {
        Format::Fjsp => fjsp::read(&mut cursor, sink),
        Format::Fajsp => fajsp::read(&mut cursor, sink),
        Format::Jsp => jsp::read(&mut cursor, sink),
        Format::Hfsp => hfsp::read(&mut cursor, sink),
        Format::Stg => {
            let n_processors = processors(text, format, options)?;
            stg::read(&mut cursor, n_processors, sink)
        }
        Format::WfFormat => read_workflow(text).map(drop),
    }
}

/// Refuses an instance with too many pairs of operation and resource.
fn check_modes(cursor: &Cursor<'_>, found: usize) -> Result<(), ReadError> {
    if found <= MOST_MODES {
        return Ok(());
    }
    Err(cursor.error_here(Problem::TooLarge {
        what: "pairs of operation and resource",
        found,
        most: MOST_MODES,
    }))
}
