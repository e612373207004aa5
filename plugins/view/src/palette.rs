//! Holds every colour that the stage is drawn with.

use bevy::prelude::Color;
use rooms::Look;
use schedule::{OwnerId, Skill};

/// What a floor is laid with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paving {
    /// Boards along the width of the room.
    Boards,
    /// Squares with edges of so many metres.
    Tiles(f32),
}

/// The colours and the light of one kind of place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scheme {
    /// The sky behind the room.
    pub(crate) backdrop: [u8; 3],
    pub(crate) paving: Paving,
    /// Tones of the floor.
    pub(crate) floor: [[u8; 3]; 3],
    /// The line along the walls on the floor, where there is one.
    pub(crate) line: Option<[u8; 3]>,
    /// The walls and the band at their foot.
    pub(crate) wall: [u8; 3],
    pub(crate) band: [u8; 3],
    /// Skirting, rails and window frames.
    pub(crate) trim: [u8; 3],
    /// Table tops.
    pub(crate) table: [u8; 3],
    /// What lies under tables, and rugs.
    pub(crate) rug: [u8; 3],
    /// Whether a rug lies under each table.
    pub(crate) rug_under_tables: bool,
    /// Seats, and what else is to catch the eye.
    pub(crate) cloth: [u8; 3],
    pub(crate) accent: [u8; 3],
    /// Boards to write on.
    pub(crate) board: [u8; 3],
    /// Colour and lux of the sun.
    pub(crate) sun: ([u8; 3], f32),
    /// Colour of the sky, and candela per square metre.
    pub(crate) sky: ([u8; 3], f32),
}

/// The colours and the light of `look`.
pub(crate) fn scheme(look: Look) -> &'static Scheme {
    match look {
        Look::Meeting => &MEETING,
        Look::Factory => &FACTORY,
        Look::Classroom => &CLASSROOM,
        Look::Lounge => &LOUNGE,
        Look::Clinic => &CLINIC,
    }
}

const MEETING: Scheme = Scheme {
    backdrop: [214, 224, 232],
    paving: Paving::Boards,
    floor: [[214, 184, 148], [208, 177, 140], [219, 190, 155]],
    line: None,
    wall: [236, 233, 226],
    band: [236, 233, 226],
    trim: [250, 249, 246],
    table: [238, 226, 206],
    rug: [120, 144, 160],
    rug_under_tables: true,
    cloth: [92, 108, 122],
    accent: [88, 132, 168],
    board: PAPER,
    sun: ([255, 247, 232], 7_000.0),
    sky: ([237, 245, 255], 1_300.0),
};

const FACTORY: Scheme = Scheme {
    backdrop: [200, 208, 214],
    paving: Paving::Tiles(2.0),
    floor: [[164, 169, 172], [159, 164, 168], [169, 174, 176]],
    line: Some([236, 238, 232]),
    wall: [208, 215, 219],
    band: [78, 106, 124],
    trim: [228, 232, 234],
    table: [186, 194, 200],
    rug: [138, 146, 150],
    rug_under_tables: false,
    cloth: [58, 92, 120],
    accent: [46, 116, 150],
    board: PAPER,
    sun: ([250, 250, 255], 7_600.0),
    sky: ([232, 240, 255], 1_350.0),
};

const CLASSROOM: Scheme = Scheme {
    backdrop: [222, 228, 214],
    paving: Paving::Boards,
    floor: [[226, 208, 172], [221, 202, 164], [231, 214, 180]],
    line: None,
    wall: [246, 241, 222],
    band: [164, 188, 164],
    trim: [252, 250, 242],
    table: [238, 218, 178],
    rug: [156, 180, 150],
    rug_under_tables: false,
    cloth: [62, 124, 140],
    accent: [74, 138, 112],
    board: [46, 88, 74],
    sun: ([255, 248, 226], 7_600.0),
    sky: ([244, 248, 240], 1_350.0),
};

const LOUNGE: Scheme = Scheme {
    backdrop: [226, 212, 202],
    paving: Paving::Boards,
    floor: [[140, 102, 78], [132, 95, 72], [148, 110, 84]],
    line: None,
    wall: [228, 206, 188],
    band: [146, 92, 86],
    trim: [246, 234, 220],
    table: [188, 142, 104],
    rug: [226, 208, 176],
    rug_under_tables: false,
    cloth: [58, 106, 114],
    accent: [186, 112, 92],
    board: PAPER,
    sun: ([255, 226, 190], 5_600.0),
    sky: ([255, 238, 222], 1_150.0),
};

const CLINIC: Scheme = Scheme {
    backdrop: [214, 230, 232],
    paving: Paving::Tiles(0.75),
    floor: [[224, 234, 233], [217, 229, 228], [230, 238, 237]],
    line: None,
    wall: [243, 248, 248],
    band: [150, 202, 204],
    trim: [255, 255, 255],
    table: [246, 248, 248],
    rug: [178, 212, 212],
    rug_under_tables: false,
    cloth: [78, 144, 164],
    accent: [96, 170, 170],
    board: PAPER,
    sun: ([250, 253, 255], 7_200.0),
    sky: ([236, 248, 255], 1_450.0),
};

/// What everything of dark metal is painted in.
pub(crate) const METAL: [u8; 3] = [74, 82, 92];
/// The glass of windows.
pub(crate) const WINDOW: [u8; 3] = [206, 228, 240];
/// Paper, cushions, sheets and the white of boards.
pub(crate) const PAPER: [u8; 3] = [250, 250, 247];
/// Boxes, crates and pallets.
pub(crate) const CRATE: [u8; 3] = [196, 158, 112];
pub(crate) const CRATE_DARK: [u8; 3] = [158, 122, 84];
/// Belts, tyres and the inside of machines.
pub(crate) const RUBBER: [u8; 3] = [52, 56, 62];
/// The wood of legs and shelves, and of plants.
pub(crate) const WOOD: [u8; 3] = [176, 136, 98];
pub(crate) const STEM: [u8; 3] = [110, 92, 66];
pub(crate) const EARTH: [u8; 3] = [96, 74, 56];
/// The shade of a lamp, and the shell of a laptop.
pub(crate) const LAMPSHADE: [u8; 3] = [255, 236, 200];
pub(crate) const SHELL: [u8; 3] = [196, 202, 208];
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
