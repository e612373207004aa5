//! Reads the Azure LLM inference traces. Patel et al. (2024), "Splitwise: efficient generative LLM
//! inference using phase splitting".

use sim::SimTime;

use super::{Request, lines::Line, timestamp};
use crate::error::ReadError;

/// The names of the columns, in the order in which a row is taken in.
const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// What is known after the lines so far.
#[derive(Debug, Default)]
pub(super) struct Azure {
    /// Where each column stands; `None` before the head.
    places: Option<[usize; 3]>,
    /// The instant of the first request.
    first: Option<i64>,
}

impl Azure {
    /// The request of a line; `None` for the head.
    pub(super) fn read(&mut self, line: &Line<'_>) -> Result<Option<Request>, ReadError> {
        let Some(places) = self.places else {
            self.places = Some(head(line)?);
            return Ok(None);
        };
        let [time, prompt, output] = places.map(|place| nth_field(line.text, place));
        let missing = |name| {
            let message = format!("the line has no {name}; it may be cut off");
            line.error(line.text.len(), message)
        };
        let (at, text) = time.ok_or_else(|| missing(COLUMNS[0]))?;
        let instant = timestamp::parse(text).ok_or_else(|| {
            let message = "this is no instant; it must look like 2023-11-16 18:17:03.9799600";
            line.error(at, message)
        })?;
        let tokens = |field: Option<(usize, &str)>, name| {
            let (at, text) = field.ok_or_else(|| missing(name))?;
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse::<u32>().ok().filter(|_| is_plain);
            number.ok_or_else(|| {
                let message = format!("{name} must be a whole number from 0 to {}", u32::MAX);
                line.error(at, message)
            })
        };
        let first = *self.first.get_or_insert(instant);
        Ok(Some(Request {
            // What comes before the first request is refused there, as any disorder is.
            arrival: match u64::try_from(instant - first) {
                Ok(nanos) => SimTime(nanos),
                Err(_) => {
                    let message =
                        "the request arrives before the first one; sort the trace by time";
                    return Err(line.error(at, message));
                }
            },
            prompt_tokens: tokens(prompt, COLUMNS[1])?,
            output_tokens: tokens(output, COLUMNS[2])?,
            prefix_hashes: Vec::new(),
        }))
    }
}

/// Where each column stands.
fn head(line: &Line<'_>) -> Result<[usize; 3], ReadError> {
    let mut places = [0; 3];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let mut names = line.text.split(',').map(str::trim);
        *place = names
            .position(|name| name.eq_ignore_ascii_case(column))
            .ok_or_else(|| {
                let message = format!(
                    "the first line names no column {column}; it must be {}",
                    COLUMNS.join(",")
                );
                line.error(0, message)
            })?;
    }
    Ok(places)
}

/// A field of a line, and at which byte it begins.
fn nth_field(text: &str, n: usize) -> Option<(usize, &str)> {
    let field = text.split(',').nth(n)?;
    let at = field.as_ptr().addr() - text.as_ptr().addr();
    let trimmed = field.trim_ascii();
    Some((at + field.len() - field.trim_ascii_start().len(), trimmed))
}
