//! Divides the window: a bar on top, the crew on the left, the meeting on the right, totals below.

use bevy::prelude::Resource;
use bevy_egui::egui::{Pos2, Rect, pos2};

const BAR_HEIGHT: f32 = 44.0;
const TOTALS_HEIGHT: f32 = 132.0;
/// Share of the width, and the least and most logical pixels, that a side panel takes.
const LEFT: (f32, f32, f32) = (0.225, 204.0, 300.0);
const RIGHT: (f32, f32, f32) = (0.29, 256.0, 400.0);
/// Narrower windows lose the side panels rather than the 3D view.
const NARROWEST_WITH_SIDES: f32 = 640.0;

/// The rectangle between the panels, in logical pixels, that is left for the 3D view.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct FreeRect(pub bevy::math::Rect);

/// Which optional parts the window shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) sides: bool,
    /// The right side, where something is said or can be asked.
    pub(crate) meeting: bool,
    pub(crate) totals: bool,
}

/// Where the panels lie, in logical pixels.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) bar: Rect,
    pub(crate) left: Option<Rect>,
    pub(crate) right: Option<Rect>,
    pub(crate) totals: Option<Rect>,
    pub(crate) free: Rect,
}

impl Default for Layout {
    fn default() -> Self {
        Self::of(
            Rect::from_min_max(Pos2::ZERO, Pos2::ZERO),
            Shown {
                sides: false,
                meeting: false,
                totals: false,
            },
        )
    }
}

impl Layout {
    /// Divides `screen` so that the parts neither overlap nor leave a gap.
    pub(crate) fn of(screen: Rect, shown: Shown) -> Self {
        let below = (screen.top() + BAR_HEIGHT).min(screen.bottom());
        let sides = shown.sides && screen.width() >= NARROWEST_WITH_SIDES;
        let meeting = sides && shown.meeting;
        let width_of = |is_shown: bool, (share, least, most): (f32, f32, f32)| {
            if is_shown {
                (screen.width() * share).clamp(least, most).round()
            } else {
                0.0
            }
        };
        let left = screen.left() + width_of(sides, LEFT);
        let right = screen.right() - width_of(meeting, RIGHT);
        let totals_fit = screen.bottom() - below > 2.0 * TOTALS_HEIGHT;
        let bottom = if shown.totals && totals_fit {
            screen.bottom() - TOTALS_HEIGHT
        } else {
            screen.bottom()
        };
        let side = |is_shown: bool, x0, x1| {
            is_shown.then(|| Rect::from_min_max(pos2(x0, below), pos2(x1, screen.bottom())))
        };
        Self {
            bar: Rect::from_min_max(screen.min, pos2(screen.right(), below)),
            left: side(sides, screen.left(), left),
            right: side(meeting, right, screen.right()),
            totals: (shown.totals && totals_fit)
                .then(|| Rect::from_min_max(pos2(left, bottom), pos2(right, screen.bottom()))),
            free: Rect::from_min_max(pos2(left, below), pos2(right, bottom)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::vec2;

    use super::*;

    #[test]
    fn parts_fill_the_window_without_overlap() {
        for size in [
            (1280.0, 720.0),
            (900.0, 600.0),
            (500.0, 400.0),
            (3840.0, 2160.0),
        ] {
            for shown in 0..8 {
                let screen = Rect::from_min_size(Pos2::ZERO, vec2(size.0, size.1));
                let shown = Shown {
                    sides: shown & 1 > 0,
                    meeting: shown & 2 > 0,
                    totals: shown & 4 > 0,
                };
                let layout = Layout::of(screen, shown);
                let parts: Vec<Rect> = [Some(layout.bar), layout.left, layout.right, layout.totals]
                    .into_iter()
                    .flatten()
                    .chain([layout.free])
                    .collect();
                let area: f32 = parts.iter().map(Rect::area).sum();
                assert!((area - screen.area()).abs() < 1.0, "{size:?} {layout:?}");
                for (i, a) in parts.iter().enumerate() {
                    assert!(screen.contains_rect(*a), "{size:?} {a:?}");
                    for b in &parts[i + 1..] {
                        assert!(a.intersect(*b).area() <= 0.0 || !a.intersect(*b).is_positive());
                    }
                }
            }
        }
    }

    #[test]
    fn the_3d_view_keeps_the_larger_part() {
        for (w, h) in [(1280.0, 720.0), (900.0, 600.0)] {
            let screen = Rect::from_min_size(Pos2::ZERO, vec2(w, h));
            let free = Layout::of(
                screen,
                Shown {
                    sides: true,
                    meeting: true,
                    totals: true,
                },
            )
            .free;
            assert!(free.width() > 0.45 * w, "{free:?}");
            assert!(free.height() > 0.6 * h, "{free:?}");
        }
    }
}
