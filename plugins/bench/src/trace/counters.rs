//! Numbers that change in the course of a run.

use super::Time;
use crate::run::{Run, merged};

/// How many pieces of work could have started and waited, at each time at which that changes.
pub(super) fn depth(run: &Run) -> Vec<(Time, u32)> {
    let waits = run.pieces.iter();
    steps(waits.map(|piece| (Time::of(piece.ready), Time::of(piece.start))))
}

/// How many resources worked.
pub(super) fn busy(run: &Run) -> Vec<(Time, u32)> {
    let mut spans = vec![Vec::new(); run.resources.len()];
    for piece in &run.pieces {
        spans[piece.resource as usize].push((piece.start, piece.end));
    }
    let spans = spans.into_iter().flat_map(merged);
    steps(spans.map(|(start, end)| (Time::of(start), Time::of(end))))
}

/// How many spans hold each time, where that changes; begins at 0.
fn steps(spans: impl Iterator<Item = (Time, Time)>) -> Vec<(Time, u32)> {
    let mut changes: Vec<(Time, i64)> = spans
        .filter(|(from, to)| from < to)
        .flat_map(|(from, to)| [(from, 1), (to, -1)])
        .collect();
    changes.sort_unstable();
    let mut steps = vec![(Time(0), 0_u32)];
    let mut n = 0_i64;
    for same in changes.chunk_by(|a, b| a.0 == b.0) {
        n += same.iter().map(|(_, change)| change).sum::<i64>();
        let (at, count) = (same[0].0, u32::try_from(n).unwrap_or(0));
        match steps.last_mut() {
            Some(last) if last.0 == at => last.1 = count,
            Some(last) if last.1 == count => {}
            _ => steps.push((at, count)),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let spans = [(0, 5), (2, 3), (3, 4), (5, 5), (9, 12)];
        let spans = spans.into_iter().map(|(from, to)| (Time(from), Time(to)));
        let found: Vec<_> = steps(spans).into_iter().map(|(at, n)| (at.0, n)).collect();
        assert_eq!(found, [(0, 1), (2, 2), (4, 1), (5, 0), (9, 1), (12, 0)]);
    }
}
