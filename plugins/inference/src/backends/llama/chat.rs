//! Writes a talk as the model was taught to read it, by the template in its file.
//!
//! What people say is put in after the template has been filled, so that nobody can speak as
//! somebody else by writing a mark.

use minijinja::{Environment, UndefinedBehavior, context};

use super::tokens::Tokens;
use crate::{
    gguf::{Gguf, GgufValue},
    input::{ChatMessage, ChatRole},
};

/// How much a template may compute.
const FUEL: u64 = 1 << 20;
/// Stand around the number of a message in the filled template; from Unicode's private use area.
const OPEN: char = '\u{e0b5}';
const CLOSE: char = '\u{e0b6}';

/// The template of a model.
pub(super) struct Chat {
    template: String,
    begin: String,
    end: String,
}

impl Chat {
    /// Reads the template, if there is one.
    pub(super) fn read(gguf: &Gguf<'_>) -> Option<Self> {
        let template = gguf.get("tokenizer.chat_template")?.as_text()?;
        let names = gguf
            .get("tokenizer.ggml.tokens")
            .and_then(GgufValue::as_array);
        let name = |key: &str| {
            let id = gguf.get(key)?.as_u64()?;
            names?.iter().nth(usize::try_from(id).ok()?)?.as_text()
        };
        Some(Self {
            template: template.to_owned(),
            begin: name("tokenizer.ggml.bos_token_id").unwrap_or("").to_owned(),
            end: name("tokenizer.ggml.eos_token_id").unwrap_or("").to_owned(),
        })
    }

    /// The tokens of a talk, up to where the model's answer begins.
    pub(super) fn encode(
        &self,
        tokens: &Tokens,
        messages: &[ChatMessage],
    ) -> Result<Vec<u32>, String> {
        let filled = self.fill(messages)?;
        let mut ids = Vec::new();
        let mut rest = &filled[..];
        while let Some((start, end, mark)) = tokens.find_mark(rest) {
            ids.extend(tokens.encode(&put_in(&rest[..start], messages))?);
            ids.push(mark);
            rest = &rest[end..];
        }
        ids.extend(tokens.encode(&put_in(rest, messages))?);
        Ok(ids)
    }

    /// The template with numbers in the place of what is said.
    fn fill(&self, messages: &[ChatMessage]) -> Result<String, String> {
        let roles: Vec<_> = messages
            .iter()
            .enumerate()
            .map(|(nth, message)| {
                let role = match message.role {
                    ChatRole::System => "system",
                    ChatRole::User => "user",
                    ChatRole::Assistant => "assistant",
                };
                context! { role, content => format!("{OPEN}{nth}{CLOSE}") }
            })
            .collect();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_fuel(Some(FUEL));
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment
            .render_str(
                &self.template,
                context! {
                    messages => roles,
                    add_generation_prompt => true,
                    bos_token => self.begin,
                    eos_token => self.end,
                },
            )
            .map_err(|error| format!("its chat template fails: {error:#}"))
    }
}

/// Puts what is said in the place of the numbers.
fn put_in(filled: &str, messages: &[ChatMessage]) -> String {
    let mut text = String::new();
    let mut rest = filled;
    while let Some((before, after)) = rest.split_once(OPEN) {
        text.push_str(before);
        let Some((number, after)) = after.split_once(CLOSE) else {
            rest = after;
            break;
        };
        let message = number.parse().ok().and_then(|nth: usize| messages.get(nth));
        text.push_str(message.map_or("", |message| &message.content));
        rest = after;
    }
    text.push_str(rest);
    text
}
