//! Draws the space, its agents, replicas and the flow of subtasks in 3D.
//!
//! Add [`ViewPlugin`] to an app with a window that runs a scene (`rooms`) on an engine (`schedule`).
//! Everything drawn follows from the components that mirror the engine, in the same frame; only the
//! motion between two states is the picture's own.

mod camera;
mod figure;
mod flight;
mod flow;
mod furniture;
mod kit;
mod label;
mod layout;
mod light;
mod palette;
mod pile;
mod posture;
mod rack;
mod screen;
mod space;
mod stage;
mod token;
mod workbench;

#[cfg(test)]
mod picture;
#[cfg(test)]
mod showroom;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use crate::{
    label::{Label, LabelKind, Labels},
    palette::{agent_rgb, skill_color, skill_rgb},
    stage::{StagePlugin, StageRoot, ViewPlugin, ViewSystems, clear_stage},
    token::Token,
};
