//! All tokens in the order of their bytes, so that what begins alike is read once.

use super::{Mask, machine::Machine, nodes::Nodes};
use crate::backends::llama::tokens::Tokens;

/// Tokens in the order of their bytes.
pub(in crate::backends::llama) struct Vocabulary {
    n_tokens: usize,
    bytes: Vec<u8>,
    sorted: Vec<Entry>,
    longest: usize,
}

struct Entry {
    token: u32,
    start: u32,
    n_bytes: u16,
    /// How many bytes it has in common with the one before it.
    shared: u16,
}

impl Vocabulary {
    pub(in crate::backends::llama) fn new(tokens: &Tokens) -> Self {
        let n_tokens = tokens.len();
        let mut ids: Vec<u32> = (0..n_tokens as u32)
            .filter(|&id| (1..=usize::from(u16::MAX)).contains(&tokens.bytes(id).len()))
            .collect();
        ids.sort_by_key(|&id| tokens.bytes(id));
        let mut vocabulary = Self {
            n_tokens,
            bytes: Vec::new(),
            sorted: Vec::with_capacity(ids.len()),
            longest: 0,
        };
        let mut before: &[u8] = &[];
        for id in ids {
            let bytes = tokens.bytes(id);
            let shared = bytes.iter().zip(before).take_while(|(a, b)| a == b).count();
            vocabulary.sorted.push(Entry {
                token: id,
                start: vocabulary.bytes.len() as u32,
                n_bytes: bytes.len() as u16,
                shared: shared as u16,
            });
            vocabulary.bytes.extend(bytes);
            vocabulary.longest = vocabulary.longest.max(bytes.len());
            before = bytes;
        }
        vocabulary
    }

    /// Bytes of the longest token.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The tokens that `machine` can read so that it can come to an end in `affordable` more bytes.
    pub(super) fn mask(&self, nodes: &Nodes, machine: &Machine, affordable: usize) -> Mask {
        let mut mask = vec![0; self.n_tokens.div_ceil(64)];
        // The machine after each number of bytes of the present token, as far as it could read.
        let mut after = vec![machine.clone()];
        for entry in &self.sorted {
            // Too short: the token before could not be read even as far as both are alike.
            if usize::from(entry.shared) >= after.len() {
                continue;
            }
            after.truncate(usize::from(entry.shared) + 1);
            let bytes = &self.bytes[entry.start as usize..][..usize::from(entry.n_bytes)];
            let mut can = true;
            for &byte in &bytes[usize::from(entry.shared)..] {
                let mut next = after[after.len() - 1].clone();
                can = next.read(nodes, byte);
                if !can {
                    break;
                }
                after.push(next);
            }
            if can && after[after.len() - 1].cost(nodes) <= affordable {
                mask[entry.token as usize / 64] |= 1 << (entry.token % 64);
            }
        }
        mask
    }
}
