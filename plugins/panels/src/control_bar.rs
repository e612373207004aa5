//! The bar on top: play, pause, step, speed, simulated time and what run this is.

use bevy::prelude::{MessageWriter, Res, ResMut, Resource, Result};
use bevy_egui::{
    EguiContexts,
    egui::{self, Align, Layout as Flow, RichText, Slider, Ui, vec2},
};
use sim::{ControlRequest, Pace, Progress, RunControl, SimTime};

use crate::{
    fonts,
    keys::Toggles,
    layout::Layout,
    palette,
    theme::{self, Icon},
    words,
};

const SLIDER_RANGE: std::ops::RangeInclusive<f64> = 0.1..=100.0;
const QUICK_SPEEDS: [f64; 3] = [1.0, 10.0, 100.0];
/// The line of [`RunInfo`] that holds the scene's name.
const SCENE: &str = "scene";
/// Least width that the scene's name keeps when the facts beside it do not all fit.
const NAME_WIDTH: f32 = 60.0;

/// What run this is, shown in the bar: filled by the app.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct RunInfo {
    /// Names and values, most important first, such as `("policy", "sjf")`. The line named
    /// `scene` stands out; those that do not fit are shown on hover.
    pub lines: Vec<(String, String)>,
}

impl RunInfo {
    fn scene(&self) -> &str {
        let scene = self.lines.iter().find(|(key, _)| key == SCENE);
        scene.map_or("", |(_, value)| value)
    }
}

/// What the bar shows of run control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Control {
    pub(crate) pace: Pace,
    pub(crate) progress: Progress,
    pub(crate) speed: f64,
    pub(crate) shown: SimTime,
}

impl From<&RunControl> for Control {
    fn from(control: &RunControl) -> Self {
        Self {
            pace: control.pace(),
            progress: control.progress(),
            speed: control.speed(),
            shown: control.shown(),
        }
    }
}

pub(crate) fn show(
    mut contexts: EguiContexts,
    layout: Res<Layout>,
    control: Option<Res<RunControl>>,
    info: Res<RunInfo>,
    mut toggles: ResMut<Toggles>,
    mut requests: MessageWriter<ControlRequest>,
) -> Result {
    let Some(control) = control else {
        return Ok(());
    };
    let ctx = contexts.ctx_mut()?;
    theme::panel(ctx, "control bar", layout.bar, |ui| {
        let wanted = control_ui(ui, Control::from(&*control), &info, &mut toggles);
        requests.write_batch(wanted);
    });
    Ok(())
}

/// Draws the bar and returns what the person asked for.
pub(crate) fn control_ui(
    ui: &mut Ui,
    control: Control,
    info: &RunInfo,
    toggles: &mut Toggles,
) -> Vec<ControlRequest> {
    let mut wanted = Vec::new();
    ui.with_layout(Flow::left_to_right(Align::Center), |ui| {
        wanted.extend(pace_ui(ui, control));
        ui.add_space(4.0);
        time_ui(ui, control);
        ui.add_space(4.0);
        wanted.extend(speed_ui(ui, control.speed));
        ui.with_layout(Flow::right_to_left(Align::Center), |ui| {
            if theme::icon_button(ui, Icon::Help, "Keys (F1)", true).clicked() {
                toggles.help = !toggles.help;
            }
            if theme::icon_button(ui, Icon::Models, "Models (M)", true).clicked() {
                toggles.models = !toggles.models;
            }
            ui.add_space(4.0);
            info_ui(ui, info);
        });
    });
    wanted
}

fn pace_ui(ui: &mut Ui, control: Control) -> Option<ControlRequest> {
    let finished = control.progress == Progress::Finished;
    let playing = control.pace != Pace::Paused && !finished;
    let (icon, name, wish) = if playing {
        (Icon::Pause, "Pause (Space)", ControlRequest::Pause)
    } else {
        (Icon::Play, "Play (Space)", ControlRequest::Play)
    };
    let toggled = theme::icon_button(ui, icon, name, !finished).clicked();
    let stepped = theme::icon_button(ui, Icon::Step, "One step (.)", !finished).clicked();
    if toggled {
        Some(wish)
    } else {
        stepped.then_some(ControlRequest::Step)
    }
}

fn time_ui(ui: &mut Ui, control: Control) {
    // The widths are fixed so that nothing moves when the text changes.
    let fixed = |ui: &mut Ui, width: f32, text: RichText| {
        ui.allocate_ui_with_layout(
            vec2(width, 26.0),
            Flow::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(width);
                ui.add(egui::Label::new(text).truncate());
            },
        );
    };
    let time = RichText::new(words::clock(control.shown))
        .size(fonts::CLOCK)
        .color(palette::TEXT_STRONG);
    fixed(ui, 58.0, time);
    let color = match (control.pace, control.progress) {
        (_, Progress::Finished) => palette::GOOD,
        (Pace::Paused, _) => palette::TEXT_WEAK,
        (_, Progress::Held) => palette::WAITING,
        (Pace::Follow | Pace::Jump, _) => palette::TEXT,
    };
    fixed(
        ui,
        118.0,
        RichText::new(words::run_state(control.pace, control.progress)).color(color),
    );
}

fn speed_ui(ui: &mut Ui, speed: f64) -> Option<ControlRequest> {
    let mut wanted = None;
    ui.spacing_mut().item_spacing.x = 4.0;
    ui.spacing_mut().slider_width = 84.0;
    let mut chosen = speed;
    let slider = Slider::new(&mut chosen, SLIDER_RANGE)
        .logarithmic(true)
        .show_value(false);
    if ui.add(slider).on_hover_text("Speed (+ and -)").changed() {
        wanted = Some(ControlRequest::SetSpeed(chosen));
    }
    ui.allocate_ui_with_layout(vec2(38.0, 26.0), Flow::left_to_right(Align::Center), |ui| {
        ui.set_min_width(38.0);
        ui.label(theme::strong(words::speed(speed)));
    });
    for quick in QUICK_SPEEDS {
        let chosen = (speed - quick).abs() < 0.01 * quick;
        if ui.selectable_label(chosen, words::speed(quick)).clicked() {
            wanted = Some(ControlRequest::SetSpeed(quick));
        }
    }
    wanted
}

/// The scene's name and as many facts as fit left of it; all of them on hover.
fn info_ui(ui: &mut Ui, info: &RunInfo) {
    ui.spacing_mut().item_spacing.x = 14.0;
    let others = info.lines.iter().filter(|(key, _)| key != SCENE);
    let lines: Vec<String> = others
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    let width_of = |text: &str, size: f32| {
        let font = egui::FontId::proportional(size);
        ui.painter()
            .layout_no_wrap(text.to_owned(), font, palette::TEXT)
            .size()
            .x
    };
    let name_width = width_of(info.scene(), fonts::BODY).max(NAME_WIDTH);
    let mut left = ui.available_width() - name_width;
    let shown = lines
        .iter()
        .take_while(|line| {
            left -= width_of(line, fonts::SMALL) + 14.0;
            left > 0.0
        })
        .count();
    let tooltip = std::iter::once(info.scene().to_owned())
        .chain(lines.iter().cloned())
        .collect::<Vec<_>>()
        .join("\n");
    for line in lines.iter().take(shown).rev() {
        ui.label(theme::small(line.as_str()))
            .on_hover_text(&tooltip);
    }
    let name = egui::Label::new(theme::strong(info.scene())).truncate();
    ui.add(name).on_hover_text(tooltip);
}
