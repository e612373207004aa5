//! The panel on the right: what is said, and the topics and answers that the agents find in it.

use agents::AskRequest;
use bevy::prelude::{MessageWriter, Res, ResMut, Resource, Result};
use bevy_egui::{
    EguiContexts,
    egui::{
        Align, CursorIcon, Label, RichText, ScrollArea, Sense, Stroke, Ui, text::LayoutJob, vec2,
    },
};
use record::{Answer, Live, Minutes, Question, Topic, TurnRecord};

use crate::{ask, layout::Layout, palette, theme, words};

/// Turns that stay in the list; earlier ones are in the journal.
const LATEST_TURNS: usize = 150;
/// Share of the panel that the transcript takes.
const TRANSCRIPT_SHARE: f32 = 0.4;

/// What the lower list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Topics,
    Questions,
}

/// What the person chose and typed in the panel.
#[derive(Resource, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) tab: Tab,
    pub(crate) draft: String,
}

pub(crate) fn show(
    mut contexts: EguiContexts,
    layout: Res<Layout>,
    live: Option<Res<Live>>,
    mut choice: ResMut<Choice>,
    mut questions: MessageWriter<AskRequest>,
) -> Result {
    let (Some(rect), Some(live)) = (layout.right, live) else {
        return Ok(());
    };
    theme::panel(contexts.ctx_mut()?, "meeting", rect, |ui| {
        if let Some(text) = meeting_ui(ui, &live.state.turns, &live.minutes, &mut choice) {
            questions.write(AskRequest(text));
        }
    });
    Ok(())
}

/// Draws the transcript above, topics or questions below, and the box to ask; returns the question
/// that the person asked.
pub(crate) fn meeting_ui(
    ui: &mut Ui,
    turns: &[TurnRecord],
    minutes: &Minutes,
    choice: &mut Choice,
) -> Option<String> {
    let above = TRANSCRIPT_SHARE * (ui.available_height() - ask::HEIGHT);
    part(ui, above, |ui| transcript_ui(ui, turns));
    ui.separator();
    tabs_ui(ui, minutes, &mut choice.tab);
    let below = ui.available_height() - ask::HEIGHT;
    part(ui, below, |ui| match choice.tab {
        Tab::Topics => topics_ui(ui, minutes),
        Tab::Questions => questions_ui(ui, minutes),
    });
    let question = ask::ask_ui(ui, &mut choice.draft);
    if question.is_some() {
        choice.tab = Tab::Questions;
    }
    question
}

/// A stretch of the panel with a fixed height.
fn part(ui: &mut Ui, height: f32, contents: impl FnOnce(&mut Ui)) {
    let size = vec2(ui.available_width(), height.max(0.0));
    ui.allocate_ui(size, |ui| {
        ui.set_min_size(size);
        ui.set_max_size(size);
        contents(ui);
    });
}

fn transcript_ui(ui: &mut Ui, turns: &[TurnRecord]) {
    ui.horizontal(|ui| {
        ui.label(theme::heading("Meeting"));
        ui.label(theme::small(counted(turns.len(), "turn", "turns")));
    });
    if turns.is_empty() {
        ui.label(theme::small("Nobody has spoken yet"));
        return;
    }
    ui.add_space(2.0);
    let earlier = turns.len().saturating_sub(LATEST_TURNS);
    ScrollArea::vertical()
        .id_salt("transcript")
        .auto_shrink(false)
        .stick_to_bottom(true)
        .show(ui, |ui| {
            if earlier > 0 {
                ui.label(theme::small(counted(
                    earlier,
                    "earlier turn",
                    "earlier turns",
                )));
            }
            for turn in &turns[earlier..] {
                ui.add(Label::new(spoken(ui, &turn.speaker, None, &turn.text)).wrap());
            }
        });
}

/// A speaker's name, the number of the turn where it is told, and what was said.
fn spoken(ui: &Ui, speaker: &str, turn: Option<u32>, text: &str) -> LayoutJob {
    let mut job = LayoutJob::default();
    let style = ui.style();
    let add = |job: &mut LayoutJob, text: RichText| {
        text.append_to(
            job,
            style,
            bevy_egui::egui::FontSelection::Default,
            Align::Center,
        );
    };
    add(&mut job, RichText::new(speaker).color(palette::ACCENT));
    if let Some(turn) = turn {
        add(&mut job, theme::small(format!(" {}", turn + 1)));
    }
    add(
        &mut job,
        RichText::new(format!("  {text}")).color(palette::TEXT),
    );
    job
}

