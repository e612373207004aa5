//! Which tokens may come next in a transcript.
//!
//! Timestamps come in pairs, never go back, and start the transcript; when they are together likelier than
//! any word, one of them comes next.
//! Radford et al. (2022), section 4.5, as `CTranslate2` has it.

use super::tokens::Tokens;
use crate::kernels::{Level, log_sum_exp};

/// The latest first timestamp: one second.
const LATEST_FIRST: usize = 50;

/// The rules for one transcript.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) tokens: &'a Tokens,
    /// Whether timestamps are written.
    pub(super) timestamps: bool,
}

impl Rules<'_> {
    /// Lowers the scores of all that may not follow on `said` to minus infinity.
    pub(super) fn apply(&self, said: &[u32], scores: &mut [f32]) {
        let tokens = self.tokens;
        forbid_each(scores, &tokens.suppressed);
        if said.is_empty() {
            forbid_each(scores, &tokens.suppressed_first);
        }
        if self.timestamps {
            self.apply_timestamps(said, scores);
        }
    }

    fn apply_timestamps(&self, said: &[u32], scores: &mut [f32]) {
        let tokens = self.tokens;
        let first = tokens.first_timestamp() as usize;
        forbid_each(scores, &[tokens.no_timestamps]);
        let Some(&last) = said.last() else {
            forbid(&mut scores[..first]);
            if let Some(late) = scores.get_mut(first + LATEST_FIRST + 1..) {
                forbid(late);
            }
            return;
        };
        let latest = said.iter().rev().find(|&&token| tokens.is_timestamp(token));
        if let Some(&latest) = latest {
            forbid(&mut scores[first..latest as usize]);
        }
        let penultimate = said.len().checked_sub(2).map_or(last, |nth| said[nth]);
        match (tokens.is_timestamp(last), tokens.is_timestamp(penultimate)) {
            // Words follow on a pair, or on the very first one.
            (true, true) => return forbid(&mut scores[first..]),
            // A lone one ends what it closes, or gets its pair.
            (true, false) => forbid(&mut scores[..tokens.end as usize]),
            (false, _) => {}
        }
        let (words, times) = scores.split_at_mut(first);
        let likeliest = words.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if log_sum_exp(Level::best(), times) > likeliest {
            forbid(words);
        }
    }
}

fn forbid(scores: &mut [f32]) {
    scores.fill(f32::NEG_INFINITY);
}

fn forbid_each(scores: &mut [f32], tokens: &[u32]) {
    for &token in tokens {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = f32::NEG_INFINITY;
        }
    }
}
