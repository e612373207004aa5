//! What the person must know: problems, and how far a model is on its way.

use bevy::prelude::{Res, ResMut, Resource, Result};
use bevy_egui::{
    EguiContexts,
    egui::{
        self, Align, Align2, Area, Context, Frame, Id, Layout as Flow, Margin, Order, ProgressBar,
        Rect, RichText, ScrollArea, Spinner, Stroke, Ui, vec2,
    },
};

use crate::{
    layout::Layout,
    palette,
    theme::{self, Icon},
};

/// Problems that are kept; the oldest go first.
const MOST_NOTICES: usize = 20;
const WIDTH: f32 = 440.0;

/// Problems that the person must know of, in the order in which they came up.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices(Vec<String>);

impl Notices {
    /// Shows `text` until it is dismissed; the same text is shown once.
    pub fn report(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.0.contains(&text) {
            return;
        }
        if self.0.len() == MOST_NOTICES {
            self.0.remove(0);
        }
        self.0.push(text);
    }

    /// What has not been dismissed.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What the run waits for before it can go on: weights that are fetched or loaded. Absent otherwise.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Loading {
    /// What is loaded.
    pub text: String,
    /// How much of it is there, from 0 to 1, where that is known.
    pub fraction: Option<f32>,
}

pub(crate) fn show(
    mut contexts: EguiContexts,
    layout: Res<Layout>,
    mut notices: ResMut<Notices>,
    loading: Option<Res<Loading>>,
) -> Result {
    let ctx = contexts.ctx_mut()?;
    if !notices.0.is_empty() {
        // Taken out so that a frame without a click changes nothing.
        let dismissed = notices_ui(ctx, layout.free, &notices.0);
        if let Some(i) = dismissed {
            notices.0.remove(i);
        }
    }
    if let Some(loading) = loading {
        loading_ui(ctx, layout.free, &loading);
    }
    Ok(())
}

/// Draws the notices below the bar and returns the position of the one that was dismissed.
pub(crate) fn notices_ui(ctx: &Context, free: Rect, notices: &[String]) -> Option<usize> {
    let mut dismissed = None;
    floating(ctx, "notices", free, Align2::CENTER_TOP, |ui| {
        ScrollArea::vertical()
            .max_height(0.4 * free.height())
            .show(ui, |ui| {
                for (i, text) in notices.iter().enumerate() {
                    let frame = Frame::new()
                        .fill(palette::BAD_DIM)
                        .stroke(Stroke::new(1.0, palette::BAD))
                        .corner_radius(6)
                        .inner_margin(Margin::symmetric(10, 6));
                    frame.show(ui, |ui| {
                        if notice_ui(ui, text) {
                            dismissed = Some(i);
                        }
                    });
                }
            });
    });
    dismissed
}

fn notice_ui(ui: &mut Ui, text: &str) -> bool {
    ui.with_layout(Flow::right_to_left(Align::Min), |ui| {
        let dismissed = theme::icon_button(ui, Icon::Close, "Dismiss", true).clicked();
        ui.with_layout(Flow::top_down(Align::Min), |ui| {
            let label = egui::Label::new(RichText::new(text).color(palette::BAD));
            ui.add(label.wrap().selectable(true));
        });
        dismissed
    })
    .inner
}

/// Draws what is loaded and how far it is, low in the middle of the 3D view.
pub(crate) fn loading_ui(ctx: &Context, free: Rect, loading: &Loading) {
    floating(ctx, "loading", free, Align2::CENTER_BOTTOM, |ui| {
        let frame = Frame::new()
            .fill(palette::PANEL)
            .stroke(Stroke::new(1.0, palette::LINE))
            .corner_radius(8)
            .inner_margin(Margin::symmetric(14, 10));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                if loading.fraction.is_none() {
                    ui.add(Spinner::new().size(16.0).color(palette::ACCENT));
                }
                ui.add(egui::Label::new(theme::strong(loading.text.as_str())).wrap());
            });
            if let Some(fraction) = loading.fraction {
                let bar = ProgressBar::new(fraction)
                    .fill(palette::ACCENT_DIM)
                    .corner_radius(4.0);
                ui.add(bar.desired_height(14.0).show_percentage());
            }
        });
    });
}

/// An area over the 3D view, as wide as fits.
fn floating(ctx: &Context, name: &str, free: Rect, align: Align2, contents: impl FnOnce(&mut Ui)) {
    let inside = free.shrink(12.0);
    let width = WIDTH.min(inside.width());
    Area::new(Id::new(name))
        .order(Order::Foreground)
        .pivot(align)
        .fixed_pos(align.pos_in_rect(&inside))
        .constrain_to(inside)
        .default_size(vec2(width, 40.0))
        .fade_in(false)
        .show(ctx, |ui| {
            ui.set_width(width);
            contents(ui);
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_once_and_old_ones_give_way() {
        let mut notices = Notices::default();
        notices.report("a");
        notices.report("a");
        assert_eq!(notices.iter().collect::<Vec<_>>(), ["a"]);
        for i in 0..MOST_NOTICES {
            notices.report(i.to_string());
        }
        assert_eq!(notices.iter().count(), MOST_NOTICES);
        assert_eq!(notices.iter().next(), Some("0"));
    }
}
