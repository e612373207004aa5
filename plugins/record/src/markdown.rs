//! Writes minutes as Markdown for people and as JSON for programs.

use std::fmt::Write as _;

use agents::Quote;
use serde::{Deserialize, Serialize};
use sim::SimTime;

use crate::{
    minutes::{Minutes, Question, Topic},
    run::{OutputMode, Run, TimeMode},
};

/// The format of `minutes.json`.
const MINUTES_FORMAT: u32 = 1;

/// The content of `minutes.json`: the minutes and the run they come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinutesFile {
    /// The format of the file, 1.
    pub format: u32,
    /// The run.
    pub run: Run,
    /// The hash of its journal, where one was written.
    pub journal_blake3: Option<String>,
    /// The minutes.
    pub minutes: Minutes,
}

impl Minutes {
    /// The file `minutes.json`, ending with a line end. `journal_hash` is that of the run's
    /// journal, where one was written.
    ///
    /// # Panics
    /// Never: minutes hold nothing that JSON cannot.
    pub fn to_json(&self, run: &Run, journal_hash: Option<&str>) -> String {
        let file = MinutesFile {
            format: MINUTES_FORMAT,
            run: run.clone(),
            journal_blake3: journal_hash.map(str::to_owned),
            minutes: self.clone(),
        };
        let mut text = serde_json::to_string_pretty(&file)
            .expect("keys are numbers or strings, and nothing else can fail");
        text.push('\n');
        text
    }

    /// The file `minutes.md`. Turns are counted from 1 here. `journal_hash` is that of the run's
    /// journal, where one was written.
    pub fn to_markdown(&self, run: &Run, journal_hash: Option<&str>) -> String {
        let mut sections = vec![self.head()];
        if !self.speakers.is_empty() {
            sections.push(self.speakers_table());
        }
        sections.push("## Topics".to_owned());
        if self.topics.is_empty() {
            sections.push("No topic was found.".to_owned());
        }
        let numbered = self.topics.values().zip(1..);
        sections.extend(numbered.flat_map(|(topic, number)| topic_sections(topic, number)));
        if !self.questions.is_empty() {
            sections.push("## Questions".to_owned());
            sections.extend(self.questions.values().flat_map(question_sections));
        }
        sections.push("## About this run".to_owned());
        sections.push(self.about(run, journal_hash));
        sections.join("\n\n") + "\n"
    }

    fn head(&self) -> String {
        let mut text = format!("# Minutes: {}\n\n", escape(&self.title));
        let length = clock(SimTime::ZERO + self.length());
        // Writing to a string cannot fail.
        write!(text, "{} in {length}", plural(self.turns.into(), "turn")).ok();
        let agents: Vec<_> = self
            .agents
            .iter()
            .map(|agent| format!("{} ({})", escape(&agent.name), escape(&agent.role)))
            .collect();
        if !agents.is_empty() {
            write!(text, ". Agents: {}", agents.join(", ")).ok();
        }
        match &self.approval {
            Some(approval) => write!(
                text,
                ". Approved by {} at {}.",
                escape(&approval.by),
                clock(approval.at)
            )
            .ok(),
            None => write!(text, ". Not approved.").ok(),
        };
        text
    }

    fn speakers_table(&self) -> String {
        let mut text = "| Speaker | Turns | Words |\n|---|--:|--:|".to_owned();
        for speaker in &self.speakers {
            let (turns, words) = (speaker.turns, speaker.words);
            write!(text, "\n| {} | {turns} | {words} |", escape(&speaker.name)).ok();
        }
        text
    }

    fn about(&self, run: &Run, journal_hash: Option<&str>) -> String {
        let outputs = match run.outputs {
            OutputMode::Real => "from models that ran",
            OutputMode::None => "none",
            OutputMode::Recorded => "from an earlier journal",
        };
        let time = match run.time {
            TimeMode::Modelled => "modelled, repeatable",
            TimeMode::Measured => "measured, not repeatable",
        };
        let models = if self.models.is_empty() {
            &run.models
        } else {
            &self.models
        };
        let mut lines = vec![format!(
            "- Scene: {}, hash {}",
            escape(&run.scene),
            code(&run.scene_hash)
        )];
        if let Some(input) = &run.input {
            lines.push(format!(
                "- Transcript: {}, hash {}",
                escape(&input.name),
                code(&input.hash)
            ));
        }
        let names = models
            .iter()
            .map(|model| code(model))
            .collect::<Vec<_>>()
            .join(", ");
        lines.push(format!(
            "- Models: {}",
            if names.is_empty() { "none" } else { &names }
        ));
        lines.push(format!("- Outputs: {outputs}"));
        lines.push(format!(
            "- Policy: {}, seed {}",
            escape(&run.policy),
            run.seed
        ));
        lines.push(format!("- Time: {time}"));
        lines.push(format!(
            "- Diorama: {}, build {}",
            escape(&run.diorama),
            code(&run.build)
        ));
        if let Some(hash) = journal_hash {
            lines.push(format!("- Journal: BLAKE3 {}", code(hash)));
        }
        lines.join("\n")
    }
}

