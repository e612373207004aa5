//! The order of parts: predecessors before successors, or the cycle that prevents it.

use std::{cmp::Reverse, collections::BinaryHeap};

/// All nodes of the graph in which `before[n]` must precede `n`: of those that may come next always the
/// smallest first. If there is none, a cycle, each node before the next and the last before the first.
///
/// Kahn, "Topological sorting of large networks", 1962, with a heap so that the order is unique.
pub(crate) fn order(before: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut after = vec![Vec::new(); before.len()];
    let mut n_missing: Vec<usize> = before.iter().map(Vec::len).collect();
    for (node, predecessors) in before.iter().enumerate() {
        for &predecessor in predecessors {
            after[predecessor].push(node);
        }
    }
    let mut free: BinaryHeap<_> = (0..before.len())
        .filter(|node| n_missing[*node] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(Reverse(node)) = free.pop() {
        order.push(node);
        for &successor in &after[node] {
            n_missing[successor] -= 1;
            if n_missing[successor] == 0 {
                free.push(Reverse(successor));
            }
        }
    }
    match n_missing.iter().position(|n| *n > 0) {
        None => Ok(order),
        Some(stuck) => Err(cycle(before, &n_missing, stuck)),
    }
}

/// A cycle among the nodes that never became free. Each of them has a predecessor that did not either, so
/// walking back from `stuck` must meet a node again.
fn cycle(before: &[Vec<usize>], n_missing: &[usize], stuck: usize) -> Vec<usize> {
    let mut met_at = vec![None; before.len()];
    let mut walk = Vec::new();
    let mut node = stuck;
    loop {
        if let Some(start) = met_at[node] {
            let mut cycle = walk.split_off(start);
            cycle.reverse();
            let smallest = (0..cycle.len())
                .min_by_key(|at| cycle[*at])
                .unwrap_or_default();
            cycle.rotate_left(smallest);
            return cycle;
        }
        met_at[node] = Some(walk.len());
        walk.push(node);
        match before[node]
            .iter()
            .find(|predecessor| n_missing[**predecessor] > 0)
        {
            Some(predecessor) => node = *predecessor,
            None => return walk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &[&[usize]], expect: Result<&[usize], &[usize]>) {
        let before: Vec<Vec<usize>> = before.iter().map(|nodes| nodes.to_vec()).collect();
        assert_eq!(
            order(&before).as_deref().map_err(Vec::as_slice),
            expect,
            "{before:?}"
        );
    }

    #[test]
    fn orders_and_cycles() {
        check(&[], Ok(&[]));
        check(&[&[], &[]], Ok(&[0, 1]));
        check(&[&[2], &[0], &[]], Ok(&[2, 0, 1]));
        check(&[&[1, 2], &[2], &[]], Ok(&[2, 1, 0]));
        check(&[&[0]], Err(&[0]));
        check(&[&[1], &[0]], Err(&[0, 1]));
        check(&[&[], &[0, 3], &[1], &[2]], Err(&[1, 2, 3]));
        check(&[&[1], &[2], &[1]], Err(&[1, 2]));
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let n = 200_000;
        let chain: Vec<Vec<usize>> = (0..n)
            .map(|node| if node == 0 { vec![] } else { vec![node - 1] })
            .collect();
        assert_eq!(order(&chain).unwrap().len(), n);
        let ring: Vec<Vec<usize>> = (0..n).map(|node| vec![(node + n - 1) % n]).collect();
        assert_eq!(order(&ring).unwrap_err().len(), n);
    }
}
