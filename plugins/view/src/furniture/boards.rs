//! What stands or hangs upright: screens, boards and dividers.

use bevy::prelude::*;

use super::{METAL, Maker, at};
use crate::{
    kit::{Finish, Shape},
    palette::{self, mix},
};

/// The lit face of a screen.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(crate) struct ScreenFace;

pub(super) fn screen(maker: &mut Maker<'_, '_, '_>, size: Vec3, raised: f32) {
    let Vec3 {
        x: width,
        y: height,
        z: depth,
    } = size;
    maker.block("frame", size, 0.02, at(0.0, height / 2.0, 0.0), METAL);
    let front = -depth / 2.0 - 0.004;
    let face = Shape::Cuboid(Vec3::new(width - 0.08, height - 0.08, 0.008));
    let dark = (palette::SCREEN, Finish::Smooth);
    let face = maker.part("face", face, at(0.0, height / 2.0, front), dark);
    maker.builder.commands.entity(face).insert(ScreenFace);
    // A few bars, as of a page that is being written.
    for (row, length) in [0.55, 0.72, 0.4, 0.64].into_iter().enumerate() {
        let long = length * (width - 0.3);
        let bar = Shape::Cuboid(Vec3::new(long, height * 0.07, 0.004));
        let x = (width - 0.3 - long) / 2.0;
        let y = height * (0.78 - 0.17 * row as f32);
        let share = 0.25 + 0.15 * row as f32;
        let rgb = mix(palette::SCREEN_GLOW, palette::SCREEN, share);
        maker.part("bar", bar, at(x, y, front - 0.006), (rgb, Finish::Glowing));
    }
    if raised < 0.3 {
        let foot = Vec3::new(width * 0.4, 0.03, 0.4);
        maker.block("foot", foot, 0.01, at(0.0, 0.015, 0.0), METAL);
    }
}

/// Something is written on a board: lines of a word or two, lighter or darker than it is.
pub(super) fn board(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let face = maker.scheme.board;
    let frame = (palette::WOOD, Finish::Smooth);
    maker.block("frame", size, 0.02, at(0.0, size.y / 2.0, 0.0), frame);
    let front = -size.z / 2.0 - 0.003;
    let slate = Shape::Cuboid(Vec3::new(size.x - 0.1, size.y - 0.1, 0.006));
    let paint = (face, Finish::Smooth);
    maker.part("face", slate, at(0.0, size.y / 2.0, front), paint);
    let chalk = if face == palette::PAPER {
        palette::METAL
    } else {
        palette::PAPER
    };
    let lines = [
        (0.3, 0.8, 0.34),
        (0.34, 0.64, 0.24),
        (0.28, 0.5, 0.36),
        (-0.2, 0.72, 0.3),
        (-0.24, 0.4, 0.2),
    ];
    for (x, y, length) in lines {
        let stroke = Shape::Cuboid(Vec3::new(length * size.x, 0.03, 0.004));
        let place = at(x * size.x * 0.8, y * size.y, front - 0.004);
        let paint = (mix(face, chalk, 0.75), Finish::Matt);
        maker.part("stroke", stroke, place, paint);
    }
    let ledge = Vec3::new(size.x * 0.5, 0.03, 0.09);
    let place = at(0.0, 0.0, -size.z / 2.0 - 0.03);
    maker.block("ledge", ledge, 0.01, place, frame);
}

pub(super) fn whiteboard(maker: &mut Maker<'_, '_, '_>) {
    let white = (palette::PAPER, Finish::Smooth);
    let board = Vec3::new(1.8, 1.1, 0.04);
    maker.block("board", board, 0.015, at(0.0, 1.3, 0.0), white);
    for side in [-1.0, 1.0] {
        let post = Shape::Cylinder(0.02, 1.85);
        maker.part("post", post, at(side * 0.88, 0.95, 0.0), METAL);
        let foot = Vec3::new(0.05, 0.03, 0.5);
        maker.block("foot", foot, 0.01, at(side * 0.88, 0.03, 0.0), METAL);
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
        maker.part("stroke", stroke, at(x, y, -0.023), (rgb, Finish::Matt));
    }
}

/// Three leaves of cloth in frames of metal, folded a little.
pub(super) fn divider(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    let leaf = size.x / 3.0;
    let cloth = mix(maker.scheme.accent, palette::PAPER, 0.45);
    for (n, turn) in [0.35_f32, -0.35, 0.35].into_iter().enumerate() {
        let x = (n as f32 - 1.0) * leaf;
        let pose =
            |y: f32| Transform::from_xyz(x, y, 0.0).with_rotation(Quat::from_rotation_y(turn));
        let sheet = Shape::Rounded(Vec3::new(leaf, size.y - 0.2, 0.02), 0.008);
        maker.turned(
            "leaf",
            sheet,
            pose(size.y / 2.0 + 0.08),
            (cloth, Finish::Matt),
        );
        for rail in [0.17, size.y - 0.02] {
            let bar = Shape::Rounded(Vec3::new(leaf + 0.02, 0.035, 0.035), 0.012);
            maker.turned("rail", bar, pose(rail), METAL);
        }
        for side in [-1.0, 1.0] {
            let post = pose(0.08) * Transform::from_xyz(side * leaf * 0.46, 0.0, 0.0);
            maker.turned("foot", Shape::Cylinder(0.016, 0.16), post, METAL);
        }
    }
}
