//! What holds goods, files and books.

use bevy::prelude::*;

use super::{METAL, Maker, at};
use crate::{
    kit::{Finish, Shape},
    palette::{self, mix},
};

/// Lengths, heights and shares of the accent of what stands on a board, from left to right.
const GOODS: [(f32, f32, f32); 5] = [
    (0.2, 0.7, 0.0),
    (0.12, 0.5, 0.8),
    (0.24, 0.62, 0.25),
    (0.1, 0.8, 1.0),
    (0.18, 0.45, 0.5),
];

/// Open boards between two sides, with different things on each.
pub(super) fn shelf(maker: &mut Maker<'_, '_, '_>, size: Vec3, index: usize) {
    let wood = (mix(maker.scheme.table, palette::METAL, 0.12), Finish::Matt);
    for side in [-1.0, 1.0] {
        let panel = Vec3::new(0.04, size.y, size.z);
        let place = at(side * (size.x / 2.0 - 0.02), size.y / 2.0, 0.0);
        maker.block("side", panel, 0.01, place, wood);
    }
    let n_boards = (size.y / 0.48).round().max(1.0);
    let gap = (size.y - 0.08) / n_boards;
    for board in 0..=n_boards as usize {
        let y = 0.04 + gap * board as f32;
        let shape = Vec3::new(size.x - 0.06, 0.03, size.z - 0.02);
        maker.block("board", shape, 0.008, at(0.0, y, 0.0), wood);
        if board < n_boards as usize {
            goods(maker, size, y + 0.015, gap - 0.06, index + board);
        }
    }
}

fn goods(maker: &mut Maker<'_, '_, '_>, size: Vec3, bottom: f32, room: f32, turn: usize) {
    let width = size.x - 0.14;
    let mut left = -width / 2.0;
    for n in 0..GOODS.len() {
        let (share, tall, accent) = GOODS[(n + turn * 2) % GOODS.len()];
        let (long, high) = (share * width, tall * room);
        let shape = Vec3::new(long - 0.02, high, size.z * 0.68);
        let rgb = mix(palette::CRATE, maker.scheme.accent, accent);
        let place = at(left + long / 2.0, bottom + high / 2.0, 0.0);
        maker.block("goods", shape, 0.015, place, (rgb, Finish::Matt));
        left += long + 0.02;
    }
}

/// Crates on a pallet, two above and four below.
pub(super) fn crates(maker: &mut Maker<'_, '_, '_>, index: usize) {
    let dark = (palette::CRATE_DARK, Finish::Matt);
    for z in [-0.4, 0.0, 0.4] {
        let plank = Vec3::new(1.2, 0.05, 0.16);
        maker.block("plank", plank, 0.01, at(0.0, 0.115, z), dark);
    }
    for x in [-0.5, 0.0, 0.5] {
        let beam = Vec3::new(0.1, 0.09, 0.98);
        maker.block("beam", beam, 0.01, at(x, 0.045, 0.0), dark);
    }
    let places = [
        (-0.29, 0.0, -0.24),
        (0.29, 0.0, -0.24),
        (-0.29, 0.0, 0.24),
        (0.29, 0.0, 0.24),
        (-0.24, 1.0, 0.02),
        (0.3, 1.0, -0.2),
    ];
    for (n, (x, layer, z)) in places.into_iter().enumerate() {
        let size = Vec3::new(0.54, 0.46, 0.45);
        let y = 0.14 + 0.47 * layer + 0.23;
        let rgb = [palette::CRATE, mix(palette::CRATE, palette::PAPER, 0.25)][(n + index) % 2];
        maker.block("crate", size, 0.025, at(x, y, z), (rgb, Finish::Matt));
        let strap = Shape::Cuboid(Vec3::new(0.06, 0.466, 0.456));
        maker.part("strap", strap, at(x, y, z), METAL);
    }
}
