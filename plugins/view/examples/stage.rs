//! Shows a scene with made-up work in a window, or takes a picture of it.
//!
//! `cargo run -p view --example stage -- [SCENE] [--speed X] [--screenshot PATH] [--after SECS]`,
//! where `SCENE` is a file in the project's `scenes` folder or `hall:N` for a hall with N agents.

use std::{collections::VecDeque, path::PathBuf, process::ExitCode};

use bevy::{
    prelude::*,
    render::view::screenshot::{Screenshot, ScreenshotCaptured, save_to_disk},
    window::WindowResolution,
};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass, egui};
use rooms::Scene;
use sim::Pace;
use view::{LabelKind, Labels, ViewPlugin};

#[path = "../tests/support/mod.rs"]
mod support;

/// What the command line asks for.
struct Options {
    scene: String,
    speed: f64,
    picture: Option<Picture>,
}

/// A picture to take and leave.
#[derive(Resource)]
struct Picture {
    path: PathBuf,
    after_secs: f32,
    is_taken: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "an example's command line")]
            {
                eprintln!("{error}");
            }
            return ExitCode::FAILURE;
        }
    };
    let load = support::Load {
        n_tasks: 40,
        width: 170,
        gap_secs: 1.2,
        fails_once_in: 29,
    };
    let window = Window {
        title: "Diorama: stage".into(),
        resolution: WindowResolution::new(1280, 720),
        ..default()
    };
    let mut app = App::new();
    app.add_plugins(DefaultPlugins.set(WindowPlugin {
        primary_window: Some(window),
        ..default()
    }))
    .add_plugins(EguiPlugin::default());
    support::add_simulation(
        &mut app,
        scene(&options.scene),
        load,
        Pace::Follow,
        options.speed,
    );
    app.add_plugins(ViewPlugin)
        .add_systems(EguiPrimaryContextPass, write_labels);
    if let Some(picture) = options.picture {
        app.insert_resource(picture)
            .add_systems(Update, take_picture);
    }
    app.run();
    ExitCode::SUCCESS
}

fn options() -> Result<Options, String> {
    let mut args: VecDeque<String> = std::env::args().skip(1).collect();
    let mut options = Options {
        scene: "meeting.scene.ron".into(),
        speed: 1.0,
        picture: None,
    };
    let (mut path, mut after_secs) = (None, 10.0);
    while let Some(arg) = args.pop_front() {
        let mut value = || {
            args.pop_front()
                .ok_or_else(|| format!("{arg:?} needs a value"))
        };
        let number = |text: String| {
            text.parse::<f32>()
                .map_err(|_| format!("{text:?} is no number"))
        };
        match arg.as_str() {
            "--speed" => options.speed = number(value()?)?.into(),
            "--after" => after_secs = number(value()?)?,
            "--screenshot" => path = Some(PathBuf::from(value()?)),
            _ => options.scene = arg,
        }
    }
    options.picture = path.map(|path| Picture {
        path,
        after_secs,
        is_taken: false,
    });
    Ok(options)
}

fn scene(name: &str) -> Scene {
    match name
        .strip_prefix("hall:")
        .and_then(|count| count.parse().ok())
    {
        Some(n_agents) => support::hall(n_agents),
        None => support::scene_file(name),
    }
}

/// Takes the picture when its time has come, and leaves once it is on the disk.
fn take_picture(time: Res<Time<Real>>, mut picture: ResMut<Picture>, mut commands: Commands) {
    if picture.is_taken || time.elapsed_secs() < picture.after_secs {
        return;
    }
    picture.is_taken = true;
    commands
        .spawn(Screenshot::primary_window())
        .observe(save_to_disk(picture.path.clone()))
        .observe(
            |_: On<ScreenshotCaptured>, mut exit: MessageWriter<AppExit>| {
                exit.write(AppExit::Success);
            },
        );
}

/// Writes the labels with egui, as the app does.
fn write_labels(mut contexts: EguiContexts, labels: Res<Labels>) -> Result {
    let context = contexts.ctx_mut()?;
    let painter = context.layer_painter(egui::LayerId::background());
    for label in &labels.list {
        let Some(at) = label.screen else { continue };
        let size = match label.kind {
            LabelKind::Agent(_) => 14.0,
            LabelKind::Replica(_) | LabelKind::Machine(_) => 12.0,
            LabelKind::Overflow => 13.0,
        };
        let font = egui::FontId::proportional(size);
        let text = painter.layout_no_wrap(label.text.to_string(), font, egui::Color32::WHITE);
        let rect = egui::Align2::CENTER_BOTTOM.anchor_size(egui::pos2(at.x, at.y), text.size());
        let backing = egui::Color32::from_black_alpha(130);
        painter.rect_filled(rect.expand2(egui::vec2(5.0, 2.0)), 5.0, backing);
        painter.galley(rect.min, text, egui::Color32::WHITE);
    }
    Ok(())
}
