//! Builds the furniture: tables, chairs, desks, screens, and what only stands there.

use std::f32::consts::{FRAC_PI_2, TAU};

use bevy::prelude::*;
use rooms::{Prop, PropKind, Station, StationKind};

use crate::{
    kit::{Builder, Finish, Shape},
    palette::{self, mix},
    pile::Pose,
};

/// The lit face of a screen.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(crate) struct ScreenFace;

/// Builds every station that has come, but for racks.
pub(crate) fn build_stations(mut builder: Builder, added: Query<&Station, Added<Station>>) {
    for station in &added {
        let at = Pose {
            at: station.position,
            facing: station.facing,
        }
        .transform();
        match station.kind {
            StationKind::Table => table(&mut builder, station, at),
            StationKind::Seat => chair(&mut builder, station, at),
            StationKind::Desk => desk(&mut builder, station, at),
            StationKind::Screen => screen(&mut builder, station, at),
            StationKind::Rack => {}
        }
    }
}

/// Builds every prop that has come.
pub(crate) fn build_props(mut builder: Builder, added: Query<&Prop, Added<Prop>>) {
    for prop in &added {
        let at = Pose {
            at: prop.position,
            facing: prop.facing,
        }
        .transform();
        let root = builder.root(prop.name.clone(), at);
        match prop.kind {
            PropKind::Plant => plant(&mut builder, root, prop.index),
            PropKind::Whiteboard => whiteboard(&mut builder, root),
            PropKind::Lamp => lamp(&mut builder, root),
        }
    }
}

fn at(x: f32, y: f32, z: f32) -> Transform {
    Transform::from_xyz(x, y, z)
}

fn table(builder: &mut Builder, station: &Station, transform: Transform) {
    let root = builder.root(station.name.clone(), transform);
    let size = station.size;
    let top = Shape::Rounded(Vec3::new(size.x, 0.06, size.z), 0.025);
    builder.part(
        root,
        "top",
        top,
        at(0.0, size.y - 0.03, 0.0),
        (palette::TABLE, Finish::Smooth),
    );
    let edge = Shape::Rounded(Vec3::new(size.x - 0.2, 0.06, size.z - 0.2), 0.02);
    builder.part(
        root,
        "frame",
        edge,
        at(0.0, size.y - 0.085, 0.0),
        (palette::METAL, Finish::Matt),
    );
    // Two columns carry a long table, one a round or short one.
    let n_columns = if size.x > 1.6 { 2 } else { 1 };
    for column in 0..n_columns {
        let x = (column as f32 - (n_columns - 1) as f32 / 2.0) * size.x * 0.52;
        let height = size.y - 0.12;
        let leg = Shape::Rounded(Vec3::new(0.14, height, size.z * 0.36), 0.03);
        builder.part(
            root,
            "leg",
            leg,
            at(x, height / 2.0, 0.0),
            (palette::METAL, Finish::Smooth),
        );
        let foot = Shape::Rounded(Vec3::new(0.5, 0.04, size.z * 0.6), 0.015);
        builder.part(
            root,
            "foot",
            foot,
            at(x, 0.03, 0.0),
            (palette::METAL, Finish::Smooth),
        );
    }
    let carpet = Shape::Rounded(Vec3::new(size.x + 2.5, 0.014, size.z + 2.5), 0.006);
    let carpet = builder.part(
        root,
        "carpet",
        carpet,
        at(0.0, 0.008, 0.0),
        (palette::CARPET, Finish::Matt),
    );
    builder
        .commands
        .entity(carpet)
        .insert(bevy::light::NotShadowCaster);
}

