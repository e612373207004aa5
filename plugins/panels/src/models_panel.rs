//! The panel of the replicas: what each serves, how busy it is, and what a person may do to it.

use agents::{Intervention, ReplicaRequest};
use bevy::prelude::{MessageWriter, Res, ResMut, Resource, Result};
use bevy_egui::{
    EguiContexts,
    egui::{
        Align, Button, Color32, Label, Layout as Flow, Rect, RichText, ScrollArea, TextWrapMode,
        Ui, vec2,
    },
};

use crate::{
    keys::Toggles,
    layout::Layout,
    machine_usage::MachineUsage,
    palette,
    replica_board::{Condition, ModelShelf, ReplicaBoard, ReplicaRow},
    theme::{self, Icon},
    words::{megabytes, short_version},
};

/// The widest and highest that the panel gets, in logical pixels.
const SIZE: (f32, f32) = (430.0, 470.0);
/// Height of the line with its name.
const TITLE_HEIGHT: f32 = 26.0;
/// About the height of a replica.
const ROW_HEIGHT: f32 = 109.0;
/// About the height of a line on the machine.
const LINE_HEIGHT: f32 = 17.0;

/// What the person is asked to confirm.
#[derive(Resource, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asking(pub(crate) Option<ReplicaRequest>);

pub(crate) fn show(
    mut contexts: EguiContexts,
    layout: Res<Layout>,
    (board, shelf): (Res<ReplicaBoard>, Res<ModelShelf>),
    usage: Res<MachineUsage>,
    mut toggles: ResMut<Toggles>,
    mut asking: ResMut<Asking>,
    mut requests: MessageWriter<ReplicaRequest>,
) -> Result {
    if toggles.models {
        let ctx = contexts.ctx_mut()?;
        let machine = usage.lines();
        let area = place(layout.free, board.rows.len(), machine.len());
        theme::panel(ctx, "models", area, |ui| {
            let told = Told {
                rows: &board.rows,
                shelf: &shelf,
                machine: &machine,
            };
            let wanted = models_ui(ui, told, &mut asking, &mut toggles.models);
            requests.write_batch(wanted);
        });
    }
    Ok(())
}

/// Where the panel lies: in the lower left of what the other panels leave free.
pub(crate) fn place(free: Rect, n_rows: usize, n_lines: usize) -> Rect {
    let inside = free.shrink(8.0);
    let height = TITLE_HEIGHT + ROW_HEIGHT * n_rows.max(1) as f32 + 24.0;
    let height = height + LINE_HEIGHT * n_lines as f32;
    let height = height.min(SIZE.1).min(inside.height());
    let size = vec2(SIZE.0.min(inside.width()), height);
    Rect::from_min_size(inside.left_bottom() - vec2(0.0, size.y), size)
}

/// What the panel tells.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) rows: &'a [ReplicaRow],
    pub(crate) shelf: &'a ModelShelf,
    /// Lines on what models take of the machine.
    pub(crate) machine: &'a [String],
}

/// Draws the list and returns what the person asked for and confirmed.
pub(crate) fn models_ui(
    ui: &mut Ui,
    told: Told<'_>,
    asking: &mut Asking,
    is_open: &mut bool,
) -> Option<ReplicaRequest> {
    ui.style_mut().wrap_mode = Some(TextWrapMode::Truncate);
    let title = vec2(ui.available_width(), TITLE_HEIGHT);
    ui.allocate_ui_with_layout(title, Flow::right_to_left(Align::Center), |ui| {
        if theme::icon_button(ui, Icon::Close, "Close (M)", true).clicked() {
            *is_open = false;
        }
        ui.with_layout(Flow::left_to_right(Align::Center), |ui| {
            ui.label(theme::heading("Models"));
            ui.label(theme::small("changed by hand, a run cannot be repeated"));
        });
    });
    for line in told.machine {
        ui.add(Label::new(theme::small(line)).truncate())
            .on_hover_text(line);
    }
    if told.rows.is_empty() {
        ui.label(theme::small("No models run in this scene."));
    }
    let mut wanted = None;
    let list = ScrollArea::vertical()
        .id_salt("replicas")
        .auto_shrink(false);
    list.show(ui, |ui| {
        for row in told
            .rows
            .iter()
            .filter(|row| row.condition != Condition::Removed)
        {
            theme::card(ui, palette::RAISED, |ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                row_ui(ui, row);
                let confirmed = match &asking.0 {
                    Some(request) if request.resource == row.resource => confirm_ui(ui, asking),
                    _ => actions_ui(ui, row, told.shelf, asking),
                };
                wanted = wanted.take().or(confirmed);
            });
        }
    });
    wanted
}

fn row_ui(ui: &mut Ui, row: &ReplicaRow) {
    let color = color(&row.condition);
    ui.horizontal(|ui| {
        theme::dot(ui, color);
        ui.label(theme::strong(row.name.as_str()));
        ui.with_layout(Flow::right_to_left(Align::Center), |ui| {
            let state = ui.label(RichText::new(row.condition.text()).color(color));
            if let Condition::OutOfOrder(reason) = &row.condition {
                state.on_hover_text(reason);
            }
        });
    });
    ui.add(Label::new(theme::small(about(row))))
        .on_hover_text(&row.version);
    ui.horizontal(|ui| {
        theme::load_bar(ui, 80.0, row.utilisation, palette::GOOD);
        ui.label(theme::small(load(row)));
    });
}

