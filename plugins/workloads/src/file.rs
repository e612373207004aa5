//! Files of instances and schedules: opened, bounded in size, and refused with their path.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use plan::Instance;

use crate::{
    error::ReadError,
    format::Format,
    instance::{ReadOptions, read_instance},
    schedule_file::ScheduleFile,
    trace::{Requests, TraceFormat},
    workload::{Change, Workload},
};

/// The largest file that is read whole.
const MOST_BYTES: u64 = 1 << 30;
const MEBIBYTE: u64 = 1 << 20;

/// Why a file is refused. Printed: `path:line:column: what; what to do`.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened or read.
    #[error("{}:1:1: the file cannot be read ({cause}); check the path and its permissions", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// The file is larger than may be read whole.
    #[error("{}:1:1: the file holds more than {} MiB; split it", path.display(), MOST_BYTES / MEBIBYTE)]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The file is not text.
    #[error(
        "{}:{line}:{column}: this is not UTF-8 text; check that it is the right file, or convert it",
        path.display()
    )]
    NotText {
        /// Which file.
        path: PathBuf,
        /// The line of the first byte that is not text, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// The format cannot be told from the file.
    #[error(
        "{}:1:1: the format cannot be told from the file; name it: {names}",
        path.display(),
        names = Format::ALL.map(Format::name).join(", ")
    )]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
    },
    /// The file is not what it should be.
    #[error("{}:{}:{}: {}", path.display(), error.line, error.column, error.problem)]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        error: ReadError,
    },
}

/// The instance that a file holds, named after the file. The format is guessed if it is not given.
///
/// # Errors
/// If the file cannot be read, or for the first thing that is wrong with it.
pub fn read_instance_file(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<Instance, FileError> {
    let text = read_text_file(path)?;
    let format = format
        .or_else(|| Format::guess(path, &text))
        .ok_or_else(|| FileError::UnknownFormat { path: path.into() })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    read_instance(&text, format, &name, options).map_err(|error| invalid(path, error))
}

/// The schedule of an instance that a file holds.
///
/// # Errors
/// If the file cannot be read, or for the first thing that cannot be understood.
pub fn read_schedule_file(path: &Path, instance: &Instance) -> Result<ScheduleFile, FileError> {
    let text = read_text_file(path)?;
    ScheduleFile::read(&text, instance).map_err(|error| invalid(path, error))
}

/// The requests of a trace. The format is guessed if it is not given; a file that does not look like
/// another format is read as CSV.
///
/// # Errors
/// If the file cannot be read, or for the first line that is wrong.
pub fn read_trace_file(path: &Path, format: Option<TraceFormat>) -> Result<Requests, FileError> {
    let unreadable = |cause| FileError::Unreadable {
        path: path.into(),
        cause,
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let start = String::from_utf8_lossy(reader.fill_buf().map_err(unreadable)?);
    let format = format.or_else(|| TraceFormat::guess(path, &start));
    drop(start);
    Requests::read(reader, format.unwrap_or(TraceFormat::Azure))
        .map_err(|error| invalid(path, error))
}

/// The workload that a file holds, with resources changed as `changes` say, and with the traces that
/// it names, from its folder.
///
/// # Errors
/// If a file cannot be read, or for the first thing that is wrong with it.
pub fn read_workload_file(path: &Path, changes: &[Change]) -> Result<Workload, FileError> {
    let text = read_text_file(path)?;
    let mut workload =
        Workload::read_changed(&text, changes).map_err(|error| invalid(path, error))?;
    let missing = workload.missing_traces().into_iter().map(str::to_owned);
    for file in missing.collect::<Vec<_>>() {
        let beside = path.parent().unwrap_or(Path::new("")).join(&file);
        workload.give_trace(&file, &read_trace_file(&beside, None)?);
    }
    Ok(workload)
}

fn invalid(path: &Path, error: ReadError) -> FileError {
    FileError::Invalid {
        path: path.into(),
        error,
    }
}

/// The text of a file.
///
/// # Errors
/// If it cannot be read, holds more than a gibibyte or is not UTF-8.
pub fn read_text_file(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|cause| FileError::Unreadable {
        path: path.into(),
        cause,
    })?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(FileError::TooLarge { path: path.into() });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line_start = good.iter().rposition(|byte| *byte == b'\n');
        let last_line = &good[line_start.map_or(0, |at| at + 1)..];
        FileError::NotText {
            path: path.into(),
            line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: String::from_utf8_lossy(last_line).chars().count() + 1,
        }
    })
}
