//! The window that lists scenes to open.

use std::path::{Path, PathBuf};

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Local, Message, MessageWriter, Plugin, Res, Resource, Result,
    resource_exists,
};
use bevy_egui::{
    EguiContexts, EguiPrimaryContextPass,
    egui::{
        self, Align2, Area, Context, CornerRadius, Frame, Id, Key, Label, Margin, Order, Response,
        RichText, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, WidgetType, vec2,
    },
};

use crate::{palette, plugin, theme};

const WIDTH: f32 = 560.0;

/// A scene that can be opened, or cannot and says why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PickerItem {
    /// The scene's title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// Its file.
    pub path: PathBuf,
    /// Why it cannot be opened.
    pub error: Option<String>,
}

/// The scenes to choose from. The picker is shown while this resource exists.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct PickerItems(pub Vec<PickerItem>);

/// A wish to open the scene in a file.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
pub struct OpenSceneRequest(pub PathBuf);

/// Shows the picker while there is a [`PickerItems`]; writes [`OpenSceneRequest`].
pub struct PickerPlugin;

impl Plugin for PickerPlugin {
    fn build(&self, app: &mut App) {
        plugin::add_egui(app);
        app.add_message::<OpenSceneRequest>().add_systems(
            EguiPrimaryContextPass,
            show.run_if(resource_exists::<PickerItems>)
                .after(plugin::prepare),
        );
    }
}

fn show(
    mut contexts: EguiContexts,
    items: Res<PickerItems>,
    mut chosen: Local<usize>,
    mut requests: MessageWriter<OpenSceneRequest>,
) -> Result {
    if let Some(path) = picker_ui(contexts.ctx_mut()?, &items.0, &mut chosen) {
        requests.write(OpenSceneRequest(path.to_owned()));
    }
    Ok(())
}

/// Draws the list in the middle of the window and returns the scene that was opened. `chosen` is
/// the item that Enter opens; the arrow keys move it.
pub(crate) fn picker_ui<'a>(
    ctx: &Context,
    items: &'a [PickerItem],
    chosen: &mut usize,
) -> Option<&'a Path> {
    let moved = move_choice(ctx, items.len(), chosen);
    let mut opened = ctx
        .input(|input| input.key_pressed(Key::Enter))
        .then(|| items.get(*chosen))
        .flatten()
        .filter(|item| item.error.is_none());
    let screen = ctx.content_rect();
    let width = WIDTH.min(screen.width() - 32.0);
    Area::new(Id::new("picker"))
        .order(Order::Middle)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .default_width(width)
        .fade_in(false)
        .show(ctx, |ui| {
            let frame = Frame::new()
                .fill(palette::PANEL)
                .stroke(Stroke::new(1.0, palette::LINE))
                .corner_radius(10)
                .inner_margin(Margin::same(18));
            frame.show(ui, |ui| {
                ui.set_width(width - 36.0);
                ui.label(
                    RichText::new("Diorama")
                        .size(22.0)
                        .color(palette::TEXT_STRONG),
                );
                ui.label(theme::small(
                    "Choose a scene: click it, or use the arrow keys and Enter",
                ));
                ui.add_space(8.0);
                let height = (screen.height() - 160.0).max(80.0);
                ScrollArea::vertical().max_height(height).show(ui, |ui| {
                    opened = opened.or(list_ui(ui, items, chosen, moved));
                });
            });
        });
    opened.map(|item| item.path.as_path())
}

/// Moves the choice with the arrow keys and says whether it moved.
fn move_choice(ctx: &Context, n_items: usize, chosen: &mut usize) -> bool {
    let before = *chosen;
    let (up, down) = ctx.input(|input| {
        (
            input.key_pressed(Key::ArrowUp),
            input.key_pressed(Key::ArrowDown),
        )
    });
    if down {
        *chosen += 1;
    }
    if up {
        *chosen = chosen.saturating_sub(1);
    }
    *chosen = (*chosen).min(n_items.saturating_sub(1));
    *chosen != before
}

fn list_ui<'a>(
    ui: &mut Ui,
    items: &'a [PickerItem],
    chosen: &mut usize,
    moved: bool,
) -> Option<&'a PickerItem> {
    if items.is_empty() {
        ui.colored_label(palette::TEXT_WEAK, "No scene files were found");
    }
    let mut opened = None;
    for (i, item) in items.iter().enumerate() {
        let response = item_ui(ui, item, i == *chosen);
        if moved && i == *chosen {
            response.scroll_to_me(None);
        }
        if response.clicked() {
            *chosen = i;
            opened = item.error.is_none().then_some(item);
        }
    }
    opened
}

fn item_ui(ui: &mut Ui, item: &PickerItem, chosen: bool) -> Response {
    let builder = UiBuilder::new().id_salt(&item.path).sense(Sense::click());
    let response = ui
        .scope_builder(builder, |ui| {
            let hovered = ui.response().hovered() && item.error.is_none();
            let fill = if hovered {
                palette::WIDGET
            } else {
                palette::RAISED
            };
            let edge = if chosen { palette::ACCENT } else { fill };
            Frame::new()
                .fill(fill)
                .stroke(Stroke::new(1.0, edge))
                .corner_radius(CornerRadius::same(6))
                .inner_margin(Margin::symmetric(12, 9))
                .show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.label(theme::heading(item.title.as_str()));
                    if !item.caption.is_empty() {
                        ui.add(Label::new(item.caption.as_str()).wrap());
                    }
                    ui.add(Label::new(theme::small(item.path.display().to_string())).truncate());
                    if let Some(error) = &item.error {
                        ui.add(Label::new(RichText::new(error).color(palette::BAD)).wrap());
                    }
                });
        })
        .response;
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::Button, item.error.is_none(), &item.title));
    if item.error.is_none() {
        response.on_hover_cursor(egui::CursorIcon::PointingHand)
    } else {
        response
    }
}
