//! The engine from outside: whole runs, policies, failures, the validator and the mirror.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod analytic;
mod critical;
mod defining;
mod device_memory;
mod failures;
mod growth;
mod mapping;
#[cfg(feature = "bevy")]
mod mirror;
mod new_rules;
mod planned;
mod policies;
mod promises;
mod random_runs;
mod reference;
mod refusals;
mod runs;
mod shortcuts;
mod support;
mod travel;
mod validator;
