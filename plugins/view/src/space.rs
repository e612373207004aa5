//! Builds rooms: floors, walls with windows that step aside for the camera, and the ground around.

use bevy::{light::NotShadowCaster, prelude::*};
use rooms::Space;

use crate::{
    kit::{Builder, Finish, Shape},
    palette::{self, Paving, Scheme, mix},
};

/// Thickness of walls in metres.
const WALL_THICKNESS: f32 = 0.12;
/// Most floor boards of one room, and tiles along one side, so that halls get wider ones.
const MOST_BOARDS: f32 = 40.0;
const MOST_TILES: f32 = 20.0;
/// How high the coloured band at the foot of a wall reaches.
const BAND_METRES: f32 = 1.0;
/// A window and the wall between two.
const WINDOW: Vec2 = Vec2::new(1.5, 1.1);
const PIER_METRES: f32 = 0.9;

/// A wall; hidden while the camera looks at its back.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) struct Wall {
    /// A point on its inner face.
    inside: Vec3,
    /// Where its inner face looks.
    normal: Vec3,
}

/// Builds every space that has come.
pub(crate) fn build_spaces(mut builder: Builder, added: Query<&Space, Added<Space>>) {
    for space in &added {
        let scheme = palette::scheme(space.look);
        let root = builder.root(
            space.name.clone(),
            Transform::from_translation(space.position),
        );
        floor(&mut builder, root, space.size, scheme);
        for normal in [Vec3::Z, Vec3::NEG_Z, Vec3::X, Vec3::NEG_X] {
            wall(&mut builder, root, space, normal);
        }
    }
}

fn floor(builder: &mut Builder, root: Entity, size: Vec3, scheme: &Scheme) {
    let plinth = Shape::Rounded(Vec3::new(size.x + 0.5, 0.3, size.z + 0.5), 0.06);
    let at = Transform::from_xyz(0.0, -0.171, 0.0);
    builder.part(root, "plinth", plinth, at, (scheme.trim, Finish::Matt));
    let (columns, rows) = match scheme.paving {
        Paving::Boards => (1.0, (size.z / (size.z / MOST_BOARDS).max(0.28)).ceil()),
        Paving::Tiles(metres) => {
            let n_along = |length: f32| (length / metres).round().clamp(1.0, MOST_TILES);
            (n_along(size.x), n_along(size.z))
        }
    };
    let (width, depth) = (size.x / columns, size.z / rows);
    let shape = Shape::Cuboid(Vec3::new(width - 0.008, 0.04, depth - 0.008));
    for row in 0..rows as usize {
        for column in 0..columns as usize {
            let x = (column as f32 + 0.5) * width - size.x / 2.0;
            let z = (row as f32 + 0.5) * depth - size.z / 2.0;
            let tone = (row * 7 + row / 3 + column * 5 + column / 2) % scheme.floor.len();
            let paint = (scheme.floor[tone], Finish::Smooth);
            let at = Transform::from_xyz(x, -0.02, z);
            flat(builder, root, "floor", shape, at, paint);
        }
    }
    if let Some(line) = scheme.line {
        floor_lines(builder, root, size, line);
    }
}

/// Lines on the floor along the walls, as they mark where one may walk.
fn floor_lines(builder: &mut Builder, root: Entity, size: Vec3, rgb: [u8; 3]) {
    let (x, z) = (size.x / 2.0 - 0.5, size.z / 2.0 - 0.5);
    for side in [-1.0, 1.0] {
        let along = Shape::Cuboid(Vec3::new(2.0 * x + 0.1, 0.004, 0.1));
        let at = Transform::from_xyz(0.0, 0.003, side * z);
        flat(builder, root, "line", along, at, (rgb, Finish::Matt));
        let across = Shape::Cuboid(Vec3::new(0.1, 0.004, 2.0 * z - 0.1));
        let at = Transform::from_xyz(side * x, 0.003, 0.0);
        flat(builder, root, "line", across, at, (rgb, Finish::Matt));
    }
}

/// A part that throws no shadow.
fn flat(
    builder: &mut Builder,
    parent: Entity,
    name: &'static str,
    shape: Shape,
    at: Transform,
    paint: ([u8; 3], Finish),
) {
    let part = builder.part(parent, name, shape, at, paint);
    builder.commands.entity(part).insert(NotShadowCaster);
}

