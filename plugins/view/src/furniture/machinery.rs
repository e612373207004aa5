//! What shapes and carries things: machines, conveyors and vehicles.

use std::f32::consts::FRAC_PI_2;

use bevy::prelude::*;

use super::{METAL, Maker, at};
use crate::{
    kit::{Finish, Shape},
    palette::{self, mix},
};

/// Where a machine works and a vehicle carries, as shares of their heights.
pub(crate) const WORK_HEIGHT: f32 = 0.5;
pub(crate) const DECK_HEIGHT: f32 = 0.42;

/// A housing whose front is open above a bed, on which the work lies; a tool hangs over it.
pub(super) fn machine(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let (half, bed) = (size / 2.0, size.y * WORK_HEIGHT);
    let shell = (mix(palette::SHELL, palette::PAPER, 0.5), Finish::Smooth);
    let colour = (maker.scheme.accent, Finish::Smooth);
    let dark = (palette::RUBBER, Finish::Matt);
    let foot = Vec3::new(size.x - 0.08, 0.08, size.z - 0.08);
    maker.block("foot", foot, 0.02, at(0.0, 0.04, 0.0), METAL);
    let base = Vec3::new(size.x, bed - 0.08, size.z);
    maker.block("base", base, 0.05, at(0.0, bed / 2.0 + 0.04, 0.0), colour);
    let table = Vec3::new(size.x * 0.62, 0.05, size.z * 0.6);
    let place = at(-size.x * 0.1, bed + 0.025, -size.z * 0.12);
    maker.block("table", table, 0.015, place, METAL);
    let upper = size.y - bed;
    let back = Vec3::new(size.x, upper, size.z * 0.24);
    let place = at(0.0, bed + upper / 2.0, half.z - size.z * 0.12);
    maker.block("back", back, 0.04, place, shell);
    let side = Vec3::new(0.07, upper, size.z * 0.82);
    let place = at(-half.x + 0.035, bed + upper / 2.0, size.z * 0.05);
    maker.block("side", side, 0.025, place, shell);
    let roof = Vec3::new(size.x, 0.08, size.z * 0.5);
    maker.block(
        "roof",
        roof,
        0.03,
        at(0.0, size.y - 0.04, size.z * 0.25),
        shell,
    );
    let head = Vec3::new(size.x * 0.24, upper * 0.5, size.z * 0.3);
    let place = at(-size.x * 0.1, size.y - upper * 0.25, size.z * 0.08);
    maker.block("head", head, 0.03, place, colour);
    let tool = Shape::Cone(0.05, 0.015, upper * 0.24);
    let place = at(-size.x * 0.1, size.y - upper * 0.6, size.z * 0.08);
    maker.part("tool", tool, place, METAL);
    console(maker, size, bed, dark);
}

/// A cabinet at the right of a machine with a small screen.
fn console(maker: &mut Maker<'_, '_, '_>, size: Vec3, bed: f32, dark: super::Paint) {
    let upper = size.y - bed;
    let cabinet = Vec3::new(size.x * 0.26, upper, size.z * 0.62);
    let x = size.x / 2.0 - size.x * 0.13;
    let shell = (mix(palette::SHELL, palette::PAPER, 0.3), Finish::Smooth);
    let place = at(x, bed + upper / 2.0, size.z * 0.14);
    maker.block("cabinet", cabinet, 0.03, place, shell);
    let front = size.z * (0.14 - 0.31) - 0.008;
    let glass = Vec3::new(size.x * 0.2, upper * 0.3, 0.02);
    let lit = mix(palette::SCREEN, palette::SCREEN_GLOW, 0.45);
    let place = at(x, bed + upper * 0.72, front);
    maker.block("glass", glass, 0.008, place, (lit, Finish::Glowing));
    let keys = Vec3::new(size.x * 0.2, upper * 0.2, 0.02);
    maker.block("keys", keys, 0.008, at(x, bed + upper * 0.4, front), dark);
}

