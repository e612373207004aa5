//! The remote back-end keeps its order and its temper against a server that does what servers do.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod asked;
mod batch;
mod stream;
mod unruly;
