//! What makes a room a home: plants, lamps and rugs.

use bevy::prelude::*;

use super::{METAL, Maker, at};
use crate::{
    kit::{Finish, Shape},
    palette::{self, mix},
};

pub(super) fn plant(maker: &mut Maker<'_, '_, '_>, index: usize) {
    let pot = (palette::POT, Finish::Smooth);
    maker.part("pot", Shape::Cone(0.2, 0.14, 0.36), at(0.0, 0.18, 0.0), pot);
    let earth = (palette::EARTH, Finish::Matt);
    maker.part(
        "earth",
        Shape::Cylinder(0.18, 0.02),
        at(0.0, 0.36, 0.0),
        earth,
    );
    let stem = (palette::STEM, Finish::Matt);
    maker.part("stem", Shape::Cylinder(0.02, 0.5), at(0.0, 0.55, 0.0), stem);
    for leaf in 0..9 {
        // The golden angle spreads leaves evenly, as plants do.
        let turn = 2.399_963 * (leaf + index) as f32;
        let climb = leaf as f32 / 8.0;
        let lean = 1.05 - 0.75 * climb;
        let pose = Transform::from_xyz(0.0, 0.62 + 0.28 * climb, 0.0)
            * Transform::from_rotation(Quat::from_rotation_y(turn) * Quat::from_rotation_x(lean))
            * Transform::from_xyz(0.0, 0.26, 0.0).with_scale(Vec3::new(0.55, 1.9, 0.28));
        let rgb = [palette::LEAF, palette::LEAF_DARK][leaf % 2];
        maker.turned("leaf", Shape::Sphere(0.16), pose, (rgb, Finish::Matt));
    }
}

pub(super) fn lamp(maker: &mut Maker<'_, '_, '_>) {
    let foot = Shape::Cylinder(0.16, 0.03);
    maker.part("foot", foot, at(0.0, 0.015, 0.0), METAL);
    let pole = Shape::Cylinder(0.016, 1.45);
    maker.part("pole", pole, at(0.0, 0.74, 0.0), METAL);
    let lit = (palette::LAMPSHADE, Finish::Glowing);
    maker.part(
        "shade",
        Shape::Cone(0.13, 0.2, 0.26),
        at(0.0, 1.55, 0.0),
        lit,
    );
}

pub(super) fn rug(maker: &mut Maker<'_, '_, '_>, size: Vec3) {
    maker.cover(size.xz(), maker.scheme.rug);
    let inner = Shape::Rounded(Vec3::new(size.x - 0.36, 0.014, size.z - 0.36), 0.006);
    let rgb = mix(maker.scheme.rug, maker.scheme.accent, 0.35);
    maker.part("field", inner, at(0.0, 0.012, 0.0), (rgb, Finish::Matt));
}