fn topic_sections(topic: &Topic, number: u32) -> Vec<String> {
    let name = topic
        .name
        .as_deref()
        .filter(|name| !name.is_empty())
        .unwrap_or("Untitled");
    let mut when = turn_range(topic.first_turn, topic.last_turn);
    if let Some(began) = topic.began {
        write!(when, ", from {}", clock(began)).ok();
    }
    let mut sections = vec![
        format!("### {number}. {}", escape(name)),
        format!("*{when}*"),
    ];
    if !topic.sentences.is_empty() {
        sections.push(
            topic
                .sentences
                .iter()
                .map(quote_line)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    sections
}

fn question_sections(question: &Question) -> Vec<String> {
    let by = question
        .by
        .as_deref()
        .map_or_else(|| "the person at the keyboard".to_owned(), escape);
    let mut sections = vec![
        format!("### {}", escape(&question.text)),
        format!("*Asked by {by} at {}*", clock(question.asked)),
    ];
    let Some(answer) = &question.answer else {
        sections.push("Not answered.".to_owned());
        return sections;
    };
    if answer.text.is_empty() {
        sections.push("The meeting does not hold an answer.".to_owned());
    } else {
        sections.push(format!(
            "{} (similarity {:.2})",
            escape(&answer.text),
            answer.score
        ));
    }
    if !answer.cited.is_empty() {
        sections.push(
            answer
                .cited
                .iter()
                .map(quote_line)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    sections
}

/// A quotation with its source: `- “We ship on Friday.” — Ada, turn 12`.
fn quote_line(quote: &Quote) -> String {
    let Quote {
        turn,
        speaker,
        text,
        ..
    } = quote;
    format!(
        "- “{}” — {}, turn {}",
        escape(text.trim()),
        escape(speaker),
        turn + 1
    )
}

fn turn_range(first: u32, last: u32) -> String {
    if first == last {
        format!("Turn {}", first + 1)
    } else {
        format!("Turns {}–{}", first + 1, last + 1)
    }
}

fn plural(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// `mm:ss`, or `h:mm:ss` from an hour on.
fn clock(at: SimTime) -> String {
    let secs = at.0 / 1_000_000_000;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes:02}:{secs:02}")
    }
}

/// Text within back quotes, which nothing in it can end.
fn code(text: &str) -> String {
    format!(
        "`{}`",
        text.replace('`', "'")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// Makes `text` one line in which no character is taken for Markdown or HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (position, word) in text.split_whitespace().enumerate() {
        if position > 0 {
            escaped.push(' ');
        }
        // What makes a list, a heading or a rule does so only at the start of a line.
        let starts_block = position == 0
            && (word.starts_with(['-', '+', '='])
                || word
                    .trim_end_matches(['.', ')'])
                    .bytes()
                    .all(|byte| byte.is_ascii_digit()));
        for (place, letter) in word.char_indices() {
            let is_special = matches!(
                letter,
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&' | '~'
            );
            let opens_block = starts_block
                && ((place == 0 && matches!(letter, '-' | '+' | '='))
                    || matches!(letter, '.' | ')'));
            if is_special || opens_block {
                escaped.push('\\');
            }
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        for (text, escaped) in [
            (
                "plain, text (with) marks. 3.5 - 2",
                "plain, text (with) marks. 3.5 - 2",
            ),
            ("two\nlines  and\ttabs ", "two lines and tabs"),
            ("a_b *c* `d` ~~e~~", r"a\_b \*c\* \`d\` \~\~e\~\~"),
            ("[x](y) <b> & C# a|b", r"\[x\](y) \<b\> \& C\# a\|b"),
            ("- item", r"\- item"),
            ("1. item", r"1\. item"),
            ("2024) item", r"2024\) item"),
            ("=== rule", r"\=== rule"),
            ("größer – “ja”", "größer – “ja”"),
            ("", ""),
        ] {
            assert_eq!(escape(text), escaped);
        }
        assert_eq!(code("a`b\nc"), "`a'b c`");
    }

    #[test]
    fn instants_show_hours_from_an_hour_on() {
        for (secs, shown) in [
            (0, "00:00"),
            (61, "01:01"),
            (3599, "59:59"),
            (3661, "1:01:01"),
        ] {
            assert_eq!(clock(SimTime(secs * 1_000_000_000)), shown);
        }
    }
}
