//! The box in which a person asks the meeting a question.

use bevy_egui::egui::{Align, Button, Key, Layout as Flow, RichText, TextEdit, Ui, vec2};

use crate::{palette, theme};

/// Letters that a question may have.
const LONGEST: usize = 300;

/// Height that [`ask_ui`] takes.
pub(crate) const HEIGHT: f32 = 58.0;

/// Draws the box; returns the question once it is sent, by Enter or the button.
pub(crate) fn ask_ui(ui: &mut Ui, draft: &mut String) -> Option<String> {
    ui.label(theme::small("Ask the meeting"));
    let mut sent = false;
    ui.with_layout(Flow::right_to_left(Align::Center), |ui| {
        let ready = !draft.trim().is_empty();
        sent |= ui.add_enabled(ready, Button::new("Ask")).clicked();
        let field = TextEdit::singleline(draft)
            .char_limit(LONGEST)
            .hint_text(RichText::new("What did we decide about …?").color(palette::IDLE))
            .margin(vec2(8.0, 5.0))
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            sent = true;
            field.request_focus();
        }
    });
    let question = draft.trim().to_owned();
    if sent && !question.is_empty() {
        draft.clear();
        return Some(question);
    }
    None
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::{Context, Event, Modifiers, RawInput};

    use super::*;

    /// Types `text` into the box and presses Enter; returns what was sent.
    fn sent(text: &str) -> Vec<String> {
        let ctx = Context::default();
        let mut draft = String::new();
        let enter = |pressed| Event::Key {
            key: Key::Enter,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let tab = Event::Key {
            key: Key::Tab,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let frames = [
            vec![],
            vec![tab],
            vec![],
            vec![Event::Text(text.to_owned())],
            vec![enter(true)],
            vec![enter(false)],
        ];
        let mut questions = Vec::new();
        for events in frames {
            drop(ctx.run_ui(
                RawInput {
                    events,
                    ..Default::default()
                },
                |ui| {
                    questions.extend(ask_ui(ui, &mut draft));
                },
            ));
        }
        questions
    }

    #[test]
    fn enter_sends_the_question_once() {
        assert_eq!(sent("Who pays? "), ["Who pays?"]);
    }

    #[test]
    fn nothing_is_no_question() {
        assert_eq!(sent("  "), [""; 0]);
    }
}
