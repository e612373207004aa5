//! What people sit and lie on.

use std::f32::consts::TAU;

use bevy::prelude::*;

use super::{METAL, Maker, at, tables::legs};
use crate::{
    kit::{Finish, Shape},
    palette::{self, mix},
};

pub(super) fn chair(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let cloth = (maker.scheme.cloth, Finish::Matt);
    let seat = Vec3::new(size.x, 0.08, size.z * 0.94);
    maker.block("seat", seat, 0.035, at(0.0, 0.44, 0.0), cloth);
    let back = Shape::Rounded(Vec3::new(size.x * 0.94, size.y - 0.5, 0.06), 0.028);
    let tilt = Transform::from_xyz(0.0, (size.y + 0.46) / 2.0, size.z / 2.0)
        .with_rotation(Quat::from_rotation_x(0.12));
    maker.turned("back", back, tilt, cloth);
    let column = Shape::Cylinder(0.035, 0.36);
    maker.part("column", column, at(0.0, 0.23, 0.0), METAL);
    for foot in 0..5 {
        let turn = Quat::from_rotation_y(TAU * foot as f32 / 5.0);
        let out = Transform::from_translation(turn * at(0.0, 0.05, 0.13)).with_rotation(turn);
        let foot = Shape::Rounded(Vec3::new(0.045, 0.035, 0.26), 0.012);
        maker.turned("foot", foot, out, METAL);
    }
}

pub(super) fn sofa(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let cloth = (maker.scheme.cloth, Finish::Matt);
    let soft = (mix(maker.scheme.cloth, palette::PAPER, 0.12), Finish::Matt);
    let arm = 0.18;
    let base = Vec3::new(size.x - 0.1, 0.2, size.z - 0.06);
    maker.block("base", base, 0.06, at(0.0, 0.22, 0.0), cloth);
    let n_cushions = ((size.x - 2.0 * arm) / 0.75).round().max(1.0);
    let width = (size.x - 2.0 * arm) / n_cushions;
    for cushion in 0..n_cushions as usize {
        let x = (cushion as f32 - (n_cushions - 1.0) / 2.0) * width;
        let seat = Vec3::new(width - 0.02, 0.16, size.z - 0.22);
        maker.block("cushion", seat, 0.06, at(x, 0.4, -0.06), soft);
        let rest = Shape::Rounded(Vec3::new(width - 0.03, 0.42, 0.16), 0.07);
        let tilt = Transform::from_xyz(x, 0.6, size.z / 2.0 - 0.2)
            .with_rotation(Quat::from_rotation_x(0.16));
        maker.turned("rest", rest, tilt, soft);
    }
    let back = Vec3::new(size.x, size.y - 0.14, 0.16);
    let place = at(0.0, (size.y + 0.14) / 2.0, size.z / 2.0 - 0.08);
    maker.block("back", back, 0.07, place, cloth);
    for side in [-1.0, 1.0] {
        let shape = Vec3::new(arm, size.y * 0.62, size.z);
        let place = at(side * (size.x - arm) / 2.0, size.y * 0.31 + 0.12, 0.0);
        maker.block("arm", shape, 0.07, place, cloth);
    }
    let pillow = Shape::Rounded(Vec3::new(0.36, 0.34, 0.12), 0.055);
    let leaning = Transform::from_xyz(size.x / 2.0 - arm - 0.2, 0.62, size.z / 2.0 - 0.3)
        .with_rotation(Quat::from_euler(EulerRot::YXZ, 0.3, 0.25, 0.2));
    maker.turned(
        "pillow",
        pillow,
        leaning,
        (maker.scheme.accent, Finish::Matt),
    );
    legs(maker, size, 0.14);
}

pub(super) fn bed(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let white = (palette::PAPER, Finish::Matt);
    let top = size.y * 0.55;
    let frame = Vec3::new(size.x, 0.1, size.z);
    maker.block("frame", frame, 0.03, at(0.0, top - 0.22, 0.0), METAL);
    let mattress = Vec3::new(size.x - 0.04, 0.18, size.z - 0.06);
    maker.block("mattress", mattress, 0.06, at(0.0, top - 0.09, 0.0), white);
    let blanket = Vec3::new(size.x, 0.09, size.z * 0.55);
    let cloth = (maker.scheme.cloth, Finish::Matt);
    let place = at(0.0, top - 0.025, -size.z * 0.2);
    maker.block("blanket", blanket, 0.04, place, cloth);
    let pillow = Vec3::new(size.x * 0.62, 0.12, 0.34);
    let place = at(0.0, top + 0.03, size.z / 2.0 - 0.26);
    maker.block("pillow", pillow, 0.055, place, white);
    for (end, height) in [(1.0, size.y), (-1.0, size.y * 0.72)] {
        let board = Vec3::new(size.x, height - 0.3, 0.05);
        let place = at(0.0, (height + 0.3) / 2.0, end * (size.z / 2.0 - 0.02));
        let paint = (maker.scheme.accent, Finish::Smooth);
        maker.block("end", board, 0.02, place, paint);
        for side in [-1.0, 1.0] {
            let place = at(
                side * (size.x / 2.0 - 0.06),
                0.16,
                end * (size.z / 2.0 - 0.1),
            );
            maker.part("leg", Shape::Cylinder(0.025, 0.32), place, METAL);
        }
    }
}
