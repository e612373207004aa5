//! The panel below the 3D view of a finished run: what the run adds up to.

use bevy::prelude::{DetectChanges as _, Local, Res, Result};
use bevy_egui::{
    EguiContexts,
    egui::{Align, Grid, Label, Layout as Flow, RichText, ScrollArea, TextWrapMode, Ui, vec2},
};
use record::{Live, ResourceTotals, Totals};

use crate::{fonts, layout::Layout, palette, theme, words};

/// Width of one of the numbers on top.
const NUMBER_WIDTH: f32 = 80.0;

pub(crate) fn show(
    mut contexts: EguiContexts,
    layout: Res<Layout>,
    live: Option<Res<Live>>,
    mut totals: Local<Option<Totals>>,
) -> Result {
    let (Some(rect), Some(live)) = (layout.totals, live) else {
        *totals = None;
        return Ok(());
    };
    // Adding up takes longer the longer the run was, and the run is over.
    if live.is_changed() {
        *totals = None;
    }
    let totals = totals.get_or_insert_with(|| live.totals());
    theme::panel(contexts.ctx_mut()?, "totals", rect, |ui| {
        totals_ui(ui, totals);
    });
    Ok(())
}

/// Draws the objectives in one row and each resource in a line below.
pub(crate) fn totals_ui(ui: &mut Ui, totals: &Totals) {
    numbers_ui(ui, totals);
    ui.add_space(2.0);
    ScrollArea::vertical()
        .id_salt("totals")
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
            Grid::new("resources")
                .num_columns(4)
                .spacing([14.0, 3.0])
                .show(ui, |ui| {
                    for resource in &totals.resources {
                        resource_ui(ui, resource);
                        ui.end_row();
                    }
                });
        });
}

/// The most important numbers; as many as fit in one row, the others on hover.
fn numbers_ui(ui: &mut Ui, totals: &Totals) {
    let numbers = [
        ("Σ w·C", format!("{:.1} s", totals.weighted_completion_secs)),
        ("makespan", words::span(totals.makespan)),
        ("mean latency", words::span(totals.flow.mean)),
        ("mean wait", words::span(totals.wait.mean)),
        ("mean run", words::span(totals.run.mean)),
        ("p95 latency", words::span(totals.flow.p95)),
        (
            "fairness",
            totals
                .fairness
                .map_or_else(|| "–".to_owned(), |index| format!("{index:.2}")),
        ),
        ("failures", totals.failures.to_string()),
    ];
    let n_shown = (ui.available_width() / NUMBER_WIDTH).floor().max(1.0) as usize;
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for (label, value) in numbers.iter().take(n_shown) {
            ui.allocate_ui_with_layout(
                vec2(NUMBER_WIDTH, 34.0),
                Flow::top_down(Align::Min),
                |ui| {
                    ui.set_min_width(NUMBER_WIDTH);
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.add(Label::new(theme::small(*label)).truncate());
                    let value = RichText::new(value)
                        .size(fonts::NUMBER)
                        .color(palette::TEXT_STRONG);
                    ui.add(Label::new(value).truncate());
                },
            );
        }
    });
    row.response.on_hover_ui(|ui| {
        Grid::new("all totals").num_columns(2).show(ui, |ui| {
            for row in totals.table_rows() {
                ui.label(theme::small(row.label));
                ui.label(row.value);
                ui.end_row();
            }
        });
    });
}

fn resource_ui(ui: &mut Ui, resource: &ResourceTotals) {
    ui.label(theme::strong(resource.name.as_str()));
    ui.horizontal(|ui| {
        theme::load_bar(ui, 80.0, resource.utilisation as f32, palette::ACCENT);
        ui.label(theme::small(words::percent(resource.utilisation)));
    });
    ui.label(theme::small(format!("{} subtasks", resource.subtasks)));
    ui.label(theme::small(format!(
        "mean batch {:.1}",
        resource.mean_batch
    )));
}
