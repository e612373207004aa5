//! Traces of requests to language models, read line by line, however long they are.

mod azure;
mod lines;
mod mooncake;
mod requests;
mod timestamp;

use std::{io::BufRead, path::Path};

use schedule::{OwnerId, Skill, SubtaskSpec, TaskId, TaskSpec};
use sim::SimTime;

pub use self::requests::Requests;
use self::{azure::Azure, lines::Lines, mooncake::Mooncake};
use crate::error::ReadError;

/// A request to a language model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// When it arrives; the first of a trace at 0, unless the trace counts otherwise.
    pub arrival: SimTime,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens that are generated.
    pub output_tokens: u32,
    /// One id for each block of the prompt, the same for the same block with the same blocks before
    /// it; empty if the trace does not say.
    pub prefix_hashes: Vec<u64>,
}

impl Request {
    /// The task of the engine that is request number `n`; everybody is the same tenant.
    pub fn task(&self, n: usize) -> TaskSpec {
        TaskSpec {
            release: Some(self.arrival),
            ..TaskSpec::new(format!("request {n}"), OwnerId(0))
        }
    }

    /// Its one subtask: to generate.
    pub fn subtask(&self, task: TaskId) -> SubtaskSpec {
        SubtaskSpec {
            items: 1,
            tokens: self.prompt_tokens,
            output_tokens: self.output_tokens,
            ..SubtaskSpec::new(task, Skill::Generate)
        }
    }
}

/// The formats of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TraceFormat {
    /// The CSV of the Azure LLM inference traces: `TIMESTAMP,ContextTokens,GeneratedTokens`.
    Azure,
    /// The JSON lines of Mooncake: `timestamp` in milliseconds, `input_length`, `output_length`,
    /// `hash_ids`.
    Mooncake,
}

impl TraceFormat {
    /// The format of a trace: by the extension of its file, `.csv` or `.jsonl`, else by its first line,
    /// with which `start` begins. `None` if it is no trace.
    pub fn guess(path: &Path, start: &str) -> Option<Self> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if extension == "csv" {
            return Some(Self::Azure);
        }
        if extension == "jsonl" {
            return Some(Self::Mooncake);
        }
        let first = start.trim_start_matches('\u{feff}').trim_ascii_start();
        let first = first.lines().next().unwrap_or_default();
        if first.to_ascii_lowercase().contains("contexttokens") {
            return Some(Self::Azure);
        }
        let is_mooncake = first.starts_with('{') && first.contains("\"input_length\"");
        is_mooncake.then_some(Self::Mooncake)
    }
}

/// The requests of a trace, in order. Ends after the first thing that is wrong.
#[derive(Debug)]
pub struct Trace<R> {
    lines: Lines<R>,
    kind: Kind,
    latest: SimTime,
    is_over: bool,
}

#[derive(Debug)]
enum Kind {
    Azure(Azure),
    Mooncake(Mooncake),
}

impl<R: BufRead> Trace<R> {
    /// Reads a trace; nothing is read before the first request is asked for.
    pub fn new(reader: R, format: TraceFormat) -> Self {
        Self {
            lines: Lines::new(reader),
            kind: match format {
                TraceFormat::Azure => Kind::Azure(Azure::default()),
                TraceFormat::Mooncake => Kind::Mooncake(Mooncake),
            },
            latest: SimTime::ZERO,
            is_over: false,
        }
    }

    fn read(&mut self) -> Result<Option<Request>, ReadError> {
        while let Some(line) = self.lines.next_line()? {
            let request = match &mut self.kind {
                Kind::Azure(azure) => azure.read(&line)?,
                Kind::Mooncake(mooncake) => Some(mooncake.read(&line)?),
            };
            let Some(request) = request else {
                // A head.
                continue;
            };
            if request.arrival < self.latest {
                let message = "the request arrives before the one above; sort the trace by time";
                return Err(line.error(0, message));
            }
            self.latest = request.arrival;
            return Ok(Some(request));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Trace<R> {
    type Item = Result<Request, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let request = self.read().transpose();
        self.is_over = !matches!(request, Some(Ok(_)));
        request
    }
}
