//! What-if: which is the smallest set of devices that meets a goal, and what is traded for what.
//!
//! [`Vary`] says what is turned, [`Goal`] what is wanted. A [`Study`] runs every combination under
//! every policy, and its [`Answer`] says which is the best, or how near anything comes.

mod choice;
mod goal;
mod knob;
mod page;
mod point;
mod study;
mod table;
mod words;
mod workload;

pub use self::{
    goal::{Comparison, Goal, GoalError, Measure, Met},
    knob::{Knob, Setting, Vary, VaryError, combinations, configuration_name},
    page::write_study,
    point::{Configuration, Failure, Findings, Point, Question},
    study::{Answer, Effort, Planned, Study},
    table::{Row, Table},
    workload::{VariableWorkload, VariantError},
};
