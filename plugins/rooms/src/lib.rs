//! Reads scene files and turns them into spaces, stations, agents and resources.
//!
//! [`Scene::read`] gives a checked [`Scene`] or a [`SceneError`] that says what is wrong, where, and what
//! to do; [`RoomsPlugin`] brings it into an app. The format is described in this crate's README.

mod agent;
mod at;
mod bounds;
mod check;
mod decomposition;
mod error;
mod explain;
mod file;
mod graph;
mod hardware;
mod machine;
mod names;
mod parse;
mod part_graph;
mod plugin;
mod profile;
mod resolve;
mod scene;
mod source;
mod space;
mod spec;
mod station;

pub use crate::{
    agent::{Agent, Role},
    decomposition::{Decomposition, Part, PartRef, Per, Way},
    error::{Problem, SceneError},
    file::{SceneFile, scene_files},
    hardware::{Device, DeviceKind, Model, Replica},
    machine::Machine,
    plugin::{CurrentScene, Place, RoomsPlugin, spawn_scene},
    profile::{ByProfile, CALIBRATED, latency_by},
    scene::{Camera, Scene},
    source::{Fault, Moment, MomentKind, Source, SourceKind},
    space::{Look, Space},
    station::{Prop, PropKind, Station, StationKind},
};
