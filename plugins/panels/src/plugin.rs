//! Puts the panels into an app: egui, the camera they are drawn by, and their systems in order.

use agents::{AskRequest, ReplicaRequest};
use bevy::{
    app::{App, Plugin},
    camera::{Camera, Camera2d, CameraOutputMode, ClearColorConfig, visibility::RenderLayers},
    color::Color,
    ecs::schedule::common_conditions::resource_exists,
    math::Rect,
    prelude::{Commands, IntoScheduleConfigs as _, Local, Name, Res, ResMut, Result, Startup},
    render::{render_resource::BlendState, view::Msaa},
};
use bevy_egui::{
    EguiContexts, EguiGlobalSettings, EguiPlugin, EguiPrimaryContextPass, PrimaryEguiContext,
};
use rooms::{CurrentScene, Scene, SourceKind};
use sim::{ControlRequest, RunControl};

use crate::{
    control_bar, crew_panel, fonts, keys,
    layout::{FreeRect, Layout, Shown},
    machine_usage, meeting_panel, models_panel, notice, overlay, replica_board, roster, theme,
    totals_panel,
};

/// Draws after every camera of the scene.
const CAMERA_ORDER: isize = 100;

/// Adds all panels of a run. They read the world and write requests, nothing else.
///
/// Panels whose resource does not exist (no run, no record, no scene) stay away or empty.
pub struct PanelsPlugin;

impl Plugin for PanelsPlugin {
    fn build(&self, app: &mut App) {
        add_egui(app);
        app.add_message::<ControlRequest>()
            .add_message::<AskRequest>()
            .add_message::<ReplicaRequest>()
            .add_message::<inference::ReplyReceived>()
            .add_message::<inference::ReplicaChanged>()
            .init_resource::<replica_board::ModelShelf>()
            .init_resource::<replica_board::ReplicaBoard>()
            .init_resource::<machine_usage::MachineUsage>()
            .init_resource::<models_panel::Asking>()
            .init_resource::<control_bar::RunInfo>()
            .init_resource::<notice::Notices>()
            .init_resource::<overlay::Overlay>()
            .init_resource::<FreeRect>()
            .init_resource::<Layout>()
            .init_resource::<keys::Toggles>()
            .init_resource::<roster::Roster>()
            .init_resource::<meeting_panel::Choice>()
            .add_systems(
                EguiPrimaryContextPass,
                (
                    keys::take_keys,
                    lay_out,
                    (roster::update, replica_board::update),
                    overlay::show,
                    control_bar::show,
                    crew_panel::show,
                    meeting_panel::show,
                    totals_panel::show,
                    models_panel::show,
                    notice::show,
                    keys::show_help,
                )
                    .chain()
                    .run_if(resource_exists::<RunControl>)
                    .after(prepare),
            );
    }
}

/// Adds egui with a camera of its own, once; the scene's cameras may then have any viewport.
pub(crate) fn add_egui(app: &mut App) {
    if !app.is_plugin_added::<EguiPlugin>() {
        app.add_plugins(EguiPlugin::default());
    }
    if !app.is_plugin_added::<ContextPlugin>() {
        app.add_plugins(ContextPlugin);
    }
}

/// Spawns the camera that egui draws with and gives its context the look of the panels.
struct ContextPlugin;

impl Plugin for ContextPlugin {
    fn build(&self, app: &mut App) {
        app.world_mut()
            .resource_mut::<EguiGlobalSettings>()
            .auto_create_primary_context = false;
        app.add_systems(Startup, spawn_camera)
            .add_systems(EguiPrimaryContextPass, prepare);
    }
}

fn spawn_camera(mut commands: Commands) {
    commands.spawn((
        Name::new("panels"),
        PrimaryEguiContext,
        Camera2d,
        RenderLayers::none(),
        Msaa::Off,
        Camera {
            order: CAMERA_ORDER,
            // What egui leaves free stays as the cameras before have drawn it.
            output_mode: CameraOutputMode::Write {
                blend_state: Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                clear_color: ClearColorConfig::None,
            },
            clear_color: ClearColorConfig::Custom(Color::NONE),
            ..Default::default()
        },
    ));
}

/// Sets the look in the first frame and, when its fonts are there, draws their letters beforehand.
pub(crate) fn prepare(mut contexts: EguiContexts, mut n_prepared: Local<u32>) -> Result {
    match *n_prepared {
        0 => theme::apply(contexts.ctx_mut()?),
        1 => fonts::draw_letters(contexts.ctx_mut()?),
        _ => return Ok(()),
    }
    *n_prepared += 1;
    Ok(())
}

/// Divides the window anew in each frame, since its size and what is shown may have changed.
fn lay_out(
    mut contexts: EguiContexts,
    control: Res<RunControl>,
    live: Option<Res<record::Live>>,
    scene: Option<Res<CurrentScene>>,
    toggles: Res<keys::Toggles>,
    mut layout: ResMut<Layout>,
    mut free: ResMut<FreeRect>,
) -> Result {
    let shown = Shown {
        sides: !toggles.sides_hidden,
        meeting: scene.is_none_or(|scene| has_talk(&scene)),
        totals: control.is_finished() && live.is_some(),
    };
    *layout = Layout::of(contexts.ctx_mut()?.content_rect(), shown);
    let (min, max) = (layout.free.min, layout.free.max);
    let rect = FreeRect(Rect::new(min.x, min.y, max.x, max.y));
    if *free != rect {
        *free = rect;
    }
    Ok(())
}

/// Whether there is anything to say or to ask in a scene.
fn has_talk(scene: &Scene) -> bool {
    let is_meeting = |kind: &SourceKind| matches!(kind, SourceKind::Meeting { .. });
    let has_meeting = scene.sources.iter().any(|source| is_meeting(&source.kind));
    has_meeting || agents::answers_questions(scene)
}
