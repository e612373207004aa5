//! Gives agents their behaviour: they take tasks on, decompose them and do their share of the work.

mod fact;

pub use crate::fact::{AgentFact, Quote};
