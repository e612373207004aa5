//! Future events, soonest first: the kernel under every simulation here.
//!
//! The loop around it is the caller's: take what [is due](EventQueue::pop_due), handle it, push what
//! comes of it.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use crate::time::SimTime;

/// Future events in order of time; of one instant, in their own order.
///
/// Those that are pushed in order wait in a plain queue, which costs next to nothing; the others in
/// a binary heap. Williams (1964), "Algorithm 232: Heapsort".
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    sorted: VecDeque<(SimTime, E)>,
    heap: BinaryHeap<Reverse<(SimTime, E)>>,
}

impl<E: Copy + Ord> EventQueue<E> {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, at: SimTime, event: E) {
        self.heap.push(Reverse((at, event)));
    }

    /// Adds an event of a kind that mostly comes in order of time, as arrivals do. Those of other
    /// kinds would only be in the way: one that is far ahead sends all after it to the heap.
    #[inline]
    pub fn push_in_order(&mut self, at: SimTime, event: E) {
        if self.sorted.back().is_none_or(|last| *last <= (at, event)) {
            self.sorted.push_back((at, event));
        } else {
            self.push(at, event);
        }
    }

    /// Makes room for so many more events that come in order of time.
    pub fn reserve_in_order(&mut self, n_events: usize) {
        self.sorted.reserve(n_events);
    }

    /// The next event and its instant.
    #[inline]
    pub fn peek(&self) -> Option<(SimTime, E)> {
        match (self.sorted.front(), self.heap.peek()) {
            (None, None) => None,
            (Some(first), None) | (None, Some(Reverse(first))) => Some(*first),
            (Some(a), Some(Reverse(b))) => Some(*a.min(b)),
        }
    }

    /// When the next event comes.
    #[inline]
    pub fn next_at(&self) -> Option<SimTime> {
        let sorted = self.sorted.front().map(|(at, _)| *at);
        match (sorted, self.heap.peek()) {
            (Some(a), Some(Reverse((b, _)))) => Some(a.min(*b)),
            (None, Some(Reverse((b, _)))) => Some(*b),
            (at, None) => at,
        }
    }

    /// Takes the next event out.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        match (self.sorted.front(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) if b < a => {}
            (Some(_), _) => return self.sorted.pop_front(),
            (None, _) => {}
        }
        self.heap.pop().map(|Reverse(first)| first)
    }

    /// Takes the next event out if it comes at or before `now`.
    #[inline]
    pub fn pop_due(&mut self, now: SimTime) -> Option<(SimTime, E)> {
        let at = self.next_at()?;
        if at <= now { self.pop() } else { None }
    }

    /// How many events are to come.
    pub fn len(&self) -> usize {
        self.sorted.len() + self.heap.len()
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E: Ord> Default for EventQueue<E> {
    fn default() -> Self {
        Self {
            sorted: VecDeque::new(),
            heap: BinaryHeap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;
    use crate::streams::Streams;

    #[test]
    fn events_come_as_sorting_puts_them() {
        for seed in 0..500 {
            let mut rng = Streams::new(seed).stream("queue", 0);
            let (mut queue, mut known) = (EventQueue::default(), Vec::new());
            let mut now = 0;
            for n in 0..rng.random_range(1..200_u32) {
                let entry = (SimTime(now + rng.random_range(0..20)), n % 7);
                known.push(entry);
                if rng.random_bool(0.5) {
                    queue.push(entry.0, entry.1);
                } else {
                    queue.push_in_order(entry.0, entry.1);
                }
                if rng.random_bool(0.4) {
                    now += rng.random_range(0..5);
                    known.sort_unstable();
                    while let Some(next) = queue.pop_due(SimTime(now)) {
                        assert_eq!(next, known.remove(0), "seed {seed}");
                    }
                    assert!(known.iter().all(|(at, _)| at.0 > now), "seed {seed}");
                }
                assert_eq!(queue.len(), known.len(), "seed {seed}");
                let next = known.iter().min().copied();
                assert_eq!(queue.peek(), next, "seed {seed}");
                assert_eq!(queue.next_at(), next.map(|(at, _)| at), "seed {seed}");
            }
            known.sort_unstable();
            let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
            assert_eq!(rest, known, "seed {seed}");
            assert!(queue.is_empty());
        }
    }
}
