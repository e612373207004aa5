//! Gives egui the calm dark look that all panels share, and the few widgets drawn by hand.

use bevy_egui::egui::{
    self, Align2, Area, Color32, Context, CornerRadius, FontId, Frame, Id, Margin, Order, Rect,
    Response, RichText, Sense, Stroke, StrokeKind, TextStyle, Theme, Ui, Vec2, WidgetInfo,
    WidgetType, pos2, style::WidgetVisuals, vec2,
};

use crate::{fonts, palette};

/// Sets style and fonts of `ctx`; once for a context.
pub(crate) fn apply(ctx: &Context) {
    fonts::add_fallback(ctx);
    ctx.set_theme(Theme::Dark);
    ctx.style_mut_of(Theme::Dark, |style| {
        fonts::set_sizes(style);
        style.spacing.item_spacing = vec2(8.0, 5.0);
        style.spacing.button_padding = vec2(8.0, 3.0);
        style.spacing.interact_size = vec2(28.0, 22.0);
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.3;
        set_colours(&mut style.visuals);
    });
}

fn set_colours(visuals: &mut egui::Visuals) {
    visuals.panel_fill = palette::PANEL;
    visuals.window_fill = palette::PANEL;
    visuals.window_stroke = Stroke::new(1.0, palette::LINE);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.extreme_bg_color = palette::SUNK;
    visuals.text_edit_bg_color = Some(palette::RAISED);
    visuals.faint_bg_color = palette::RAISED;
    visuals.weak_text_color = Some(palette::TEXT_WEAK);
    visuals.error_fg_color = palette::BAD;
    visuals.warn_fg_color = palette::WAITING;
    visuals.hyperlink_color = palette::ACCENT;
    visuals.selection.bg_fill = palette::ACCENT_DIM;
    visuals.selection.stroke = Stroke::new(1.0, palette::TEXT_STRONG);
    visuals.slider_trailing_fill = true;
    let widgets = &mut visuals.widgets;
    for (widget, fill, text) in [
        (&mut widgets.noninteractive, palette::PANEL, palette::TEXT),
        (&mut widgets.inactive, palette::WIDGET, palette::TEXT),
        (
            &mut widgets.hovered,
            palette::WIDGET_HOVERED,
            palette::TEXT_STRONG,
        ),
        (
            &mut widgets.active,
            palette::WIDGET_ACTIVE,
            palette::TEXT_STRONG,
        ),
        (
            &mut widgets.open,
            palette::WIDGET_HOVERED,
            palette::TEXT_STRONG,
        ),
    ] {
        *widget = WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::NONE,
            corner_radius: CornerRadius::same(5),
            fg_stroke: Stroke::new(1.0, text),
            expansion: 0.0,
        };
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette::LINE);
    visuals.widgets.active.fg_stroke.width = 1.5;
}

/// Shows a panel that fills `rect`; what does not fit is clipped, never painted over its neighbours.
pub(crate) fn panel(ctx: &Context, name: &str, rect: Rect, contents: impl FnOnce(&mut Ui)) {
    let margin = Margin::symmetric(12, 8);
    Area::new(Id::new(name))
        .order(Order::Middle)
        .fixed_pos(rect.min)
        .default_size(rect.size())
        .movable(false)
        .constrain(false)
        .fade_in(false)
        .sense(Sense::CLICK)
        .show(ctx, |ui| {
            ui.set_clip_rect(rect);
            ui.painter().rect(
                rect,
                0.0,
                palette::PANEL,
                Stroke::new(1.0, palette::LINE),
                StrokeKind::Middle,
            );
            let inside = rect - margin;
            let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(inside));
            inner.set_clip_rect(rect.shrink(1.0));
            contents(&mut inner);
            ui.advance_cursor_after_rect(rect);
        });
}

/// Names of panels.
pub(crate) fn heading(text: impl Into<String>) -> RichText {
    RichText::new(text)
        .text_style(TextStyle::Heading)
        .color(palette::TEXT_STRONG)
}

