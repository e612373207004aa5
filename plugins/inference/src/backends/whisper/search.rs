//! Searches for the likeliest transcripts of several windows side by side.
//!
//! Beam search keeps the best partial transcripts and ends when as many are complete; drawing takes
//! several at once, each by its own chance. Windows never touch each other: each has the transcript,
//! to the bit, that it would have alone.

use super::{
    decoder::{Clip, Decoder, Row},
    rules::Rules,
};
use crate::kernels::{Level, Team, highest, log_sum_exp};

/// How a window is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// The best of so many partial transcripts at a time; 1 is greedy.
    Beam(usize),
    /// The best of so many drawn ones, at a temperature above 0.
    Draw(usize, f32),
}

/// A window to be written down.
pub(super) struct Window<'a> {
    /// What the model is told before: earlier words, language and task.
    pub(super) prompt: &'a [u32],
    /// The place in the prompt whose scores say whether anybody speaks.
    pub(super) start_at: usize,
}

/// The likeliest transcript of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Words and timestamps, without the end.
    pub(super) tokens: Vec<u32>,
    /// The sum of the logarithms of their probabilities, the end's included.
    pub(super) log_probability: f32,
    /// The probability that nobody speaks.
    pub(super) no_speech: f32,
}

/// What is searched with.
#[derive(Clone, Copy)]
pub(super) struct Searcher<'a> {
    pub(super) decoder: &'a Decoder,
    pub(super) team: &'a Team,
    pub(super) rules: Rules<'a>,
    /// Tokens that a prompt and its transcript may have together.
    pub(super) most: usize,
}

/// A partial transcript.
#[derive(Clone, Debug)]
struct Partial {
    tokens: Vec<u32>,
    score: f32,
    path: Vec<u32>,
    last: u32,
}

struct State {
    partials: Vec<Partial>,
    done: Vec<(Vec<u32>, f32)>,
    no_speech: f32,
    most: usize,
    over: bool,
    chance: Chance,
}