fn chair(builder: &mut Builder, station: &Station, transform: Transform) {
    let root = builder.root(station.name.clone(), transform);
    let Vec3 {
        x: width,
        y: height,
        z: depth,
    } = station.size;
    let cloth = (palette::CHAIR, Finish::Matt);
    let metal = (palette::METAL, Finish::Smooth);
    let seat = Shape::Rounded(Vec3::new(width, 0.08, depth * 0.94), 0.035);
    builder.part(root, "seat", seat, at(0.0, 0.44, 0.0), cloth);
    let back = Shape::Rounded(Vec3::new(width * 0.94, height - 0.5, 0.06), 0.028);
    let tilt = Transform::from_xyz(0.0, (height + 0.46) / 2.0, depth / 2.0)
        .with_rotation(Quat::from_rotation_x(0.12));
    builder.part(root, "back", back, tilt, cloth);
    builder.part(
        root,
        "column",
        Shape::Cylinder(0.035, 0.36),
        at(0.0, 0.23, 0.0),
        metal,
    );
    for foot in 0..5 {
        let turn = Quat::from_rotation_y(TAU * foot as f32 / 5.0);
        let out =
            Transform::from_translation(turn * Vec3::new(0.0, 0.05, 0.13)).with_rotation(turn);
        builder.part(
            root,
            "foot",
            Shape::Rounded(Vec3::new(0.045, 0.035, 0.26), 0.012),
            out,
            metal,
        );
    }
}

fn desk(builder: &mut Builder, station: &Station, transform: Transform) {
    let root = builder.root(station.name.clone(), transform);
    let size = station.size;
    let top = Shape::Rounded(Vec3::new(size.x, 0.05, size.z), 0.02);
    builder.part(
        root,
        "top",
        top,
        at(0.0, size.y - 0.025, 0.0),
        (palette::TABLE, Finish::Smooth),
    );
    for side in [-1.0, 1.0] {
        let leg = Shape::Rounded(Vec3::new(0.05, size.y - 0.05, size.z * 0.85), 0.015);
        let x = side * (size.x / 2.0 - 0.07);
        builder.part(
            root,
            "leg",
            leg,
            at(x, (size.y - 0.05) / 2.0, 0.0),
            (palette::METAL, Finish::Smooth),
        );
    }
}

fn screen(builder: &mut Builder, station: &Station, transform: Transform) {
    let root = builder.root(station.name.clone(), transform);
    let Vec3 {
        x: width,
        y: height,
        z: depth,
    } = station.size;
    let frame = Shape::Rounded(Vec3::new(width, height, depth), 0.02);
    builder.part(
        root,
        "frame",
        frame,
        at(0.0, height / 2.0, 0.0),
        (palette::METAL, Finish::Smooth),
    );
    let front = -depth / 2.0 - 0.004;
    let face = Shape::Cuboid(Vec3::new(width - 0.08, height - 0.08, 0.008));
    let face = builder.part(
        root,
        "face",
        face,
        at(0.0, height / 2.0, front),
        (palette::SCREEN, Finish::Smooth),
    );
    builder.commands.entity(face).insert(ScreenFace);
    // A few bars, as of a page that is being written.
    for (row, length) in [0.55, 0.72, 0.4, 0.64].into_iter().enumerate() {
        let long = length * (width - 0.3);
        let bar = Shape::Cuboid(Vec3::new(long, height * 0.07, 0.004));
        let x = (width - 0.3 - long) / 2.0;
        let y = height * (0.78 - 0.17 * row as f32);
        let rgb = mix(
            palette::SCREEN_GLOW,
            palette::SCREEN,
            0.25 + 0.15 * row as f32,
        );
        builder.part(
            root,
            "bar",
            bar,
            at(x, y, front - 0.006),
            (rgb, Finish::Glowing),
        );
    }
    if station.raised < 0.3 {
        let foot = Shape::Rounded(Vec3::new(width * 0.4, 0.03, 0.4), 0.01);
        builder.part(
            root,
            "foot",
            foot,
            at(0.0, 0.015, 0.0),
            (palette::METAL, Finish::Smooth),
        );
    }
}

