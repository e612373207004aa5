//! Why a scene file is refused: what is wrong, where, and what to do.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

const MEBIBYTE: u64 = 1 << 20;

/// Why a scene file is refused. Printed, each problem is a line `file:line:column: what; what to do`.
#[derive(Debug, Error)]
pub enum SceneError {
    /// The file cannot be opened or read.
    #[error("{}:1:1: the file cannot be read ({source}); check the path and its permissions", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is larger than any scene should be; it was not read whole.
    #[error(
        "{}:1:1: the file holds more than {} MiB; split the scene or check that this is a scene file",
        .path.display(), .limit / MEBIBYTE
    )]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The most bytes a scene file may have.
        limit: u64,
    },
    /// The file does not hold a valid scene.
    #[error("{}", Lines { path, problems, n_more: *n_more })]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, in the order of the file; at least one.
        problems: Vec<Problem>,
        /// Problems found beyond those listed.
        n_more: usize,
    },
}

/// One thing that is wrong in a scene file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

/// Prints the problems of a file, a line each.
struct Lines<'a> {
    path: &'a Path,
    problems: &'a [Problem],
    n_more: usize,
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for (
            index,
            Problem {
                line,
                column,
                what,
                help,
            },
        ) in self.problems.iter().enumerate()
        {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{path}:{line}:{column}: {what}; {help}")?;
        }
        match self.n_more {
            0 => Ok(()),
            n => write!(f, "\nand {n} more problems like these"),
        }
    }
}
