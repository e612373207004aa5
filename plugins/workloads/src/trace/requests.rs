//! All requests of a trace, packed: 16 bytes each, however many use them.

use std::{io::BufRead, sync::Arc};

use sim::SimTime;

use super::{Request, Trace, TraceFormat};
use crate::error::{Problem, ReadError};

/// The most requests that are kept.
const MOST: usize = 10_000_000;

/// The requests of a trace, in order, without the hashes of their prefixes. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests(Arc<Vec<Packed>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packed {
    arrival: SimTime,
    prompt_tokens: u32,
    output_tokens: u32,
}

impl Requests {
    /// Reads a trace to its end, line by line.
    ///
    /// # Errors
    /// For the first line that is wrong, if there is no request, or if there are more than ten
    /// million.
    pub fn read(reader: impl BufRead, format: TraceFormat) -> Result<Self, ReadError> {
        let mut packed = Vec::new();
        for request in Trace::new(reader, format) {
            let Request {
                arrival,
                prompt_tokens,
                output_tokens,
                ..
            } = request?;
            if packed.len() == MOST {
                return Err(refused(format!(
                    "the trace has more than {MOST} requests; split it"
                )));
            }
            packed.push(Packed {
                arrival,
                prompt_tokens,
                output_tokens,
            });
        }
        if packed.is_empty() {
            return Err(refused("the trace has no requests; add some".to_owned()));
        }
        packed.shrink_to_fit();
        Ok(Self(Arc::new(packed)))
    }

    /// How many there are; at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Number `n`, from 0.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, n: usize) -> Request {
        let Packed {
            arrival,
            prompt_tokens,
            output_tokens,
        } = self.0[n];
        Request {
            arrival,
            prompt_tokens,
            output_tokens,
            prefix_hashes: Vec::new(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Request> + '_ {
        (0..self.len()).map(|n| self.get(n))
    }
}

/// A problem with the trace as a whole.
fn refused(message: String) -> ReadError {
    ReadError {
        line: 1,
        column: 1,
        problem: Problem::Other(message),
    }
}
