//! Rows of a trace in which nothing overlaps.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::Time;
use crate::run::Piece;

/// Which thread of a trace each piece of work is shown in. Threads are numbered from 1, row by row.
pub(super) struct Lanes {
    /// Row and number in that row, by piece.
    places: Vec<(usize, u32)>,
    /// The first thread of each row, and what would be the first of one more.
    firsts: Vec<u32>,
}

/// A row that is being filled.
#[derive(Default)]
struct Row {
    /// End and number of the lanes that are taken.
    busy: BinaryHeap<Reverse<(Time, u32)>>,
    free: BTreeSet<u32>,
    n_lanes: u32,
}

impl Lanes {
    /// Of pieces in the order of their starts; `row_of` says in which row one belongs.
    pub(super) fn of(pieces: &[Piece], n_rows: usize, row_of: impl Fn(&Piece) -> u32) -> Self {
        let mut rows: Vec<_> = (0..n_rows).map(|_| Row::default()).collect();
        let place = |piece: &Piece| {
            let row = row_of(piece) as usize;
            let (start, end) = (Time::of(piece.start), Time::of(piece.end));
            (row, rows[row].lane(start, end))
        };
        let places = pieces.iter().map(place).collect();
        let mut firsts = vec![1];
        for row in &rows {
            // A row without work is shown too.
            let first = firsts[firsts.len() - 1];
            firsts.push(first + row.n_lanes.max(1));
        }
        Self { places, firsts }
    }

    /// The thread of the piece with this position.
    pub(super) fn thread(&self, piece: usize) -> u32 {
        let (row, number) = self.places[piece];
        self.firsts[row] + number
    }

    /// All threads, with their row and number in that row.
    pub(super) fn threads(&self) -> impl Iterator<Item = (u32, usize, u32)> + '_ {
        let rows = self.firsts.windows(2).enumerate();
        rows.flat_map(|(row, ends)| {
            (ends[0]..ends[1]).map(move |thread| (thread, row, thread - ends[0]))
        })
    }
}

impl Row {
    /// The lowest lane that is free from `start`; it is taken until `end`.
    fn lane(&mut self, start: Time, end: Time) -> u32 {
        while let Some(Reverse((until, lane))) = self.busy.peek().copied()
            && until <= start
        {
            self.busy.pop();
            self.free.insert(lane);
        }
        let lane = self.free.pop_first().unwrap_or_else(|| {
            self.n_lanes += 1;
            self.n_lanes - 1
        });
        self.busy.push(Reverse((end, lane)));
        lane
    }
}
