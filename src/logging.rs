//! Messages go to standard error, warnings and errors only unless `RUST_LOG` asks for more.

use bevy::log::{Level, LogPlugin};

/// Bevy's log plugin as Diorama wants it.
pub(crate) fn plugin() -> LogPlugin {
    LogPlugin {
        level: Level::WARN,
        filter: "wgpu=error,naga=error,winit=error,bevy_egui=error,bevy_render=error".to_owned(),
        ..Default::default()
    }
}