fn wall(builder: &mut Builder, root: Entity, space: &Space, normal: Vec3) {
    let scheme = palette::scheme(space.look);
    let (half, height) = (space.size / 2.0, space.size.y);
    let along = if normal.x == 0.0 {
        space.size.x
    } else {
        space.size.z
    };
    let inside = -normal * half.with_y(0.0);
    let at =
        Transform::from_translation(inside).with_rotation(Quat::from_rotation_arc(Vec3::Z, normal));
    let wall = Wall {
        inside: space.position + inside,
        normal,
    };
    let name = Name::new("wall");
    let wall = builder
        .commands
        .spawn((name, wall, at, Visibility::default(), ChildOf(root)))
        .id();
    let mut slab = |name, size: Vec3, y: f32, z: f32, paint| {
        let at = Transform::from_xyz(0.0, y, z);
        flat(builder, wall, name, Shape::Cuboid(size), at, paint);
    };
    let outer = along + 2.0 * WALL_THICKNESS;
    let face = Vec3::new(outer, height, WALL_THICKNESS);
    let back = -WALL_THICKNESS / 2.0;
    slab(
        "face",
        face,
        height / 2.0,
        back,
        (scheme.wall, Finish::Warm),
    );
    let trim = (scheme.trim, Finish::Warm);
    if scheme.band != scheme.wall {
        let high = BAND_METRES.min(height / 2.0);
        let band = Vec3::new(along, high, 0.012);
        slab("band", band, high / 2.0, 0.006, (scheme.band, Finish::Matt));
        slab("ledge", Vec3::new(along, 0.035, 0.03), high, 0.015, trim);
    }
    let skirting = (scheme.trim, Finish::Smooth);
    slab(
        "skirting",
        Vec3::new(along, 0.12, 0.03),
        0.06,
        0.015,
        skirting,
    );
    let rail = Vec3::new(outer, 0.05, WALL_THICKNESS + 0.04);
    slab("rail", rail, height + 0.025, back, trim);
    if normal.x != 0.0 {
        windows(builder, wall, along, height, scheme);
    }
}

/// Windows in a side wall, as many as fit; none in a low one.
fn windows(builder: &mut Builder, wall: Entity, along: f32, height: f32, scheme: &Scheme) {
    let sill = (height - WINDOW.y - 0.35).min(1.9);
    if sill < BAND_METRES + 0.1 {
        return;
    }
    let n_windows = ((along - PIER_METRES) / (WINDOW.x + PIER_METRES)).floor();
    let pitch = along / n_windows.max(1.0);
    for window in 0..n_windows as usize {
        let x = (window as f32 + 0.5) * pitch - along / 2.0;
        let frame = Shape::Cuboid((WINDOW + 0.12).extend(0.03));
        let at = Transform::from_xyz(x, sill + WINDOW.y / 2.0, 0.012);
        flat(
            builder,
            wall,
            "frame",
            frame,
            at,
            (scheme.trim, Finish::Warm),
        );
        let sky = mix(palette::WINDOW, scheme.backdrop, 0.35);
        for side in [-1.0, 1.0] {
            let pane = Shape::Cuboid(Vec3::new(WINDOW.x / 2.0 - 0.03, WINDOW.y, 0.01));
            let at = at * Transform::from_xyz(side * WINDOW.x / 4.0, 0.0, 0.016);
            flat(builder, wall, "pane", pane, at, (sky, Finish::Warm));
        }
    }
}

/// Hides the walls that stand between the camera and the room.
pub(crate) fn open_walls(
    camera: Query<&Transform, (With<Camera3d>, Without<Wall>)>,
    mut walls: Query<(&Wall, &mut Visibility)>,
) {
    let Ok(camera) = camera.single() else { return };
    for (wall, mut visibility) in &mut walls {
        let faces_camera = (camera.translation - wall.inside).dot(wall.normal) > 0.0;
        let wanted = if faces_camera {
            Visibility::Inherited
        } else {
            Visibility::Hidden
        };
        visibility.set_if_neq(wanted);
    }
}
