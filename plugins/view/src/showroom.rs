//! Tests that every kind of furniture is built in every look, and stays in its place.

use std::path::Path;

use bevy::{
    camera::primitives::MeshAabb as _, light::NotShadowCaster, pbr::StandardMaterial, prelude::*,
    transform::TransformPlugin,
};
use rooms::{Look, Prop, RoomsPlugin, Scene, Station};

use crate::{StagePlugin, StageRoot, palette};

/// Metres that a part may reach out of the box of what it belongs to: tilted backs, ledges, feet.
const OVERHANG: f32 = 0.25;

const STATIONS: [&str; 12] = [
    "table", "seat", "desk", "screen", "rack", "sofa", "board", "shelf", "machine", "conveyor",
    "vehicle", "bed",
];
const PROPS: [&str; 6] = ["plant", "whiteboard", "lamp", "crates", "divider", "rug"];

fn showroom(look: &str) -> Scene {
    let place = |n: usize| {
        format!(
            "({:?}, {:?})",
            (n % 5) as f32 * 6.0 - 12.0,
            (n / 5) as f32 * 6.0 - 9.0
        )
    };
    let stations: String = STATIONS
        .iter()
        .enumerate()
        .map(|(n, kind)| format!("(name: \"{kind}\", kind: {kind}, at: {}),", place(n)))
        .collect();
    let props: String = PROPS
        .iter()
        .enumerate()
        .map(|(n, kind)| {
            format!(
                "(name: \"{kind}\", kind: {kind}, at: {}),",
                place(n + STATIONS.len())
            )
        })
        .collect();
    let text = format!(
        "(version: 1, name: \"showroom\", spaces: [(name: \"hall\", size: (34.0, 26.0), look: {look})],
        stations: [{stations}], props: [{props}],
        agents: [(name: \"Ada\", role: participant, home: \"seat\")])"
    );
    Scene::parse(&text, Path::new("showroom.scene.ron")).expect("the showroom is a valid scene")
}

fn built(scene: Scene) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, AssetPlugin::default(), TransformPlugin))
        .init_asset::<Mesh>()
        .init_asset::<StandardMaterial>()
        .add_plugins(RoomsPlugin {
            scene: scene.into(),
        })
        .add_plugins(StagePlugin);
    app.update();
    app.update();
    app
}

/// What a root is of: its size, and where it stands.
fn thing(world: &mut World, name: &str) -> Option<(Vec3, Vec3)> {
    let mut stations = world.query::<&Station>();
    if let Some(station) = stations.iter(world).find(|it| it.name == name) {
        return Some((station.size, station.position));
    }
    let mut props = world.query::<&Prop>();
    let prop = props.iter(world).find(|it| it.name == name)?;
    Some((prop.kind.size(), prop.position))
}

#[test]
fn every_kind_is_built_in_every_look_and_stays_in_its_place() {
    for look in ["meeting", "factory", "classroom", "lounge", "clinic"] {
        let mut app = built(showroom(look));
        let world = app.world_mut();
        let mut roots = world.query_filtered::<(&Name, &Children), With<StageRoot>>();
        let roots: Vec<(String, Vec<Entity>)> = roots
            .iter(world)
            .map(|(name, children)| (name.to_string(), children.iter().collect()))
            .collect();
        for kind in STATIONS.iter().chain(&PROPS) {
            let (_, parts) = roots.iter().find(|(name, _)| name == kind).unwrap();
            assert!(parts.len() >= 2, "{kind} has {} parts", parts.len());
            let (size, position) = thing(world, kind).unwrap();
            for part in parts {
                check_part(world, *part, kind, size, position);
            }
        }
    }
}

fn check_part(world: &World, part: Entity, kind: &str, size: Vec3, position: Vec3) {
    let part = world.entity(part);
    if part.contains::<NotShadowCaster>() {
        return;
    }
    let (mesh, at) = (
        part.get::<Mesh3d>().unwrap(),
        part.get::<GlobalTransform>().unwrap(),
    );
    let mesh = world.resource::<Assets<Mesh>>().get(&mesh.0).unwrap();
    let bounds = mesh.compute_aabb().unwrap();
    let (half, middle) = (Vec3::from(bounds.half_extents), Vec3::from(bounds.center));
    let spread = at.affine().matrix3.abs() * half;
    let middle = at.transform_point(middle) - position - Vec3::Y * size.y / 2.0;
    let reach = middle.abs() + spread - size / 2.0;
    assert!(
        reach.max_element() < OVERHANG,
        "{} of the {kind} reaches {reach} beyond its box",
        part.get::<Name>().unwrap()
    );
}

#[test]
fn looks_differ_in_floor_wall_and_accent() {
    for (i, look) in Look::ALL.into_iter().enumerate() {
        let scheme = palette::scheme(look);
        for other in &Look::ALL[..i] {
            let other = palette::scheme(*other);
            assert_ne!(scheme.floor, other.floor, "{look:?}");
            assert_ne!(scheme.wall, other.wall, "{look:?}");
            assert_ne!(scheme.accent, other.accent, "{look:?}");
            assert_ne!(scheme.sun, other.sun, "{look:?}");
        }
    }
}
