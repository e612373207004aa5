//! Tables, desks and what stands on them.

use std::f32::consts::FRAC_PI_2;

use bevy::prelude::*;

use super::{METAL, Maker, at};
use crate::{
    kit::{Builder, Finish, Shape},
    palette::{self, mix},
};

/// Below this height a table is a low one, on four legs.
const LOW_METRES: f32 = 0.6;

pub(super) fn table(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let top = Vec3::new(size.x, 0.06, size.z);
    let paint = (maker.scheme.table, Finish::Smooth);
    maker.block("top", top, 0.025, at(0.0, size.y - 0.03, 0.0), paint);
    if maker.scheme.rug_under_tables {
        maker.cover(size.xz() + 2.5, maker.scheme.rug);
    }
    if size.y < LOW_METRES {
        legs(maker, size, size.y - 0.06);
        return;
    }
    let frame = Vec3::new(size.x - 0.2, 0.06, size.z - 0.2);
    let metal = (palette::METAL, Finish::Matt);
    maker.block("frame", frame, 0.02, at(0.0, size.y - 0.085, 0.0), metal);
    // Two columns carry a long table, one a round or short one.
    let n_columns = if size.x > 1.6 { 2 } else { 1 };
    for column in 0..n_columns {
        let x = (column as f32 - (n_columns - 1) as f32 / 2.0) * size.x * 0.52;
        let height = size.y - 0.12;
        let leg = Vec3::new(0.14, height, size.z * 0.36);
        maker.block("leg", leg, 0.03, at(x, height / 2.0, 0.0), METAL);
        let foot = Vec3::new(0.5, 0.04, size.z * 0.6);
        maker.block("foot", foot, 0.015, at(x, 0.03, 0.0), METAL);
    }
}

/// Four legs of wood under something of `size`.
pub(super) fn legs(maker: &mut Maker<'_, '_, '_>, size: Vec3, height: f32) {
    for (x, z) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
        let place = at(
            x * (size.x / 2.0 - 0.09),
            height / 2.0,
            z * (size.z / 2.0 - 0.09),
        );
        let paint = (palette::WOOD, Finish::Matt);
        maker.part("leg", Shape::Cone(0.03, 0.022, height), place, paint);
    }
}

pub(super) fn desk(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let top = Vec3::new(size.x, 0.05, size.z);
    let paint = (maker.scheme.table, Finish::Smooth);
    maker.block("top", top, 0.02, at(0.0, size.y - 0.025, 0.0), paint);
    for side in [-1.0, 1.0] {
        let height = size.y - 0.05;
        let leg = Vec3::new(0.05, height, size.z * 0.85);
        let place = at(side * (size.x / 2.0 - 0.07), height / 2.0, 0.0);
        maker.block("leg", leg, 0.015, place, METAL);
    }
    let front = Vec3::new(size.x - 0.2, size.y * 0.4, 0.02);
    let place = at(0.0, size.y * 0.7, -size.z * 0.36);
    let paint = (mix(maker.scheme.table, palette::METAL, 0.2), Finish::Matt);
    maker.block("front", front, 0.008, place, paint);
}

/// A laptop, open towards +z: whoever sits there looks to −z.
pub(crate) fn laptop(builder: &mut Builder, parent: Entity, place: Vec3, rgb: [u8; 3]) {
    let shell = (palette::SHELL, Finish::Smooth);
    let base = Shape::Rounded(Vec3::new(0.32, 0.018, 0.22), 0.007);
    let low = Transform::from_translation(place + Vec3::Y * 0.009);
    builder.part(parent, "laptop", base, low, shell);
    let hinge = Transform::from_translation(place + Vec3::new(0.0, 0.018, -0.11))
        .with_rotation(Quat::from_rotation_x(FRAC_PI_2 - 1.85));
    let lid = hinge * Transform::from_xyz(0.0, 0.105, 0.0);
    let shape = Shape::Rounded(Vec3::new(0.32, 0.21, 0.012), 0.005);
    builder.part(parent, "lid", shape, lid, shell);
    let glass = hinge * Transform::from_xyz(0.0, 0.105, 0.0075);
    let face = Shape::Cuboid(Vec3::new(0.29, 0.18, 0.002));
    let lit = (mix(rgb, palette::SCREEN, 0.45), Finish::Glowing);
    builder.part(parent, "glass", face, glass, lit);
}
