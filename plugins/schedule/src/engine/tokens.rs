//! Continuous batching of token generation: sequences join and leave between any two iterations.
//!
//! Prompts are taken in by chunks beside those that decode, within the budget of an iteration
//! (Agrawal and others (2024), "Taming throughput-latency tradeoff in LLM inference with
//! Sarathi-Serve"). When the memory for tokens runs out, the sequence admitted last gives its own up
//! and begins anew later, with all that it had generated as a part of its prompt (Kwon and others
//! (2023), "`PagedAttention`").

mod limits;
mod phase;
mod server;

use sim::SimTime;

pub(crate) use self::{
    limits::{capacity, iteration_share},
    server::{Generated, TokenServer},
};
use super::Engine;
use crate::{
    draws::{Draws, Purpose},
    fact::EngineFact,
    pool::ResourceId,
    workload::{BatchId, SubtaskId},
};

impl Engine {
    /// Lets a placed subtask join the next iteration of a resource.
    pub(super) fn join(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        id: SubtaskId,
        batch: BatchId,
    ) {
        let subtask = &self.subtasks[id.index()];
        let load = self.demands.get(subtask.demand).load;
        let out = self.actual_output(id);
        let on = &mut self.pool.resources[resource.index()];
        if let Some(tokens) = &mut on.tokens {
            let lengths = (load.tokens, out, load.output_tokens);
            tokens.admit(now, (batch, id), lengths);
        }
        self.wants_plan(resource);
    }

    /// Tokens that a subtask will generate, which nobody knows beforehand.
    fn actual_output(&self, id: SubtaskId) -> u64 {
        let subtask = &self.subtasks[id.index()];
        let demand = self.demands.get(subtask.demand);
        let expected = demand.load.output_tokens;
        let spread = self.demands.spread(demand);
        if spread.is_exact() || expected == 0 {
            return expected;
        }
        let seed = self.options.streams.seed();
        let factor = spread.factor(&mut Draws::new(seed, Purpose::Work, id.0, subtask.attempts));
        ((expected as f64 * factor).round() as u64).clamp(1, u64::from(u32::MAX))
    }

    pub(super) fn wants_plan(&mut self, resource: ResourceId) {
        if !self.to_plan.contains(&resource) {
            self.to_plan.push(resource);
        }
    }

    /// The plan of a resource has come to its end: some sequences may have all their tokens.
    pub(super) fn end_phase(&mut self, now: SimTime, resource: ResourceId) {
        let on = &mut self.pool.resources[resource.index()];
        if let Some(tokens) = &mut on.tokens {
            let before = self.generated_here.len();
            tokens.finish_phase(now, &mut self.generated_here);
            self.take_generated(resource, before);
        }
        self.wants_plan(resource);
        self.pool.refresh(resource);
    }

    fn take_generated(&mut self, resource: ResourceId, from: usize) {
        let new = self.generated_here.drain(from..);
        self.generated
            .extend(new.map(|generated| (resource, generated)));
    }

    /// Takes a sequence out before it has all its tokens.
    pub(super) fn drop_sequence(&mut self, now: SimTime, resource: ResourceId, batch: BatchId) {
        let on = &mut self.pool.resources[resource.index()];
        if let Some(tokens) = &mut on.tokens {
            tokens.remove(now, batch, &mut self.generated_here);
            self.take_generated(resource, 0);
        }
        self.wants_plan(resource);
    }

    /// Plans the next iterations wherever something changed.
    pub(super) fn plan_tokens(&mut self, now: SimTime) {
        let (mut back, mut evicted) = (Vec::new(), Vec::new());
        while let Some(resource) = self.to_plan.pop() {
            let on = &mut self.pool.resources[resource.index()];
            let Some(tokens) = &mut on.tokens else {
                continue;
            };
            if tokens.ends().is_some_and(|end| end <= now) {
                tokens.finish_phase(now, &mut self.generated_here);
            }
            tokens.make_plan(now, &mut back, &mut evicted);
            let (plan, ends) = (tokens.plan, tokens.ends());
            on.expected_end = ends.filter(|_| on.room() == 0);
            if let Some(ends) = ends {
                self.events
                    .push(ends, super::events::Event::Tokens(resource, plan));
            }
            self.take_generated(resource, 0);
            for subtask in back.drain(..) {
                self.state(|_| EngineFact::TokensReadmitted { subtask, resource });
            }
            for subtask in evicted.drain(..) {
                self.counts.preempted += 1;
                self.state(|_| EngineFact::TokensEvicted { subtask, resource });
            }
            self.pool.refresh(resource);
        }
    }
}
