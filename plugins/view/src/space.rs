//! Builds rooms: floor boards, walls that step aside for the camera, and the ground around.

use bevy::{light::NotShadowCaster, prelude::*};
use rooms::Space;

use crate::{
    kit::{Builder, Finish, Shape},
    palette,
};

/// Thickness of walls in metres.
const WALL_THICKNESS: f32 = 0.12;
/// Most floor boards of one room, so that halls get wider ones.
const MOST_BOARDS: f32 = 40.0;

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
        let root = builder.root(
            space.name.clone(),
            Transform::from_translation(space.position),
        );
        floor(&mut builder, root, space.size);
        walls(&mut builder, root, space);
    }
}

fn floor(builder: &mut Builder, root: Entity, size: Vec3) {
    let plinth = Vec3::new(size.x + 0.5, 0.3, size.z + 0.5);
    let at = Transform::from_xyz(0.0, -0.171, 0.0);
    builder.part(
        root,
        "plinth",
        Shape::Rounded(plinth, 0.06),
        at,
        (palette::SKIRTING, Finish::Matt),
    );
    let width = (size.z / MOST_BOARDS).max(0.28);
    let n_boards = (size.z / width).ceil().max(1.0);
    let width = size.z / n_boards;
    for board in 0..n_boards as usize {
        let z = (board as f32 + 0.5) * width - size.z / 2.0;
        let shape = Shape::Cuboid(Vec3::new(size.x, 0.04, width - 0.008));
        let rgb = palette::FLOOR[(board * 7 + board / 3) % palette::FLOOR.len()];
        let at = Transform::from_xyz(0.0, -0.02, z);
        let board = builder.part(root, "board", shape, at, (rgb, Finish::Smooth));
        builder.commands.entity(board).insert(NotShadowCaster);
    }
}

fn walls(builder: &mut Builder, root: Entity, space: &Space) {
    let half = space.size / 2.0;
    for normal in [Vec3::Z, Vec3::NEG_Z, Vec3::X, Vec3::NEG_X] {
        let along = if normal.x == 0.0 {
            space.size.x
        } else {
            space.size.z
        };
        let inside = -normal * half.with_y(0.0);
        let facing = Quat::from_rotation_arc(Vec3::Z, normal);
        let at = Transform::from_translation(inside).with_rotation(facing);
        let (mesh, paint) = (
            builder.mesh(Shape::Cuboid(Vec3::new(
                along + 2.0 * WALL_THICKNESS,
                space.size.y,
                WALL_THICKNESS,
            ))),
            builder.paint(palette::WALL, Finish::Warm),
        );
        let wall = Wall {
            inside: space.position + inside,
            normal,
        };
        let body = Transform::from_xyz(0.0, space.size.y / 2.0, -WALL_THICKNESS / 2.0);
        let name = Name::new("wall");
        let wall = builder
            .commands
            .spawn((name, wall, at, Visibility::default(), ChildOf(root)))
            .id();
        builder.commands.spawn((
            Name::new("wall face"),
            mesh,
            paint,
            body,
            NotShadowCaster,
            ChildOf(wall),
        ));
        let skirting = Shape::Cuboid(Vec3::new(along, 0.12, 0.03));
        let at = Transform::from_xyz(0.0, 0.06, 0.015);
        builder.part(
            wall,
            "skirting",
            skirting,
            at,
            (palette::SKIRTING, Finish::Smooth),
        );
        let rail = Shape::Cuboid(Vec3::new(
            along + 2.0 * WALL_THICKNESS,
            0.05,
            WALL_THICKNESS + 0.04,
        ));
        let at = Transform::from_xyz(0.0, space.size.y + 0.025, -WALL_THICKNESS / 2.0);
        let paint = (palette::SKIRTING, Finish::Warm);
        let rail = builder.part(wall, "rail", rail, at, paint);
        builder.commands.entity(rail).insert(NotShadowCaster);
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
