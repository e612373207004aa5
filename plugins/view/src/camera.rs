//! Puts the camera where the scene wants it and lets the visitor orbit, within bounds.

use std::f32::consts::FRAC_PI_4;

use bevy::{
    core_pipeline::tonemapping::Tonemapping, input::ButtonInput, prelude::*, render::view::Msaa,
};
use bevy_panorbit_camera::{
    EguiWantsFocus, FocusBoundsShape, PanOrbitCamera, PanOrbitCameraPlugin,
};
use rooms::CurrentScene;

/// Steepest and flattest view, in radians above the horizon: never from below the floor.
const PITCH_RANGE: (f32, f32) = (0.06, 1.5);
/// Nearest the camera comes to what it looks at, in metres.
const NEAREST: f32 = 1.5;
/// Vertical angle of view in radians: 45 degrees.
const ANGLE_OF_VIEW: f32 = FRAC_PI_4;

pub(crate) fn plugin(app: &mut App) {
    app.add_plugins(PanOrbitCameraPlugin)
        .add_systems(Startup, spawn_camera)
        .add_systems(
            Update,
            (
                frame_scene.run_if(resource_exists_and_changed::<CurrentScene>),
                reset_on_key.run_if(resource_exists::<CurrentScene>),
            )
                .chain(),
        );
}

/// Where a camera stands around what it looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Orbit {
    focus: Vec3,
    radius: f32,
    yaw: f32,
    pitch: f32,
}

impl Orbit {
    fn of(from: Vec3, to: Vec3) -> Self {
        let out = from - to;
        let radius = out.length().max(NEAREST);
        let pitch = (out.y / radius).clamp(-1.0, 1.0).asin();
        Self {
            focus: to,
            radius,
            yaw: out.x.atan2(out.z),
            pitch: pitch.clamp(PITCH_RANGE.0, PITCH_RANGE.1),
        }
    }
}

fn spawn_camera(mut commands: Commands) {
    commands.spawn((
        Name::new("camera"),
        Camera3d::default(),
        Projection::Perspective(PerspectiveProjection {
            fov: ANGLE_OF_VIEW,
            ..default()
        }),
        Tonemapping::TonyMcMapface,
        Msaa::Sample4,
        Transform::from_xyz(6.0, 6.0, 8.0).looking_at(Vec3::ZERO, Vec3::Y),
        PanOrbitCamera {
            zoom_lower_limit: NEAREST,
            pitch_lower_limit: Some(PITCH_RANGE.0),
            pitch_upper_limit: Some(PITCH_RANGE.1),
            orbit_smoothness: 0.7,
            zoom_smoothness: 0.7,
            ..default()
        },
    ));
}

/// Takes the view and the bounds of a new scene.
fn frame_scene(
    scene: Res<CurrentScene>,
    mut cameras: Query<(&mut PanOrbitCamera, &mut Transform)>,
) {
    let orbit = Orbit::of(scene.camera.from, scene.camera.to);
    let (low, high) = scene
        .spaces
        .iter()
        .fold((orbit.focus, orbit.focus), |(low, high), space| {
            let half = space.size.with_y(0.0) / 2.0;
            (
                low.min(space.position - half),
                high.max(space.position + half + Vec3::Y * space.size.y),
            )
        });
    for (mut camera, mut transform) in &mut cameras {
        camera.focus_bounds_origin = low.midpoint(high);
        camera.focus_bounds_shape = Some(FocusBoundsShape::Cuboid(Cuboid::from_size(high - low)));
        camera.zoom_upper_limit = Some((low.distance(high) * 1.6).max(orbit.radius * 1.5));
        (camera.focus, camera.radius) = (orbit.focus, Some(orbit.radius));
        (camera.yaw, camera.pitch) = (Some(orbit.yaw), Some(orbit.pitch));
        camera.initialized = false;
        *transform =
            Transform::from_translation(scene.camera.from).looking_at(orbit.focus, Vec3::Y);
    }
}

/// Goes back to the scene's view on `R` or `Home`, unless somebody writes into a field.
fn reset_on_key(
    keys: Res<ButtonInput<KeyCode>>,
    egui: Option<Res<EguiWantsFocus>>,
    scene: Res<CurrentScene>,
    mut cameras: Query<&mut PanOrbitCamera>,
) {
    let is_taken = egui.is_some_and(|egui| egui.curr || egui.prev);
    if is_taken || !keys.any_just_pressed([KeyCode::KeyR, KeyCode::Home]) {
        return;
    }
    let orbit = Orbit::of(scene.camera.from, scene.camera.to);
    for mut camera in &mut cameras {
        camera.target_focus = orbit.focus;
        camera.target_radius = orbit.radius;
        camera.target_yaw = orbit.yaw;
        camera.target_pitch = orbit.pitch;
        camera.force_update = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orbit_stands_where_the_scene_says() {
        for (from, to) in [
            (Vec3::new(4.0, 5.0, 6.0), Vec3::new(0.0, 1.0, 0.0)),
            (Vec3::new(-8.0, 3.0, 1.0), Vec3::new(1.0, 0.5, 2.0)),
        ] {
            let Orbit {
                focus,
                radius,
                yaw,
                pitch,
            } = Orbit::of(from, to);
            let turn = Quat::from_euler(EulerRot::YXZ, yaw, -pitch, 0.0);
            assert!((focus + turn * Vec3::Z * radius).distance(from) < 1e-4);
        }
    }

    #[test]
    fn an_orbit_never_starts_below_the_floor() {
        let orbit = Orbit::of(Vec3::new(3.0, -2.0, 0.0), Vec3::ZERO);
        assert_eq!(orbit.pitch, PITCH_RANGE.0);
    }
}