/// A belt between two rails, on legs, with rollers at its ends.
pub(super) fn conveyor(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let belt = Vec3::new(size.x - 0.06, 0.07, size.z - 0.14);
    let dark = (palette::RUBBER, Finish::Matt);
    maker.block("belt", belt, 0.03, at(0.0, size.y - 0.06, 0.0), dark);
    let n_seams = (size.x / 0.4).floor().max(1.0);
    for seam in 0..n_seams as usize {
        let x = (seam as f32 - (n_seams - 1.0) / 2.0) * 0.4;
        let shape = Shape::Cuboid(Vec3::new(0.02, 0.004, size.z - 0.16));
        let paint = (palette::UNIT, Finish::Matt);
        maker.part("seam", shape, at(x, size.y - 0.023, 0.0), paint);
    }
    for side in [-1.0, 1.0] {
        let rail = Vec3::new(size.x, 0.14, 0.06);
        let place = at(0.0, size.y - 0.07, side * (size.z / 2.0 - 0.03));
        let paint = (maker.scheme.accent, Finish::Smooth);
        maker.block("rail", rail, 0.02, place, paint);
        let roller = Shape::Cylinder(0.05, size.z - 0.1);
        let lying = Transform::from_xyz(side * (size.x / 2.0 - 0.04), size.y - 0.07, 0.0)
            .with_rotation(Quat::from_rotation_x(FRAC_PI_2));
        maker.turned("roller", roller, lying, METAL);
    }
    let n_legs = (size.x / 1.5).ceil().max(2.0);
    for leg in 0..n_legs as usize {
        let x = (leg as f32 / (n_legs - 1.0) - 0.5) * (size.x - 0.5);
        for side in [-1.0, 1.0] {
            let height = size.y - 0.1;
            let shape = Vec3::new(0.06, height, 0.06);
            let place = at(x, height / 2.0, side * (size.z / 2.0 - 0.08));
            maker.block("leg", shape, 0.012, place, METAL);
        }
    }
}

/// A flat cart that drives by itself: wheels, a body, a deck and a mast with an eye.
pub(super) fn vehicle(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let (half, top) = (size / 2.0, size.y * DECK_HEIGHT);
    let body = Vec3::new(size.x, top - 0.1, size.z);
    let paint = (maker.scheme.accent, Finish::Smooth);
    maker.block("body", body, 0.07, at(0.0, top / 2.0 + 0.02, 0.0), paint);
    let deck = Vec3::new(size.x - 0.1, 0.05, size.z - 0.34);
    let dark = (palette::RUBBER, Finish::Matt);
    maker.block("deck", deck, 0.015, at(0.0, top - 0.025, -0.1), dark);
    for (x, z) in [(-1.0, -0.62), (1.0, -0.62), (-1.0, 0.62), (1.0, 0.62)] {
        let wheel = Shape::Cylinder(0.12, 0.09);
        let place = Transform::from_xyz(x * (half.x - 0.04), 0.12, z * half.z)
            .with_rotation(Quat::from_rotation_z(FRAC_PI_2));
        maker.turned("wheel", wheel, place, dark);
    }
    let back = half.z - 0.12;
    let mast = Vec3::new(0.08, size.y - top, 0.08);
    maker.block(
        "mast",
        mast,
        0.02,
        at(0.0, (size.y + top) / 2.0, back),
        METAL,
    );
    let eye = Vec3::new(0.3, 0.12, 0.1);
    maker.block("eye", eye, 0.03, at(0.0, size.y - 0.06, back), METAL);
    let lit = (palette::SCREEN_GLOW, Finish::Glowing);
    let glass = Vec3::new(0.2, 0.05, 0.02);
    maker.block(
        "glass",
        glass,
        0.008,
        at(0.0, size.y - 0.06, back - 0.05),
        lit,
    );
}