fn color(condition: &Condition) -> Color32 {
    match condition {
        Condition::Ready => palette::GOOD,
        Condition::Busy => palette::ACCENT,
        Condition::Starting | Condition::Swapping | Condition::Leaving => palette::WAITING,
        Condition::Killed | Condition::OutOfOrder(_) => palette::BAD,
        Condition::Removed => palette::IDLE,
    }
}

/// Model, version, device, threads and memory: `minilm bbd64a · cpu · 1 thread · 91 MB`.
fn about(row: &ReplicaRow) -> String {
    let mut parts = vec![match row.version.as_str() {
        "" => "no model yet".to_owned(),
        version => short_version(version),
    }];
    if !row.device.is_empty() {
        parts.push(row.device.clone());
    }
    if row.threads > 0 {
        let threads = if row.threads == 1 {
            "thread"
        } else {
            "threads"
        };
        parts.push(format!("{} {threads}", row.threads));
    }
    parts.extend(row.bytes.map(megabytes));
    parts.join(" · ")
}

/// What it does: `37 % busy · 2 waiting · p99 wait 12 ms · 1 restart`.
fn load(row: &ReplicaRow) -> String {
    let mut parts = vec![format!("{:.0} % busy", 100.0 * row.utilisation)];
    parts.push(format!("{} waiting", row.n_waiting));
    parts.extend(row.p99.map(|wait| {
        let millis = wait.as_secs_f64() * 1e3;
        format!("p99 wait {millis:.0} ms")
    }));
    match row.restarts {
        0 => {}
        1 => parts.push("1 restart".to_owned()),
        n => parts.push(format!("{n} restarts")),
    }
    parts.join(" · ")
}

/// Draws the buttons; those that take something away ask first.
fn actions_ui(
    ui: &mut Ui,
    row: &ReplicaRow,
    shelf: &ModelShelf,
    asking: &mut Asking,
) -> Option<ReplicaRequest> {
    let request = |what| ReplicaRequest {
        resource: row.resource,
        what,
    };
    let mut wanted = None;
    ui.horizontal(|ui| {
        let is_down = row.condition.is_down();
        if is_down && !row.version.is_empty() && ui.button("Restart").clicked() {
            let model = row.version.clone();
            wanted = Some(request(Intervention::Load { model }));
        }
        ui.menu_button("Load …", |ui| {
            for model in &shelf.models {
                if ui.button(&model.version).clicked() {
                    let model = model.version.clone();
                    asking.0 = Some(request(Intervention::Load { model }));
                    ui.close();
                }
            }
        });
        let serves = matches!(row.condition, Condition::Ready | Condition::Busy);
        if ui.add_enabled(serves, Button::new("Add one")).clicked() {
            wanted = Some(request(Intervention::Double));
        }
        if ui.add_enabled(!is_down, Button::new("Kill")).clicked() {
            asking.0 = Some(request(Intervention::Kill));
        }
        let stays = row.condition != Condition::Leaving;
        if ui.add_enabled(stays, Button::new("Remove")).clicked() {
            asking.0 = Some(request(Intervention::Remove));
        }
    });
    wanted
}

/// Asks whether that is meant; returns the request once it is.
fn confirm_ui(ui: &mut Ui, asking: &mut Asking) -> Option<ReplicaRequest> {
    let request = asking.0.clone()?;
    let (what, verb) = match &request.what {
        Intervention::Kill => ("What it works on is tried again.", "Kill"),
        Intervention::Remove => ("It ends its work and is gone for good.", "Remove"),
        Intervention::Load { .. } => ("Vectors of two models do not compare.", "Load"),
        Intervention::Double => ("", "Add"),
    };
    let mut confirmed = None;
    ui.horizontal(|ui| {
        let verb = RichText::new(verb).color(palette::BAD);
        if ui.button(verb).clicked() {
            confirmed = asking.0.take();
        }
        if ui.button("Cancel").clicked() {
            asking.0 = None;
        }
        ui.label(theme::small(what));
    });
    confirmed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schedule::ResourceId;

    use super::*;

    #[test]
    fn rows_say_what_they_know() {
        let mut row = ReplicaRow {
            resource: ResourceId(0),
            name: "minilm-1".into(),
            condition: Condition::Busy,
            version: "all-minilm-l6-v2@bbd64ada5a32".into(),
            device: "cpu".into(),
            bytes: Some(90_868_376),
            threads: 1,
            utilisation: 0.37,
            n_waiting: 2,
            p99: Some(Duration::from_millis(12)),
            restarts: 1,
        };
        assert_eq!(
            about(&row),
            "all-minilm-l6-v2 bbd64a · cpu · 1 thread · 91 MB"
        );
        assert_eq!(
            load(&row),
            "37 % busy · 2 waiting · p99 wait 12 ms · 1 restart"
        );
        row.version = String::new();
        (row.bytes, row.p99, row.restarts, row.threads) = (None, None, 0, 0);
        assert_eq!(about(&row), "no model yet · cpu");
        assert_eq!(load(&row), "37 % busy · 2 waiting");
    }
}