fn tabs_ui(ui: &mut Ui, minutes: &Minutes, tab: &mut Tab) {
    let answered = minutes
        .questions
        .values()
        .filter(|question| question.answer.is_some())
        .count();
    let topics = format!("Topics  {}", minutes.topics.len());
    let questions = match minutes.questions.len() {
        0 => "Questions  0".to_owned(),
        asked => format!("Questions  {answered} of {asked}"),
    };
    ui.horizontal(|ui| {
        for (value, text) in [(Tab::Topics, topics), (Tab::Questions, questions)] {
            if tab_ui(ui, &text, *tab == value) {
                *tab = value;
            }
        }
        if let Some(approval) = &minutes.approval {
            let text = RichText::new("approved").color(palette::GOOD);
            let by = format!(
                "Minutes approved by {} at {}",
                approval.by,
                words::clock(approval.at)
            );
            ui.label(text).on_hover_text(by);
        }
    });
}

/// A heading that can be clicked, underlined while chosen.
fn tab_ui(ui: &mut Ui, text: &str, chosen: bool) -> bool {
    let text = if chosen {
        theme::strong(text)
    } else {
        RichText::new(text).color(palette::TEXT_WEAK)
    };
    let label = Label::new(text).sense(Sense::click()).selectable(false);
    let response = ui.add(label).on_hover_cursor(CursorIcon::PointingHand);
    if chosen {
        let line = response.rect.bottom() + 2.0;
        ui.painter().hline(
            response.rect.x_range(),
            line,
            Stroke::new(2.0, palette::ACCENT),
        );
    }
    ui.add_space(6.0);
    response.clicked()
}

fn topics_ui(ui: &mut Ui, minutes: &Minutes) {
    if minutes.topics.is_empty() {
        ui.label(theme::small(
            "Topics appear here when the agents have found them",
        ));
    }
    ScrollArea::vertical()
        .id_salt("topics")
        .auto_shrink(false)
        .stick_to_bottom(true)
        .show(ui, |ui| {
            for (number, topic) in &minutes.topics {
                theme::card(ui, palette::RAISED, |ui| topic_ui(ui, *number, topic));
            }
        });
}

fn topic_ui(ui: &mut Ui, number: u32, topic: &Topic) {
    let name = topic
        .name
        .clone()
        .unwrap_or_else(|| format!("Topic {}", number + 1));
    ui.add(Label::new(theme::strong(name)).wrap());
    ui.label(theme::small(format!(
        "turns {} to {}",
        topic.first_turn + 1,
        topic.last_turn + 1
    )));
    if topic.sentences.is_empty() {
        ui.label(theme::small("is being summed up …"));
    }
    for quote in &topic.sentences {
        ui.add(Label::new(spoken(ui, &quote.speaker, Some(quote.turn), &quote.text)).wrap());
    }
}

fn questions_ui(ui: &mut Ui, minutes: &Minutes) {
    if minutes.questions.is_empty() {
        ui.label(theme::small("No questions yet: ask one below"));
    }
    // The latest comes first, so that what was just asked is in sight.
    ScrollArea::vertical()
        .id_salt("questions")
        .auto_shrink(false)
        .show(ui, |ui| {
            for question in minutes.questions.values().rev() {
                theme::card(ui, palette::RAISED, |ui| question_ui(ui, question));
            }
        });
}

fn question_ui(ui: &mut Ui, question: &Question) {
    ui.add(Label::new(theme::strong(question.text.as_str())).wrap());
    let by = question.by.as_deref().unwrap_or("you");
    ui.label(theme::small(format!(
        "asked by {by} at {}",
        words::clock(question.asked)
    )));
    match &question.answer {
        None => {
            ui.colored_label(palette::WAITING, "answering …");
        }
        Some(answer) if answer.text.is_empty() => {
            ui.colored_label(palette::TEXT_WEAK, "The meeting does not hold an answer");
        }
        Some(answer) => {
            ui.add(Label::new(RichText::new(&answer.text).color(palette::TEXT)).wrap());
            cited_ui(ui, answer);
        }
    }
}

/// Where the answer comes from; the sentences themselves on hover, as the answer is made of them.
fn cited_ui(ui: &mut Ui, answer: &Answer) {
    let cited: Vec<String> = answer
        .cited
        .iter()
        .map(|quote| format!("{} {}", quote.speaker, quote.turn + 1))
        .collect();
    let text = format!("{} · similarity {:.2}", cited.join(", "), answer.score);
    let label = ui.add(Label::new(theme::small(text)).wrap());
    label.on_hover_ui(|ui| {
        for quote in &answer.cited {
            ui.label(spoken(ui, &quote.speaker, Some(quote.turn), &quote.text));
        }
    });
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
