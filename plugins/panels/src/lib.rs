//! Shows run control, roster and answers beside the 3D view.
//!
//! Add [`PanelsPlugin`] to a desktop app that runs a scene. The panels read the world and write
//! requests: [`sim::ControlRequest`], [`agents::AskRequest`] and [`agents::ReplicaRequest`]. The app fills [`RunInfo`], [`Overlay`],
//! [`Notices`], [`ModelShelf`], [`MachineUsage`] and [`Loading`], and keeps the 3D view within [`FreeRect`].
//! [`PickerPlugin`] shows a list of scenes and writes [`OpenSceneRequest`].

mod ask;
mod control_bar;
mod crew_panel;
mod fonts;
#[cfg(test)]
mod gallery;
mod keys;
mod layout;
mod machine_usage;
mod meeting_panel;
mod models_panel;
mod notice;
mod overlay;
mod palette;
mod picker;
mod plugin;
mod replica_board;
mod roster;
mod theme;
mod totals_panel;
mod words;

pub use crate::{
    control_bar::RunInfo,
    layout::FreeRect,
    machine_usage::MachineUsage,
    notice::{Loading, Notices},
    overlay::{LabelKind, Overlay, OverlayLabel},
    palette::skill_rgb,
    picker::{OpenSceneRequest, PickerItem, PickerItems, PickerPlugin},
    plugin::PanelsPlugin,
    replica_board::{ModelShelf, ShelfModel},
};
