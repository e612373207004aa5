//! Holds a text to JSON while it is written: says which tokens may come next.
//!
//! A machine with a stack reads the text byte by byte ([`machine`]); a token may come next if the
//! machine can read its bytes and can still come to an end within the tokens that are left. A text
//! that was held to a shape therefore parses, and has that shape.
//!
//! Willard, Louf (2023), "Efficient Guided Generation for Large Language Models".

mod machine;
mod nodes;
mod vocabulary;

use std::collections::BTreeMap;

pub(super) use self::vocabulary::Vocabulary;
use self::{machine::Machine, nodes::Nodes};
use crate::json_shape::JsonShape;

/// Masks that are kept for a sequence.
const MOST_MASKS: usize = 64;
/// Bytes that a token may have so that a kept mask is still right near the end of the budget.
const LONG_TOKEN: usize = 16;

/// Which tokens may come next, one bit each.
type Mask = Vec<u64>;

/// Holds one sequence to a shape.
pub(super) struct Constraint {
    nodes: Nodes,
    machine: Machine,
    masks: BTreeMap<Machine, Mask>,
}

impl Constraint {
    pub(super) fn new(shape: &JsonShape) -> Self {
        let nodes = Nodes::new(shape);
        Self {
            machine: Machine::new(&nodes),
            nodes,
            masks: BTreeMap::new(),
        }
    }

    /// Whether a whole value has been written, so that the text may end here.
    pub(super) fn may_end(&self) -> bool {
        self.machine.may_end()
    }

    /// Whether nothing can follow.
    pub(super) fn is_done(&self) -> bool {
        self.machine.is_done()
    }

    /// Whether these bytes may come next, with so many tokens left after them.
    pub(super) fn allows(&self, bytes: &[u8], left: usize) -> bool {
        let mut machine = self.machine.clone();
        !bytes.is_empty()
            && bytes.iter().all(|&byte| machine.read(&self.nodes, byte))
            && machine.cost(&self.nodes) <= self.affordable(left)
    }

    /// Bytes that may be needed to come to an end. Where the budget is too small from the start, it
    /// is no reason to refuse anything.
    fn affordable(&self, left: usize) -> usize {
        left.max(self.machine.cost(&self.nodes).saturating_sub(1))
    }

    /// Reads what was chosen.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.machine.read(&self.nodes, byte);
        }
    }

    /// Gives minus infinity to all tokens that may not come next, with so many tokens left after
    /// them. Tokens that end the text are left to the caller.
    pub(super) fn mask(&mut self, vocabulary: &Vocabulary, left: usize, scores: &mut [f32]) {
        let affordable = self.affordable(left);
        let most = self.machine.cost(&self.nodes) + LONG_TOKEN * self.nodes.dearest();
        if affordable >= most && vocabulary.longest() <= LONG_TOKEN {
            let key = self.machine.clone();
            if !self.masks.contains_key(&key) {
                if self.masks.len() >= MOST_MASKS {
                    self.masks.clear();
                }
                let mask = vocabulary.mask(&self.nodes, &self.machine, usize::MAX);
                self.masks.insert(key.clone(), mask);
            }
            apply(&self.masks[&key], scores);
        } else {
            apply(
                &vocabulary.mask(&self.nodes, &self.machine, affordable),
                scores,
            );
        }
    }
}

fn apply(mask: &Mask, scores: &mut [f32]) {
    for (scores, bits) in scores.chunks_mut(64).zip(mask) {
        for (nth, score) in scores.iter_mut().enumerate() {
            if bits >> nth & 1 == 0 {
                *score = f32::NEG_INFINITY;
            }
        }
    }
}

#[cfg(test)]
mod tests;