/// Names of people and things.
pub(crate) fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).color(palette::TEXT_STRONG)
}

/// What is read only when looked for.
pub(crate) fn small(text: impl Into<String>) -> RichText {
    RichText::new(text)
        .text_style(TextStyle::Small)
        .color(palette::TEXT_WEAK)
}

/// A card that stands out from its panel and takes the whole width.
pub(crate) fn card<R>(ui: &mut Ui, fill: Color32, contents: impl FnOnce(&mut Ui) -> R) -> R {
    Frame::new()
        .fill(fill)
        .corner_radius(6)
        .inner_margin(Margin::symmetric(10, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui)
        })
        .inner
}

/// A horizontal bar filled from 0 to 1.
pub(crate) fn load_bar(ui: &mut Ui, width: f32, fraction: f32, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 6.0), Sense::hover());
    let filled = Rect::from_min_size(
        rect.min,
        vec2(rect.width() * fraction.clamp(0.0, 1.0), rect.height()),
    );
    ui.painter().rect_filled(rect, 3.0, palette::SUNK);
    ui.painter().rect_filled(filled, 3.0, color);
    response
}

/// A small disc in the line of text; hollow where `color` is what an idle one has.
pub(crate) fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
    if color == palette::IDLE {
        ui.painter()
            .circle_stroke(rect.center(), 3.5, Stroke::new(1.5, color));
    } else {
        ui.painter().circle_filled(rect.center(), 4.5, color);
    }
}

/// What a button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Play,
    Pause,
    Step,
    Help,
    Models,
    Close,
}

/// A square button with a drawn icon; `name` is for tooltips and screen readers.
pub(crate) fn icon_button(ui: &mut Ui, icon: Icon, name: &str, enabled: bool) -> Response {
    ui.add_enabled_ui(enabled, |ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(28.0, 26.0), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, name));
        let visuals = *ui.style().interact(&response);
        ui.painter().rect_filled(rect, 5.0, visuals.bg_fill);
        let color = if enabled {
            visuals.fg_stroke.color
        } else {
            palette::IDLE
        };
        paint_icon(ui, icon, rect, color);
        response
    })
    .inner
    .on_hover_text(name)
}

fn paint_icon(ui: &Ui, icon: Icon, rect: Rect, color: Color32) {
    let painter = ui.painter();
    let at = rect.center();
    let bar = |x: f32, width: f32| {
        painter.rect_filled(
            Rect::from_center_size(pos2(at.x + x, at.y), vec2(width, 11.0)),
            1.0,
            color,
        );
    };
    let triangle = |x: f32| {
        let points = [vec2(-4.0, -6.0), vec2(5.5, 0.0), vec2(-4.0, 6.0)];
        let points = points.map(|p| pos2(at.x + x, at.y) + p).to_vec();
        painter.add(egui::Shape::convex_polygon(points, color, Stroke::NONE));
    };
    match icon {
        Icon::Play => triangle(0.0),
        Icon::Pause => {
            bar(-3.0, 3.5);
            bar(3.0, 3.5);
        }
        Icon::Step => {
            triangle(-1.5);
            bar(5.5, 2.0);
        }
        Icon::Models => {
            for y in [-5.0, 0.0, 5.0] {
                let size = vec2(13.0, 3.5);
                let drawer = Rect::from_center_size(at + vec2(0.0, y), size);
                painter.rect_filled(drawer, 1.0, color);
            }
        }
        Icon::Help => {
            painter.text(
                at,
                Align2::CENTER_CENTER,
                "?",
                FontId::proportional(fonts::HEADING),
                color,
            );
        }
        Icon::Close => {
            for (a, b) in [
                (vec2(-4.0, -4.0), vec2(4.0, 4.0)),
                (vec2(-4.0, 4.0), vec2(4.0, -4.0)),
            ] {
                painter.line_segment([at + a, at + b], Stroke::new(1.5, color));
            }
        }
    }
}