impl Searcher<'_> {
    /// Writes windows down: one for each clip, whose slots are free.
    pub(super) fn search(
        &self,
        clips: &mut [Clip],
        windows: &[Window<'_>],
        way: Way,
    ) -> Vec<Found> {
        let mut states = self.begin(clips, windows, way);
        while states.iter().any(|state| !state.over) {
            self.step(clips, &mut states, way);
        }
        states.into_iter().map(State::best).collect()
    }

    /// Reads all of the prompts but their last tokens, which the first step reads.
    fn begin(&self, clips: &mut [Clip], windows: &[Window<'_>], way: Way) -> Vec<State> {
        let mut rows = Vec::new();
        let mut wanted = Vec::new();
        let mut states = Vec::new();
        for (nth, window) in windows.iter().enumerate() {
            let (last, before) = window.prompt.split_last().unwrap_or((&0, &[]));
            let mut path = Vec::new();
            for (place, &token) in before.iter().enumerate() {
                path.push(clips[nth].slot());
                if place == window.start_at {
                    wanted.push(rows.len());
                }
                let path = path.clone();
                rows.push(Row {
                    clip: nth,
                    token,
                    path,
                });
            }
            let partial = Partial {
                tokens: Vec::new(),
                score: 0.0,
                path,
                last: *last,
            };
            let n = if let Way::Draw(n, _) = way { n } else { 1 };
            states.push(State {
                partials: vec![partial; n],
                done: Vec::new(),
                no_speech: f32::NAN,
                // A transcript is at most half of what the model can hold.
                most: (self.most / 2)
                    .min(self.most.saturating_sub(before.len()))
                    .max(1),
                over: false,
                chance: Chance(u64::from(*last) << 32 | before.len() as u64),
            });
        }
        if !rows.is_empty() {
            let scores = self.decoder.read_rows(self.team, clips, &rows, &wanted);
            let n_tokens = scores.len() / wanted.len().max(1);
            for (row, scores) in wanted.iter().zip(scores.chunks_exact(n_tokens.max(1))) {
                states[rows[*row].clip].no_speech = self.no_speech(scores);
            }
        }
        states
    }

    fn no_speech(&self, scores: &[f32]) -> f32 {
        let score = scores[self.rules.tokens.no_speech as usize];
        (score - log_sum_exp(Level::best(), scores)).exp()
    }

    /// Brings every window that is not over one token further.
    fn step(&self, clips: &mut [Clip], states: &mut [State], way: Way) {
        let mut rows = Vec::new();
        for (nth, state) in states
            .iter_mut()
            .enumerate()
            .filter(|(_, state)| !state.over)
        {
            for partial in &mut state.partials {
                partial.path.push(clips[nth].slot());
                let (token, path) = (partial.last, partial.path.clone());
                rows.push(Row {
                    clip: nth,
                    token,
                    path,
                });
            }
        }
        let all: Vec<usize> = (0..rows.len()).collect();
        let mut scores = self.decoder.read_rows(self.team, clips, &rows, &all);
        let n_tokens = scores.len() / rows.len();
        let mut of_states = Vec::new();
        let mut rest = scores.as_mut_slice();
        for state in states.iter_mut().filter(|state| !state.over) {
            let (mine, others) = rest.split_at_mut(state.partials.len() * n_tokens);
            of_states.push((state, mine));
            rest = others;
        }
        self.team.share(of_states, |(state, scores)| {
            if state.no_speech.is_nan() {
                state.no_speech = self.no_speech(&scores[..n_tokens]);
            }
            for (partial, scores) in state.partials.iter().zip(scores.chunks_exact_mut(n_tokens)) {
                self.rules.apply(&partial.tokens, scores);
            }
            let end = self.rules.tokens.end;
            match way {
                Way::Beam(n) => state.keep_best(scores, n_tokens, n.max(1), end),
                Way::Draw(_, temperature) => state.draw(scores, n_tokens, temperature, end),
            }
        });
    }
}

impl State {
    /// Goes on with the best `n` of all partial transcripts and all tokens.
    fn keep_best(&mut self, scores: &[f32], n_tokens: usize, n: usize, end: u32) {
        let mut candidates: Vec<(f32, usize, u32)> = Vec::new();
        for (nth, scores) in scores.chunks_exact(n_tokens).enumerate() {
            let offset = self.partials[nth].score - log_sum_exp(Level::best(), scores);
            // Twice as many, so that enough are left where half of them are at their end.
            let best = best_of(scores, 2 * n).into_iter();
            candidates.extend(best.map(|(score, token)| (score + offset, nth, token)));
        }
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        candidates.truncate(2 * n);
        let is_last = self.partials[0].tokens.len() + 1 >= self.most;
        let mut next = Vec::new();
        let mut spare = candidates
            .iter()
            .skip(n)
            .filter(|candidate| candidate.2 != end);
        for candidate in candidates.iter().take(n) {
            let &(score, nth, token) = candidate;
            if token == end || is_last {
                let mut tokens = self.partials[nth].tokens.clone();
                tokens.extend((token != end).then_some(token));
                self.done.push((tokens, score));
                next.extend(spare.next());
            } else {
                next.push(candidate);
            }
        }
        self.over = is_last || next.is_empty() || self.done.len() >= n;
        self.partials = next
            .into_iter()
            .map(|&(score, nth, token)| self.partials[nth].and(token, score))
            .collect();
    }

    /// Goes on with a drawn token after each partial transcript.
    fn draw(&mut self, scores: &[f32], n_tokens: usize, temperature: f32, end: u32) {
        let mut next = Vec::new();
        for (partial, scores) in self.partials.iter().zip(scores.chunks_exact(n_tokens)) {
            let token = self.chance.token(scores, temperature);
            let log_probability = scores[token as usize] - log_sum_exp(Level::best(), scores);
            let partial = partial.and(token, partial.score + log_probability);
            if token == end {
                let words = partial.tokens.len() - 1;
                self.done
                    .push((partial.tokens[..words].to_vec(), partial.score));
            } else if partial.tokens.len() >= self.most {
                self.done.push((partial.tokens, partial.score));
            } else {
                next.push(partial);
            }
        }
        self.over = next.is_empty();
        self.partials = next;
    }

    fn best(self) -> Found {
        let mean = |of: &(Vec<u32>, f32)| of.1 / of.0.len().max(1) as f32;
        let mut best = (Vec::new(), f32::NEG_INFINITY);
        for done in self.done {
            if best.0.is_empty() && best.1 == f32::NEG_INFINITY || mean(&done) > mean(&best) {
                best = done;
            }
        }
        Found {
            tokens: best.0,
            log_probability: best.1,
            no_speech: self.no_speech,
        }
    }
}

impl Partial {
    fn and(&self, token: u32, score: f32) -> Self {
        let mut longer = self.clone();
        longer.tokens.push(token);
        longer.score = score;
        longer.last = token;
        longer
    }
}

/// The `n` highest scores with their tokens, the highest first; of equals the first one.
fn best_of(scores: &[f32], n: usize) -> Vec<(f32, u32)> {
    const AT_ONCE: usize = 64;
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(n + 1);
    for (chunk, scores) in scores.chunks(AT_ONCE).enumerate() {
        let least = |best: &[(f32, u32)]| match best.get(n - 1) {
            Some(last) => last.0,
            None => f32::NEG_INFINITY,
        };
        if scores.iter().copied().fold(f32::NEG_INFINITY, f32::max) <= least(&best) {
            continue;
        }
        for (nth, &score) in scores.iter().enumerate() {
            if score > least(&best) {
                let at = best.partition_point(|better| better.0 >= score);
                best.insert(at, (score, (chunk * AT_ONCE + nth) as u32));
                best.truncate(n);
            }
        }
    }
    best
}

/// Draws that follow from the window alone (`SplitMix64`: Steele, Lea, Flood 2014).
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    /// A number from 0 to 1, without 1.
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A token, by the probabilities at a temperature.
    fn token(&mut self, scores: &[f32], temperature: f32) -> u32 {
        let most = highest(Level::best(), scores);
        let weight = |score: f32| f64::from((score - most) / temperature).exp();
        let whole: f64 = scores.iter().map(|&score| weight(score)).sum();
        let mut left = self.draw() * whole;
        let mut chosen = 0;
        for (token, &score) in scores.iter().enumerate() {
            let weight = weight(score);
            if weight > 0.0 {
                chosen = token as u32;
                left -= weight;
            }
            if left < 0.0 {
                break;
            }
        }
        chosen
    }
}
