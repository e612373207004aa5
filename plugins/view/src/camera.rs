//! Puts the camera where the scene wants it and lets the visitor orbit, within bounds.

use std::f32::consts::FRAC_PI_4;

use bevy::{
    core_pipeline::tonemapping::Tonemapping, input::ButtonInput, prelude::*, render::view::Msaa,
};
use bevy_panorbit_camera::{
    EguiWantsFocus, FocusBoundsShape, PanOrbitCamera, PanOrbitCameraPlugin,
};
use rooms::{CurrentScene, Scene};

/// Steepest and flattest view, in radians above the horizon: never from below the floor.
const PITCH_RANGE: (f32, f32) = (0.06, 1.5);
/// Nearest the camera comes to what it looks at, in metres.
const NEAREST: f32 = 1.5;
/// Vertical angle of view in radians: 45 degrees.
const ANGLE_OF_VIEW: f32 = FRAC_PI_4;

/// Room around what must be in the picture, in metres: half of what stands there, and its name.
const MARGIN: f32 = 0.9;

pub(crate) fn plugin(app: &mut App) {
    app.add_plugins(PanOrbitCameraPlugin)
        .add_systems(Startup, spawn_camera)
        .add_systems(
            Update,
            (
                frame_scene.run_if(resource_exists_and_changed::<CurrentScene>),
                step_back.run_if(resource_exists::<CurrentScene>),
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

    /// The radius, or more where that leaves some of `things` out of a picture that is `aspect` times
    /// as wide as high.
    fn radius_for(&self, things: impl Iterator<Item = Vec3>, aspect: f32) -> f32 {
        let turn = Quat::from_euler(EulerRot::YXZ, self.yaw, -self.pitch, 0.0);
        let high = (ANGLE_OF_VIEW / 2.0).tan();
        let wide = high * aspect.max(0.1);
        let needed = things.map(|thing| {
            let at = turn.inverse() * (thing - self.focus);
            let beside = ((at.x.abs() + MARGIN) / wide).max((at.y.abs() + MARGIN) / high);
            at.z + beside
        });
        needed.fold(self.radius, f32::max)
    }
}

/// How much further off than the scene says a camera stands, so that a narrow picture holds all.
#[derive(Component, Clone, Copy, Debug)]
struct StepBack {
    /// Width by height of the picture that this is for; 0 if none yet.
    aspect: f32,
    factor: f32,
}

impl Default for StepBack {
    fn default() -> Self {
        Self {
            aspect: 0.0,
            factor: 1.0,
        }
    }
}

/// Steps back where the picture has become narrower, and comes nearer again where it has become wider.
fn step_back(
    scene: Res<CurrentScene>,
    mut cameras: Query<(&Projection, &mut PanOrbitCamera, &mut StepBack)>,
) {
    for (projection, mut camera, mut back) in &mut cameras {
        let Projection::Perspective(PerspectiveProjection { aspect_ratio, .. }) = *projection
        else {
            continue;
        };
        if !camera.initialized || (aspect_ratio - back.aspect).abs() < 1e-3 {
            continue;
        }
        let orbit = Orbit::of(scene.camera.from, scene.camera.to);
        let factor = orbit.radius_for(things(&scene), aspect_ratio) / orbit.radius;
        camera.target_radius *= factor / back.factor;
        camera.force_update = true;
        *back = StepBack {
            aspect: aspect_ratio,
            factor,
        };
    }
}

/// Where something stands that should be seen.
fn things(scene: &Scene) -> impl Iterator<Item = Vec3> {
    let stations = scene.stations.iter().map(|station| station.position);
    stations.chain(scene.props.iter().map(|prop| prop.position))
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
        StepBack::default(),
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
    mut cameras: Query<(&mut PanOrbitCamera, &mut Transform, &mut StepBack)>,
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
    for (mut camera, mut transform, mut back) in &mut cameras {
        *back = StepBack::default();
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
    mut cameras: Query<(&mut PanOrbitCamera, &StepBack)>,
) {
    let is_taken = egui.is_some_and(|egui| egui.curr || egui.prev);
    if is_taken || !keys.any_just_pressed([KeyCode::KeyR, KeyCode::Home]) {
        return;
    }
    let orbit = Orbit::of(scene.camera.from, scene.camera.to);
    for (mut camera, back) in &mut cameras {
        camera.target_focus = orbit.focus;
        camera.target_radius = orbit.radius * back.factor;
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
    fn a_narrow_picture_is_taken_from_further_off_and_holds_all() {
        let orbit = Orbit::of(Vec3::new(0.0, 8.0, 10.0), Vec3::ZERO);
        let things = [Vec3::new(-7.0, 0.0, 3.0), Vec3::new(7.0, 0.0, -4.0)];
        assert_eq!(
            orbit.radius_for([Vec3::ZERO].into_iter(), 0.5),
            orbit.radius
        );
        let mut nearer = f32::INFINITY;
        for aspect in [0.5_f32, 1.0, 1.6, 2.5] {
            let radius = orbit.radius_for(things.into_iter(), aspect);
            assert!((orbit.radius..=nearer).contains(&radius), "{radius}");
            nearer = radius;
            let turn = Quat::from_euler(EulerRot::YXZ, orbit.yaw, -orbit.pitch, 0.0);
            for thing in things {
                let at = turn.inverse() * thing;
                let wide = (radius - at.z) * (ANGLE_OF_VIEW / 2.0).tan() * aspect;
                assert!(at.x.abs() <= wide, "{aspect}: {thing}");
            }
        }
    }

    #[test]
    fn an_orbit_never_starts_below_the_floor() {
        let orbit = Orbit::of(Vec3::new(3.0, -2.0, 0.0), Vec3::ZERO);
        assert_eq!(orbit.pitch, PITCH_RANGE.0);
    }
}
