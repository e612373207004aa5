//! Reads benchmark instances, traces and workloads, and schedules that other programs wrote.

mod cursor;
mod error;
mod format;
mod instance;
mod json;
mod schedule_file;

pub use crate::{
    error::{Problem, ReadError},
    format::{Format, UnknownFormat},
    instance::{ReadOptions, read_instance},
    schedule_file::ScheduleFile,
};
