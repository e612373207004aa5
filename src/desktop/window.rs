//! The window's plugins: Bevy's own, as Diorama wants them.

use bevy::{
    DefaultPlugins,
    app::{PluginGroup as _, PluginGroupBuilder},
    prelude::{Window, WindowPlugin},
    window::{PresentMode, WindowResolution},
};

use crate::logging;

/// A window with this title and size in pixels.
pub(super) fn plugins(title: String, (width, height): (u32, u32)) -> PluginGroupBuilder {
    let window = Window {
        title,
        name: Some("diorama".to_owned()),
        resolution: WindowResolution::new(width, height),
        present_mode: PresentMode::AutoVsync,
        ..Default::default()
    };
    DefaultPlugins
        .set(WindowPlugin {
            primary_window: Some(window),
            ..Default::default()
        })
        .set(logging::plugin())
}
