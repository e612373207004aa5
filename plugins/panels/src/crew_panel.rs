//! The panel on the left: who is there, what each does or waits for, and how busy the resources are.

use bevy::prelude::{Res, Result};
use bevy_egui::{
    EguiContexts,
    egui::{Align, Color32, Label, Layout as Flow, RichText, ScrollArea, TextWrapMode, Ui, vec2},
};
use schedule::Skill;

use crate::{
    layout::Layout,
    palette,
    roster::{AgentRow, Doing, ResourceRow, Roster},
    theme, words,
};

/// Height of an agent in the list: its name, what it does, its counts.
const AGENT_HEIGHT: f32 = 54.0;
/// Height of a resource in the list: its name, its load.
const RESOURCE_HEIGHT: f32 = 34.0;
/// Share of the panel that the resources may take.
const RESOURCES_SHARE: f32 = 0.5;

pub(crate) fn show(mut contexts: EguiContexts, layout: Res<Layout>, roster: Res<Roster>) -> Result {
    if let Some(rect) = layout.left {
        theme::panel(contexts.ctx_mut()?, "crew", rect, |ui| crew_ui(ui, &roster));
    }
    Ok(())
}

/// Draws both lists, each with its own scroll bar; only the rows in sight are laid out.
pub(crate) fn crew_ui(ui: &mut Ui, roster: &Roster) {
    ui.style_mut().wrap_mode = Some(TextWrapMode::Truncate);
    let below = resources_height(roster).min(RESOURCES_SHARE * ui.available_height());
    let above = ui.available_height() - below;
    ui.allocate_ui(vec2(ui.available_width(), above), |ui| {
        title_ui(ui, "Crew", &roster.agents.len().to_string());
        rows_ui(ui, "agents", AGENT_HEIGHT, roster.agents.len(), |ui, i| {
            agent_ui(ui, &roster.agents[i]);
        });
    });
    ui.allocate_ui(vec2(ui.available_width(), ui.available_height()), |ui| {
        title_ui(ui, "Resources", &roster.resources.len().to_string());
        queue_ui(ui, &roster.queue);
        rows_ui(
            ui,
            "resources",
            RESOURCE_HEIGHT,
            roster.resources.len(),
            |ui, i| {
                resource_ui(ui, &roster.resources[i]);
            },
        );
    });
}

fn resources_height(roster: &Roster) -> f32 {
    const TITLE_AND_QUEUE: f32 = 60.0;
    const GAP: f32 = 5.0;
    TITLE_AND_QUEUE + roster.resources.len() as f32 * (RESOURCE_HEIGHT + GAP)
}

fn title_ui(ui: &mut Ui, title: &str, note: &str) {
    ui.horizontal(|ui| {
        ui.label(theme::heading(title));
        ui.label(theme::small(note));
    });
}

fn rows_ui(
    ui: &mut Ui,
    name: &str,
    height: f32,
    n_rows: usize,
    mut row: impl FnMut(&mut Ui, usize),
) {
    ScrollArea::vertical()
        .id_salt(name)
        .auto_shrink(false)
        .show_rows(ui, height, n_rows, |ui, range| {
            for i in range {
                let size = vec2(ui.available_width(), height);
                ui.allocate_ui_with_layout(size, Flow::top_down(Align::Min), |ui| {
                    ui.set_min_size(size);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    // Lines of text, not of buttons.
                    ui.spacing_mut().interact_size.y = 16.0;
                    row(ui, i);
                });
            }
        });
}

fn agent_ui(ui: &mut Ui, agent: &AgentRow) {
    let (color, text_color) = match &agent.doing {
        Doing::Works { skill, .. } => (palette::skill(*skill), palette::TEXT),
        Doing::Waits { .. } => (palette::WAITING, palette::WAITING),
        Doing::Done | Doing::Idle => (palette::IDLE, palette::TEXT_WEAK),
    };
    let response = ui.scope(|ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            theme::dot(ui, color);
            ui.label(theme::strong(agent.name.as_str()));
            ui.label(theme::small(agent.role.as_str()));
        });
        indented(ui, |ui| {
            ui.add(Label::new(
                RichText::new(agent.doing.sentence()).color(text_color),
            ));
        });
        indented(ui, |ui| {
            ui.label(theme::small(agent.tally.text()));
        });
    });
    if !agent.also_waits.is_empty() {
        response
            .response
            .on_hover_text(format!("also {}", agent.also_waits));
    }
}

fn indented(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.add_space(16.0 - ui.spacing().item_spacing.x + 8.0);
        contents(ui);
    });
}

fn queue_ui(ui: &mut Ui, queue: &[(Skill, u32)]) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        if queue.is_empty() {
            ui.label(theme::small("nothing in the queue"));
            return;
        }
        ui.label(theme::small("queue"));
        for (skill, n) in queue {
            theme::dot(ui, palette::skill(*skill));
            ui.label(theme::small(format!("{} {n}", skill.name())));
        }
    });
}

fn resource_ui(ui: &mut Ui, resource: &ResourceRow) {
    ui.horizontal(|ui| {
        ui.label(theme::strong(resource.name.as_str()));
        ui.with_layout(Flow::right_to_left(Align::Center), |ui| {
            if resource.up {
                ui.label(theme::small(format!("{} done", resource.finished)));
            } else {
                ui.label(RichText::new("down").color(palette::BAD));
            }
            ui.with_layout(Flow::left_to_right(Align::Center), |ui| {
                ui.label(theme::small(resource.kind.as_str()));
            });
        });
    });
    ui.horizontal(|ui| {
        let color: Color32 = resource.skill.map_or(palette::IDLE, palette::skill);
        let label = format!("{} of {}", resource.running, resource.slots);
        let width = (ui.available_width() - 70.0).max(20.0);
        theme::load_bar(ui, width, resource.load(), color);
        ui.label(theme::small(label));
    })
    .response
    .on_hover_text(resource.skill.map_or("idle", words::verb));
}
