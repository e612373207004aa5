//! Prints what a model answers, in the order of the lines, text as it comes.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    ops::ControlFlow,
    time::Duration,
};

use inference::Output;
use serde_json::{Value, json};

use super::lines::Line;
use crate::{
    error::AppError,
    models::single::{Heard, NoAnswer, Replied},
    report,
};

/// Numbers of a vector that people are shown.
const N_SHOWN: usize = 6;

/// Prints answers as soon as their turn has come.
pub(super) struct Teller {
    is_json: bool,
    /// The request whose turn it is.
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// What has been printed of the text whose turn it is.
    printed: String,
    /// The first vector and its line: others are compared with it.
    first: Option<(usize, Vec<f32>)>,
    n_answers: usize,
    tokens: u64,
    took: Duration,
    failures: Vec<String>,
    /// Why nothing can be printed any more.
    broken: Option<io::Error>,
}

/// What a request waits with until its turn.
#[derive(Default)]
struct Waiting {
    pieces: String,
    end: Option<(Line, Result<Replied, NoAnswer>)>,
}

impl Teller {
    pub(super) fn new(is_json: bool) -> Self {
        Self {
            is_json,
            next: 0,
            waiting: BTreeMap::new(),
            printed: String::new(),
            first: None,
            n_answers: 0,
            tokens: 0,
            took: Duration::ZERO,
            failures: Vec::new(),
            broken: None,
        }
    }

    /// Takes in what a model says and prints what may be printed; breaks off when nobody reads it.
    pub(super) fn take(&mut self, heard: Heard<Line>) -> ControlFlow<()> {
        match heard {
            Heard::Piece(key, text) => self.waiting.entry(key).or_default().pieces += &text,
            Heard::End(key, line, result) => {
                self.waiting.entry(key).or_default().end = Some((line, result));
            }
        }
        while let Some(waiting) = self.waiting.get_mut(&self.next) {
            let pieces = std::mem::take(&mut waiting.pieces);
            let end = waiting.end.take();
            self.print(&pieces);
            self.printed += &pieces;
            let Some((line, result)) = end else { break };
            self.waiting.remove(&self.next);
            self.next += 1;
            match result {
                Ok(replied) => self.answer(&line, &replied),
                Err(error) => self.failure(&line, &error),
            }
            self.printed.clear();
        }
        match self.broken {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// How much was answered, in how long.
    pub(super) fn sum(&self) -> String {
        let (n, secs) = (self.n_answers, self.took.as_secs_f64());
        let answers = if n == 1 { "answer" } else { "answers" };
        format!(
            "{n} {answers} to {} tokens, {secs:.2} s in the model",
            self.tokens
        )
    }

    /// Whether all was answered and printed.
    ///
    /// # Errors
    /// If not.
    pub(super) fn result(self) -> Result<(), AppError> {
        match self.broken {
            // Whoever read it has had enough.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Some(cause) => {
                return Err(AppError::Io {
                    path: "standard output".into(),
                    doing: "write to",
                    cause,
                });
            }
            None => {}
        }
        match self.failures.first() {
            Some(first) => Err(AppError::Unanswered {
                failed: self.failures.len(),
                asked: self.n_answers + self.failures.len(),
                first: first.clone(),
            }),
            None => Ok(()),
        }
    }

    fn answer(&mut self, line: &Line, replied: &Replied) {
        let (answer, reply) = (&replied.answer, &replied.reply);
        self.n_answers += 1;
        self.tokens += u64::from(answer.tokens);
        // Requests that shared a pass each took all of it.
        self.took += reply.took / (reply.batched_with as u32 + 1);
        let Some(output) = answer.outputs.first() else {
            return;
        };
        if self.is_json {
            let value = json!({
                "line": line.number,
                "input": line.text,
                "model": answer.version,
                "output": output,
                "tokens": answer.tokens,
                "secs": reply.took.as_secs_f64(),
                "queued_secs": (reply.timings.queued + reply.timings.formed).as_secs_f64(),
                "encoded_secs": reply.timings.encoded.as_secs_f64(),
            });
            self.print_json(&value);
        } else {
            let told = self.in_words(line, output);
            self.print(&told);
        }
    }

    fn failure(&mut self, line: &Line, error: &NoAnswer) {
        let told = format!("line {}: {error}", line.number);
        if self.is_json {
            let value = json!({
                "line": line.number,
                "input": line.text,
                "error": error.to_string(),
            });
            self.print_json(&value);
        } else {
            if !self.printed.is_empty() {
                self.print("\n");
            }
            report::note(&told);
        }
        self.failures.push(told);
    }

    fn in_words(&mut self, line: &Line, output: &Output) -> String {
        let mut told = match output {
            Output::Embedding(vector) => self.vector(line.number, vector),
            Output::Classes(classes) => {
                let class =
                    |class: &inference::ClassScore| format!("{} {:.3}", class.label, class.score);
                classes.iter().map(class).collect::<Vec<_>>().join(", ")
            }
            Output::Tags(tags) => {
                let tag = |tag: &inference::TagSpan| {
                    let said = line.text.get(tag.start..tag.end).unwrap_or_default();
                    format!("{} {said:?} {:.3}", tag.label, tag.score)
                };
                tags.iter().map(tag).collect::<Vec<_>>().join(", ")
            }
            Output::Transcript(transcript) if transcript.segments.is_empty() => {
                transcript.text.trim().to_owned()
            }
            Output::Transcript(transcript) => {
                let parts = transcript.segments.iter().map(|part| {
                    let (start, end) = (part.start_secs, part.end_secs);
                    format!("{start:7.2} to {end:7.2} s  {}", part.text.trim())
                });
                parts.collect::<Vec<_>>().join("\n")
            }
            // What came in pieces is there already.
            Output::Text(text) => {
                let rest = text.text.strip_prefix(&self.printed);
                rest.unwrap_or_default().to_owned()
            }
        };
        told.push('\n');
        told
    }

    fn vector(&mut self, number: usize, vector: &[f32]) -> String {
        let mut told = format!("{} numbers:", vector.len());
        for x in vector.iter().take(N_SHOWN) {
            write!(told, " {x:.4}").expect("text takes all");
        }
        if vector.len() > N_SHOWN {
            told += " …";
        }
        match &self.first {
            Some((first, other)) => {
                let cosine: f32 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                write!(told, "  cosine to line {first}: {cosine:.4}").expect("text takes all");
            }
            None => self.first = Some((number, vector.to_vec())),
        }
        told
    }

    fn print_json(&mut self, value: &Value) {
        self.print(&format!("{value}\n"));
    }

    fn print(&mut self, text: &str) {
        if text.is_empty() || self.broken.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.broken = written.err();
    }
}
