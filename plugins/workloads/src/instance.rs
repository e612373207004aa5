//! Instances: one file a format, each read twice, first to check and then to build.

mod fajsp;
mod fjsp;
mod hfsp;
mod jsp;
mod precedence;
mod sink;
mod stg;

use plan::Instance;

use self::sink::{Building, Checking, Sink};
use crate::{
    cursor::Cursor,
    error::{Problem, ReadError},
    format::Format,
};

/// The most processors that a caller may ask for.
const MOST_PROCESSORS: usize = 4096;

/// The most pairs of operation and resource.
const MOST_MODES: usize = 1 << 23;

/// What a file does not say itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// How many identical processors there are, for the formats that do not say.
    pub processors: Option<u32>,
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
    read(text, format, options, &mut Checking)?;
    let mut building = Building::new(name);
    read(text, format, options, &mut building)?;
    building
        .build()
        .map_err(|problem| ReadError::at(text, 0, problem.into()))
}

/// Whether a text is an instance of a format; with processors, if it needs to be told of them.
pub(crate) fn fits(text: &str, format: Format) -> bool {
    let options = ReadOptions {
        processors: Some(1),
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
            let processors = options.processors.map_or(0, |n| n as usize);
            if !(1..=MOST_PROCESSORS).contains(&processors) {
                let problem = Problem::NoProcessors {
                    format,
                    most: MOST_PROCESSORS,
                };
                return Err(ReadError::at(text, 0, problem));
            }
            stg::read(&mut cursor, processors, sink)
        }
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
