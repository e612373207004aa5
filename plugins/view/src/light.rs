//! Lights the stage: one sun with shadows, and an even light from everywhere.

use bevy::{
    light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap, GlobalAmbientLight},
    prelude::*,
};
use rooms::{CurrentScene, Look};

use crate::palette::{self, color};

/// Where the sun stands.
const SUN_FROM: Vec3 = Vec3::new(2.0, 9.0, 4.5);

pub(crate) fn plugin(app: &mut App) {
    app.insert_resource(ClearColor(color(palette::scheme(Look::default()).backdrop)))
        .insert_resource(DirectionalLightShadowMap { size: 2048 })
        .add_systems(
            Update,
            raise_sun.run_if(resource_exists_and_changed::<CurrentScene>),
        );
}

/// Puts up the sky and the sun of the first space, with shadows that reach over the whole scene.
fn raise_sun(mut commands: Commands, scene: Res<CurrentScene>) {
    let look = scene.spaces.first().map(|space| space.look);
    let scheme = palette::scheme(look.unwrap_or_default());
    commands.insert_resource(ClearColor(color(scheme.backdrop)));
    commands.insert_resource(GlobalAmbientLight {
        color: color(scheme.sky.0),
        brightness: scheme.sky.1,
        ..default()
    });
    let reach = scene.spaces.iter().fold(0.0_f32, |reach, space| {
        let corner = space.position.distance(scene.camera.from) + space.size.length() / 2.0;
        reach.max(corner)
    });
    commands.spawn((
        Name::new("sun"),
        crate::StageRoot,
        DirectionalLight {
            color: color(scheme.sun.0),
            illuminance: scheme.sun.1,
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
