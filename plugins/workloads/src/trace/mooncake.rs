//! Reads the traces of Mooncake. Qin et al. (2025), "Mooncake: trading more storage for less
//! computation".

use serde::Deserialize;
use serde_json::value::RawValue;
use sim::SimTime;

use super::{Request, lines::Line};
use crate::error::ReadError;

const NANOS_PER_MILLI: u64 = 1_000_000;
/// The latest instant, in milliseconds: 100 years.
const LATEST_MILLIS: u64 = 100 * 366 * 24 * 3600 * 1000;

/// Reads lines, each by itself.
#[derive(Debug)]
pub(super) struct Mooncake;

#[derive(Deserialize)]
struct Row<'a> {
    timestamp: u64,
    input_length: u32,
    output_length: u32,
    #[serde(borrow, default)]
    hash_ids: Option<&'a RawValue>,
}

impl Mooncake {
    /// The request of a line.
    pub(super) fn read(&mut self, line: &Line<'_>) -> Result<Request, ReadError> {
        let row: Row<'_> = serde_json::from_str(line.text).map_err(|error| {
            let message = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = message.strip_suffix(&place).unwrap_or(&message);
            line.error(error.column().saturating_sub(1), message)
        })?;
        if row.timestamp > LATEST_MILLIS {
            return Err(line.error(0, "the timestamp is later than in 100 years; correct it"));
        }
        Ok(Request {
            arrival: SimTime(row.timestamp * NANOS_PER_MILLI),
            prompt_tokens: row.input_length,
            output_tokens: row.output_length,
            prefix_hashes: match row.hash_ids {
                Some(raw) => numbers(line, raw.get())?,
                None => Vec::new(),
            },
        })
    }
}

/// The whole numbers of a JSON list; their count is known before memory is taken.
fn numbers(line: &Line<'_>, list: &str) -> Result<Vec<u64>, ReadError> {
    let inside = list
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let refuse = |part: &str| {
        let at = part.as_ptr().addr() - line.text.as_ptr().addr();
        line.error(at, "hash_ids must be a list of whole numbers")
    };
    let inside = inside.ok_or_else(|| refuse(list))?;
    if inside.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let n = inside.bytes().filter(|byte| *byte == b',').count() + 1;
    let mut numbers = Vec::with_capacity(n);
    for part in inside.split(',') {
        let number = part.trim_ascii().parse::<u64>();
        numbers.push(number.map_err(|_| refuse(part.trim_ascii_start()))?);
    }
    Ok(numbers)
}
