//! One resource that generates tokens: which sequences it works on, and what its next iterations do.
//!
//! Iterations that do the same follow each other in one phase, so that the cost of a run is in the
//! number of sequences that come and go, not in the number of tokens.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use sim::{SimSpan, SimTime};

use super::{
    limits::{BOUNDLESS, capacity, iteration_share},
    phase::Phase,
};
use crate::{
    hardware::TokenBatching,
    pool::{LatencyProfile, ResourceSpec},
    workload::{BatchId, SubtaskId},
};

/// What a sequence is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody's.
    Free,
    /// Its prompt is taken in, or waits for that.
    Prompt,
    /// Each iteration gives it one token.
    Decoding,
    /// It lost its memory and waits to begin anew.
    Evicted,
}

#[derive(Clone, Debug)]
struct Sequence {
    subtask: SubtaskId,
    batch: BatchId,
    stage: Stage,
    /// Tells apart those who use the same place after each other.
    stamp: u32,
    /// Tokens of the prompt that are not taken in.
    prompt_left: u64,
    /// Tokens to generate, as of the iteration it joined at.
    out_left: u64,
    /// Tokens that it was expected to generate in all.
    expected: u64,
    /// Tokens it keeps, as of the iteration it joined at.
    kept: u64,
    /// The iteration at which it began to decode.
    joined: u64,
    first_token: Option<SimTime>,
}

/// A sequence that has all its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    pub(crate) batch: BatchId,
    pub(crate) subtask: SubtaskId,
    /// When its first token was there.
    pub(crate) first_token: Option<SimTime>,
}

/// The sequences of one resource and its plan.
#[derive(Clone, Debug)]
pub(crate) struct TokenServer {
    batching: TokenBatching,
    profile: LatencyProfile,
    /// Tokens that the memory can keep.
    capacity: u64,
    sequences: Vec<Sequence>,
    free: Vec<u32>,
    /// Those whose prompts are taken in, in this order.
    prompts: VecDeque<u32>,
    /// Who decodes: the iteration that ends it, its place and stamp. Some are out of date.
    decoding: BinaryHeap<Reverse<(u64, u32, u32)>>,
    n_decoding: u64,
    /// Places and stamps in the order of admission: the last loses its memory first.
    admitted: Vec<(u32, u32)>,
    evicted: VecDeque<u32>,
    /// Iterations done so far.
    iteration: u64,
    /// Tokens kept or set aside.
    used: u64,
    /// Tokens of the prompts that are not taken in, as of the end of the last plan.
    prompt_tokens: u64,
    /// Tokens that the sequences were expected to generate in all.
    expected_tokens: u64,
    phase: Option<Phase>,
    /// Memory ran out for a prompt; until somebody leaves, nobody is let in.
    is_full: bool,
    /// Counts plans, so that events of old ones are known.
    pub(crate) plan: u32,
}

impl TokenServer {
    pub(crate) fn new(batching: TokenBatching, spec: &ResourceSpec) -> Self {
        Self {
            batching,
            profile: spec
                .skills
                .first()
                .map_or_else(LatencyProfile::default, |s| s.1),
            capacity: capacity(batching, spec),
            sequences: Vec::new(),
            free: Vec::new(),
            prompts: VecDeque::new(),
            decoding: BinaryHeap::new(),
            n_decoding: 0,
            admitted: Vec::new(),
            evicted: VecDeque::new(),
            iteration: 0,
            used: 0,
            prompt_tokens: 0,
            expected_tokens: 0,
            phase: None,
            is_full: false,
            plan: 0,
        }
    }

    /// How many more sequences it would let in, as far as is known.
    pub(crate) fn room(&self, slots: u32) -> u32 {
        if self.is_full || !self.evicted.is_empty() {
            return 0;
        }
        slots.saturating_sub(self.n_sequences() as u32)
    }

    /// How many tokens the memory can keep; `None`: any number.
    pub(crate) fn limit(&self) -> Option<u64> {
        Some(self.capacity).filter(|capacity| *capacity < BOUNDLESS)
    }

