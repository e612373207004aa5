//! Chooses the next token: the likeliest, or one drawn from a seeded stream of the sequence's own.
//!
//! Fan et al. (2018), "Hierarchical Neural Story Generation" (top k); Holtzman et al. (2020), "The
//! Curious Case of Neural Text Degeneration" (top p); Keskar et al. (2019), "CTRL" (repetition).

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::ask::GenerateOptions;

/// How a sequence's tokens are chosen. What it draws follows from the seed alone.
pub(super) struct Sampler {
    temperature: f32,
    top_k: usize,
    top_p: f32,
    repeat_penalty: f32,
    stream: ChaCha8Rng,
    /// Tokens and their scores, best first; kept for the next token.
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    pub(super) fn new(options: &GenerateOptions) -> Self {
        let sane = |x: f32, default: f32| if x.is_finite() && x > 0.0 { x } else { default };
        Self {
            temperature: sane(options.temperature, 0.0),
            top_k: options.top_k as usize,
            top_p: sane(options.top_p, 1.0).min(1.0),
            repeat_penalty: sane(options.repeat_penalty, 1.0),
            stream: ChaCha8Rng::seed_from_u64(options.seed),
            candidates: Vec::new(),
        }
    }

    /// Whether the likeliest token is taken.
    pub(super) fn is_greedy(&self) -> bool {
        self.temperature == 0.0
    }

    /// Lowers the scores of tokens that have occurred.
    pub(super) fn penalise(&self, scores: &mut [f32], occurred: &[u32]) {
        if self.repeat_penalty == 1.0 {
            return;
        }
        let mut distinct = occurred.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        for token in distinct {
            if let Some(score) = scores.get_mut(token as usize) {
                *score *= if *score > 0.0 {
                    1.0 / self.repeat_penalty
                } else {
                    self.repeat_penalty
                };
            }
        }
    }

    /// Chooses among tokens whose scores are not minus infinity; `None` if there is none or a score
    /// is not a number.
    pub(super) fn choose(&mut self, scores: &[f32]) -> Option<u32> {
        if self.is_greedy() {
            return likeliest(scores);
        }
        let best = scores[likeliest(scores)? as usize];
        self.gather(scores, best);
        let n = self.top_k.min(self.candidates.len());
        if n > 0 {
            self.candidates.truncate(n);
        }
        // The best comes first, so no exponential overflows.
        let mut sum = 0.0;
        for (_, score) in &mut self.candidates {
            *score = ((*score - best) / self.temperature).exp();
            sum += *score;
        }
        if self.top_p < 1.0 {
            let mut reached = 0.0;
            let enough = self.candidates.iter().position(|(_, share)| {
                reached += share;
                reached >= self.top_p * sum
            });
            self.candidates
                .truncate(enough.map_or(usize::MAX, |last| last + 1));
            sum = self.candidates.iter().map(|(_, share)| share).sum();
        }
        let mut left = self.stream.random::<f32>() * sum;
        let drawn = self.candidates.iter().find(|(_, share)| {
            left -= share;
            left < 0.0
        });
        drawn.or(self.candidates.last()).map(|&(token, _)| token)
    }

    /// Candidates, best first; of equals the lower token. Those far below the best are left out: they
    /// would be drawn once in e^30 times.
    fn gather(&mut self, scores: &[f32], best: f32) {
        const FAR: f32 = 30.0;
        let least = best - FAR * self.temperature;
        self.candidates.clear();
        let near = scores
            .iter()
            .enumerate()
            .filter(|&(_, &score)| score >= least);
        self.candidates
            .extend(near.map(|(token, &score)| (token as u32, score)));
        self.candidates
            .sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    }
}

/// The token with the best score, of equals the lowest.
pub(super) fn likeliest(scores: &[f32]) -> Option<u32> {
    /// Scores that are looked at together, so that vectors can be used.
    const CHUNK: usize = 64;
    let mut best = f32::NEG_INFINITY;
    let mut chunk_of_best = None;
    for (nth, chunk) in scores.chunks(CHUNK).enumerate() {
        let (mut most, mut is_number) = (f32::NEG_INFINITY, true);
        for &score in chunk {
            most = if score > most { score } else { most };
            is_number &= !score.is_nan();
        }
        if !is_number {
            return None;
        }
        if most > best {
            (best, chunk_of_best) = (most, Some(nth));
        }
    }
    let first = chunk_of_best? * CHUNK;
    let within = scores[first..].iter().position(|&score| score == best)?;
    Some((first + within) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(options: &GenerateOptions, scores: &[f32], n: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(options);
        (0..n).filter_map(|_| sampler.choose(scores)).collect()
    }

    fn options(temperature: f32, top_k: u32, top_p: f32) -> GenerateOptions {
        GenerateOptions {
            temperature,
            top_k,
            top_p,
            seed: 7,
            ..GenerateOptions::default()
        }
    }

    #[test]
    fn draws_follow_the_odds() {
        // Shares of 4 to 2 to 1 to 1.
        let scores = [4f32.ln(), 2f32.ln(), 0.0, f32::NEG_INFINITY, 0.0];
        let share = |options: &GenerateOptions, token: u32| {
            let draws = draws(options, &scores, 8000);
            draws.iter().filter(|&&drawn| drawn == token).count() as f64 / 8000.0
        };
        for (options, expected) in [
            (options(0.0, 0, 1.0), [1.0, 0.0, 0.0, 0.0, 0.0]),
            (options(1.0, 0, 1.0), [0.5, 0.25, 0.125, 0.0, 0.125]),
            (
                options(0.5, 0, 1.0),
                [16.0 / 22.0, 4.0 / 22.0, 1.0 / 22.0, 0.0, 1.0 / 22.0],
            ),
            (options(1.0, 2, 1.0), [2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0, 0.0]),
            (options(1.0, 0, 0.7), [2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0, 0.0]),
            (
                options(1.0, 0, 0.8),
                [4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0, 0.0, 0.0],
            ),
        ] {
            for (token, expected) in expected.into_iter().enumerate() {
                let got = share(&options, token as u32);
                assert!((got - expected).abs() < 0.02, "{options:?} {token}: {got}");
            }
        }
    }

    #[test]
    fn the_seed_alone_decides() {
        let scores: Vec<f32> = (0..50).map(|n| (n as f32).sin()).collect();
        let one = options(1.0, 0, 1.0);
        let other = GenerateOptions {
            seed: 8,
            ..one.clone()
        };
        assert_eq!(draws(&one, &scores, 40), draws(&one, &scores, 40));
        assert_ne!(draws(&one, &scores, 40), draws(&other, &scores, 40));
    }

    #[test]
    fn what_occurred_is_less_likely_and_nan_is_no_choice() {
        let mut sampler = Sampler::new(&GenerateOptions {
            repeat_penalty: 2.0,
            ..GenerateOptions::default()
        });
        let mut scores = [3.0, 2.0, -1.0];
        sampler.penalise(&mut scores, &[0, 2, 0]);
        assert_eq!(scores, [1.5, 2.0, -2.0]);
        assert_eq!(sampler.choose(&scores), Some(1));
        assert_eq!(sampler.choose(&[1.0, f32::NAN]), None);
        assert_eq!(sampler.choose(&[f32::NEG_INFINITY]), None);
    }
}
