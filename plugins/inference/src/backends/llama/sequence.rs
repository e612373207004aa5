//! One text under way: its tokens, its pages, and how it goes on.

use super::{
    Shared,
    cache::Pages,
    json::Constraint,
    sampling::{Sampler, likeliest},
    writer::Writer,
};
use crate::{
    ask::{GenerateOptions, TextShape},
    backend::{SequenceId, SequenceStep},
    json_shape::JsonShape,
    output::{GeneratedText, GenerationEnd, Output},
};

/// Tokens that are tried one after the other before all are looked at.
const QUICK_TRIES: usize = 8;

/// A text under way.
pub(super) struct Sequence {
    pub(super) id: SequenceId,
    /// The prompt, then what was written.
    pub(super) tokens: Vec<u32>,
    /// How many of them have been read.
    pub(super) n_read: usize,
    pub(super) pages: Pages,
    n_prompt: usize,
    n_reused: usize,
    most_tokens: usize,
    sampler: Sampler,
    constraint: Option<Constraint>,
    writer: Writer,
}

impl Sequence {
    pub(super) fn new(
        id: SequenceId,
        prompt: &[u32],
        pages: Pages,
        n_reused: usize,
        options: &GenerateOptions,
        context: usize,
    ) -> Self {
        let constraint = match &options.shape {
            TextShape::Free => None,
            TextShape::Json => Some(Constraint::new(&JsonShape::Any)),
            TextShape::Schema(shape) => Some(Constraint::new(shape)),
        };
        Self {
            id,
            tokens: prompt.to_vec(),
            n_read: n_reused,
            pages,
            n_prompt: prompt.len(),
            n_reused,
            most_tokens: (options.max_tokens.max(1) as usize).min(context - prompt.len()),
            sampler: Sampler::new(options),
            constraint,
            writer: Writer::new(&options.stop),
        }
    }

    fn n_written(&self) -> usize {
        self.tokens.len() - self.n_prompt
    }

    /// Goes on by a token, given the scores of all; what is new goes to `news`. Says whether it is at
    /// an end, and why. `None` if the scores are not numbers.
    pub(super) fn go_on(
        &mut self,
        shared: &Shared,
        scores: &mut [f32],
        news: &mut Vec<(SequenceId, SequenceStep)>,
    ) -> Option<Option<GenerationEnd>> {
        self.sampler.penalise(scores, &self.tokens);
        // The tokens that are left after this one.
        let left = self.most_tokens - self.n_written() - 1;
        let Some(token) = self.choose(shared, scores, left)? else {
            return Some(Some(GenerationEnd::Length));
        };
        if shared.tokens.ends_text(token) {
            return Some(Some(GenerationEnd::EndOfText));
        }
        let bytes = shared.tokens.bytes(token);
        self.tokens.push(token);
        let (piece, is_stopped) = self.writer.push(bytes);
        if !piece.is_empty() {
            news.push((self.id, SequenceStep::Piece(piece)));
        }
        if let Some(constraint) = &mut self.constraint {
            constraint.read(bytes);
        }
        let is_whole = self.constraint.as_ref().is_some_and(Constraint::is_done);
        Some(if is_stopped {
            Some(GenerationEnd::Stop)
        } else if is_whole {
            Some(GenerationEnd::EndOfText)
        } else if left == 0 {
            Some(GenerationEnd::Length)
        } else {
            None
        })
    }

    /// The next token; the inner `None` if there is none that the shape allows.
    fn choose(&mut self, shared: &Shared, scores: &mut [f32], left: usize) -> Option<Option<u32>> {
        let Some(constraint) = &mut self.constraint else {
            return Some(Some(self.sampler.choose(scores)?));
        };
        let allows_end = constraint.may_end();
        if self.sampler.is_greedy() {
            for _ in 0..QUICK_TRIES {
                let best = likeliest(scores)?;
                let ends = shared.tokens.ends_text(best);
                if ends && allows_end || constraint.allows(shared.tokens.bytes(best), left) {
                    return Some(Some(best));
                }
                scores[best as usize] = f32::NEG_INFINITY;
            }
        }
        let ends: Vec<(usize, f32)> = shared
            .tokens
            .all_ends()
            .iter()
            .map(|&token| (token as usize, scores[token as usize]))
            .collect();
        constraint.mask(&shared.vocabulary, left, scores);
        if allows_end {
            for (token, score) in ends {
                scores[token] = score;
            }
        }
        if scores.iter().all(|&score| score == f32::NEG_INFINITY) {
            return Some(None);
        }
        Some(Some(self.sampler.choose(scores)?))
    }

    /// What came of it. What still waited to be given out is given out first.
    pub(super) fn finish(mut self, end: GenerationEnd, news: &mut Vec<(SequenceId, SequenceStep)>) {
        let piece = self.writer.finish();
        if !piece.is_empty() {
            news.push((self.id, SequenceStep::Piece(piece)));
        }
        let text = GeneratedText {
            n_tokens: self.n_written() as u32,
            n_prompt_tokens: self.n_prompt as u32,
            n_reused_tokens: self.n_reused as u32,
            text: self.writer.into_text(),
            end,
        };
        news.push((self.id, SequenceStep::Done(Output::Text(text))));
    }
}