fn plant(builder: &mut Builder, root: Entity, index: usize) {
    builder.part(
        root,
        "pot",
        Shape::Cone(0.2, 0.14, 0.36),
        at(0.0, 0.18, 0.0),
        (palette::POT, Finish::Smooth),
    );
    builder.part(
        root,
        "earth",
        Shape::Cylinder(0.18, 0.02),
        at(0.0, 0.36, 0.0),
        ([96, 74, 56], Finish::Matt),
    );
    builder.part(
        root,
        "stem",
        Shape::Cylinder(0.02, 0.5),
        at(0.0, 0.55, 0.0),
        ([110, 92, 66], Finish::Matt),
    );
    for leaf in 0..9 {
        // The golden angle spreads leaves evenly, as plants do.
        let turn = 2.399_963 * (leaf + index) as f32;
        let climb = leaf as f32 / 8.0;
        let lean = 1.05 - 0.75 * climb;
        let pose = Transform::from_xyz(0.0, 0.62 + 0.28 * climb, 0.0)
            * Transform::from_rotation(Quat::from_rotation_y(turn) * Quat::from_rotation_x(lean))
            * Transform::from_xyz(0.0, 0.26, 0.0).with_scale(Vec3::new(0.55, 1.9, 0.28));
        let rgb = if leaf % 2 == 0 {
            palette::LEAF
        } else {
            palette::LEAF_DARK
        };
        builder.part(root, "leaf", Shape::Sphere(0.16), pose, (rgb, Finish::Matt));
    }
}

fn whiteboard(builder: &mut Builder, root: Entity) {
    let metal = (palette::METAL, Finish::Smooth);
    let board = Shape::Rounded(Vec3::new(1.8, 1.1, 0.04), 0.015);
    builder.part(
        root,
        "board",
        board,
        at(0.0, 1.3, 0.0),
        ([252, 252, 250], Finish::Smooth),
    );
    for side in [-1.0, 1.0] {
        builder.part(
            root,
            "post",
            Shape::Cylinder(0.02, 1.85),
            at(side * 0.88, 0.95, 0.0),
            metal,
        );
        let foot = Shape::Rounded(Vec3::new(0.05, 0.03, 0.5), 0.01);
        builder.part(root, "foot", foot, at(side * 0.88, 0.03, 0.0), metal);
    }
    let strokes = [
        (0.5, 1.6, 0.5, 0),
        (0.3, 1.45, 0.8, 4),
        (0.42, 1.3, 0.6, 1),
        (-0.4, 1.35, 0.5, 3),
    ];
    for (x, y, length, hue) in strokes {
        let rgb = palette::skill_rgb(palette::SKILLS[hue]);
        let stroke = Shape::Cuboid(Vec3::new(length, 0.03, 0.004));
        builder.part(
            root,
            "stroke",
            stroke,
            at(x, y, -0.023),
            (rgb, Finish::Matt),
        );
    }
}

fn lamp(builder: &mut Builder, root: Entity) {
    let metal = (palette::METAL, Finish::Smooth);
    builder.part(
        root,
        "foot",
        Shape::Cylinder(0.16, 0.03),
        at(0.0, 0.015, 0.0),
        metal,
    );
    builder.part(
        root,
        "pole",
        Shape::Cylinder(0.016, 1.45),
        at(0.0, 0.74, 0.0),
        metal,
    );
    let shade = Shape::Cone(0.13, 0.2, 0.26);
    builder.part(
        root,
        "shade",
        shade,
        at(0.0, 1.55, 0.0),
        ([255, 236, 200], Finish::Glowing),
    );
}

/// A laptop, open towards +z: whoever sits there looks to −z.
pub(crate) fn laptop(builder: &mut Builder, parent: Entity, place: Vec3, rgb: [u8; 3]) {
    let shell = ([196, 202, 208], Finish::Smooth);
    let base = Shape::Rounded(Vec3::new(0.32, 0.018, 0.22), 0.007);
    builder.part(
        parent,
        "laptop",
        base,
        Transform::from_translation(place + Vec3::Y * 0.009),
        shell,
    );
    let hinge = Transform::from_translation(place + Vec3::new(0.0, 0.018, -0.11))
        .with_rotation(Quat::from_rotation_x(FRAC_PI_2 - 1.85));
    let lid = hinge * at(0.0, 0.105, 0.0);
    builder.part(
        parent,
        "lid",
        Shape::Rounded(Vec3::new(0.32, 0.21, 0.012), 0.005),
        lid,
        shell,
    );
    let glass = hinge * at(0.0, 0.105, 0.0075);
    let face = Shape::Cuboid(Vec3::new(0.29, 0.18, 0.002));
    builder.part(
        parent,
        "glass",
        face,
        glass,
        (mix(rgb, palette::SCREEN, 0.45), Finish::Glowing),
    );
}
