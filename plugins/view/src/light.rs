//! Lights the stage: one sun with shadows, and an even light from everywhere.

use bevy::{
    light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap, GlobalAmbientLight},
    prelude::*,
};
use rooms::CurrentScene;

use crate::palette::{self, color};

/// Light of the sun in lux, and of the sky in candela per square metre.
const SUN: f32 = 7_000.0;
const SKY: f32 = 1_300.0;
/// Where the sun stands.
const SUN_FROM: Vec3 = Vec3::new(2.0, 9.0, 4.5);

pub(crate) fn plugin(app: &mut App) {
    app.insert_resource(ClearColor(color(palette::BACKDROP)))
        .insert_resource(DirectionalLightShadowMap { size: 2048 })
        .insert_resource(GlobalAmbientLight {
            color: Color::srgb(0.93, 0.96, 1.0),
            brightness: SKY,
            ..default()
        })
        .add_systems(
            Update,
            raise_sun.run_if(resource_exists_and_changed::<CurrentScene>),
        );
}

/// Puts up the sun with shadows that reach over the whole scene.
fn raise_sun(mut commands: Commands, scene: Res<CurrentScene>) {
    let reach = scene.spaces.iter().fold(0.0_f32, |reach, space| {
        let corner = space.position.distance(scene.camera.from) + space.size.length() / 2.0;
        reach.max(corner)
    });
    commands.spawn((
        Name::new("sun"),
        crate::StageRoot,
        DirectionalLight {
            color: Color::srgb(1.0, 0.97, 0.91),
            illuminance: SUN,
            shadow_maps_enabled: true,
            ..default()
        },
        CascadeShadowConfigBuilder {
            num_cascades: 2,
            first_cascade_far_bound: reach,
            maximum_distance: reach * 2.0,
            ..default()
        }
        .build(),
        Transform::from_translation(SUN_FROM).looking_at(Vec3::ZERO, Vec3::Y),
    ));
}
