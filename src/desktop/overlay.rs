//! Lets the panels write what the view wants written: names over heads and speech bubbles; and keeps
//! the 3D picture within the part of the window that the panels leave free.

use agents::AgentFact;
use bevy::{
    camera::Viewport,
    math::UVec2,
    prelude::{
        App, Camera, Camera3d, Changed, DetectChanges as _, IntoScheduleConfigs as _,
        MessageReader, PostUpdate, Query, Res, ResMut, Resource, Update, Window, With,
    },
    window::PrimaryWindow,
};
use panels::{FreeRect, Overlay, OverlayLabel};
use rooms::CurrentScene;
use schedule::{OwnerId, ResourceId};
use sim::{Fact, RunControl, SimSpan, SimTime};
use view::{Labels, ViewSystems, agent_rgb};

/// Words that people read in a second, for how long a bubble stays.
const WORDS_PER_SEC: f64 = 2.5;
const NOTE_RGB: [u8; 3] = [225, 228, 232];

/// What was said last, by whom, and until when it is shown.
#[derive(Resource, Default)]
struct Speech(Option<(OwnerId, String, SimTime)>);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Speech>()
        .add_systems(Update, (listen, fit_viewport))
        .add_systems(PostUpdate, fill_overlay.after(ViewSystems::Label));
}

/// Remembers what an agent said last.
fn listen(
    mut facts: MessageReader<Fact<AgentFact>>,
    scene: Res<CurrentScene>,
    mut speech: ResMut<Speech>,
) {
    for Fact { at, what, .. } in facts.read() {
        let (agent, text) = match what {
            AgentFact::TurnSpoken { speaker, text, .. } => {
                (scene.agent_named(speaker).map(|agent| agent.id), text)
            }
            AgentFact::Said { agent, text } => (Some(*agent), text),
            _ => continue,
        };
        let secs = text.split_whitespace().count() as f64 / WORDS_PER_SEC;
        speech.0 = agent.map(|agent| {
            (
                agent,
                text.clone(),
                *at + SimSpan::from_secs_f64(secs + 1.0),
            )
        });
    }
}

/// Gives the 3D camera the free part of the window.
fn fit_viewport(
    free: Res<FreeRect>,
    windows: Query<&Window, With<PrimaryWindow>>,
    resized: Query<(), (Changed<Window>, With<PrimaryWindow>)>,
    mut cameras: Query<&mut Camera, With<Camera3d>>,
) {
    let Ok(window) = windows.single() else { return };
    if !free.is_changed() && resized.is_empty() {
        return;
    }
    let scale = window.scale_factor();
    let window_size = window.physical_size();
    let min = (free.0.min * scale).as_uvec2().min(window_size);
    let max = (free.0.max * scale).as_uvec2().min(window_size);
    let size = max.saturating_sub(min);
    let viewport = (size.x > 1 && size.y > 1).then(|| Viewport {
        physical_position: min,
        physical_size: size.max(UVec2::ONE),
        ..Default::default()
    });
    for mut camera in &mut cameras {
        camera.viewport.clone_from(&viewport);
    }
}

/// Hands the labels of the view over to the panels.
fn fill_overlay(
    labels: Res<Labels>,
    speech: Res<Speech>,
    control: Res<RunControl>,
    mut overlay: ResMut<Overlay>,
) {
    overlay.0.clear();
    for label in &labels.list {
        let Some(screen) = label.screen else {
            continue;
        };
        let (color, kind) = match label.kind {
            view::LabelKind::Agent(owner) => (agent_rgb(owner), panels::LabelKind::Name),
            view::LabelKind::Replica(ResourceId(_))
            | view::LabelKind::Machine(ResourceId(_))
            | view::LabelKind::Overflow => (NOTE_RGB, panels::LabelKind::Note),
        };
        overlay.0.push(OverlayLabel {
            screen,
            text: label.text.to_string(),
            color,
            kind,
        });
        if let (view::LabelKind::Agent(owner), Some((speaker, text, until))) =
            (label.kind, &speech.0)
            && owner == *speaker
            && control.shown() <= *until
        {
            let kind = panels::LabelKind::Speech;
            overlay.0.push(OverlayLabel {
                screen,
                text: text.clone(),
                color,
                kind,
            });
        }
    }
}
