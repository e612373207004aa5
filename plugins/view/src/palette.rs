//! Holds every colour that the stage is drawn with.

use bevy::prelude::Color;
use schedule::{OwnerId, Skill};

/// The wall of the sky behind the room.
pub(crate) const BACKDROP: [u8; 3] = [214, 224, 232];
/// Two tones of floor boards.
pub(crate) const FLOOR: [[u8; 3]; 3] = [[214, 184, 148], [208, 177, 140], [219, 190, 155]];
/// The walls and their skirting.
pub(crate) const WALL: [u8; 3] = [236, 233, 226];
pub(crate) const SKIRTING: [u8; 3] = [250, 249, 246];
/// Table tops, their legs and everything of dark metal.
pub(crate) const TABLE: [u8; 3] = [238, 226, 206];
pub(crate) const METAL: [u8; 3] = [74, 82, 92];
/// The carpet under the table.
pub(crate) const CARPET: [u8; 3] = [120, 144, 160];
/// Chairs: seat and back.
pub(crate) const CHAIR: [u8; 3] = [92, 108, 122];
/// The screen, dark and lit.
pub(crate) const SCREEN: [u8; 3] = [28, 38, 52];
pub(crate) const SCREEN_GLOW: [u8; 3] = [120, 190, 235];
/// Plants and their pots.
pub(crate) const LEAF: [u8; 3] = [86, 150, 92];
pub(crate) const LEAF_DARK: [u8; 3] = [62, 122, 78];
pub(crate) const POT: [u8; 3] = [204, 128, 96];
/// The rack and the units in it.
pub(crate) const RACK: [u8; 3] = [52, 58, 68];
pub(crate) const UNIT: [u8; 3] = [88, 97, 110];
pub(crate) const SOCKET: [u8; 3] = [34, 38, 46];
/// A lamp behind whose slot something runs.
pub(crate) const LAMP_ON: [u8; 3] = [110, 235, 150];
/// What has failed, and resources that are down.
pub(crate) const FAILED: [u8; 3] = [214, 34, 34];
/// What waits for its next attempt.
pub(crate) const BACKOFF: [u8; 3] = [255, 176, 0];
/// What is no longer wanted.
pub(crate) const CANCELLED: [u8; 3] = [150, 154, 158];
/// The tray in which ready subtasks wait.
pub(crate) const TRAY: [u8; 3] = [250, 250, 248];
/// Skin tones of the figures.
const SKIN: [[u8; 3]; 4] = [
    [244, 208, 178],
    [222, 178, 140],
    [176, 126, 90],
    [122, 84, 60],
];
/// Hair colours of the figures.
const HAIR: [[u8; 3]; 4] = [[62, 48, 40], [142, 100, 60], [40, 38, 42], [196, 190, 182]];
/// Clothes of the figures.
const CLOTHES: [[u8; 3]; 8] = [
    [88, 132, 196],
    [226, 142, 92],
    [96, 166, 128],
    [176, 124, 184],
    [214, 182, 84],
    [92, 172, 186],
    [204, 112, 128],
    [128, 134, 152],
];

/// The colour of subtasks that need `skill`, as sRGB bytes.
///
/// Based on Paul Tol's *muted* scheme, which people with colour-blindness can tell apart; red and
/// amber are left to failure and to waiting after one.
pub fn skill_rgb(skill: Skill) -> [u8; 3] {
    match skill {
        Skill::Transcribe => [136, 204, 238],
        Skill::Embed => [68, 170, 153],
        Skill::Segment => [170, 68, 153],
        Skill::Summarise => [17, 119, 51],
        Skill::Tag => [221, 204, 119],
        Skill::Answer => [68, 119, 190],
        Skill::Classify => [153, 153, 51],
        Skill::Generate => [136, 34, 85],
        Skill::Inspect => [224, 240, 130],
        Skill::Machine => [172, 150, 134],
        Skill::Carry => [204, 102, 119],
        Skill::Approve => [51, 34, 136],
    }
}

/// The colour of subtasks that need `skill`.
pub fn skill_color(skill: Skill) -> Color {
    color(skill_rgb(skill))
}

/// The colour in which the agent `owner` is dressed, as sRGB bytes.
pub fn agent_rgb(owner: OwnerId) -> [u8; 3] {
    CLOTHES[owner.index() % CLOTHES.len()]
}

pub(crate) fn skin_rgb(owner: OwnerId) -> [u8; 3] {
    SKIN[(owner.index() * 3 + 1) % SKIN.len()]
}

pub(crate) fn hair_rgb(owner: OwnerId) -> [u8; 3] {
    HAIR[(owner.index() * 5 + 2) % HAIR.len()]
}

pub(crate) fn color([red, green, blue]: [u8; 3]) -> Color {
    Color::srgb_u8(red, green, blue)
}

/// `rgb` moved towards `other` by `share`, from 0 to 1.
pub(crate) fn mix(rgb: [u8; 3], other: [u8; 3], share: f32) -> [u8; 3] {
    std::array::from_fn(|i| {
        let (a, b) = (f32::from(rgb[i]), f32::from(other[i]));
        (a + (b - a) * share).round() as u8
    })
}

/// All skills, in the order of their declaration.
pub(crate) const SKILLS: [Skill; 12] = [
    Skill::Transcribe,
    Skill::Embed,
    Skill::Segment,
    Skill::Summarise,
    Skill::Tag,
    Skill::Answer,
    Skill::Classify,
    Skill::Generate,
    Skill::Inspect,
    Skill::Machine,
    Skill::Carry,
    Skill::Approve,
];

#[cfg(test)]
mod tests {
    use bevy::{
        color::{LinearRgba, Oklaba, color_difference::EuclideanDistance as _},
        prelude::Color,
    };

    use super::*;

    /// What somebody without working green cones sees: Machado, Oliveira, Fernandes (2009),
    /// severity 1.
    fn deuteranope(color: Color) -> Oklaba {
        let LinearRgba {
            red, green, blue, ..
        } = color.to_linear();
        Oklaba::from(LinearRgba::rgb(
            0.367_322 * red + 0.860_646 * green - 0.227_968 * blue,
            0.280_085 * red + 0.672_501 * green + 0.047_413 * blue,
            -0.011_820 * red + 0.042_940 * green + 0.968_881 * blue,
        ))
    }

    #[test]
    fn skills_and_troubles_can_be_told_apart() {
        let mut named: Vec<(&str, Color)> = SKILLS
            .iter()
            .map(|skill| (skill.name(), skill_color(*skill)))
            .collect();
        named.extend([("failed", color(FAILED)), ("backoff", color(BACKOFF))]);
        for (i, (name, a)) in named.iter().enumerate() {
            for (other, b) in &named[..i] {
                let full = Oklaba::from(*a).distance(&Oklaba::from(*b));
                let reduced = deuteranope(*a).distance(&deuteranope(*b));
                assert!(full > 0.07, "{name} and {other} differ by {full}");
                assert!(
                    reduced > 0.035,
                    "{name} and {other} differ by {reduced} without green"
                );
            }
        }
    }

    #[test]
    fn mixing_ends_at_both_colours() {
        assert_eq!(mix([0, 10, 200], [100, 20, 0], 0.0), [0, 10, 200]);
        assert_eq!(mix([0, 10, 200], [100, 20, 0], 1.0), [100, 20, 0]);
    }
}
