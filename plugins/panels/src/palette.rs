//! Holds every colour of the panels, so that states and skills look the same wherever they appear.

use bevy_egui::egui::Color32;
use schedule::Skill;

/// What panels are filled with.
pub(crate) const PANEL: Color32 = Color32::from_rgb(24, 27, 32);
/// What stands out from a panel: cards, text fields.
pub(crate) const RAISED: Color32 = Color32::from_rgb(34, 38, 45);
/// What lies deeper than a panel: the rail of a bar.
pub(crate) const SUNK: Color32 = Color32::from_rgb(16, 18, 22);
/// Lines between panels.
pub(crate) const LINE: Color32 = Color32::from_rgb(46, 51, 60);
/// A widget at rest.
pub(crate) const WIDGET: Color32 = Color32::from_rgb(46, 52, 61);
/// A widget under the pointer.
pub(crate) const WIDGET_HOVERED: Color32 = Color32::from_rgb(60, 67, 79);
/// A widget that is pressed.
pub(crate) const WIDGET_ACTIVE: Color32 = Color32::from_rgb(74, 83, 98);

/// Names and headings.
pub(crate) const TEXT_STRONG: Color32 = Color32::from_rgb(240, 242, 245);
/// What is read.
pub(crate) const TEXT: Color32 = Color32::from_rgb(205, 210, 217);
/// What explains.
pub(crate) const TEXT_WEAK: Color32 = Color32::from_rgb(148, 156, 167);

/// What is chosen or can be followed.
pub(crate) const ACCENT: Color32 = Color32::from_rgb(86, 180, 233);
/// What is chosen, as a background under light text.
pub(crate) const ACCENT_DIM: Color32 = Color32::from_rgb(30, 74, 105);
/// What is done or works.
pub(crate) const GOOD: Color32 = Color32::from_rgb(86, 196, 150);
/// What waits.
pub(crate) const WAITING: Color32 = Color32::from_rgb(236, 180, 74);
/// What went wrong.
pub(crate) const BAD: Color32 = Color32::from_rgb(255, 122, 104);
/// Behind what went wrong.
pub(crate) const BAD_DIM: Color32 = Color32::from_rgb(72, 32, 30);
/// Nothing to do.
pub(crate) const IDLE: Color32 = Color32::from_rgb(96, 103, 114);

/// A plate behind a name in the 3D view.
pub(crate) const PLATE: Color32 = Color32::from_rgba_premultiplied(13, 15, 18, 205);
/// A name on a plate.
pub(crate) const PLATE_TEXT: Color32 = Color32::WHITE;
/// A speech bubble.
pub(crate) const BUBBLE: Color32 = Color32::from_rgba_premultiplied(240, 242, 245, 245);
/// What is said in a bubble.
pub(crate) const BUBBLE_TEXT: Color32 = Color32::from_rgb(28, 31, 36);

/// The sRGB colour that the panels give a skill; the app holds it to that of the 3D view.
pub fn skill_rgb(of: Skill) -> [u8; 3] {
    let color = skill(of);
    [color.r(), color.g(), color.b()]
}

/// The colour of a skill; told apart by people who see colours differently.
pub(crate) fn skill(skill: Skill) -> Color32 {
    match skill {
        Skill::Transcribe => Color32::from_rgb(136, 204, 238),
        Skill::Embed => Color32::from_rgb(68, 170, 153),
        Skill::Segment => Color32::from_rgb(170, 68, 153),
        Skill::Summarise => Color32::from_rgb(17, 119, 51),
        Skill::Tag => Color32::from_rgb(221, 204, 119),
        Skill::Answer => Color32::from_rgb(68, 119, 190),
        Skill::Classify => Color32::from_rgb(153, 153, 51),
        Skill::Generate => Color32::from_rgb(136, 34, 85),
        Skill::Inspect => Color32::from_rgb(224, 240, 130),
        Skill::Machine => Color32::from_rgb(172, 150, 134),
        Skill::Carry => Color32::from_rgb(204, 102, 119),
        Skill::Approve => Color32::from_rgb(51, 34, 136),
    }
}

/// The colour that somebody else computed.
pub(crate) fn rgb([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}
