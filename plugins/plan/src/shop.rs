//! A compact picture of a shop for searches: whole ticks, dense arrays, one sequence per machine.

mod critical;
mod moves;
mod sequences;
mod ticks;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    critical::CriticalPath,
    moves::{Estimate, Move, Neighbourhood},
    sequences::{Blueprint, NONE, Sequences},
    ticks::Shop,
};
