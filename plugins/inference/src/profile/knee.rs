//! Finds how many tokens a batch should have: from where on more of them are hardly faster a token.

use std::collections::BTreeMap;

use super::measure::Cell;

/// The share of the best throughput at which a batch is large enough.
const ENOUGH: f64 = 0.95;

/// The fewest tokens of a batch at which, for most lengths, throughput is within 5 % of the best that
/// was measured for that length, with all replicas at work; 0 if nothing was measured.
///
/// A budget beyond this knee makes those wait who could have gone with the batch before, and uses
/// memory, for no more throughput.
pub fn token_budget(cells: &[Cell]) -> u32 {
    let mut by_length: BTreeMap<u32, Vec<(u64, f64)>> = BTreeMap::new();
    let most_at_once = cells.iter().map(|cell| cell.at_once).max();
    let counts = |cell: &&Cell| Some(cell.at_once) == most_at_once && cell.median() > 0.0;
    for cell in cells.iter().filter(counts) {
        let throughput = cell.tokens as f64 / cell.median();
        let of_length = by_length.entry(cell.length).or_default();
        of_length.push((cell.tokens, throughput));
    }
    let mut knees: Vec<u64> = by_length.into_values().filter_map(knee).collect();
    knees.sort_unstable();
    let middle = knees.get(knees.len() / 2).copied().unwrap_or(0);
    u32::try_from(middle).unwrap_or(u32::MAX)
}

fn knee(mut points: Vec<(u64, f64)>) -> Option<u64> {
    points.sort_unstable_by_key(|(tokens, _)| *tokens);
    let best = points.iter().map(|(_, speed)| *speed).fold(0.0, f64::max);
    let enough = points.iter().find(|(_, speed)| *speed >= ENOUGH * best);
    enough.map(|(tokens, _)| *tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_where_throughput_stops_growing() {
        let cell = |batch: u32, length: u32, secs: f64| Cell {
            batch,
            length,
            output: 0,
            at_once: 1,
            tokens: u64::from(batch * length),
            output_tokens: 0,
            secs: vec![secs],
            outliers: vec![false],
        };
        // 10 ms whatever is in it, then 10 µs a token: within 5 % of the limit from 19,000 tokens on.
        let cells: Vec<Cell> = (0..12)
            .flat_map(|n| [8, 16, 32].map(|length| (1 << n, length)))
            .map(|(batch, length)| cell(batch, length, 0.01 + f64::from(batch * length) * 1e-5))
            .collect();
        let budget = token_budget(&cells);
        assert!((8192..=32768).contains(&budget), "{budget}");
        assert_eq!(token_budget(&[]), 0);
        // What takes as long a token alone as in a batch needs no batches.
        let flat: Vec<Cell> = (0..6)
            .map(|n| cell(1 << n, 16, f64::from(16 << n)))
            .collect();
        assert_eq!(token_budget(&flat), 16);
    }
}
