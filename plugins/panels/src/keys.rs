//! The keyboard: what each key does, and the window that lists them.

use bevy::prelude::{MessageWriter, Res, ResMut, Resource, Result};
use bevy_egui::{
    EguiContexts,
    egui::{self, Context, Event, Grid, Key, Window},
};
use sim::{ControlRequest, Pace, RunControl};

use crate::{palette, theme, words};

/// Every key and what it does, as listed in the window of keys.
pub(crate) const KEYS: [(&str, &str); 8] = [
    ("Space", "play or pause"),
    (". or →", "run one step"),
    ("+", "faster"),
    ("-", "slower"),
    ("H", "hide or show the side panels"),
    ("M", "models: load, swap, kill"),
    ("F1 or ?", "this list"),
    ("Esc", "close what is open, stop typing"),
];

/// What the person opened or hid.
#[derive(Resource, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toggles {
    pub(crate) help: bool,
    pub(crate) sides_hidden: bool,
    pub(crate) models: bool,
}

pub(crate) fn take_keys(
    mut contexts: EguiContexts,
    control: Option<Res<RunControl>>,
    mut toggles: ResMut<Toggles>,
    mut requests: MessageWriter<ControlRequest>,
) -> Result {
    let ctx = contexts.ctx_mut()?;
    let now = control.map(|control| (control.pace(), control.speed()));
    requests.write_batch(pressed(ctx, now, &mut toggles));
    Ok(())
}

pub(crate) fn show_help(mut contexts: EguiContexts, mut toggles: ResMut<Toggles>) -> Result {
    help_ui(contexts.ctx_mut()?, &mut toggles);
    Ok(())
}

/// What the keys pressed since the last frame ask for. Nothing while somebody types: then the keys
/// belong to the text.
fn pressed(ctx: &Context, now: Option<(Pace, f64)>, toggles: &mut Toggles) -> Vec<ControlRequest> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    // A button that was reached with the Tab key takes Space and arrows itself.
    let widget_focused = ctx.memory(|memory| memory.focused().is_some());
    let mut wanted = Vec::new();
    for key in keys_down(ctx) {
        match (key, now) {
            (Key::F1 | Key::Questionmark, _) => toggles.help = !toggles.help,
            (Key::Escape, _) => (toggles.help, toggles.models) = (false, false),
            (Key::H, _) => toggles.sides_hidden = !toggles.sides_hidden,
            (Key::M, _) => toggles.models = !toggles.models,
            (Key::Space, Some((pace, _))) if !widget_focused => wanted.push(match pace {
                Pace::Paused => ControlRequest::Play,
                Pace::Follow | Pace::Jump => ControlRequest::Pause,
            }),
            (Key::ArrowRight, Some(_)) if !widget_focused => wanted.push(ControlRequest::Step),
            (Key::Period, Some(_)) => wanted.push(ControlRequest::Step),
            (Key::Plus | Key::Equals, Some((_, speed))) => {
                wanted.push(ControlRequest::SetSpeed(words::faster(speed)));
            }
            (Key::Minus, Some((_, speed))) => {
                wanted.push(ControlRequest::SetSpeed(words::slower(speed)));
            }
            _ => {}
        }
    }
    wanted
}

/// Keys without Ctrl, Alt or Cmd: those belong to the desktop.
fn keys_down(ctx: &Context) -> Vec<Key> {
    ctx.input(|input| {
        input
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Key {
                    key,
                    pressed: true,
                    repeat: false,
                    modifiers,
                    ..
                } if !modifiers.ctrl && !modifiers.alt && !modifiers.command => Some(*key),
                _ => None,
            })
            .collect()
    })
}

pub(crate) fn help_ui(ctx: &Context, toggles: &mut Toggles) {
    Window::new("Keys")
        .open(&mut toggles.help)
        .collapsible(false)
        .resizable(false)
        .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            Grid::new("keys")
                .num_columns(2)
                .spacing([24.0, 6.0])
                .show(ui, |ui| {
                    for (key, does) in KEYS {
                        ui.label(theme::strong(key));
                        ui.colored_label(palette::TEXT, does);
                        ui.end_row();
                    }
                });
        });
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::{Modifiers, RawInput, TextEdit};

    use super::*;

    /// Presses `keys` in one frame while nothing, or a text field, has the focus.
    fn press(keys: &[Key], typing: bool, pace: Pace) -> (Vec<ControlRequest>, Toggles) {
        let event = |key: &Key| Event::Key {
            key: *key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let ctx = Context::default();
        let mut toggles = Toggles::default();
        let mut wanted = Vec::new();
        for events in [Vec::new(), Vec::new(), keys.iter().map(event).collect()] {
            let input = RawInput {
                events,
                ..Default::default()
            };
            drop(ctx.run_ui(input, |ui| {
                wanted = pressed(ui.ctx(), Some((pace, 1.0)), &mut toggles);
                let field = ui.add(TextEdit::singleline(&mut String::new()));
                if typing {
                    field.request_focus();
                }
            }));
        }
        (wanted, toggles)
    }

    #[test]
    fn keys_ask_for_what_the_list_says() {
        for (key, pace, wish) in [
            (Key::Space, Pace::Paused, ControlRequest::Play),
            (Key::Space, Pace::Follow, ControlRequest::Pause),
            (Key::Period, Pace::Follow, ControlRequest::Step),
            (Key::ArrowRight, Pace::Paused, ControlRequest::Step),
            (Key::Plus, Pace::Paused, ControlRequest::SetSpeed(2.0)),
            (Key::Minus, Pace::Paused, ControlRequest::SetSpeed(0.5)),
        ] {
            assert_eq!(press(&[key], false, pace).0, [wish], "{key:?}");
        }
        assert!(press(&[Key::F1], false, Pace::Paused).1.help);
        assert!(!press(&[Key::F1, Key::Escape], false, Pace::Paused).1.help);
        assert!(press(&[Key::H], false, Pace::Paused).1.sides_hidden);
        assert!(press(&[Key::M], false, Pace::Paused).1.models);
    }

    #[test]
    fn keys_do_nothing_while_somebody_types() {
        let all = [
            Key::Space,
            Key::Period,
            Key::Plus,
            Key::Minus,
            Key::H,
            Key::F1,
            Key::ArrowRight,
        ];
        let (wanted, toggles) = press(&all, true, Pace::Paused);
        assert_eq!(wanted, []);
        assert_eq!(toggles, Toggles::default());
    }
}
