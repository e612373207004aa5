//! Names and speech bubbles over the 3D view, behind the panels.

use bevy::{
    math::Vec2,
    prelude::{Res, Resource, Result},
};
use bevy_egui::{
    EguiContexts,
    egui::{
        self, Align2, Context, FontId, Galley, Id, LayerId, Order, Painter, Pos2, Rect, Shape,
        Stroke, emath::GuiRounding as _, pos2, vec2,
    },
};

use crate::{fonts, layout::Layout, palette};

/// Width at which what is said wraps.
const BUBBLE_WIDTH: f32 = 210.0;
/// Letters of a speech that a bubble shows.
const BUBBLE_LETTERS: usize = 110;
/// Space between text and the edge of its plate.
const PADDING: egui::Vec2 = vec2(6.0, 3.0);
/// Space between a bubble's tip and what it points at: the name below it.
const BUBBLE_LIFT: f32 = 26.0;

/// What a label says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelKind {
    /// A name, on a dark plate with a dot of its colour.
    #[default]
    Name,
    /// A remark about something, smaller and without a dot.
    Note,
    /// What somebody says, in a bubble that points down at the position.
    Speech,
}

/// A text at a position of the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverlayLabel {
    /// Where it points at, in logical pixels: the middle of its lower edge.
    pub screen: Vec2,
    /// What it says.
    pub text: String,
    /// The colour of its dot or text, sRGB.
    pub color: [u8; 3],
    /// How it looks.
    pub kind: LabelKind,
}

/// The labels of this frame: filled by the app from the 3D view, painted behind the panels.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Overlay(pub Vec<OverlayLabel>);

pub(crate) fn show(
    mut contexts: EguiContexts,
    layout: Res<Layout>,
    overlay: Res<Overlay>,
) -> Result {
    overlay_ui(contexts.ctx_mut()?, layout.free, &overlay.0);
    Ok(())
}

/// Paints `labels` inside `free`; names that would cover an earlier name are pushed up a line.
pub(crate) fn overlay_ui(ctx: &Context, free: Rect, labels: &[OverlayLabel]) {
    let painter = ctx
        .layer_painter(LayerId::new(Order::Background, Id::new("overlay")))
        .with_clip_rect(free);
    let mut taken: Vec<Rect> = Vec::new();
    let is_speech = |label: &&OverlayLabel| label.kind == LabelKind::Speech;
    for label in labels.iter().filter(|label| !is_speech(label)) {
        paint_plate(&painter, free, label, &mut taken);
    }
    for label in labels.iter().filter(is_speech) {
        paint_bubble(&painter, free, label, &taken);
    }
}

fn paint_plate(painter: &Painter, free: Rect, label: &OverlayLabel, taken: &mut Vec<Rect>) {
    let at = pos2(label.screen.x, label.screen.y);
    if !free.contains(at) || label.text.is_empty() {
        return;
    }
    let is_name = label.kind == LabelKind::Name;
    let (size, color) = if is_name {
        (fonts::BODY, palette::PLATE_TEXT)
    } else {
        (fonts::SMALL, palette::rgb(label.color))
    };
    let galley = painter.layout_no_wrap(label.text.clone(), FontId::proportional(size), color);
    let dot = if is_name { 12.0 } else { 0.0 };
    let plate_size = galley.size() + 2.0 * PADDING + vec2(dot, 0.0);
    let mut plate = inside(Align2::CENTER_BOTTOM.anchor_size(at, plate_size), free);
    // Crowded names climb; after a few tries they may overlap rather than leave their owners.
    for _ in 0..4 {
        let Some(other) = taken.iter().find(|other| other.intersects(plate)) else {
            break;
        };
        plate = plate.translate(vec2(0.0, other.top() - plate.bottom() - 2.0));
    }
    let plate = plate.round_ui();
    taken.push(plate);
    painter.rect_filled(plate, 5.0, palette::PLATE);
    if is_name {
        painter.circle_filled(
            plate.left_center() + vec2(10.0, 0.0),
            4.0,
            palette::rgb(label.color),
        );
    }
    painter.galley(plate.min + PADDING + vec2(dot, 0.0), galley, color);
}

fn paint_bubble(painter: &Painter, free: Rect, label: &OverlayLabel, names: &[Rect]) {
    let at = pos2(label.screen.x, label.screen.y);
    if !free.contains(at) || label.text.is_empty() {
        return;
    }
    let galley = bubble_text(painter, &label.text, free);
    let padding = vec2(9.0, 6.0);
    let tip = at - vec2(0.0, BUBBLE_LIFT);
    let size = galley.size() + 2.0 * padding;
    let anchor = tip - vec2(0.0, 7.0);
    let mut bubble = inside(Align2::CENTER_BOTTOM.anchor_size(anchor, size), free);
    // What is said rises above the names of others where there is room.
    while let Some(name) = names.iter().find(|name| name.intersects(bubble)) {
        let risen = bubble.translate(vec2(0.0, name.top() - bubble.bottom() - 4.0));
        if !free.contains_rect(risen) {
            break;
        }
        bubble = risen;
    }
    let bubble = bubble.round_ui();
    painter.rect_filled(bubble, 8.0, palette::BUBBLE);
    if tip.y > bubble.bottom() {
        paint_tip(painter, bubble, tip);
    }
    painter.galley(bubble.min + padding, galley, palette::BUBBLE_TEXT);
}

fn bubble_text(painter: &Painter, text: &str, free: Rect) -> std::sync::Arc<Galley> {
    let mut short: String = text.chars().take(BUBBLE_LETTERS).collect();
    if short.len() < text.len() {
        short.truncate(short.trim_end().len());
        short.push('…');
    }
    let width = BUBBLE_WIDTH.min(free.width() - 24.0).max(40.0);
    painter.layout(
        short,
        FontId::proportional(fonts::BODY),
        palette::BUBBLE_TEXT,
        width,
    )
}

fn paint_tip(painter: &Painter, bubble: Rect, tip: Pos2) {
    let base = tip.x.clamp(bubble.left() + 14.0, bubble.right() - 14.0);
    let points = vec![
        pos2(base - 7.0, bubble.bottom() - 0.5),
        pos2(base + 7.0, bubble.bottom() - 0.5),
        tip,
    ];
    painter.add(Shape::convex_polygon(points, palette::BUBBLE, Stroke::NONE));
}

/// Moves `rect` into `free`, as far as it fits.
fn inside(rect: Rect, free: Rect) -> Rect {
    let free = free.shrink(4.0);
    let shift = |low: f32, high: f32, from: f32, to: f32| {
        if low < from {
            from - low
        } else if high > to {
            (to - high).max(from - low)
        } else {
            0.0
        }
    };
    rect.translate(vec2(
        shift(rect.left(), rect.right(), free.left(), free.right()),
        shift(rect.top(), rect.bottom(), free.top(), free.bottom()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_in_the_free_rectangle() {
        let free = Rect::from_min_max(pos2(100.0, 50.0), pos2(500.0, 400.0));
        for at in [pos2(101.0, 51.0), pos2(499.0, 399.0), pos2(300.0, 60.0)] {
            let moved = inside(
                Align2::CENTER_BOTTOM.anchor_size(at, vec2(120.0, 40.0)),
                free,
            );
            assert!(free.contains_rect(moved), "{at:?} {moved:?}");
        }
    }
}
