//! Decides in which passes a round goes through the model.

use crate::{ask::Ask, round::Serving};

/// One input of one request in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The request, counted from 0 in the round.
    pub(crate) request: usize,
    /// The input, counted from 0 in its request.
    pub(crate) input: usize,
    /// How many tokens it has.
    pub(crate) tokens: u32,
}

/// Sorts inputs by length and cuts them into passes of at most `budget` tokens.
///
/// Neighbours have about the same length, so that a model that pads pads little. An input above the
/// budget gets a pass of its own.
pub(crate) fn passes(mut items: Vec<Item>, budget: u32) -> Vec<Vec<Item>> {
    items.sort_by_key(|item| (item.tokens, item.request, item.input));
    let mut passes: Vec<Vec<Item>> = Vec::new();
    let mut filled = 0;
    for item in items {
        let tokens = u64::from(item.tokens);
        filled += tokens;
        match passes.last_mut() {
            Some(pass) if filled <= u64::from(budget) => pass.push(item),
            _ => {
                filled = tokens;
                passes.push(vec![item]);
            }
        }
    }
    passes
}

/// The inputs of a round, together where the same is asked of them.
pub(crate) fn by_ask(round: &[Serving]) -> Vec<(Ask, Vec<Item>)> {
    let mut groups: Vec<(Ask, Vec<Item>)> = Vec::new();
    for (request, serving) in round.iter().enumerate() {
        let ask = &serving.request().ask;
        let tokens = serving.waiting.tokens.iter().enumerate();
        let items = tokens.map(|(input, &tokens)| Item {
            request,
            input,
            tokens,
        });
        match groups.iter_mut().find(|(other, _)| other == ask) {
            Some((_, group)) => group.extend(items),
            None => groups.push((ask.clone(), items.collect())),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_keep_every_input_and_the_budget() {
        // Lengths from a small linear congruential generator: any will do, the same each time.
        let mut state = 7u32;
        for n_items in [0, 1, 2, 17, 200] {
            let items: Vec<Item> = (0..n_items)
                .map(|i| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    Item {
                        request: i / 3,
                        input: i % 3,
                        tokens: 1 + (state >> 24),
                    }
                })
                .collect();
            let passes = passes(items.clone(), 128);
            for pass in &passes {
                let tokens: u32 = pass.iter().map(|item| item.tokens).sum();
                assert!(pass.len() == 1 || tokens <= 128, "{pass:?}");
            }
            let mut seen: Vec<_> = passes
                .concat()
                .iter()
                .map(|i| (i.request, i.input))
                .collect();
            seen.sort_unstable();
            let mut all: Vec<_> = items.iter().map(|i| (i.request, i.input)).collect();
            all.sort_unstable();
            assert_eq!(seen, all);
        }
    }
}
