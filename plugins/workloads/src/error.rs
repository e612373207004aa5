//! Why a file is refused: where, what is wrong, and what to do.

use plan::InstanceError;

use crate::format::Format;

/// Why a file is refused. Printed: `line 3, column 5: what; what to do`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl ReadError {
    /// A problem at a byte of `text`.
    pub(crate) fn at(text: &str, byte: usize, problem: Problem) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem,
        }
    }
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The file ends before all is said.
    #[error("the file ends here, {expected} is missing; the file may be cut off")]
    Ends {
        /// What should come.
        expected: &'static str,
    },
    /// The file goes on after all is said.
    #[error("{found:?} comes after the last {last}; remove it or correct the counts before it")]
    Trailing {
        /// The first word of what is left.
        found: String,
        /// What came last.
        last: &'static str,
    },
    /// A word is not the number it should be.
    #[error("{what} is {found:?}; it must be {must}")]
    BadNumber {
        /// Which number.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What it may be.
        must: String,
    },
    /// A count promises more than the file can hold.
    #[error(
        "{what} is {found}, more than the rest of the file can hold; correct it or complete the file"
    )]
    Promises {
        /// Which count.
        what: &'static str,
        /// What it is.
        found: usize,
    },
    /// A machine is named twice for one operation.
    #[error("machine {machine} is named twice for one operation; keep one")]
    SameMachine {
        /// As the file counts.
        machine: usize,
    },
    /// The file is not what it should be, as the message says.
    #[error("{0}")]
    Other(String),
    /// The parts do not make an instance.
    #[error("{0}")]
    Instance(#[from] InstanceError),
    /// Tasks wait for each other.
    #[error("task {task} comes after itself, by way of its predecessors; break the cycle")]
    Cycle {
        /// One of them, as the file counts.
        task: usize,
    },
    /// The instance would be too large to hold.
    #[error("the instance would have {found} {what}, more than {most}; split it")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many there would be.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// The format does not say how many processors there are.
    #[error(
        "the format {format} does not say how many processors there are; give their number, from 1 to {most}"
    )]
    NoProcessors {
        /// Which format.
        format: Format,
        /// How many there may be.
        most: usize,
    },
}