    /// Whether the memory has no room for the next prompt.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full || !self.evicted.is_empty()
    }

    pub(crate) fn n_sequences(&self) -> usize {
        self.sequences.len() - self.free.len()
    }

    /// Tokens of the prompts that are still to be taken in, as of the end of its last plan.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        self.prompt_tokens
    }

    /// How long it is expected to work on what it has. Each token that a sequence was expected to
    /// generate counts its part of an iteration with all slots taken, so that the sum is what the
    /// resource is kept from doing for others. Sequences count whole: how far they are says little of
    /// what is left of them, and nothing if lengths are exponential.
    pub(crate) fn work(&self, slots: u32) -> SimSpan {
        let share = iteration_share(&self.profile, slots);
        let prompts = self.profile.per_token.0.saturating_mul(self.prompt_tokens);
        SimSpan(prompts.saturating_add(share.saturating_mul(self.expected_tokens)))
    }

    /// When its plan ends.
    pub(crate) fn ends(&self) -> Option<SimTime> {
        let phase = self.phase?;
        Some(phase.from + SimSpan(phase.span.0.saturating_mul(phase.n_iterations)))
    }

    pub(crate) fn subtask_of(&self, batch: BatchId) -> Option<SubtaskId> {
        Some(self.sequences[self.place_of(batch)?].subtask)
    }

    fn place_of(&self, batch: BatchId) -> Option<usize> {
        self.sequences
            .iter()
            .position(|s| s.stage != Stage::Free && s.batch == batch)
    }

    /// All it works on, in the order of places.
    pub(crate) fn all(&self) -> impl Iterator<Item = (BatchId, SubtaskId)> + '_ {
        let taken = self.sequences.iter().filter(|s| s.stage != Stage::Free);
        taken.map(|s| (s.batch, s.subtask))
    }

    /// Whether a prompt can be let in at `now`; notes it if the memory is in the way.
    pub(crate) fn lets_in(&mut self, now: SimTime, prompt: u64) -> bool {
        let growth = self
            .phase
            .map_or(0, |phase| phase.done_by(now) * self.n_decoding);
        let fits = self.used + growth + prompt.max(1) < self.capacity;
        self.is_full |= !fits;
        fits
    }

    /// Lets a sequence in; its prompt is taken in from the next iteration on.
    pub(crate) fn admit(
        &mut self,
        now: SimTime,
        (batch, subtask): (BatchId, SubtaskId),
        (prompt, out, expected): (u64, u64, u64),
    ) {
        self.cut(now);
        let prompt = prompt.max(1);
        let stamp = self.plan.wrapping_add(self.sequences.len() as u32);
        let sequence = Sequence {
            subtask,
            batch,
            stage: Stage::Prompt,
            stamp,
            prompt_left: prompt,
            out_left: out,
            expected,
            // One token of the answer comes with the prompt.
            kept: prompt + 1,
            joined: 0,
            first_token: None,
        };
        self.used += sequence.kept;
        self.prompt_tokens += prompt;
        self.expected_tokens += expected;
        let place = match self.free.pop() {
            Some(place) => {
                let stamp = self.sequences[place as usize].stamp.wrapping_add(1);
                self.sequences[place as usize] = Sequence { stamp, ..sequence };
                place
            }
            None => {
                self.sequences.push(sequence);
                self.sequences.len() as u32 - 1
            }
        };
        self.prompts.push_back(place);
        self.admitted
            .push((place, self.sequences[place as usize].stamp));
    }

    /// Ends the plan with the iteration that is under way at `now`.
    fn cut(&mut self, now: SimTime) {
        if let Some(phase) = &mut self.phase {
            phase.n_iterations = phase.done_by(now);
        }
    }

    /// Takes a sequence out before its end; what the iteration under way did so far is lost.
    pub(crate) fn remove(&mut self, now: SimTime, batch: BatchId, generated: &mut Vec<Generated>) {
        if let Some(phase) = &mut self.phase {
            phase.n_iterations = ((now - phase.from).0 / phase.span.0).min(phase.n_iterations);
        }
        self.finish_phase(now, generated);
        let Some(place) = self.place_of(batch) else {
            return;
        };
        match self.sequences[place].stage {
            Stage::Prompt => self.prompts.retain(|p| *p as usize != place),
            Stage::Decoding => self.n_decoding -= 1,
            Stage::Evicted => self.evicted.retain(|p| *p as usize != place),
            Stage::Free => {}
        }
        self.leave(place);
    }

    fn leave(&mut self, place: usize) {
        let sequence = &mut self.sequences[place];
        let kept = match sequence.stage {
            Stage::Evicted | Stage::Free => 0,
            Stage::Prompt => {
                self.prompt_tokens -= sequence.prompt_left;
                sequence.kept
            }
            Stage::Decoding => sequence.kept + (self.iteration - sequence.joined),
        };
        self.used -= kept;
        self.expected_tokens -= sequence.expected;
        sequence.stage = Stage::Free;
        sequence.stamp = sequence.stamp.wrapping_add(1);
        self.free.push(place as u32);
        self.is_full = false;
    }

    /// Does what the plan says, to its end; gives those that have all their tokens.
    pub(crate) fn finish_phase(&mut self, now: SimTime, generated: &mut Vec<Generated>) {
        let Some(phase) = self.phase.take() else {
            return;
        };
        self.iteration += phase.n_iterations;
        self.used += phase.n_iterations * self.n_decoding;
        while let Some(place) = self.next_decoded() {
            self.decoding.pop();
            self.n_decoding -= 1;
            self.generated(place, generated);
        }
        let mut tokens = phase.prefill * phase.n_iterations;
        while let Some(&place) = self.prompts.front() {
            let sequence = &mut self.sequences[place as usize];
            let taken = tokens.min(sequence.prompt_left);
            sequence.prompt_left -= taken;
            self.prompt_tokens -= taken;
            tokens -= taken;
            if sequence.prompt_left > 0 || (tokens == 0 && taken == 0) {
                break;
            }
            self.prompts.pop_front();
            self.start_decoding(now, place as usize, generated);
        }
    }

    fn start_decoding(&mut self, now: SimTime, place: usize, generated: &mut Vec<Generated>) {
        let iteration = self.iteration;
        let sequence = &mut self.sequences[place];
        sequence.first_token.get_or_insert(now);
        sequence.out_left = sequence.out_left.saturating_sub(1);
        sequence.joined = iteration;
        sequence.stage = Stage::Decoding;
        if sequence.out_left == 0 {
            return self.generated(place, generated);
        }
        let entry = (iteration + sequence.out_left, place as u32, sequence.stamp);
        self.decoding.push(Reverse(entry));
        self.n_decoding += 1;
    }

    fn generated(&mut self, place: usize, generated: &mut Vec<Generated>) {
        let Sequence {
            batch,
            subtask,
            first_token,
            ..
        } = self.sequences[place];
        generated.push(Generated {
            batch,
            subtask,
            first_token,
        });
        self.leave(place);
    }

    /// The place of a sequence that has all its tokens by now.
    fn next_decoded(&mut self) -> Option<usize> {
        let end = self.next_end()?;
        let Reverse((_, place, _)) = self.decoding.peek()?;
        (end <= self.iteration).then_some(*place as usize)
    }

    /// The iteration at which the next sequence ends.
    fn next_end(&mut self) -> Option<u64> {
        while let Some(Reverse((end, place, stamp))) = self.decoding.peek() {
            let sequence = &self.sequences[*place as usize];
            if sequence.stamp == *stamp && sequence.stage == Stage::Decoding {
                return Some(*end);
            }
            self.decoding.pop();
        }
        None
    }

    /// Plans anew from `now` on, if the plan has ended; gives those that have memory again and, after
    /// them, those that lost theirs.
    pub(crate) fn make_plan(
        &mut self,
        now: SimTime,
        back: &mut Vec<SubtaskId>,
        evicted: &mut Vec<SubtaskId>,
    ) {
        self.plan = self.plan.wrapping_add(1);
        if self.phase.is_some() {
            return;
        }
        self.let_back_in(back);
        self.evict(evicted);
        let n = self.n_decoding;
        let budget = u64::from(self.batching.budget).saturating_sub(n);
        let mut most = u64::MAX;
        let mut prefill = 0;
        if let Some(&head) = self.prompts.front()
            && budget > 0
        {
            let left = self.sequences[head as usize].prompt_left;
            if left >= budget {
                (prefill, most) = (budget, left / budget);
            } else {
                let lefts = self
                    .prompts
                    .iter()
                    .map(|p| self.sequences[*p as usize].prompt_left);
                (prefill, most) = (sum_up_to(lefts, budget), 1);
            }
        }
        if n > 0 {
            let end = self.next_end().unwrap_or(self.iteration + 1);
            let rounds = (self.capacity - self.used).checked_div(n);
            most = most.min(end - self.iteration).min(rounds.unwrap_or(most));
        }
        if n == 0 && prefill == 0 {
            return;
        }
        debug_assert!(self.used <= self.capacity, "tokens must fit");
        debug_assert_eq!(
            self.prompt_tokens,
            self.prompts
                .iter()
                .map(|p| self.sequences[*p as usize].prompt_left)
                .sum::<u64>(),
            "prompts must be counted"
        );
        let span = self.profile.span(n, prefill);
        self.phase = Some(Phase {
            from: now,
            span: SimSpan(span.0.max(1)),
            n_iterations: most.max(1),
            prefill,
        });
    }

    fn let_back_in(&mut self, back: &mut Vec<SubtaskId>) {
        while let Some(&place) = self.evicted.front() {
            let sequence = &mut self.sequences[place as usize];
            if self.used + sequence.kept > self.capacity {
                return;
            }
            self.used += sequence.kept;
            sequence.stage = Stage::Prompt;
            self.prompt_tokens += sequence.prompt_left;
            back.push(sequence.subtask);
            self.admitted.push((place, sequence.stamp));
            self.prompts.push_back(place);
            self.evicted.pop_front();
        }
    }

    /// Takes memory from the last ones admitted, until the next iteration has room.
    fn evict(&mut self, evicted: &mut Vec<SubtaskId>) {
        let mut kept = Vec::new();
        while self.used + self.n_decoding > self.capacity
            && self.n_decoding + self.prompts.len() as u64 > 1
        {
            let Some((place, stamp)) = self.admitted.pop() else {
                break;
            };
            let iteration = self.iteration;
            let sequence = &mut self.sequences[place as usize];
            if sequence.stamp != stamp {
                continue;
            }
            if sequence.stage == Stage::Prompt {
                self.prompts.retain(|p| *p != place);
                self.used -= sequence.kept;
                self.prompt_tokens -= sequence.prompt_left;
            } else if sequence.stage == Stage::Decoding {
                let done = iteration - sequence.joined;
                self.used -= sequence.kept + done;
                self.n_decoding -= 1;
                sequence.prompt_left = sequence.kept + done;
                sequence.out_left -= done;
                sequence.kept = sequence.prompt_left + 1;
            } else {
                kept.push((place, stamp));
                continue;
            }
            sequence.stage = Stage::Evicted;
            sequence.stamp = sequence.stamp.wrapping_add(1);
            evicted.push(sequence.subtask);
            self.evicted.push_front(place);
        }
        self.admitted.extend(kept.into_iter().rev());
        // Entries of those who left long ago are dropped now and then.
        if self.admitted.len() > 2 * self.sequences.len() + 64 {
            let sequences = &self.sequences;
            self.admitted
                .retain(|(place, stamp)| sequences[*place as usize].stamp == *stamp);
        }
    }

    /// Forgets all sequences.
    pub(crate) fn clear(&mut self) {
        let fresh = (self.plan.wrapping_add(1), self.iteration);
        self.sequences.clear();
        self.free.clear();
        self.prompts.clear();
        self.decoding.clear();
        self.admitted.clear();
        self.evicted.clear();
        (self.n_decoding, self.used) = (0, 0);
        (self.prompt_tokens, self.expected_tokens) = (0, 0);
        (self.phase, self.is_full) = (None, false);
        (self.plan, self.iteration) = fresh;
    }
}

/// The sum of `parts`, but not more than `most`; looks at no more of them than needed.
fn sum_up_to(parts: impl Iterator<Item = u64>, most: u64) -> u64 {
    let mut sum = 0;
    for part in parts {
        sum += part;
        if sum >= most {
            return most;
        }
    }
    sum
}
